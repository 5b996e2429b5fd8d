"""sherpa-onnx: streaming Zipformer, Parakeet, SenseVoice, Paraformer and Moonshine (ADR 0051).

Which of them a model is, and which files it has, stands in the catalogue (`form`). A model folder
holds the files under the names in `FORMS`.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import EngineError
from alicia.speech.engine_thread import (
    EngineThread,
    StreamedRecognizer,
    ThreadedRecognizer,
    ThreadedStream,
    engine_module,
)
from alicia.speech.moonshine import believed, read_vocabulary
from alicia.speech.recognizer import (
    Guess,
    RecognizerCapabilities,
    Word,
    require_language,
    require_seconds,
)

FORMS: dict[str, tuple[str, ...]] = {
    "streaming-transducer": ("encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"),
    "transducer": ("encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"),
    "nemo-transducer": ("encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"),
    "sense-voice": ("model.onnx", "tokens.txt"),
    "paraformer": ("model.onnx", "tokens.txt"),
    "moonshine": ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"),
}
"""Forms of models, and the files of each."""

_MIN_SAMPLES = RATE_HZ // 10
# A streaming encoder sees a word only when this much came after it.
_FLUSH_S = 0.66
# A second decode hears the same thing a little later and half as loud.
_LATER, _QUIETER = RATE_HZ // 10, 2


class _Result(Protocol):
    text: str
    tokens: Sequence[str]
    timestamps: Sequence[float]
    ys_probs: Sequence[float]


class _Stream(Protocol):
    result: _Result

    def accept_waveform(self, sample_rate: int, waveform: NDArray[np.float32], /) -> None: ...
    def input_finished(self) -> None: ...


class _Offline(Protocol):
    """What is used of sherpa_onnx.OfflineRecognizer."""

    def create_stream(self) -> _Stream: ...
    def decode_stream(self, stream: _Stream, /) -> None: ...


class _Online(_Offline, Protocol):
    """What is used of sherpa_onnx.OnlineRecognizer."""

    def is_ready(self, stream: _Stream, /) -> bool: ...
    def get_result_all(self, stream: _Stream, /) -> _Result: ...


class SherpaRecognizer(ThreadedRecognizer):
    """A sherpa-onnx model that hears an utterance as a whole."""

    name = "sherpa"

    def __init__(
        self,
        recognizer: _Offline,
        thread: EngineThread,
        languages: frozenset[str],
        *,
        form: str,
    ) -> None:
        self._form = form
        detects = form == "sense-voice"
        self._recognizer = recognizer
        super().__init__(thread)
        self.capabilities = RecognizerCapabilities(languages=languages, detects_language=detects)

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        del expected  # The model finds the language out by itself, or knows too few.
        wanted = require_language(self, language)
        require_seconds(self, pcm)
        if len(pcm) < _MIN_SAMPLES:
            return Guess("", wanted, 0.0)
        return await self._thread.run(lambda: self._decode(pcm, wanted), urgent=urgent)

    def _decode(self, pcm: Pcm, language: str) -> Guess:
        result = self._result(pcm)
        text = str(result.text).strip()
        if not any(character.isalnum() for character in text):
            return Guess("", language, 0.0)
        scores: Sequence[float] = getattr(result, "ys_log_probs", None) or []
        confidence = _certainty(scores) if scores else self._steadiness(pcm, text)
        if self._form == "moonshine":
            confidence *= believed(text)
        found = str(getattr(result, "lang", "")).strip("<|>")
        if self.capabilities.detects_language and found in self.capabilities.languages:
            language = found
        return Guess(text, language, round(confidence, 3))

    def _result(self, pcm: Pcm) -> _Result:
        stream = self._recognizer.create_stream()
        stream.accept_waveform(RATE_HZ, _wave(pcm))
        self._recognizer.decode_stream(stream)
        return stream.result

    def _steadiness(self, pcm: Pcm, text: str) -> float:
        """How alike a second hearing is: these models tell no probabilities (ADR 0051)."""
        again = np.concatenate([np.zeros(_LATER, np.int16), pcm // _QUIETER])
        heard = str(self._result(again).text).strip()
        return (fuzz.ratio(text.lower(), heard.lower()) / 100) ** 2


class SherpaStreamingRecognizer(StreamedRecognizer):
    """A sherpa-onnx model that decodes while it is fed."""

    name = "sherpa"

    def __init__(
        self, recognizer: _Online, thread: EngineThread, languages: frozenset[str]
    ) -> None:
        self._recognizer = recognizer
        super().__init__(thread)
        self.capabilities = RecognizerCapabilities(
            languages=languages, streaming=True, word_times=True
        )

    def open(self, language: str | None) -> "SherpaStream":
        return SherpaStream(self._recognizer, self._thread, require_language(self, language))


class SherpaStream(ThreadedStream):
    """One utterance in a streaming model."""

    def __init__(self, recognizer: _Online, thread: EngineThread, language: str) -> None:
        super().__init__(thread, language)
        self._recognizer = recognizer
        self._stream: _Stream | None = recognizer.create_stream()

    async def aclose(self) -> None:
        self._stream = None

    def _hear(self, pcm: Pcm) -> Guess:
        stream = self._open()
        stream.accept_waveform(RATE_HZ, _wave(pcm))
        return self._decoded(stream, final=False)

    def _conclude(self) -> Guess:
        stream = self._open()
        stream.accept_waveform(RATE_HZ, np.zeros(int(_FLUSH_S * RATE_HZ), np.float32))
        stream.input_finished()
        return self._decoded(stream, final=True)

    def _open(self) -> _Stream:
        if self._stream is None:
            raise RuntimeError("this utterance is over")
        return self._stream

    def _decoded(self, stream: _Stream, *, final: bool) -> Guess:
        while self._recognizer.is_ready(stream):
            self._recognizer.decode_stream(stream)
        result = self._recognizer.get_result_all(stream)
        text = str(result.text).strip()
        if not text:
            return Guess("", self._language, 0.0, final)
        scores = list(result.ys_probs)
        words = _words(result, scores) if final else ()
        certainty = round(_certainty(scores), 3) if scores else 0.0
        return Guess(text, self._language, certainty, final, words=words)


async def load(
    folder: Path, *, form: str, languages: frozenset[str], threads: int = 1
) -> SherpaRecognizer | SherpaStreamingRecognizer:
    """Load the model in `folder` and decode once, so that the first guess is not the slow one.

    Raises:
        DependencyMissingError: sherpa-onnx is not here.
        EngineError: the form is unknown, or the folder holds no such model.
    """
    if form not in FORMS:
        raise EngineError(f"sherpa-onnx has no models of the form {form}.", engine="sherpa")
    for file in FORMS[form]:
        if not (folder / file).is_file():  # sherpa-onnx would end the whole process.
            raise EngineError("The model is not whole.", engine="sherpa", missing=file)
    async with EngineThread("sherpa", (RuntimeError, ValueError, OSError)).kept() as thread:
        made = await thread.run(lambda: _make(folder, form, threads))
        recognizer = (
            SherpaStreamingRecognizer(cast("_Online", made), thread, languages)
            if form == "streaming-transducer"
            else SherpaRecognizer(made, thread, languages, form=form)
        )
        await recognizer.transcribe(np.zeros(RATE_HZ, np.int16), min(languages))
    return recognizer


def _make(folder: Path, form: str, threads: int) -> _Offline | _Online:
    sherpa_onnx: Any = engine_module(
        "sherpa_onnx", what="Speech recognition by sherpa-onnx", extra="sherpa"
    )
    offline, online = sherpa_onnx.OfflineRecognizer, sherpa_onnx.OnlineRecognizer
    files = [str(folder / name) for name in FORMS[form]]
    match form:
        case "streaming-transducer":
            encoder, decoder, joiner, tokens = files
            return online.from_transducer(
                tokens=tokens, encoder=encoder, decoder=decoder, joiner=joiner, num_threads=threads
            )
        case "transducer" | "nemo-transducer":
            encoder, decoder, joiner, tokens = files
            return offline.from_transducer(
                tokens=tokens,
                encoder=encoder,
                decoder=decoder,
                joiner=joiner,
                num_threads=threads,
                model_type="nemo_transducer" if form == "nemo-transducer" else "transducer",
            )
        case "sense-voice":
            model, tokens = files
            return offline.from_sense_voice(
                model=model, tokens=tokens, num_threads=threads, use_itn=True
            )
        case "paraformer":
            model, tokens = files
            return offline.from_paraformer(paraformer=model, tokens=tokens, num_threads=threads)
        case _:
            encoder, decoder, vocabulary = files
            return offline.from_moonshine_v2(
                encoder=encoder,
                decoder=decoder,
                tokens=_written_tokens(Path(vocabulary)),
                num_threads=threads,
            )


def _written_tokens(vocabulary: Path) -> str:
    """Moonshine's vocabulary as sherpa-onnx reads it, written beside it."""
    path = vocabulary.with_name("tokens.txt")
    tokens = read_vocabulary(vocabulary.read_bytes())
    lines = [f"{base64.b64encode(token).decode()} {n}\n" for n, token in enumerate(tokens)]
    path.write_text("".join(lines), "utf-8")
    return str(path)


def _wave(pcm: Pcm) -> NDArray[np.float32]:
    return pcm.astype(np.float32) / np.float32(32_768)


def _certainty(scores: Sequence[float]) -> float:
    """From logarithms of probabilities: half the geometric mean, half the least (as Moonshine)."""
    return float(np.exp((np.mean(scores) + np.min(scores)) / 2))


def _words(result: _Result, scores: Sequence[float]) -> tuple[Word, ...]:
    """Pieces joined to words: a piece that begins one has a space or ▁ before it."""
    words: list[Word] = []
    pieces = list(zip(result.tokens, result.timestamps, scores, strict=False))
    ends = [round(at * 1000) for _, at, _ in pieces[1:]]
    ends.append(ends[-1] + 200 if ends else 200)
    for (token, at, score), end_ms in zip(pieces, ends, strict=True):
        piece, begins = token.replace("▁", " "), token[:1] in ("▁", " ")
        if begins or not words:
            words.append(Word(piece.strip(), round(at * 1000), end_ms, float(np.exp(score))))
        else:
            last = words[-1]
            sure = min(last.confidence, float(np.exp(score)))
            words[-1] = Word(last.text + piece, last.start_ms, end_ms, sure)
    return tuple(words)
