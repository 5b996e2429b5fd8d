"""Earcons: short tones that say what is happening without a word. Made, not stored."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm

LOUDNESS = 0.18
"""Of full scale: clearly below speech."""
FADE_S = 0.008


class Earcon(StrEnum):
    WAKE = "wake"
    """I am listening."""
    END = "end"
    """I have heard you."""
    ERROR = "error"
    """It did not work."""
    NOT_UNDERSTOOD = "not_understood"
    """I heard you, but not what you mean."""
    ANNOUNCEMENT = "announcement"
    """Somebody has something to say to you."""


_NOTES: dict[Earcon, tuple[tuple[float, float], ...]] = {
    Earcon.WAKE: ((660, 0.06), (880, 0.08)),
    Earcon.END: ((880, 0.05),),
    Earcon.ERROR: ((330, 0.12), (247, 0.18)),
    Earcon.NOT_UNDERSTOOD: ((440, 0.09), (415, 0.12)),
    Earcon.ANNOUNCEMENT: ((523, 0.12), (659, 0.12), (784, 0.2)),
}
"""Frequency in Hz and length in s of each note."""


@lru_cache(maxsize=len(Earcon))
def tone(earcon: Earcon) -> Pcm:
    """The earcon: 16 kHz mono."""
    return np.concatenate([_note(frequency, length) for frequency, length in _NOTES[earcon]])


def _note(frequency: float, length_s: float) -> Pcm:
    at = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    wave = np.sin(2 * np.pi * frequency * at) + 0.2 * np.sin(4 * np.pi * frequency * at)
    edge = np.minimum(at, at[::-1]) / FADE_S
    return (wave / 1.2 * np.clip(edge, 0, 1) * LOUDNESS * 32_767).astype(np.int16)
