"""Echo: a microphone beside a speaker hears the reply too; this takes it out again.

The one module that touches `pywebrtc-audio` (the extra `satellite`), imported when it is used.
"""

from __future__ import annotations

import importlib
from collections import deque
from typing import Any, Protocol

from alicia.audio.formats import RATE_HZ, Pcm, level_db
from alicia.errors import DependencyMissingError

GAUGED = 100
"""Blocks of 10 ms with something loud in them, before a canceller is trusted: AEC3 takes tones away
at once, and speech only after it has heard some (1.5 s in a simulated room)."""
LOUD_DB, FAINT_DB, TAKEN_DB = -40.0, -55.0, 10.0


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


class EchoGauge:
    """Tells when a canceller knows the room, from what it does to what was played."""

    def __init__(self) -> None:
        self.learned = False
        self._good: deque[bool] = deque(maxlen=GAUGED)

    def put(self, microphone: Pcm, played: Pcm, cleaned: Pcm) -> None:
        """A block of each; those in which little was played tell nothing."""
        if self.learned or level_db(played) < LOUD_DB:
            return
        left = level_db(cleaned)
        self._good.append(left < FAINT_DB or level_db(microphone) - left > TAKEN_DB)
        self.learned = sum(self._good) >= GAUGED * 9 // 10
