"""Causal cancel: work for a turn stops where it is done, when the turn's owner says so.

CANCEL heard ─▶ every handler whose message carries that turn's id is stopped; its asker reads
`voice.cancelled`. One that has committed itself (devices were told) is left to finish and report.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from alicia.errors import TurnCancelledError

T = TypeVar("T")

REMEMBERED = 512
"""Cancelled turns whose work may still be on its way here."""


@dataclass(slots=True, eq=False)
class _Work:
    task: asyncio.Task[object]
    committed: bool = False
    cancelled: bool = False


_current: ContextVar[_Work | None] = ContextVar("work for a turn", default=None)


class Cancelling:
    """The work of one service, by turn."""

    def __init__(self) -> None:
        self._work: dict[str, set[_Work]] = {}
        self._cancelled: OrderedDict[str, None] = OrderedDict()

    def cancel(self, turn_id: str) -> None:
        """Stop what is done for this turn, and refuse what comes later for it."""
        self._cancelled[turn_id] = None
        self._cancelled.move_to_end(turn_id)
        if len(self._cancelled) > REMEMBERED:
            self._cancelled.popitem(last=False)
        for work in self._work.get(turn_id, set()):
            if not work.committed and not work.cancelled:
                work.cancelled = True
                work.task.cancel()

    async def carry_out(self, turn_id: str, awaitable: Awaitable[T]) -> T:
        """Await it, unless the turn is cancelled. Raises TurnCancelledError."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - there is a loop
        if turn_id in self._cancelled:
            _dispose(awaitable)
            raise TurnCancelledError
        before = task.cancelling()
        work = _Work(task)
        self._work.setdefault(turn_id, set()).add(work)
        token = _current.set(work)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if work.cancelled and task.uncancel() <= before:
                raise TurnCancelledError from None
            raise
        finally:
            _current.reset(token)
            self._work[turn_id].discard(work)
            if not self._work[turn_id]:
                del self._work[turn_id]


def commit() -> None:
    """What is being done for a turn here is finished from now on, even if the turn is cancelled.

    Raises TurnCancelledError where it was cancelled a moment ago.
    """
    work = _current.get()
    if work is None:
        return
    if work.cancelled:
        work.task.uncancel()
        work.cancelled = False
        raise TurnCancelledError
    work.committed = True


def _dispose(awaitable: Awaitable[object]) -> None:
    if asyncio.iscoroutine(awaitable):
        awaitable.close()
