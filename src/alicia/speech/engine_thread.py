"""A thread for an engine, so that the event loop stays free while it computes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from alicia.errors import EngineError

_T = TypeVar("_T")


class EngineThread:
    """One thread; jobs wait their turn. What the engine raises becomes EngineError."""

    def __init__(self, engine: str, foreign: tuple[type[Exception], ...] = (RuntimeError,)) -> None:
        self._engine = engine
        self._foreign = foreign
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=engine)

    async def run(self, job: Callable[[], _T]) -> _T:
        """Its result. Cancelling frees the caller at once; a job that runs can't be interrupted.

        Raises:
            EngineError: the engine failed, or was closed.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, job)
        except self._foreign as error:
            raise EngineError(engine=self._engine, reason=str(error)) from error

    def close(self) -> None:
        """Take no more jobs; nobody waits for the one that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
