"""What an engine for text to speech offers, and what is done to all speech alike."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from alicia.audio.formats import from_bytes
from alicia.audio.loudness import levelled

RATES = (0.5, 2.0)
PITCHES = (0.5, 2.0)
VOLUMES_DB = (-20.0, 6.0)
_LEAD_S, _TAIL_S, _SENTENCE_S = 0.01, 0.12, 0.22
_QUIET = 0.01
_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…")


@dataclass(frozen=True, slots=True)
class Style:
    """How it is said; 1 is the voice's own way."""

    rate: float = 1.0
    pitch: float = 1.0
    volume_db: float = 0.0

    @property
    def key(self) -> tuple[float, float, float]:
        """What tells two styles apart: nobody hears a smaller difference."""
        return round(self.rate, 2), round(self.pitch, 2), round(self.volume_db, 1)

    def bounded(self) -> "Style":
        """Within what a voice can still be understood at."""
        return Style(
            rate=min(max(self.rate, RATES[0]), RATES[1]),
            pitch=min(max(self.pitch, PITCHES[0]), PITCHES[1]),
            volume_db=min(max(self.volume_db, VOLUMES_DB[0]), VOLUMES_DB[1]),
        )


PLAIN = Style()


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizerCapabilities:
    """What a synthesizer can do, as data: nobody asks which engine it is."""

    languages: frozenset[str]
    rate_hz: int
    streaming: bool = False
    """The first clause comes before the last is made."""
    sound: str = "natural"
    """`natural`: like a person; `synthetic`: clear, and heard to be made; `robotic`."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of speech: mono s16le PCM."""

    pcm: bytes
    rate_hz: int
    text: str
    """The clause that it says."""


class Synthesizer(Protocol):
    """Text to speech."""

    @property
    def name(self) -> str: ...

    @property
    def voice(self) -> str:
        """Engine, voice and version: the same name means the same sound."""
        ...

    @property
    def capabilities(self) -> SynthesizerCapabilities: ...

    async def clause(self, text: str, language: str, style: Style = PLAIN) -> Speech | None:
        """One clause whose numbers and signs are words already; None where nothing is said.

        Raises:
            UnsupportedLanguageError: it can't do that language.
            EngineError: it failed.
        """
        ...

    def speak(self, text: str, language: str, style: Style = PLAIN) -> AsyncGenerator[Speech, None]:
        """The speech, clause by clause. Leave with `contextlib.aclosing` when stopping early.

        Raises:
            UnsupportedLanguageError: it can't do that language.
            EngineError: it failed.
        """
        ...

    async def aclose(self) -> None:
        """End its processes."""
        ...


def polished(pcm: bytes, rate_hz: int, text: str = "") -> bytes:
    """The speech at one loudness, starting at once, with the pause after it that its end asks for.

    Engines lead with 60 to 400 ms of silence, and trail off with as much.
    """
    samples = from_bytes(pcm)
    level = np.abs(samples.astype(np.float32)) / 32_768
    if not len(level) or level.max() < _QUIET:
        return pcm
    loud = np.flatnonzero(level > _QUIET * level.max())
    first = max(0, int(loud[0]) - int(_LEAD_S * rate_hz))
    pause = int((_SENTENCE_S if text.rstrip().endswith(_SENTENCE_ENDS) else _TAIL_S) * rate_hz)
    last = int(loud[-1]) + 1
    kept = levelled(samples[first : min(len(samples), last + pause)], rate_hz)
    missing = pause - (min(len(samples), last + pause) - last)
    return kept.tobytes() + bytes(2 * missing)


def silence(seconds: float, rate_hz: int) -> Speech:
    return Speech(bytes(2 * int(seconds * rate_hz)), rate_hz, "")


def shifted(pcm: bytes, factor: float) -> bytes:
    """Pitch and speed together, by that factor, as a record played faster."""
    return pcm if factor == 1 else resampled(pcm, 1000 * factor, 1000)


def resampled(pcm: bytes, from_hz: float, to_hz: float) -> bytes:
    import soxr  # noqa: PLC0415 - heavy

    moved = soxr.resample(from_bytes(pcm).astype(np.float32), from_hz, to_hz, quality="HQ")
    return np.clip(np.rint(moved), -32_768, 32_767).astype("<i2").tobytes()


def louder(pcm: bytes, volume_db: float) -> bytes:
    """Louder or quieter; what would clip is held at full scale."""
    if not volume_db:
        return pcm
    samples = from_bytes(pcm).astype(np.float32) * 10 ** (volume_db / 20)
    return np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes()
