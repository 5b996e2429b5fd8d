"""Playing: what is to sound, in a queue that a speaker pulls from, block by block.

    feed ─▶ PlayQueue ─▶ pull (the sound card's clock, or a simulated room's)

Thread-safe: a sound card pulls from a thread of its own. What is not pulled yet can be taken back,
which is what makes an interruption quick.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import soxr

from alicia.audio.formats import Pcm, from_bytes

DUCKED = 0.1
"""How loud it still is while somebody may be speaking over it: -20 dB."""
RAMP_S = 0.005
"""A change of loudness takes this long: a jump is a click."""


class PlayQueue:
    """One speaker's queue, at the rate that the speaker has."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.on_drained: Callable[[], object] = _nothing
        """Called, from the thread that pulls, when all that was fed has sounded."""
        self._lock = threading.Lock()
        self._pieces: list[Pcm] = []
        self._waiting = 0
        self._sounded = 0
        self._open = False
        self._volume = 1.0
        self._ducked = False
        self._gain = 1.0
        self._resampler: soxr.ResampleStream | None = None
        self._from_hz = 0

    @property
    def playing(self) -> bool:
        """Whether something sounds, or is still to come."""
        return self._open or self._waiting > 0

    @property
    def sounded_ms(self) -> float:
        """How much has sounded since `start`."""
        return self._sounded * 1000 / self.rate_hz

    def start(self, *, volume: float = 1.0) -> None:
        """Something new, in place of what sounds."""
        with self._lock:
            self._clear()
            self._open, self._sounded = True, 0
            self._volume, self._ducked = volume, False
            self._gain = volume

    def feed(self, pcm: bytes | Pcm, rate_hz: int) -> None:
        """More of it: mono s16le at any rate. Nothing once it was stopped."""
        samples = from_bytes(pcm) if isinstance(pcm, bytes) else pcm
        with self._lock:
            if self._open and len(samples):
                self._put(self._resampled(samples, rate_hz))

    def finish(self) -> None:
        """Nothing follows."""
        with self._lock:
            if not self._open:
                return
            if self._resampler is not None:
                self._put(self._resampler.resample_chunk(np.empty(0, np.int16), last=True))
                self._resampler = None
            self._open = False
            drained = self._waiting == 0
        if drained:
            self.on_drained()

    def stop(self) -> float:
        """Silence from the next block on; how many ms had sounded."""
        with self._lock:
            self._clear()
            sounded = self.sounded_ms
        self.on_drained()
        return sounded

    def duck(self, *, on: bool) -> None:
        """Softer, or as before."""
        self._ducked = on

    def pull(self, count: int) -> Pcm:
        """The next samples to sound; silence where there are none."""
        out = np.zeros(count, np.int16)
        with self._lock:
            was_waiting = self._waiting
            filled = 0
            while filled < count and self._pieces:
                piece = self._pieces[0]
                taken = min(count - filled, len(piece))
                out[filled : filled + taken] = piece[:taken]
                filled += taken
                if taken == len(piece):
                    self._pieces.pop(0)
                else:
                    self._pieces[0] = piece[taken:]
            self._waiting -= filled
            self._sounded += filled
            drained = was_waiting > 0 and self._waiting == 0 and not self._open
            out = self._at_volume(out)
        if drained:
            self.on_drained()
        return out

    def _at_volume(self, samples: Pcm) -> Pcm:
        target = self._volume * (DUCKED if self._ducked else 1.0)
        if self._gain == target == 1.0:
            return samples
        ramp = min(len(samples), int(RAMP_S * self.rate_hz))
        gains = np.full(len(samples), target, np.float32)
        gains[:ramp] = np.linspace(self._gain, target, ramp, dtype=np.float32)
        self._gain = target
        return (samples * gains).astype(np.int16)

    def _put(self, samples: Pcm) -> None:
        if len(samples):
            self._pieces.append(samples)
            self._waiting += len(samples)

    def _resampled(self, samples: Pcm, rate_hz: int) -> Pcm:
        if rate_hz == self.rate_hz:
            return samples
        if self._resampler is None or self._from_hz != rate_hz:
            self._resampler = soxr.ResampleStream(rate_hz, self.rate_hz, 1, dtype="int16")
            self._from_hz = rate_hz
        return self._resampler.resample_chunk(samples)

    def _clear(self) -> None:
        self._pieces.clear()
        self._waiting = 0
        self._open = False
        self._resampler = None


def _nothing() -> None:
    """Nobody waits for it."""
