"""One engine, several people: whose audio is decoded next.

An engine that decodes on all cores gains nothing from doing two things at once, but much from doing
like things together: what waits is taken in batches, whoever has stopped speaking first.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Q, R]):
    asked: Q
    urgent: bool
    answer: "asyncio.Future[R]"


class DecodeQueue(Generic[Q, R]):
    """Runs `work` in a thread, a batch at a time. Whoever is cancelled while waiting leaves."""

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Sequence[R]],
        executor: ThreadPoolExecutor,
        *,
        batch: int = 4,
        workers: int = 1,
    ) -> None:
        """`work` gets up to `batch` questions and gives as many answers, in their order.

        With several workers it is called in so many threads of the executor at once.
        """
        self._work = work
        self._executor = executor
        self._batch = batch
        self._workers = workers
        self._waiting: list[_Waiting[Q, R]] = []
        self._working: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Something is being done."""
        return self._at_work() > 0

    async def ask(self, question: Q, *, urgent: bool = False) -> R:
        """The answer; raises what `work` raises. Urgent questions go before all others."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(question, urgent, answer))
        if self._at_work() < self._workers:
            worker = asyncio.create_task(self._run())
            self._working.add(worker)
            worker.add_done_callback(self._working.discard)
        return await answer

    async def aclose(self) -> None:
        """Nobody is answered any more."""
        for worker in self._working:
            worker.cancel()
        if self._working:
            await asyncio.wait(self._working)
        for waiting in self._waiting:
            waiting.answer.cancel()
        self._waiting.clear()

    def _at_work(self) -> int:
        return sum(not worker.done() for worker in self._working)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._next():
            try:
                asked = [waiting.asked for waiting in batch]
                answers = await loop.run_in_executor(self._executor, self._work, asked)
            except asyncio.CancelledError:
                for waiting in batch:
                    waiting.answer.cancel()
                raise
            except Exception as error:  # noqa: BLE001 - it is the askers' error
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
                continue
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)

    def _next(self) -> list[_Waiting[Q, R]]:
        self._waiting = [waiting for waiting in self._waiting if not waiting.answer.done()]
        urgent = [waiting for waiting in self._waiting if waiting.urgent]
        # A batch takes longer than one: nobody who is waited for shares it with a mere partial.
        batch = (urgent or self._waiting)[: self._batch if urgent else 1]
        self._waiting = [waiting for waiting in self._waiting if waiting not in batch]
        return batch
