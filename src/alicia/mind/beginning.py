"""A reply that may begin before it is whole: its words as they become certain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def begun_in_time(asking: Coroutine[Any, Any, T], begun: asyncio.Event, within_s: float) -> T:
    """The answer. Until it has begun it may take no longer than this. Raises TimeoutError."""
    answer = asyncio.ensure_future(asking)
    waiting = asyncio.create_task(begun.wait())
    try:
        await asyncio.wait({answer, waiting}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done() and not begun.is_set():
            raise TimeoutError
        return await answer
    finally:
        for task in (answer, waiting):
            task.cancel()
        await asyncio.gather(answer, waiting, return_exceptions=True)


class Beginning:
    """The words of one reply, in the order in which they are to be spoken."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.said = ""
        """How the reply begins, whatever comes."""
        self._number = 0
        self._open = False
        self._texts: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    def open(self) -> None:
        """From now on clauses are taken."""
        self._open = True

    def take(self, number: int, text: str) -> bool:
        """Whether this is the next clause; nothing is spoken twice, or out of its order."""
        if not self._open or number != self._number:
            return False
        self._number += 1
        self.said += text
        self._texts.put_nowait((text, True))
        self.begun.set()
        return True

    def finish(self, reply: str) -> str:
        """The reply is whole, or says why it is not; all that is heard then."""
        self._open = False
        whole = reply if reply.startswith(self.said.rstrip()) else self.said + reply
        self._texts.put_nowait((whole[len(self.said) :], False))
        return whole

    async def next(self) -> tuple[str, bool]:
        """What is to be spoken next, and whether more follows."""
        return await self._texts.get()
