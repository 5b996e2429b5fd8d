"""Who else is here, as presence tells it: whom to wait for, and whose answers will not come."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from alicia.bus.bus import Bus
from alicia.contracts import name_of
from alicia.contracts.kinds import Command
from alicia.contracts.system import ALIVE, PRESENCE, Phase, Presence

RETURNS_WITHIN_S = 10.0
"""How long somebody who was lost is expected back."""


class Peers:
    """The instances that have been seen."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Presence, float]] = {}
        self.changed = asyncio.Event()
        """Set whenever somebody's presence changes; whoever waits clears it."""

    async def watch(self, bus: Bus) -> None:
        """Follow presence until cancelled."""
        async with bus.hear(PRESENCE, limit=1024) as hearing:
            async for delivery in hearing:
                self.put(delivery.message, bus)

    def put(self, presence: Presence, bus: Bus) -> None:
        before = self._seen.get(presence.instance)
        was = before[0].phase if before else None
        others = self._served(presence.instance)
        self._seen[presence.instance] = (presence, time.monotonic())
        self.changed.set()
        if presence.phase is Phase.LOST and was not in (None, Phase.LOST):
            bus.lose(set(presence.serves))
        elif presence.phase in ALIVE and was not in ALIVE and was is not None:
            # Who asked while nobody served may wait in vain: a tap that hears everything makes the
            # broker take the question, and Mosquitto says a will a moment before it forgets the
            # dead one's subscriptions. Whoever has the question already answers it once.
            bus.lose(set(presence.serves) - others, idempotent=True)
        if len(self._seen) > 512:
            self._forget()

    def _served(self, apart_from: str) -> set[str]:
        """What others serve at the moment."""
        return {
            command
            for instance, (presence, _) in self._seen.items()
            if presence.phase in ALIVE and instance != apart_from
            for command in presence.serves
        }

    def expected(self, command: Command[Any, Any]) -> bool:
        """Whether somebody serves this, or is likely to again in a moment."""
        name = name_of(command)
        now = time.monotonic()
        return any(
            name in presence.serves
            and (
                presence.phase in (Phase.STARTING, Phase.READY, Phase.DEGRADED)
                or now - since < RETURNS_WITHIN_S
            )
            for presence, since in self._seen.values()
        )

    def all(self) -> list[Presence]:
        return [presence for presence, _ in self._seen.values()]

    def _forget(self) -> None:
        gone = (Phase.LOST, Phase.STOPPED)
        self._seen = {k: v for k, v in self._seen.items() if v[0].phase not in gone}
