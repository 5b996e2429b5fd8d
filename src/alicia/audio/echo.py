"""Echo: a microphone beside a speaker hears the reply too; this takes it out again.

The one module that touches `pywebrtc-audio` (the extra `satellite`), imported when it is used.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import DependencyMissingError


class EchoCanceller(Protocol):
    """Streaming, 16 kHz; remembers the room, so one per microphone."""

    def clean(self, microphone: Pcm, played: Pcm) -> Pcm:
        """What was heard, without what was played at the time. Blocks of 10 ms or more of them."""
        ...


class WebRtcEchoCanceller:
    """AEC3 of WebRTC. Raises DependencyMissingError."""

    def __init__(self) -> None:
        try:
            library: Any = importlib.import_module("pywebrtc_audio")
        except ImportError as error:
            raise DependencyMissingError(
                "Speaking over the reply needs the package pywebrtc-audio. "
                "Run: pip install 'alicia[satellite]'",
                package="pywebrtc-audio",
            ) from error
        self._canceller: Any = library.EchoCanceller(RATE_HZ, 1, 0)

    def clean(self, microphone: Pcm, played: Pcm) -> Pcm:
        return self._canceller.process(microphone, played)


class NoEchoCanceller:
    """For a microphone that can't hear the speaker: headphones, or a device that cancels itself."""

    def clean(self, microphone: Pcm, played: Pcm) -> Pcm:
        del played
        return microphone


def erle_db(microphone: Pcm, cleaned: Pcm) -> float:
    """Echo return loss enhancement: how much quieter the echo became."""
    before = float(np.mean(microphone.astype(np.float64) ** 2))
    after = float(np.mean(cleaned.astype(np.float64) ** 2))
    return 10 * float(np.log10((before + 1e-9) / (after + 1e-9)))
