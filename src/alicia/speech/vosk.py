"""Vosk: true streaming on one core, with word times (ADR 0052)."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import EngineError
from alicia.speech.engine_thread import (
    EngineThread,
    StreamedRecognizer,
    ThreadedStream,
    engine_module,
)
from alicia.speech.recognizer import (
    Guess,
    RecognizerCapabilities,
    Word,
    require_language,
)

# Languages that are written without spaces between words.
_UNSPACED = frozenset({"zh", "ja"})


class _Kaldi(Protocol):
    """What is used of vosk.KaldiRecognizer."""

    def AcceptWaveform(self, data: bytes, /) -> int: ...  # noqa: N802 - their names
    def Result(self) -> str: ...  # noqa: N802
    def PartialResult(self) -> str: ...  # noqa: N802
    def FinalResult(self) -> str: ...  # noqa: N802


class VoskRecognizer(StreamedRecognizer):
    """A Vosk model; it knows one language."""

    name = "vosk"

    def __init__(self, decoders: Callable[[], _Kaldi], thread: EngineThread, language: str) -> None:
        self._decoders = decoders
        super().__init__(thread)
        self.capabilities = RecognizerCapabilities(
            languages=frozenset({language}), streaming=True, word_times=True
        )

    @classmethod
    async def load(cls, folder: Path, *, language: str) -> "VoskRecognizer":
        """Load the model in `folder`.

        Raises:
            DependencyMissingError: vosk is not here.
            EngineError: the folder holds no Vosk model.
        """
        async with EngineThread("vosk", (RuntimeError, OSError)).kept() as thread:
            recognizer = cls(await thread.run(lambda: _load(folder)), thread, language)
            await recognizer.transcribe(np.zeros(RATE_HZ // 2, np.int16), language)
        return recognizer

    def open(self, language: str | None) -> "VoskStream":
        return VoskStream(self._decoders, self._thread, require_language(self, language))


class VoskStream(ThreadedStream):
    """One utterance. Vosk may end a sentence in between; its sentences are joined."""

    def __init__(self, decoders: Callable[[], _Kaldi], thread: EngineThread, language: str) -> None:
        super().__init__(thread, language)
        self._decoders = decoders
        self._kaldi: _Kaldi | None = None
        self._words: list[Word] = []

    async def aclose(self) -> None:
        self._kaldi = None

    def _hear(self, pcm: Pcm) -> Guess:
        kaldi = self._decoder()
        if kaldi.AcceptWaveform(pcm.astype("<i2").tobytes()):
            self._words += _words(json.loads(kaldi.Result()))
            unsettled: list[Word] = []
        else:
            unsettled = _words(json.loads(kaldi.PartialResult()), "partial_result")
        return self._guess([*self._words, *unsettled], final=False)

    def _conclude(self) -> Guess:
        words = [*self._words, *_words(json.loads(self._decoder().FinalResult()))]
        return self._guess(words, final=True)

    def _decoder(self) -> _Kaldi:
        if self._kaldi is None:
            self._kaldi = self._decoders()
        return self._kaldi

    def _guess(self, words: list[Word], *, final: bool) -> Guess:
        if not words:
            return Guess("", self._language, 0.0, final)
        text = ("" if self._language in _UNSPACED else " ").join(word.text for word in words)
        sure = [max(word.confidence, 1e-3) for word in words]
        # As elsewhere: one wrong word is enough for a wrong command.
        confidence = float(np.sqrt(np.exp(np.mean(np.log(sure))) * min(sure)))
        return Guess(text, self._language, round(confidence, 3), final, words=tuple(words))


def _load(folder: Path) -> Callable[[], _Kaldi]:
    """What makes a decoder for an utterance."""
    vosk: Any = engine_module("vosk", what="Speech recognition by Vosk", extra="vosk")
    vosk.SetLogLevel(-1)
    try:
        model = vosk.Model(str(folder))
    except Exception as error:  # Vosk raises the base class itself.
        raise EngineError("The Vosk model can't be loaded.", reason=str(error)) from error

    def decoder() -> _Kaldi:
        kaldi = vosk.KaldiRecognizer(model, RATE_HZ)
        kaldi.SetWords(True)
        kaldi.SetPartialWords(True)
        return kaldi

    return decoder


def _words(answer: dict[str, Any], key: str = "result") -> list[Word]:
    found: Iterable[dict[str, Any]] = answer.get(key, [])
    return [
        Word(
            str(word["word"]),
            round(word["start"] * 1000),
            round(word["end"] * 1000),
            round(float(word["conf"]), 3),
        )
        for word in found
    ]
