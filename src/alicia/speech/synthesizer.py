"""What an engine for text to speech offers, and the order in which engines are tried."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from alicia.audio.formats import Pcm, from_bytes
from alicia.errors import EngineError, SetupError, UnsupportedLanguageError

PEAK = 0.7
"""How loud the loudest sample is, of full scale: voices sound alike, and nothing clips."""
_LEAD_S = 0.01
_QUIET = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizerCapabilities:
    """What a synthesizer can do, as data: nobody asks which engine it is."""

    languages: frozenset[str]
    rate_hz: int
    streaming: bool = False
    """The first clause comes before the last is made."""
    natural: bool = True
    """It sounds like a person."""


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
    def capabilities(self) -> SynthesizerCapabilities: ...

    def speak(self, text: str, language: str) -> AsyncGenerator[Speech, None]:
        """The speech, clause by clause. Leave with `contextlib.aclosing` when stopping early.

        Raises:
            UnsupportedLanguageError: it can't do that language.
            EngineError: it failed.
        """
        ...

    async def aclose(self) -> None:
        """End its processes."""
        ...


class SynthesizerChain:
    """Engines in order of preference: the first that speaks the language and works."""

    def __init__(self, engines: Sequence[Synthesizer]) -> None:
        self._engines = tuple(engines)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset().union(*(engine.capabilities.languages for engine in self._engines))

    async def speak(self, text: str, language: str) -> AsyncGenerator[Speech, None]:
        """The speech, by the first engine that can; an engine that began must also finish.

        Raises:
            UnsupportedLanguageError: no engine does that language.
            EngineError: all that do failed; or the one that had begun.
        """
        failure: Exception = UnsupportedLanguageError(language=language)
        for engine in self._engines:
            if language not in engine.capabilities.languages:
                continue
            begun = False
            try:
                async with aclosing(engine.speak(text, language)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except (EngineError, SetupError) as error:
                if begun:
                    raise
                failure = error
            else:
                return
        raise failure

    async def aclose(self) -> None:
        for engine in self._engines:
            await engine.aclose()


def polished(pcm: bytes, rate_hz: int) -> bytes:
    """The speech at one loudness, starting at once: engines lead with 60 to 400 ms of silence."""
    samples: Pcm = from_bytes(pcm)
    level = np.abs(samples.astype(np.float32)) / 32_768
    if not len(level) or level.max() < _QUIET:
        return pcm
    first = int(np.flatnonzero(level > _QUIET * level.max())[0])
    kept = samples[max(0, first - int(_LEAD_S * rate_hz)) :].astype(np.float32)
    return (kept * (PEAK / float(level.max()))).astype("<i2").tobytes()
