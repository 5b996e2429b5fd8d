"""Noise suppression and gain, by WebRTC (the extra `enhancement`).

Off by default: it makes noisy speech pleasant for people, and harder for Whisper (ADR 0067).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import DependencyMissingError

FRAME = RATE_HZ // 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancementSettings:
    noise_level: int | None = 1
    """0 to 3: up to 6, 12, 18 or 21 dB; None suppresses nothing."""
    gain: bool = False
    """Bring quiet speech to an even level."""
    max_gain_db: float = 30.0


def webrtc() -> Any:  # noqa: ANN401 - the library has stubs, yet is not always installed
    """Raises DependencyMissingError."""
    try:
        return importlib.import_module("pywebrtc_audio")
    except ImportError as error:
        raise DependencyMissingError(
            "The package pywebrtc-audio is not installed. Run: pip install 'alicia[enhancement]'",
            package="pywebrtc-audio",
        ) from error


class Enhancer:
    """One microphone's: it learns its noise and level as it hears them. Not for two threads."""

    def __init__(self, settings: EnhancementSettings | None = None) -> None:
        """Raises DependencyMissingError."""
        settings = settings or EnhancementSettings()
        self._processor: Any = webrtc().AudioProcessor(
            RATE_HZ,
            1,
            noise_suppression=settings.noise_level is not None,
            ns_level=settings.noise_level or 0,
            high_pass_filter=True,
            auto_gain_control=settings.gain,
            agc_max_gain_db=settings.max_gain_db,
        )
        self._pending = np.zeros(0, np.int16)

    def process(self, pcm: Pcm) -> Pcm:
        """What is complete, in frames of 10 ms; the rest comes with the next call."""
        pending = np.concatenate([self._pending, pcm])
        whole = len(pending) // FRAME * FRAME
        self._pending = pending[whole:]
        if not whole:
            return np.zeros(0, np.int16)
        frames = [
            self._processor.process(np.ascontiguousarray(pending[at : at + FRAME]))
            for at in range(0, whole, FRAME)
        ]
        return np.concatenate(frames).astype(np.int16, copy=False)
