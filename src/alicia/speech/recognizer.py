"""What an engine for speech to text offers, and what it hears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alicia.audio.formats import Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerCapabilities:
    """What a recognizer can do, as data: nobody asks which engine it is."""

    languages: frozenset[str]
    streaming: bool = False
    """It decodes while it is fed; otherwise each guess decodes the speech so far anew."""
    partials: bool = True
    """Its guess at an unfinished sentence is worth showing."""
    word_times: bool = False
    detects_language: bool = False
    weighs: bool = False
    """It can tell which of several sentences was said (`weigh`)."""
    max_s: float = 29.0
    """The longest speech it takes."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What was said, as far as it is known."""

    text: str
    language: str
    confidence: float
    """From 0 to 1: how sure the engine is of these words *and* that there was speech at all."""
    final: bool = False
    alternatives: tuple[str, ...] = ()
    language_probability: float = 1.0
    """How sure it is of the language; 1 where it was told."""


class Recognizer(Protocol):
    """Speech to text. Owns its threads; the event loop stays free."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> RecognizerCapabilities: ...

    @property
    def busy(self) -> bool:
        """It is at work: what nobody waits for would make somebody wait."""
        ...

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        """What is said in this audio, mono at 16 kHz; no text where nothing is said.

        No language means: find out which, where the engine can; `expected` tells how likely each
        is before anything was heard (no more than these are considered). Who is waited for asks
        with `urgent` and comes before others. Cancelling it frees the caller at once.

        Raises:
            UnsupportedLanguageError: it can't do that language.
            EngineError: it failed.
        """
        ...

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        """How well each text fits this audio: the logarithm of its likelihood.

        Figures of one call compare with each other alone.

        Raises:
            UnsupportedLanguageError: it can't do that language, or can't weigh at all.
            EngineError: it failed.
        """
        ...

    async def aclose(self) -> None:
        """Free the model and the threads."""
        ...
