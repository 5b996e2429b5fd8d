"""Wake words that were trained here: a small network over the speech embedding."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import Pcm
from alicia.errors import SetupError
from alicia.speech.wake import Detection, Refractory, Smoothed, WakeWordCapabilities, moved
from alicia.speech.wake_embedding import SIZE, STEP, Embeddings, WakeEmbedder

SHIPPED = Path(__file__).with_name("data")
"""Words that Alicia brings."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class TrainedWord:
    """The network of one word: standardized embeddings, one hidden layer, a probability."""

    word: str
    steps: int
    """How many embeddings it looks at."""
    threshold: float
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    out: NDArray[np.float32]
    out_bias: float
    report: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was measured when it was trained."""

    def scores(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """One for each embedding that has `steps` behind it, itself included."""
        if len(embeddings) < self.steps:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(embeddings, self.steps, axis=0)
        flat = np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(-1, self.steps * SIZE)
        seen = np.maximum(0, ((flat - self.mean) * self.scale) @ self.hidden + self.hidden_bias)
        return (1 / (1 + np.exp(-np.clip(seen @ self.out + self.out_bias, -40, 40)))).astype(
            np.float32
        )

    def to_bytes(self) -> bytes:
        about = {
            "format": _FORMAT,
            "word": self.word,
            "steps": self.steps,
            "threshold": self.threshold,
            "out_bias": self.out_bias,
            "report": self.report,
        }
        file = io.BytesIO()
        np.savez_compressed(
            file,
            about=np.frombuffer(json.dumps(about).encode(), np.uint8),
            mean=self.mean.astype(np.float16),
            scale=self.scale.astype(np.float16),
            hidden=self.hidden.astype(np.float16),
            hidden_bias=self.hidden_bias,
            out=self.out,
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TrainedWord:
        """Raises SetupError."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                if about["format"] != _FORMAT:
                    raise SetupError("A newer Alicia has trained this wake word; train it again.")
                arrays = {
                    name: file[name].astype(np.float32)
                    for name in ("mean", "scale", "hidden", "hidden_bias", "out")
                }
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise SetupError(
                "This is no wake word of Alicia's; train it again.", reason=type(error).__name__
            ) from error
        return cls(
            word=about["word"],
            steps=about["steps"],
            threshold=about["threshold"],
            out_bias=about["out_bias"],
            report=about["report"],
            **arrays,
        )


class TrainedWakeWords:
    """Any number of trained words over one embedding: each more costs next to nothing."""

    def __init__(
        self, words: list[TrainedWord], embedder: WakeEmbedder, *, sensitivity: float = 0.0
    ) -> None:
        self._words = words
        self._embedder = embedder
        self._sensitivity = sensitivity
        self._refractory = Refractory()
        self.capabilities = WakeWordCapabilities(
            words=frozenset(word.word for word in words),
            languages=frozenset(),
            trainable=True,
        )
        self.reset()

    def feed(self, pcm: Pcm) -> list[Detection]:
        found: list[Detection] = []
        for embedding in self._ear.feed(pcm):
            self._at += STEP
            self._kept = np.concatenate([self._kept, embedding[None]])[-self._most :]
            for word, smoothed in zip(self._words, self._smoothed, strict=True):
                scores = word.scores(self._kept[-word.steps :])
                score = smoothed(float(scores[-1])) if len(scores) else 0.0
                threshold = moved(word.threshold, self._sensitivity)
                if score > threshold and self._refractory.lets(word.word, self._at):
                    found.append(Detection(word.word, round(score, 3), self._at))
        return found

    def reset(self) -> None:
        self._most = max((word.steps for word in self._words), default=1)
        self._ear = self._embedder.ear()
        self._kept = np.zeros((0, SIZE), np.float32)
        self._smoothed = [Smoothed() for _ in self._words]
        self._refractory.reset()
        self._at = 0


class WordShelf:
    """The trained words of a house: a folder of its own, and those that Alicia brings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Those trained here, then those that come with Alicia."""
        here = sorted(path.stem for path in self._folder.glob("*.npz"))
        return [*here, *(name for name in shipped() if name not in here)]

    def is_own(self, name: str) -> bool:
        """Whether it was trained here."""
        return self._path(name).is_file()

    def load(self, name: str) -> TrainedWord:
        """Raises SetupError where there is none of that name."""
        path = self._path(name)
        if not path.is_file():
            path = SHIPPED / f"{_slug(name)}.npz"
        try:
            return TrainedWord.from_bytes(path.read_bytes())
        except FileNotFoundError as error:
            names = ", ".join(self.names()) or "none"
            raise SetupError(
                f"There is no trained wake word {name!r}; there are: {names}. "
                f"To make it: alicia wake train {name}"
            ) from error

    def save(self, word: TrainedWord) -> Path:
        path = self._path(word.word)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(word.to_bytes())
        unfinished.replace(path)
        return path

    def remove(self, name: str) -> bool:
        """Whether there was one that was trained here."""
        path = self._path(name)
        if not path.is_file():
            return False
        path.unlink()
        return True

    def _path(self, name: str) -> Path:
        return self._folder / f"{_slug(name)}.npz"


def shipped() -> list[str]:
    """The words that Alicia brings."""
    return sorted(path.stem for path in SHIPPED.glob("*.npz"))


def _slug(name: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "word"
