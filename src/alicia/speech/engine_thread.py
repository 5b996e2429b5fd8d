"""Threads for an engine, and what recognizers that live in one have in common."""

import importlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from alicia.audio.formats import Pcm
from alicia.errors import DependencyMissingError, EngineError, UnsupportedLanguageError
from alicia.speech.decoding import DecodeQueue
from alicia.speech.recognizer import Guess

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

    async def aclose(self) -> None:
        """Take no more jobs; nobody waits for the one that runs."""
        await self._queue.aclose()
        self._executor.shutdown(wait=False, cancel_futures=True)


class ThreadedRecognizer:
    """What is alike in recognizers that live in one thread and weigh nothing."""

    name: ClassVar[str]

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    @property
    def busy(self) -> bool:
        return self._thread.busy

    async def reconsider(self, pcm: Pcm, language: str) -> Guess | None:
        del pcm, language
        return None

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        """Refuse it: the engine tells no likelihoods of given texts."""
        del pcm, texts
        raise UnsupportedLanguageError(
            "This recognizer can't weigh sentences.", language=language, engine=self.name
        )

    async def aclose(self) -> None:
        await self._thread.aclose()


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
