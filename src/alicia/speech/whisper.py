"""Whisper on CTranslate2, with a window as long as what was said instead of 30 s (ADR 0010)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import (
    DependencyMissingError,
    EngineError,
    UnsupportedLanguageError,
    UtteranceTooLongError,
)
from alicia.speech.decoding import DecodeQueue
from alicia.speech.features import log_mel
from alicia.speech.recognizer import Guess, RecognizerCapabilities
from alicia.speech.repetition import once

_T = TypeVar("_T")

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")
_DENSE = frozenset({"zh", "ja", "ko"})  # More tokens a second of speech.
_PAD_S = 1.0
_ON_DEVICE = False  # CTranslate2: leave the encoded audio where it is.
_TIMESTAMP_S = 0.02
# A timestamp this close to the end of the audio closes it; what follows repeats what was said.
_CLOSING_S = 0.35
# Shorter audio is no word, and the spectrogram's edges need some of it.
_MIN_SAMPLES = RATE_HZ // 10
_BEAMS = 5
# How much less likely than the best another text may be, to be worth a look; in nats.
_NEARLY = 3.0
# One word that the audio contradicts flatly is not to outweigh all others.
_LEAST_PROBABLE = 1e-5


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Where the vocabulary keeps what is no text."""

    end: int
    start: int
    transcribe: int
    timestamp_0: int
    languages: dict[str, int]


class _Encoding(Protocol):
    @property
    def ids(self) -> list[int]: ...


class _Tokenizer(Protocol):
    """What is used of tokenizers.Tokenizer."""

    def token_to_id(self, token: str) -> int | None: ...
    def encode(self, sequence: str, *, add_special_tokens: bool) -> _Encoding: ...
    def decode(self, ids: Sequence[int]) -> str: ...


class _Decoded(Protocol):
    sequences_ids: list[list[int]]
    scores: list[float]
    no_speech_prob: float
    logits: list[list[object]]


class _Aligned(Protocol):
    text_token_probs: list[float]


class _Model(Protocol):
    """What is used of ctranslate2.models.Whisper."""

    def encode(self, features: object, to_cpu: bool, /) -> object: ...
    def detect_language(self, features: object) -> list[list[tuple[str, float]]]: ...
    def align(
        self,
        features: object,
        start_sequence: list[int],
        text_tokens: list[list[int]],
        num_frames: list[int],
        /,
    ) -> list[_Aligned]: ...
    def generate(
        self,
        features: object,
        prompts: list[list[int]],
        *,
        beam_size: int,
        suppress_blank: bool,
        max_length: int,
        return_no_speech_prob: bool,
        num_hypotheses: int = 1,
        return_scores: bool = False,
        return_logits_vocab: bool = False,
    ) -> list[_Decoded]: ...


@dataclass(frozen=True, slots=True)
class _Job:
    pcm: Pcm
    language: str | None
    expected: Mapping[str, float]


class WhisperRecognizer:
    """Whisper in a thread of its own; whoever waits is decoded in a batch with others who do."""

    name = "whisper"
    capabilities = RecognizerCapabilities(
        languages=frozenset(LANGUAGES), detects_language=True, weighs=True
    )

    def __init__(self, model: _Model, tokenizer: _Tokenizer, executor: ThreadPoolExecutor) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._executor = executor
        self._queue = DecodeQueue(self._decode, executor)
        self._encoded: tuple[Pcm | None, object] = (None, None)
        self._tokens = _Tokens(
            end=_token(tokenizer, "<|endoftext|>"),
            start=_token(tokenizer, "<|startoftranscript|>"),
            transcribe=_token(tokenizer, "<|transcribe|>"),
            timestamp_0=_token(tokenizer, "<|notimestamps|>") + 1,
            languages={language: _token(tokenizer, f"<|{language}|>") for language in LANGUAGES},
        )

    @property
    def busy(self) -> bool:
        return self._queue.busy

    @classmethod
    async def load(cls, folder: Path, *, threads: int = 2) -> "WhisperRecognizer":
        """Load the model in `folder` and decode once, so that the first guess is not the slow one.

        Raises:
            DependencyMissingError: ctranslate2, tokenizers or the model is not here.
        """
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whisper")
        try:
            model, tokenizer = await _run(executor, lambda: _load(folder, threads))
            recognizer = cls(model, tokenizer, executor)
            await recognizer.transcribe(np.zeros(RATE_HZ, np.int16), "en")
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
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
        if language is not None and language not in self._tokens.languages:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        seconds = len(pcm) / RATE_HZ
        if seconds > self.capabilities.max_s:
            raise UtteranceTooLongError(seconds=seconds, limit_s=self.capabilities.max_s)
        if len(pcm) < _MIN_SAMPLES:
            return Guess("", language or "en", 0.0)
        try:
            return await self._queue.ask(_Job(pcm, language, expected or {}), urgent=urgent)
        except RuntimeError as error:  # What CTranslate2 raises, whatever went wrong.
            raise EngineError(engine=self.name, reason=str(error)) from error

    async def detect(self, pcm: Pcm) -> dict[str, float]:
        """How likely each language we serve is spoken in this audio; they add up to 1.

        Raises:
            EngineError: it failed.
        """
        if len(pcm) < _MIN_SAMPLES:
            return dict.fromkeys(LANGUAGES, 1 / len(LANGUAGES))
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._languages_in, pcm)
        except RuntimeError as error:
            raise EngineError(engine=self.name, reason=str(error)) from error

    async def reconsider(self, pcm: Pcm, language: str, *, wider: bool = True) -> Guess | None:
        """By a wider search: where the likeliest word each time led astray, another may not."""
        if not wider or language not in self._tokens.languages or len(pcm) < _MIN_SAMPLES:
            return None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._search, pcm, language)
        except RuntimeError as error:
            raise EngineError(engine=self.name, reason=str(error)) from error

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        if language not in self._tokens.languages:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        if not texts or len(pcm) < _MIN_SAMPLES:
            return [0.0] * len(texts)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._weigh, pcm, language, texts)
        except RuntimeError as error:
            raise EngineError(engine=self.name, reason=str(error)) from error

    async def aclose(self) -> None:
        # A decode that runs can't be interrupted; nobody waits for it.
        await self._queue.aclose()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _decode(self, jobs: Sequence["_Job"]) -> list[Guess]:
        encoded = self._encode([job.pcm for job in jobs])
        languages = [(job.language or "", 1.0) for job in jobs]
        if not all(job.language for job in jobs):
            found = self._detect(encoded)
            languages = [
                (job.language, 1.0) if job.language else _likeliest(probabilities, job.expected)
                for job, probabilities in zip(jobs, found, strict=True)
            ]
        tokens = self._tokens
        results = self._model.generate(
            encoded,
            [
                [tokens.start, tokens.languages[language], tokens.transcribe, tokens.timestamp_0]
                for language, _ in languages
            ],
            beam_size=1,
            suppress_blank=True,
            max_length=max(
                _most_tokens(len(job.pcm) / RATE_HZ, language)
                for job, (language, _) in zip(jobs, languages, strict=True)
            ),
            return_no_speech_prob=True,
            return_logits_vocab=True,
        )
        return [
            self._guess(result, len(job.pcm) / RATE_HZ, language, probability)
            for job, result, (language, probability) in zip(jobs, results, languages, strict=True)
        ]

    def _search(self, pcm: Pcm, language: str) -> Guess | None:
        """The likeliest of several texts, the others as its alternatives."""
        tokens, seconds = self._tokens, len(pcm) / RATE_HZ
        [found] = self._model.generate(
            self._encode([pcm]),
            [[tokens.start, tokens.languages[language], tokens.transcribe, tokens.timestamp_0]],
            beam_size=_BEAMS,
            num_hypotheses=_BEAMS,
            suppress_blank=True,
            max_length=_most_tokens(seconds, language),
            return_scores=True,
            return_no_speech_prob=True,
        )
        likeliest = sorted(
            zip(map(_total, found.scores, found.sequences_ids), found.sequences_ids, strict=True),
            reverse=True,
        )
        near = [ids for total, ids in likeliest if total >= likeliest[0][0] - _NEARLY]
        first, *others = (self._text(ids, seconds) for ids in near)
        confidence = float(np.exp(max(found.scores))) * _heard(found.no_speech_prob)
        return Guess(
            first,
            language,
            round(confidence, 3) if first else 0.0,
            alternatives=tuple(text for text in dict.fromkeys(others) if text and text != first),
            rank=1,  # What was heard first came before it.
        )

    def _weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        """Each text's words forced on the decoder: one step for all of them, not one a word."""
        from ctranslate2 import StorageView  # noqa: PLC0415

        one = np.asarray(self._encode([pcm]))
        encoded = StorageView.from_array(np.repeat(one, len(texts), axis=0))
        tokens = self._tokens
        found = self._model.align(
            encoded,
            [tokens.start, tokens.languages[language], tokens.transcribe],
            [self._tokenizer.encode(f" {text}", add_special_tokens=False).ids for text in texts],
            [one.shape[1]] * len(texts),
        )
        return [
            float(np.log(np.maximum(text.text_token_probs, _LEAST_PROBABLE)).sum())
            for text in found
        ]

    def _encode(self, audio: Sequence[Pcm]) -> object:
        """The encoded audio; one that is thought over again is encoded once."""
        if len(audio) == 1 and audio[0] is self._encoded[0]:
            return self._encoded[1]
        encoded = self._newly_encoded(audio)
        if len(audio) == 1:
            self._encoded = (audio[0], encoded)
        return encoded

    def _newly_encoded(self, audio: Sequence[Pcm]) -> object:
        from ctranslate2 import StorageView  # noqa: PLC0415

        features = [log_mel(pcm, pad_s=_PAD_S) for pcm in audio]
        longest = max(one.shape[1] for one in features)
        batch = np.stack(
            [
                np.pad(one, ((0, 0), (0, longest - one.shape[1])), constant_values=one.min())
                for one in features
            ]
        )
        return self._model.encode(StorageView.from_array(batch), _ON_DEVICE)

    def _guess(
        self, result: "_Decoded", seconds: float, language: str, probability: float
    ) -> Guess:
        tokens = self._tokens
        ids = result.sequences_ids[0]
        words = [at for at in self._until_closed(ids, seconds) if ids[at] < tokens.end]
        text = self._text(ids, seconds)
        if not text:
            return Guess("", language, 0.0)
        certainty = _certainty(ids, words, result.logits[0])
        confidence = round(certainty * _heard(result.no_speech_prob), 3)
        return Guess(text, language, confidence, language_probability=round(probability, 3))

    def _text(self, ids: Sequence[int], seconds: float) -> str:
        """What is said by these tokens; "" where there is no word among them."""
        kept = [ids[at] for at in self._until_closed(ids, seconds) if ids[at] < self._tokens.end]
        text = once(self._tokenizer.decode(kept).strip())
        return text if any(character.isalnum() for character in text) else ""

    def _languages_in(self, pcm: Pcm) -> dict[str, float]:
        return self._detect(self._encode([pcm]))[0]

    def _detect(self, encoded: object) -> list[dict[str, float]]:
        """The probabilities of the languages we serve, for each of the batch."""
        found: list[dict[str, float]] = []
        for every in self._model.detect_language(encoded):
            served = {token.strip("<|>"): p for token, p in every}
            total = sum(served.get(language, 0.0) for language in LANGUAGES) or 1.0
            found.append({language: served.get(language, 0.0) / total for language in LANGUAGES})
        return found

    def _until_closed(self, ids: Sequence[int], seconds: float) -> list[int]:
        """The positions up to the timestamp that closes the audio, without it."""
        kept: list[int] = []
        for index, token in enumerate(ids):
            stamp_s = (token - self._tokens.timestamp_0) * _TIMESTAMP_S
            if kept and token >= self._tokens.timestamp_0 and stamp_s >= seconds - _CLOSING_S:
                break
            kept.append(index)
        return kept


def _load(folder: Path, threads: int) -> tuple[_Model, _Tokenizer]:
    try:
        import ctranslate2  # noqa: PLC0415
        import tokenizers  # noqa: PLC0415
    except ImportError as error:
        raise DependencyMissingError(
            "Speech recognition by Whisper is not installed. Run: pip install 'alicia[whisper]'",
            package=error.name,
        ) from error
    try:
        model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", intra_threads=threads
        )
        return model, tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:
        raise EngineError("The Whisper model can't be loaded.", reason=str(error)) from error


def _most_tokens(seconds: float, language: str) -> int:
    return 16 + int(seconds * (12 if language in _DENSE else 8))


def _total(score: float, ids: Sequence[int]) -> float:
    """The logarithm of a text's likelihood, of the mean that CTranslate2 tells."""
    return score * max(len(ids), 1)


def _certainty(ids: Sequence[int], words: Sequence[int], logits: Sequence[object]) -> float:
    """The geometric mean of the words' probabilities."""
    total = 0.0
    for index in words:
        scores = np.asarray(logits[index], dtype=np.float32).reshape(-1)
        top = float(scores.max())
        total += float(scores[ids[index]]) - top - float(np.log(np.exp(scores - top).sum()))
    return float(np.exp(total / len(words)))


def _heard(no_speech: float) -> float:
    """How far to believe that somebody spoke.

    Short windows raise Whisper's no-speech probability: commands reach 0.35, a number alone 0.5,
    noise starts at 0.6 (ADR 0010).
    """
    return float(np.clip((0.75 - no_speech) / 0.3, 0.05, 1.0))


def _likeliest(heard: Mapping[str, float], expected: Mapping[str, float]) -> tuple[str, float]:
    """Bayes: the language after what was heard, among the expected ones, and its probability."""
    weighed = {
        language: p * (expected.get(language, 0.0) if expected else 1.0)
        for language, p in heard.items()
    }
    total = sum(weighed.values())
    if total <= 0:
        return max(expected, key=lambda language: expected[language]), 0.0
    best = max(weighed, key=lambda language: weighed[language])
    return best, weighed[best] / total


def _token(tokenizer: _Tokenizer, content: str) -> int:
    found = tokenizer.token_to_id(content)
    if found is None:
        raise EngineError("This is not a multilingual Whisper model.", token=content)
    return found


async def _run(executor: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)
