"""A clock whose hands a test turns: a fake of the time of day, which no test can wait for."""

from __future__ import annotations

import asyncio


class HandClock:
    """Stands still until it is told to go on."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._waiting: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    async def until(self, moment: float) -> None:
        if moment <= self._now:
            return
        waiting = moment, asyncio.Event()
        self._waiting.append(waiting)
        try:
            await waiting[1].wait()
        finally:
            self._waiting.remove(waiting)

    @property
    def waiting(self) -> list[float]:
        """The moments that are waited for."""
        return sorted(due for due, _ in self._waiting)

    def set(self, moment: float) -> None:
        """Put it to this moment, forwards or back."""
        self._now = moment
        for due, event in self._waiting:
            if due <= moment:
                event.set()

    def advance(self, seconds: float) -> None:
        self.set(self._now + seconds)
