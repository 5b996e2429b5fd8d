"""Clock: the time of day, and waiting for it.

A room that acts by the time of day takes it from here, so that a test can turn the hands.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

LOOK_EVERY_S = 10.0
"""The clock of a machine is set, and machines sleep: how soon that is noticed."""


class Clock(Protocol):
    """Moments are seconds since the epoch."""

    def now(self) -> float: ...

    async def until(self, moment: float) -> None:
        """Returns when it is that late."""
        ...


class WallClock:
    """This machine's."""

    def now(self) -> float:
        return time.time()

    async def until(self, moment: float) -> None:
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - time itself is waited for
            await asyncio.sleep(min(left, LOOK_EVERY_S))
