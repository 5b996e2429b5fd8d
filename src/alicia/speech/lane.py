"""The command lane: who knows only this home's sentences, beside who knows all words (ADR 0053).

    onset -> fed while the person speaks -> pause -> final text -> judged -> taken, or not

It is there long before the free lane, and makes any sound into one of its sentences. So what it
hears is taken only where it is sure, where it is a whole command, and where it is what the free
lane has heard so far.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from rapidfuzz import fuzz

from alicia.audio.formats import Pcm
from alicia.errors import EngineError
from alicia.speech.closed_grammar import WordGraph, accepts, word_graph
from alicia.speech.english_numbers import ONES, TENS
from alicia.speech.recognizer import Guess, RecognizerStream, Streams

_V = TypeVar("_V")

SURE = 0.95
"""Confidence from which its sentence is taken where the free lane has heard the same so far."""
SURE_ALONE = 0.975
"""The same where the free lane has heard nothing yet."""
_WITHIN_S = 0.25
"""Later than this after the pause began, nobody waits for it."""
_LATE_MS = 300.0
"""A word that ended less than this before the end of its audio may be missing in a guess."""
_ALIKE = 75.0
"""Likeness in percent of two words that may be one."""
_CUT = 70.0
"""The same for the last word, which may be cut off."""


@dataclass(frozen=True, slots=True)
class Decided(Generic[_V]):
    """A sentence that the lane heard, and what its judge says of it."""

    guess: Guess
    verdict: _V
    covered: int
    """The last sample of speech that it knows of."""


class Lane(Generic[_V]):
    """One utterance, followed while it is spoken; it is begun anew where speech goes on."""

    def __init__(
        self,
        streams: Streams,
        language: str | None,
        judge: Callable[[Guess], Awaitable[_V]],
        failed: Callable[[EngineError], None],
    ) -> None:
        self._streams = streams
        self._language = language
        self._judge = judge
        self._failed = failed
        self._audio: asyncio.Queue[Pcm | None] = asyncio.Queue()
        self._covers: int | None = None
        self.running: asyncio.Task[Decided[_V] | None] | None = None
        self._left: set[asyncio.Task[Decided[_V] | None]] = set()

    @property
    def deciding(self) -> bool:
        """A pause began, and what was said until then is not known yet."""
        return self.running is not None and self._covers is not None

    def begin(self, speech: Pcm) -> None:
        """Follow the speech, of which this is the beginning."""
        self.leave()
        self._audio = asyncio.Queue()
        self._covers = None
        self._audio.put_nowait(speech)
        self.running = asyncio.create_task(self._follow(self._audio))

    def add(self, pcm: Pcm) -> None:
        if not self.deciding:
            self._audio.put_nowait(pcm)

    def conclude(self, end: int) -> None:
        """There is a pause after this sample: what was said?"""
        if self.running is not None and not self.deciding:
            self._covers = end
            self._audio.put_nowait(None)
            # Later the free lane is as far, and nobody waits.
            asyncio.get_running_loop().call_later(_WITHIN_S, self.running.cancel)

    def take(self) -> Decided[_V] | None:
        """What was decided, by the work that is done; None: nothing that it knows."""
        running, self.running = self.running, None
        if running is None or running.cancelled() or self._covers is None:
            return None
        decided = running.result()
        if decided is None:
            return None
        return replace(decided, covered=self._covers)

    def leave(self) -> None:
        if self.running is not None:
            self.running.cancel()
            self._left.add(self.running)
            self.running = None

    async def aclose(self) -> None:
        self.leave()
        await asyncio.gather(*self._left, return_exceptions=True)

    async def _follow(self, audio: asyncio.Queue[Pcm | None]) -> Decided[_V] | None:
        try:
            stream = self._streams.open(self._language)
            try:
                while (pcm := await audio.get()) is not None:
                    await stream.feed(pcm)
                guess = await stream.finish()
                if not guess.text or guess.confidence < SURE:
                    return None
                guess = replace(guess, engine=self._streams.name, hears_plurals=False)
                return Decided(guess, await self._judge(guess), 0)
            finally:
                await stream.aclose()
        except EngineError as error:
            self._failed(error)
            return None


class Allowed:
    """Streams that give no other sentence than these, whatever else they know."""

    def __init__(self, streams: Streams, sentences: Iterable[str]) -> None:
        self._streams = streams
        self._graph = word_graph(sentences, lambda _: True)
        self.name = streams.name
        self.capabilities = streams.capabilities

    def open(self, language: str | None) -> RecognizerStream:
        return _AllowedStream(self._streams.open(language), self._graph)


class _AllowedStream:
    def __init__(self, stream: RecognizerStream, graph: WordGraph) -> None:
        self._stream = stream
        self._graph = graph

    async def feed(self, pcm: Pcm) -> Guess | None:
        guess = await self._stream.feed(pcm)
        return None if guess is None else self._allowed(guess)

    async def finish(self) -> Guess:
        return self._allowed(await self._stream.finish())

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _allowed(self, guess: Guess) -> Guess:
        if not guess.text or accepts(self._graph, guess.text.split()):
            return guess
        return replace(guess, text="", confidence=0.0, words=())


def bears_out(free: Guess | None, heard_ms: float, guess: Guess) -> bool:
    """Whether what the free lane heard is this sentence or its beginning.

    `heard_ms` is how much of the audio it heard: what was said by then must not be missing.
    """
    said = _words(free.text) if free is not None else []
    if not said:
        return guess.confidence >= SURE_ALONE
    wanted = _words(guess.text)
    due = [word.text for word in guess.words if word.end_ms <= heard_ms - _LATE_MS]
    if not len(_words(" ".join(due))) <= len(said) <= len(wanted):
        return False
    *whole, last = said
    at = wanted[len(whole)]
    return all(map(_same, whole, wanted)) and (_same(last, at) or _begins(last, at))


def _same(one: str, other: str) -> bool:
    if one.isdigit() or other.isdigit():
        return one == other
    return fuzz.ratio(one, other) >= _ALIKE


def _begins(cut: str, word: str) -> bool:
    if cut.isdigit() or word.isdigit():
        return cut.isdigit() and word.startswith(cut)
    return fuzz.ratio(cut, word[: len(cut)]) >= _CUT


_UNITS = {"%": " percent ", "°": " degrees "}
_WORD = re.compile(r"[a-z']+|\d+")


def _words(text: str) -> list[str]:
    """The words in small letters, numbers as digits."""
    text = text.lower()
    for sign, unit in _UNITS.items():
        text = text.replace(sign, unit)
    words: list[str] = []
    ten = 0
    for word in _WORD.findall(text):
        if word in TENS:
            ten = 20 + 10 * TENS.index(word)
            words.append(str(ten))
        elif ten and word in ONES[1:10]:
            words[-1] = str(ten + ONES.index(word))
            ten = 0
        else:
            words.append(str(ONES.index(word)) if word in ONES else word)
            ten = 0
    return words
