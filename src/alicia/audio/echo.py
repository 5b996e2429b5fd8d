"""Echo: taking what a speaker plays out of what the microphone beside it hears."""

from __future__ import annotations

from typing import Any

import numpy as np

from alicia.audio.enhancement import FRAME, webrtc
from alicia.audio.formats import RATE_HZ, Pcm


class EchoCanceller:
    """WebRTC's AEC3 (the extra `enhancement`). One for each pair of microphone and speaker."""

    def __init__(self, *, delay_ms: int = 0) -> None:
        """`delay_ms`: about how much later the speaker is heard than it is handed over.

        Raises DependencyMissingError.
        """
        self._canceller: Any = webrtc().EchoCanceller(RATE_HZ, 1, stream_delay_ms=delay_ms)
        self._mic = np.zeros(0, np.int16)
        self._far = np.zeros(0, np.int16)

    def process(self, mic: Pcm, far: Pcm) -> Pcm:
        """What the microphone hears, without what the speaker plays meanwhile.

        Both at 16 kHz and equally long; frames of 10 ms come back when they are complete.
        """
        self._mic, self._far = np.concatenate([self._mic, mic]), np.concatenate([self._far, far])
        whole = min(len(self._mic), len(self._far)) // FRAME * FRAME
        frames = [
            self._canceller.process(
                np.ascontiguousarray(self._mic[at : at + FRAME]),
                np.ascontiguousarray(self._far[at : at + FRAME]),
            )
            for at in range(0, whole, FRAME)
        ]
        self._mic, self._far = self._mic[whole:], self._far[whole:]
        return np.concatenate(frames).astype(np.int16) if frames else np.zeros(0, np.int16)


def erle_db(mic: Pcm, left: Pcm) -> float:
    """Echo return loss enhancement: how much quieter the echo became."""
    before = float(np.mean(mic.astype(np.float64) ** 2))
    after = float(np.mean(left.astype(np.float64) ** 2))
    return 10 * float(np.log10((before + 1e-9) / (after + 1e-9)))
