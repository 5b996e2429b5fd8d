"""Reassembly: frames as they come, to the samples as they were said.

A frame that comes too early waits for the ones before it; a short gap is filled, a long one is a
loss that only its sender can mend.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from alicia.audio.formats import from_bytes
from alicia.errors import AudioLostError

WINDOW = 10
"""Frames that may overtake one: 200 ms of 20 ms frames."""
FILLED = 5
"""Frames in a row that are made up: 100 ms is shorter than a syllable."""


@dataclass(slots=True)
class Reassembly:
    """One stream of numbered frames."""

    window: int = WINDOW
    filled: int = FILLED
    made_up: int = 0
    """Frames that were lost and are filled."""
    over: bool = False
    """The last frame was given out."""
    _expected: int = 0
    _early: dict[int, bytes] = field(default_factory=dict[int, bytes])
    _last: int | None = None
    """Number of the last frame, once it is known."""
    _before: bytes = b""
    """The frame given out before."""

    @property
    def expected(self) -> int:
        """The number of the next frame."""
        return self._expected

    @property
    def ending(self) -> bool:
        """The last frame is here, one before it not: it is on its way, or lost."""
        return self._last is not None and not self.over

    def put(self, sequence: int, pcm: bytes, *, last: bool = False) -> list[bytes]:
        """What can be given out now, in order. Raises AudioLostError for a long gap."""
        if sequence < self._expected or sequence in self._early:
            return []
        self._early[sequence] = pcm
        if last:
            self._last = sequence
        out = self._in_order()
        while self._early and max(self._early) - self._expected >= self.window:
            out += self._fill()
            out += self._in_order()
        return out

    def flush(self) -> list[bytes]:
        """Wait no longer for what is missing before the last frame. Raises AudioLostError."""
        out: list[bytes] = []
        while self._early:
            out += self._fill()
            out += self._in_order()
        return out

    def _in_order(self) -> list[bytes]:
        out: list[bytes] = []
        while (pcm := self._early.pop(self._expected, None)) is not None:
            out.append(pcm)
            self._before = pcm or self._before
            self.over = self._expected == self._last
            self._expected += 1
        return out

    def _fill(self) -> list[bytes]:
        gap = min(self._early) - self._expected
        if gap > self.filled:
            raise AudioLostError(missing=self._expected, got=min(self._early))
        like = self._before or self._early[min(self._early)]
        out = [_fading(like), *[bytes(len(like))] * (gap - 1)]
        self._expected += gap
        self.made_up += gap
        return out


def _fading(pcm: bytes) -> bytes:
    """The frame before once more, fading out: silence alone would be a click."""
    samples = from_bytes(pcm)
    faded = samples * np.linspace(1.0, 0.0, len(samples), dtype=np.float32)
    return faded.astype(np.int16).tobytes()
