"""Moonshine on ONNX Runtime: short English commands, quicker than Whisper (ADR 0050)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import EngineError
from alicia.speech.engine_thread import EngineThread, ThreadedRecognizer, engine_module
from alicia.speech.recognizer import (
    Guess,
    RecognizerCapabilities,
    require_language,
    require_seconds,
)
from alicia.speech.repetition import once

_START, _END = 1, 2
# Its makers' rule: more tokens a second than anybody speaks are a loop.
_TOKENS_A_SECOND = 6.5
# The encoder's first three layers need 895 samples for one column; less than this is no word.
_MIN_SAMPLES = RATE_HZ // 10
# Without silence around it, it hears "it's at" for "set" and words that were not said: of 297
# commands by synthetic voices 280 were right, with it 295 (ADR 0032).
_SILENCE = np.zeros(RATE_HZ // 5, np.int16)
# What it says for noise without speech (measured: white and pink, 0.5-5 s, 0.001-0.05 of full
# scale). Nobody tells a house only this.
_SAID_OF_NOISE = frozenset({"you", "so"})
_LATIN = "\u024f"


class _Session(Protocol):
    """What is used of onnxruntime.InferenceSession."""

    def get_inputs(self) -> Sequence[Any]: ...
    def get_outputs(self) -> Sequence[Any]: ...
    def run(
        self, output_names: None, input_feed: dict[str, Any], /
    ) -> list[NDArray[np.float32]]: ...


@dataclass(frozen=True, slots=True)
class _Loaded:
    encoder: _Session
    decoder: _Session
    vocabulary: list[bytes]


class MoonshineRecognizer(ThreadedRecognizer):
    """Moonshine, each decode in a thread of its own. One core is enough for one."""

    name = "moonshine"
    capabilities = RecognizerCapabilities(languages=frozenset({"en"}))

    def __init__(self, loaded: _Loaded, thread: EngineThread) -> None:
        self._loaded = loaded
        super().__init__(thread)
        self._past = _empty_past(loaded.decoder)
        self._masked = _takes(loaded.encoder, "attention_mask")
        self._masked_decoder = _takes(loaded.decoder, "encoder_attention_mask")

    @classmethod
    async def load(cls, folder: Path, *, threads: int = 1) -> "MoonshineRecognizer":
        """Load the model in `folder` and decode once, so that the first guess is not the slow one.

        With several threads so many people are decoded at once.

        Raises:
            DependencyMissingError: onnxruntime is not here.
            EngineError: the folder holds no Moonshine model.
        """
        thread = EngineThread("moonshine", _failures(), threads=threads)
        try:
            recognizer = cls(await thread.run(lambda: _load(folder)), thread)
            await recognizer.transcribe(np.zeros(RATE_HZ, np.int16), "en")
        except BaseException:
            await thread.aclose()
            raise
        return recognizer

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        del expected  # It knows too few languages to find one out.
        language = require_language(self, language)
        require_seconds(self, pcm)
        if len(pcm) < _MIN_SAMPLES:
            return Guess("", language, 0.0)
        return await self._thread.run(lambda: self._decode(pcm, language), urgent=urgent)

    def _decode(self, pcm: Pcm, language: str) -> Guess:
        tokens, certainties = self._tokens(pcm)
        text = once(spoken(self._loaded.vocabulary, tokens))
        if not any(character.isalnum() for character in text):
            return Guess("", language, 0.0)
        # One wrong word is enough for a wrong command, so the least certain one counts as much as
        # all: foreign speech and noise have plausible sentences with one impossible token.
        confidence = float(np.exp((np.mean(certainties) + np.min(certainties)) / 2))
        return Guess(text, language, round(confidence * believed(text), 3), hears_plurals=False)

    def _tokens(self, pcm: Pcm) -> tuple[list[int], list[float]]:
        """The likeliest token each time, and the logarithms of their probabilities."""
        padded = np.concatenate([_SILENCE, pcm, _SILENCE])
        wave = padded.astype(np.float32)[None] / 32_768
        mask = np.ones(wave.shape, np.int64)
        heard: dict[str, Any] = {"input_values": wave}
        if self._masked:
            heard["attention_mask"] = mask
        feeds: dict[str, Any] = {"encoder_hidden_states": self._loaded.encoder.run(None, heard)[0]}
        if self._masked_decoder:
            feeds["encoder_attention_mask"] = mask
        feeds |= self._past
        names = [output.name for output in self._loaded.decoder.get_outputs()][1:]
        tokens, certainties = [_START], list[float]()
        for step in range(2 + int(len(pcm) / RATE_HZ * _TOKENS_A_SECOND)):
            feeds["input_ids"] = np.array([tokens[-1:]], np.int64)
            feeds["use_cache_branch"] = np.array([step > 0])
            scores, *present = self._loaded.decoder.run(None, feeds)
            likely, certainty = _likeliest(scores[0, -1])
            tokens.append(likely)
            certainties.append(certainty)
            if likely == _END:
                break
            for name, state in zip(names, present, strict=True):
                # What the encoder gave is only computed at the first step.
                if step == 0 or ".decoder." in name:
                    feeds[name.replace("present", "past_key_values")] = state
        return tokens, certainties


def believed(text: str) -> float:
    """How far to believe that somebody said this: Moonshine has words, and signs, for noise."""
    foreign = any(character.isalpha() and character > _LATIN for character in text)
    return 0.1 if foreign or text.lower().strip(".?! ") in _SAID_OF_NOISE else 1.0


def read_vocabulary(data: bytes) -> list[bytes]:
    """The tokens of Moonshine's `tokenizer.bin`: each is its length and its UTF-8.

    Raises:
        ValueError: it is cut off.
    """
    tokens: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 0x80:  # Two bytes, the lower seven bits first.
            length = (length & 0x7F) | data[at] << 7
            at += 1
        if at + length > len(data):
            raise ValueError("the vocabulary is cut off")
        tokens.append(data[at : at + length])
        at += length
    return tokens


def spoken(vocabulary: Sequence[bytes], tokens: Sequence[int]) -> str:
    """The text of tokens, without those that are no text."""
    pieces = [vocabulary[token] for token in tokens if token > _END]
    said = b"".join(piece for piece in pieces if not piece.startswith(b"<<ST_"))
    return said.decode(errors="ignore").replace("▁", " ").strip()


def _load(folder: Path) -> _Loaded:
    onnxruntime: Any = _onnxruntime()
    options = onnxruntime.SessionOptions()
    # Measured: a second thread for one decode makes it slower (ADR 0050).
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    encoder, decoder = (
        onnxruntime.InferenceSession(
            str(folder / name), options, providers=["CPUExecutionProvider"]
        )
        for name in ("encoder_model.ort", "decoder_model_merged.ort")
    )
    return _Loaded(encoder, decoder, read_vocabulary((folder / "tokenizer.bin").read_bytes()))


def _failures() -> tuple[type[Exception], ...]:
    """ONNX Runtime's own errors derive from Exception alone."""
    own = vars(_onnxruntime().capi.onnxruntime_pybind11_state).values()
    raised = [kind for kind in own if isinstance(kind, type) and issubclass(kind, Exception)]
    return (RuntimeError, OSError, ValueError, *raised)


def _onnxruntime() -> ModuleType:
    return engine_module("onnxruntime", what="Speech recognition by Moonshine", extra="moonshine")


def _empty_past(decoder: _Session) -> dict[str, NDArray[np.float32]]:
    """What the decoder remembers before the first token: nothing, in the model's own shape."""
    past: dict[str, NDArray[np.float32]] = {}
    for wanted in decoder.get_inputs():
        if wanted.name.startswith("past_key_values."):
            batch, heads, _, size = wanted.shape
            past[wanted.name] = np.zeros(
                (1 if isinstance(batch, str) else batch, heads, 0, size), np.float32
            )
    if not past:
        raise EngineError("This is not a Moonshine model.", engine="moonshine")
    return past


def _takes(session: _Session, name: str) -> bool:
    return any(wanted.name == name for wanted in session.get_inputs())


def _likeliest(scores: NDArray[np.float32]) -> tuple[int, float]:
    token = int(scores.argmax())
    top = float(scores[token])
    return token, -float(np.log(np.exp(scores - top).sum()))
