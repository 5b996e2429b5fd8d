"""What an engine for speech to text offers, and what it hears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import UnsupportedLanguageError, UtteranceTooLongError


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerCapabilities:
    """What a recognizer can do, as data: nobody asks which engine it is."""

    languages: frozenset[str]
    streaming: bool = False
    """It decodes while it is fed; otherwise each guess decodes the speech so far anew."""
    partials: bool = True
    """Its guess at an unfinished sentence is worth showing."""
    word_times: bool = False
    """Its final guess tells when each word was said."""
    detects_language: bool = False
    closed: bool = False
    """It only knows the sentences of this home: no text means that none of them was said."""
    weighs: bool = False
    """It can tell which of several sentences was said (`weigh`)."""
    max_s: float = 29.0
    """The longest speech it takes."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, and when it was said, counted from the first sample."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Guess:
    """What was said, as far as it is known."""

    text: str
    language: str
    confidence: float
    """From 0 to 1: how sure the engine is of these words *and* that there was speech at all."""
    final: bool = False
    alternatives: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()
    """Where the engine has `word_times`."""
    engine: str = ""
    """The recognizer that answered, where a chain did not ask its first one."""
    language_probability: float = 1.0
    """How sure it is of the language; 1 where it was told."""
    rank: int = 0
    """Not 0 for what was only nearly heard: an alternative, or what a wider search came to."""
    hears_plurals: bool = True
    """Whether "light" is to be told from "lights": not every engine hears the last sound."""


class Described(Protocol):
    """Something that hears, by its name and what it can do."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> RecognizerCapabilities: ...


class Recognizer(Described, Protocol):
    """Speech to text. Owns its threads; the event loop stays free."""

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

    async def reconsider(self, pcm: Pcm, language: str, *, wider: bool = True) -> Guess | None:
        """A second opinion, by another engine or, where that may be, by a wider search.

        None: there is none. Its alternatives are nearly as likely as its text.

        Raises:
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


class RecognizerStream(Protocol):
    """One utterance, decoded while it is fed. One caller at a time."""

    async def feed(self, pcm: Pcm) -> Guess | None:
        """Hear more of it. A guess where it differs from the last one.

        Raises:
            EngineError: it failed.
        """
        ...

    async def finish(self) -> Guess:
        """What was said in all, final. Nothing is fed after it.

        Raises:
            EngineError: it failed.
        """
        ...

    async def aclose(self) -> None:
        """Free what it holds. May be called twice, and before `finish`."""
        ...


class Streams(Described, Protocol):
    """Begins utterances that are decoded while they are fed."""

    def open(self, language: str | None) -> RecognizerStream:
        """Begin an utterance.

        Raises:
            UnsupportedLanguageError: it can't do that language.
        """
        ...


class StreamingRecognizer(Streams, Recognizer, Protocol):
    """A recognizer whose capabilities say `streaming`."""


async def transcribe_as_stream(recognizer: "Streams", pcm: Pcm, language: str | None) -> Guess:
    """What `transcribe` is for an engine that streams."""
    require_seconds(recognizer, pcm)
    stream = recognizer.open(language)
    try:
        await stream.feed(pcm)
        return await stream.finish()
    finally:
        await stream.aclose()


def require_language(recognizer: "Described", language: str | None) -> str:
    """The language that it will listen for; where none is named, its only or first one.

    Raises:
        UnsupportedLanguageError: it can't do that language.
    """
    known = recognizer.capabilities.languages
    if language is None:
        return "en" if "en" in known else min(known)
    if language not in known:
        raise UnsupportedLanguageError(language=language, engine=recognizer.name)
    return language


def require_seconds(recognizer: "Described", pcm: Pcm) -> None:
    """Refuse what is longer than the engine takes.

    Raises:
        UtteranceTooLongError: it is.
    """
    seconds, limit_s = len(pcm) / RATE_HZ, recognizer.capabilities.max_s
    if seconds > limit_s:
        raise UtteranceTooLongError(seconds=round(seconds, 1), limit_s=limit_s)
