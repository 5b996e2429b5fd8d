"""Threads for an engine, and what recognizers that live in one have in common."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, Self, TypeVar

from alicia.audio.formats import Pcm
from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.decoding import DecodeQueue
from alicia.speech.recognizer import (
    Guess,
    RecognizerCapabilities,
    RecognizerStream,
    transcribe_as_stream,
)

_T = TypeVar("_T")


class EngineThread:
    """One thread, or as many as the engine takes; jobs wait their turn.

    What the engine raises becomes EngineError.
    """

    def __init__(
        self,
        engine: str,
        foreign: tuple[type[Exception], ...] = (RuntimeError,),
        *,
        threads: int = 1,
    ) -> None:
        self._engine = engine
        self._foreign = foreign
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=engine)
        # A job's result is what its asker's job gives; the queue itself need not know it.
        self._queue: DecodeQueue[Callable[[], Any], Any] = DecodeQueue(
            _each, self._executor, batch=1, workers=threads
        )

    @property
    def busy(self) -> bool:
        """A job is being done."""
        return self._queue.busy

    async def run(self, job: Callable[[], _T], *, urgent: bool = False) -> _T:
        """Its result. Cancelling frees the caller at once; a job that runs can't be interrupted.

        Raises:
            EngineError: the engine failed.
        """
        try:
            return await self._queue.ask(job, urgent=urgent)
        except self._foreign as error:
            raise EngineError(engine=self._engine, reason=str(error)) from error

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[Self, None]:
        """While a recognizer is loaded in it: where that fails, the thread ends too."""
        try:
            yield self
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Take no more jobs; nobody waits for the one that runs."""
        await self._queue.aclose()
        self._executor.shutdown(wait=False, cancel_futures=True)


class ThreadedRecognizer:
    """What is alike in recognizers that live in one thread and weigh nothing."""

    name: str
    capabilities: RecognizerCapabilities

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    @property
    def busy(self) -> bool:
        return self._thread.busy

    async def reconsider(self, pcm: Pcm, language: str, *, wider: bool = True) -> Guess | None:
        del pcm, language, wider
        return None

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        """Refuse it: the engine tells no likelihoods of given texts."""
        del pcm, texts
        raise UnsupportedLanguageError(
            "This recognizer can't weigh sentences.", language=language, engine=self.name
        )

    async def aclose(self) -> None:
        await self._thread.aclose()


class StreamedRecognizer(ThreadedRecognizer, ABC):
    """One whose engine decodes while it is fed; its utterances share the thread."""

    @abstractmethod
    def open(self, language: str | None) -> RecognizerStream:
        """Begin an utterance. Raises UnsupportedLanguageError."""

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        del expected  # It knows too few languages to find one out.
        del urgent  # Streams are fed in turn.
        return await transcribe_as_stream(self, pcm, language)


class ThreadedStream(ABC):
    """One utterance. What hears it runs in the engine's thread."""

    def __init__(self, thread: EngineThread, language: str) -> None:
        self._thread = thread
        self._language = language
        self._last = ""

    async def feed(self, pcm: Pcm) -> Guess | None:
        guess = await self._thread.run(lambda: self._hear(pcm))
        if guess.text == self._last:
            return None
        self._last = guess.text
        return guess

    async def finish(self) -> Guess:
        return await self._thread.run(self._conclude)

    @abstractmethod
    async def aclose(self) -> None: ...

    @abstractmethod
    def _hear(self, pcm: Pcm) -> Guess: ...

    @abstractmethod
    def _conclude(self) -> Guess: ...


def engine_module(name: str, *, what: str, extra: str) -> ModuleType:
    """An engine's module, imported when a model needs it: it may be large, or not be here.

    Raises:
        DependencyMissingError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DependencyMissingError(
            f"{what} is not installed. Run: pip install 'alicia[{extra}]'", package=error.name
        ) from error


def _each(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    return [job() for job in jobs]
