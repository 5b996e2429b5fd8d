"""PocketSphinx with what this home can be told as its grammar: the command lane (ADR 0053).

A grammar makes every sound into one of its sentences. So a loop of phonemes hears the same audio,
and what was heard only counts where the grammar explains it as well as bare phonemes do.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.speech.closed_grammar import WordGraph, accepts, word_graph
from alicia.speech.engine_thread import EngineThread, StreamedRecognizer, engine_module
from alicia.speech.recognizer import (
    Guess,
    RecognizerCapabilities,
    Word,
    require_language,
)

_FRAME_MS = 10
_AT_ONCE = 2
"""Utterances that are heard at the same time; a further one waits."""
_PHONES = "phones"
# The word search counts in 1024ths of what the phoneme loop counts in.
_WORD_SCALE = 1024.0
_LEAST = 1e-320
# Measured on 44 commands of 12 synthetic voices, 205 telephone prompts of a person and 40 sentences
# that are almost commands (ADR 0053): how much worse than phonemes the words may be, a frame.
_MARGIN, _SLOPE = -0.00275, 0.0006
# What each utterance starts from, so that none depends on the one before: this loud, and with the
# cepstral mean of the voices above at that loudness. PocketSphinx would carry the last mean over.
_LOUD, _LEVEL_FRAME, _LEVEL_AT = 2_000.0, 400, 0.9
_QUIET = 20.0  # Nobody speaks below it; it is not made loud.
_MEAN = "42,-5,-1,1,-2,-2,-0.5,-3,-3.5"
_SETTLE = RATE_HZ
"""Audio that is heard before it is known how loud somebody speaks."""
# Speech beyond the sentence ("... tomorrow") that makes it another sentence.
_UNEXPLAINED = 0.15


class _Found(Protocol):
    """A word or phoneme that was found."""

    word: str
    start_frame: int
    end_frame: int
    ascore: float


class _Best(Protocol):
    score: float


class _Decoder(Protocol):
    """What is used of pocketsphinx.Decoder."""

    def add_word(self, word: str, phones: str, update: bool, /) -> int: ...
    def lookup_word(self, word: str, /) -> str | None: ...
    def add_allphone_file(self, name: str, path: str, /) -> None: ...
    def create_fsg(
        self, name: str, start: int, end: int, arcs: Sequence[tuple[int, int, float, str]], /
    ) -> object: ...
    def add_fsg(self, name: str, fsg: object, /) -> None: ...
    def activate_search(self, name: str, /) -> None: ...
    def remove_search(self, name: str, /) -> None: ...
    def set_cmn(self, mean: str, /) -> None: ...
    def start_utt(self) -> None: ...
    def end_utt(self) -> None: ...
    def process_raw(self, data: bytes, /, *, full_utt: bool) -> int: ...
    def hyp(self) -> _Best | None: ...
    def seg(self) -> Iterable[_Found] | None: ...


@dataclass(frozen=True, slots=True)
class _Segment:
    word: str
    first: int
    last: int
    score: float
    """The logarithm of its likelihood, on the phoneme loop's scale."""

    @property
    def spoken(self) -> bool:
        return not self.word.startswith(("<", "[", "+", "SIL"))


class SphinxGrammarRecognizer(StreamedRecognizer):
    """English commands of this home, and nothing else: 5 % of a core while somebody speaks."""

    name = "sphinx"
    capabilities = RecognizerCapabilities(
        languages=frozenset({"en"}), streaming=True, partials=False, word_times=True, closed=True
    )

    def __init__(self, first: "_Decoders", thread: EngineThread) -> None:
        super().__init__(thread)
        self._decoders = [first]
        self._free: asyncio.Queue[_Decoders] = asyncio.Queue()
        self._free.put_nowait(first)
        self._graph = word_graph((), first.knows)

    @classmethod
    async def load(
        cls, sentences: Iterable[str] = (), *, pronunciations: Mapping[str, str] | None = None
    ) -> "SphinxGrammarRecognizer":
        """Load the acoustic model that the package brings, and take these sentences.

        `pronunciations` are words of the home's own, each with its phonemes in ARPAbet
        ("ALICIA": "AH L IY SH AH").

        Raises:
            DependencyMissingError: pocketsphinx is not here.
        """
        async with EngineThread("sphinx", (RuntimeError, ValueError, OSError)).kept() as thread:
            recognizer = cls(await thread.run(lambda: _Decoders(pronunciations or {})), thread)
            await recognizer.use(sentences)
        return recognizer

    @property
    def unknown_words(self) -> frozenset[str]:
        """Words that have no pronunciation: sentences with one are not listened for."""
        return self._graph.unknown

    @property
    def sentences(self) -> int:
        """How many sentences it listens for."""
        return self._graph.sentences

    async def use(self, sentences: Iterable[str]) -> None:
        """Listen for these from the next utterance on; `#` stands for a number up to 100."""
        wanted, first = list(sentences), self._decoders[0]
        self._graph = await self._thread.run(lambda: word_graph(wanted, first.knows))

    def open(self, language: str | None) -> "SphinxStream":
        return SphinxStream(self, require_language(self, language))

    async def begin(self) -> "_Decoders":
        """Decoders that have begun an utterance; give them back to `end`."""
        if self._free.empty() and len(self._decoders) < _AT_ONCE:
            own = self._decoders[0].pronunciations
            more = await self._thread.run(lambda: _Decoders(own))
            self._decoders.append(more)
            self._free.put_nowait(more)
        decoders = await self._free.get()
        graph = self._graph
        try:
            await self._thread.run(lambda: decoders.begin(graph))
        except BaseException:
            self._free.put_nowait(decoders)
            raise
        return decoders

    def end(self, decoders: "_Decoders") -> None:
        self._free.put_nowait(decoders)

    async def hear(self, decoders: "_Decoders", pcm: Pcm, *, last: bool) -> "_Heard":
        return await self._thread.run(lambda: decoders.hear(pcm, last=last))


class SphinxStream:
    """One utterance. A guess before the end is a whole sentence of the grammar, or nothing."""

    def __init__(self, recognizer: SphinxGrammarRecognizer, language: str) -> None:
        self._recognizer = recognizer
        self._language = language
        self._decoders: _Decoders | None = None
        self._last = ""

    async def feed(self, pcm: Pcm) -> Guess | None:
        guess = self._guess(await self._hear(pcm, last=False), final=False)
        if guess.text == self._last:
            return None
        self._last = guess.text
        return guess

    async def finish(self) -> Guess:
        return self._guess(await self._hear(np.zeros(0, np.int16), last=True), final=True)

    async def aclose(self) -> None:
        if self._decoders is not None:
            self._recognizer.end(self._decoders)
            self._decoders = None

    async def _hear(self, pcm: Pcm, *, last: bool) -> "_Heard":
        if self._decoders is None:
            self._decoders = await self._recognizer.begin()
        return await self._recognizer.hear(self._decoders, pcm, last=last)

    def _guess(self, heard: "_Heard", *, final: bool) -> Guess:
        if not heard.words or heard.confidence < 0.5:
            return Guess("", self._language, 0.0, final)
        text = " ".join(word.text for word in heard.words)
        return Guess(text, self._language, heard.confidence, final, words=heard.words)


@dataclass(frozen=True, slots=True)
class _Heard:
    words: tuple[Word, ...]
    confidence: float
    """Below 0.5: bare phonemes explain the speech better than this sentence does."""


_NOTHING = _Heard((), 0.0)


class _Decoders:
    """One that knows the home's sentences and one that knows phonemes; for the engine's thread."""

    def __init__(self, pronunciations: Mapping[str, str]) -> None:
        self.pronunciations = pronunciations
        sphinx: Any = engine_module(
            "pocketsphinx", what="Recognition by a grammar", extra="grammar"
        )
        folder = Path(sphinx.get_model_path()) / "en-us"
        model = {"hmm": str(folder / "en-us"), "lm": None, "loglevel": "FATAL"}
        dictionary = str(folder / "cmudict-en-us.dict")
        self._sentences: _Decoder = sphinx.Decoder(dict=dictionary, **model)
        for word, phones in pronunciations.items():
            self._sentences.add_word(word.lower(), phones, True)
        self._phones: _Decoder = sphinx.Decoder(dict=dictionary, lw=1.0, **model)
        self._phones.add_allphone_file(_PHONES, str(folder / "en-us-phone.lm.bin"))
        self._phones.activate_search(_PHONES)
        self._graph: WordGraph | None = None
        self._search = 0
        self._running = False
        self._waiting: list[Pcm] = []
        self._gain: float | None = None

    def knows(self, word: str) -> bool:
        return self._sentences.lookup_word(word) is not None

    def begin(self, graph: WordGraph) -> None:
        if self._running:  # Whoever had it left in the middle.
            self._end()
        if graph is not self._graph:
            self._take(graph)
        self._waiting, self._gain = [], None
        if graph.arcs:
            for decoder in (self._sentences, self._phones):
                decoder.set_cmn(_MEAN)
                decoder.start_utt()
            self._running = True

    def hear(self, pcm: Pcm, *, last: bool) -> _Heard:
        if not self._running:
            return _NOTHING
        self._waiting.append(pcm)
        if self._gain is None:
            begun = np.concatenate(self._waiting)
            if len(begun) < _SETTLE and not last:
                return _NOTHING
            self._gain = _LOUD / max(_level(begun), _QUIET)
        loud = np.concatenate(self._waiting) * self._gain
        self._waiting = []
        data = loud.clip(-32_768, 32_767).astype("<i2").tobytes()
        for decoder in (self._sentences, self._phones):
            if data:
                decoder.process_raw(data, full_utt=False)
        if last:
            self._end()
        return self._judged()

    def _end(self) -> None:
        self._sentences.end_utt()
        self._phones.end_utt()
        self._running = False

    def _take(self, graph: WordGraph) -> None:
        old, self._search = self._search, self._search + 1
        if graph.arcs:
            arcs = [(start, end, 1.0, word) for start, end, word in graph.arcs]
            fsg = self._sentences.create_fsg(str(self._search), 0, graph.end, arcs)
            self._sentences.add_fsg(str(self._search), fsg)
            self._sentences.activate_search(str(self._search))
            if self._graph is not None and self._graph.arcs:
                self._sentences.remove_search(str(old))
        else:
            self._search = old
        self._graph = graph

    def _judged(self) -> _Heard:
        heard, bare = self._sentences.hyp(), self._phones.hyp()
        if heard is None or bare is None or self._graph is None:
            return _NOTHING
        segments = _segments(self._sentences, _WORD_SCALE)
        said = [segment for segment in segments if segment.spoken]
        if not accepts(self._graph, [segment.word for segment in said]):
            return _NOTHING
        gained = _log(heard.score) - _log(bare.score)
        confidence = _confidence(said, _segments(self._phones, 1.0), gained)
        return _Heard(tuple(_word(segment, confidence) for segment in said), confidence)


def _confidence(said: list[_Segment], phones: list[_Segment], gained: float) -> float:
    """How well the words explain the speech, against bare phonemes; 0.5 is the border."""
    frames = 1 + max(segment.last for segment in (*said, *phones))
    bare: NDArray[np.float64] = np.zeros(frames)
    speech, covered = np.zeros(frames, bool), np.zeros(frames, bool)
    for phone in phones:
        at = slice(phone.first, phone.last + 1)
        bare[at] = phone.score / (phone.last + 1 - phone.first)
        speech[at] = phone.spoken
    losses: list[float] = []
    for word in said:
        at = slice(word.first, word.last + 1)
        covered[at] = True
        losses.append((word.score - bare[at].sum()) / (word.last + 1 - word.first))
    spoken = max(1, int(speech.sum()))
    if (speech & ~covered).sum() / spoken > _UNEXPLAINED:
        return 0.0
    margin = gained / spoken + float(np.mean(losses))
    return round(1 / (1 + math.exp(min(50.0, (_MARGIN - margin) / _SLOPE))), 3)


def _level(pcm: Pcm) -> float:
    """How loud the louder parts are."""
    whole = pcm[: len(pcm) // _LEVEL_FRAME * _LEVEL_FRAME].astype(np.float32)
    if not len(whole):
        return 0.0
    powers = np.square(whole.reshape(-1, _LEVEL_FRAME)).mean(axis=1)
    return float(np.sqrt(np.quantile(powers, _LEVEL_AT)))


def _segments(decoder: _Decoder, scale: float) -> list[_Segment]:
    return [
        _Segment(
            str(found.word).split("(")[0],
            int(found.start_frame),
            int(found.end_frame),
            _log(found.ascore) / scale,
        )
        for found in decoder.seg() or ()
    ]


def _word(segment: _Segment, confidence: float) -> Word:
    end_ms = (segment.last + 1) * _FRAME_MS
    return Word(segment.word, segment.first * _FRAME_MS, end_ms, confidence)


def _log(likelihood: float) -> float:
    return math.log(max(likelihood, _LEAST))
