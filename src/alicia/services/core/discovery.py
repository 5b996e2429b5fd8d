"""Discovery: who is here and what they lack.

PRESENCE heard (leases) -> DIRECTORY said, whenever it changes
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from alicia.contracts.system import ALIVE, DIRECTORY, PRESENCE, Directory, Phase, Presence, Seat
from alicia.runtime.roster import PEERS, ROOMS, needs
from alicia.runtime.service import Service, handles, runs
from alicia.runtime.settings import Settings

LEASE_S = 35.0
"""Presence is renewed every 10 s; after three misses nobody counts on it."""
_GONE = (Phase.LOST, Phase.STOPPED)


class Discovery(Service[Settings]):
    """The directory of the house."""

    name = "discovery"
    says = (DIRECTORY,)

    def __init__(self) -> None:
        self._here: dict[str, tuple[Presence, float]] = {}
        self._said: Directory | None = None
        self._changed = asyncio.Event()
        self._needs = {room.name: needs(room.name) for room in (*ROOMS, *PEERS) if not room.planned}

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        self.bus.on_connected.append(self._say_again)
        yield

    def _say_again(self) -> None:
        """A broker that was killed may have lost the directory, or have an older one."""
        self._said = None
        self._changed.set()

    @handles(PRESENCE)
    async def presence(self, now: Presence) -> None:
        if now.phase in _GONE:
            self._here.pop(now.instance, None)
        else:
            self._here[now.instance] = (now, time.monotonic())
        self._changed.set()

    @runs
    async def publish(self) -> None:
        while True:
            self._changed.clear()
            oldest = time.monotonic() - LEASE_S
            for instance, (_, since) in list(self._here.items()):
                if since < oldest:
                    self.log.warning("lease ran out", lost=instance)
                    del self._here[instance]
            directory = self._directory()
            if directory != self._said:
                await self.say(DIRECTORY, directory)
                self._said = directory
            try:
                async with asyncio.timeout(5):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _directory(self) -> Directory:
        ready: dict[str, int] = {}
        instances: dict[str, list[str]] = {}
        for presence, _ in self._here.values():
            instances.setdefault(presence.service, []).append(presence.instance)
            ready[presence.service] = ready.get(presence.service, 0) + (presence.phase in ALIVE)
        seats = [
            Seat(
                service=room.name,
                planned=room.planned,
                instances=sorted(instances.get(room.name, [])),
                ready=ready.get(room.name, 0),
                needs=self._needs.get(room.name, []),
                missing=[need for need in self._needs.get(room.name, []) if not ready.get(need, 0)],
            )
            for room in ROOMS
        ]
        return Directory(seats=seats, ready=sum(1 for seat in seats if seat.ready))
