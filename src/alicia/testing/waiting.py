"""Waiting in tests, and telling how long something took, so that a busy machine fails none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0
"""For what comes at once. Only a fault takes as long, or a machine with much else to do."""
ROUNDS = 200
_NS = 1_000_000_000


async def until(
    fact: Callable[[], object], within_s: float = PATIENCE_S, *, every_s: float = 0.002
) -> None:
    """Returns when the fact is true. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not fact():
        if time.monotonic() >= deadline:
            raise TimeoutError("It did not come true in time.")
        await asyncio.sleep(every_s)


async def settled() -> None:
    """Until what is under way on a broker in memory has arrived: nothing there waits for a clock.

    What threads and other processes do is not waited for.
    """
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


class Stopwatch:
    """Runs from when it is made; to be read in the same thread.

    On Linux the time in which the thread could have gone on, and no core was free, does not count.
    """

    def __init__(self) -> None:
        self._began, self._waited = time.monotonic(), _waited_s()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began - (_waited_s() - self._waited)


def _waited_s() -> float:
    """How long this thread has waited for a core in its life."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / _NS
    except (OSError, ValueError, IndexError):
        return 0.0
