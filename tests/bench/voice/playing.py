"""Plays a recording as a microphone would hear it, and remembers when its speech was over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import numpy as np
from tests.bench.voice.labels import Recording
from tests.bench.voice.speech_end import bounds_s

from alicia.audio.formats import RATE_HZ

FRAME_S = 0.02
FRAME = int(RATE_HZ * FRAME_S)
SILENCE_S = 20.0


class Player:
    """Frames of 20 ms in real time, then silence as quiet as the room in the recording."""

    def __init__(self, recording: Recording) -> None:
        self._pcm = recording.pcm
        marked = recording.label.speech_end_ms
        self.speech_end_s = bounds_s(recording.pcm)[1] if marked is None else marked / 1000
        self.started_at = 0.0
        """When the first sample was heard, in seconds since the epoch."""

    @property
    def speech_end_at(self) -> float:
        """When the last sample of speech was heard."""
        return self.started_at + self.speech_end_s

    async def frames(self) -> AsyncGenerator[bytes, None]:
        silence = self._room()
        count = -(-len(self._pcm) // FRAME)
        self.started_at, started = time.time(), time.monotonic()
        for number in range(count + int(SILENCE_S / FRAME_S)):
            due = started + (number + 1) * FRAME_S
            if (pause := due - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            frame = self._pcm[number * FRAME : (number + 1) * FRAME]
            missing = FRAME - len(frame)
            at = number * FRAME % (len(silence) - FRAME)
            yield np.concatenate([frame, silence[at : at + missing]]).astype("<i2").tobytes()

    def _room(self) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        """A second of noise at the level of the recording's quietest tenth, at most -60 dB."""
        whole = len(self._pcm) - len(self._pcm) % 160
        frames = self._pcm[:whole].astype(np.float64).reshape(-1, 160)
        level = np.sqrt(np.mean(frames**2, axis=1))
        quiet = float(np.percentile(level, 10)) if len(level) else 0.0
        noise = np.random.default_rng(7).normal(0, min(quiet, 32.0), RATE_HZ)
        return np.round(noise).astype(np.int16)
