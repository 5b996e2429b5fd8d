"""Orchestrator: what should run, runs.

    desired services -> started in dependency order, each when those it needs are ready
    one ends -> started again, with back-off
    told to stop -> drained in reverse order, the broker last

It drives the spawner, which forks. When this room is killed the others go on; the next instance
asks the spawner what runs, and carries on from there.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from alicia.contracts.system import (
    ALIVE,
    DESIRED,
    LIST_PROCESSES,
    PRESENCE,
    RESTART_SERVICE,
    Desired,
    ListProcesses,
    Phase,
    Presence,
    ProcessInfo,
    ProcessList,
    RestartService,
    ServiceRestarted,
)
from alicia.errors import DependencyMissingError, SettingsError, SetupError
from alicia.runtime.house import Address
from alicia.runtime.roster import needs, room
from alicia.runtime.service import Service, handles, serves
from alicia.runtime.settings import Settings
from alicia.runtime.spawner import Control

BROKER = "broker"
BROKER_TRIES = 2
STABLE_S = 30.0
CRASH_LOOP = 5


class OrchestratorSettings(Settings):
    services: str = ""
    """What should run, separated by commas."""
    start_timeout_s: float = Field(default=60.0, gt=0)
    """A service that is not ready by then is ended and started again."""
    stop_timeout_s: float = Field(default=8.0, gt=0)
    backoff_first_s: float = Field(default=0.1, ge=0)
    backoff_most_s: float = Field(default=30.0, gt=0)
    drain_timeout_s: float = 20.0


@dataclass(slots=True)
class Seat:
    """A service that should run."""

    service: str
    after: list[str]
    pid: int | None = None
    restarts: int = 0
    failures: int = 0
    """In a row, without a stable stretch between them."""
    last_exit: str | None = None
    started_at: float = 0.0
    wanted: bool = True
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    spawned: asyncio.Event = field(default_factory=asyncio.Event)


class Orchestrator(Service[OrchestratorSettings]):
    """Desired and observed, brought together."""

    name = "orchestrator"
    says = (DESIRED,)
    _running = True

    # ---- life ----

    @asynccontextmanager
    async def foundation(self) -> AsyncGenerator[None, None]:
        names = [name.strip() for name in self.settings.services.split(",") if name.strip()]
        self._seats = {name: Seat(name, self._after(name, names)) for name in names}
        self._presences: dict[tuple[str, int], Presence] = {}
        """By service and pid: a satellite elsewhere may have the pid of a child."""
        self._changed = asyncio.Event()
        control = Control.socket
        if control is None:
            raise DependencyMissingError("The orchestrator runs under `alicia up`.")
        control.setblocking(False)
        self._reader, self._writer = await asyncio.open_connection(sock=control)
        self._listed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as self._keepers:
                events = self._keepers.create_task(self._follow(), name="spawner events")
                self._wish(do="list")
                await self._listed.wait()
                if BROKER in self._seats:
                    await self._lay_foundation(self._seats[BROKER])
                yield
                if BROKER in self._seats:
                    await self._stop(self._seats[BROKER])
                events.cancel()
        finally:
            self._writer.close()

    async def _lay_foundation(self, broker: Seat) -> None:
        """Nobody can say anything before the broker is there, so this goes without the bus."""
        address = Address.path(self.folder)
        if broker.pid is None:
            address.unlink(missing_ok=True)
        self._keepers.create_task(self._keep(broker), name="keep broker")
        until = time.monotonic() + self.settings.start_timeout_s
        while not address.exists():
            if broker.failures >= BROKER_TRIES or time.monotonic() > until:
                raise SetupError(
                    "The broker does not start; its reason stands above and in its log.",
                    last=broker.last_exit,
                )
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        await self._say_desired()
        self.bus.on_connected.append(self._connected)
        for seat in self._seats.values():
            if seat.service != BROKER:
                self._keepers.create_task(self._keep(seat), name=f"keep {seat.service}")
        yield
        await self._drain()

    async def _say_desired(self) -> None:
        for seat in self._seats.values():
            await self.say(DESIRED, Desired(service=seat.service, running=True, after=seat.after))

    def _connected(self) -> None:
        """A broker that was killed may have lost what is retained."""
        if self._running:
            self._keepers.create_task(self._say_desired(), name="say what is desired")

    def _after(self, name: str, names: list[str]) -> list[str]:
        if room(name).planned:
            raise SettingsError(f"The service {name} is planned, not built yet.")
        return [need for need in needs(name) if need in names and need != self.name]

    async def _drain(self) -> None:
        """Whoever asks stops before whom it asks, so that nobody asks into the void."""
        self._running = False
        for seat in self._seats.values():
            seat.wanted = seat.service == BROKER
        self._changed.set()
        left = {s.service for s in self._seats.values() if s.service != BROKER}
        while left:
            asked = {need for name in left for need in self._seats[name].after}
            now = left - asked or left
            await asyncio.gather(*(self._stop(self._seats[name]) for name in now))
            left -= now

    # ---- one service ----

    async def _keep(self, seat: Seat) -> None:
        """Start it when those it needs are ready, and again whenever it ends."""
        while seat.wanted:
            if seat.pid is None:
                await self._ready(seat.after)
                if not seat.wanted:
                    return
                await self._spawn(seat)
            if not await self._comes_up(seat):
                self.log.error("not ready in time", late=seat.service)
                self._signal(seat, signal.SIGKILL)
            await seat.exited.wait()
            if not seat.wanted:
                return
            lived = time.monotonic() - seat.started_at
            seat.failures = 0 if lived > STABLE_S else seat.failures + 1
            seat.restarts += 1
            pause = self._pause(seat.failures)
            self.log.warning(
                "service ended",
                ended=seat.service,
                how=seat.last_exit,
                again_s=round(pause, 2),
                crash_loop=seat.failures >= CRASH_LOOP,
            )
            await self._rest(seat, pause)

    def _pause(self, failures: int) -> float:
        if failures <= 1:
            return 0.0
        # Bounded: a float ends at 2**1024, which a crash loop reaches in a night.
        grown = self.settings.backoff_first_s * 2.0 ** min(failures, 64)
        return min(self.settings.backoff_most_s, grown)

    async def _rest(self, seat: Seat, pause: float) -> None:
        """Wait before the next start, unless it is not wanted any more."""
        try:
            async with asyncio.timeout(pause):
                while seat.wanted:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def _ready(self, names: list[str]) -> None:
        while not all(self._is_ready(self._seats[name]) for name in names) and self._running:
            self._changed.clear()
            await self._changed.wait()

    def _is_ready(self, seat: Seat) -> bool:
        return self._phase(seat) in ALIVE

    async def _comes_up(self, seat: Seat) -> bool:
        try:
            async with asyncio.timeout(self.settings.start_timeout_s):
                while not self._is_ready(seat) and not seat.exited.is_set():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _spawn(self, seat: Seat) -> None:
        seat.exited.clear()
        seat.spawned.clear()
        seat.started_at = time.monotonic()
        self._wish(do="spawn", service=seat.service)
        await seat.spawned.wait()

    async def _stop(self, seat: Seat) -> None:
        seat.wanted = False
        self._changed.set()
        if seat.pid is None:
            return
        self._signal(seat, signal.SIGTERM)
        try:
            async with asyncio.timeout(self.settings.stop_timeout_s):
                await seat.exited.wait()
        except TimeoutError:
            self.log.warning("ended by force", slow=seat.service)
            self._signal(seat, signal.SIGKILL)
            await seat.exited.wait()

    def _signal(self, seat: Seat, number: signal.Signals) -> None:
        if seat.pid is not None:
            self._wish(do="signal", pid=seat.pid, signal=int(number))

    # ---- the spawner ----

    def _wish(self, **wish: object) -> None:
        self._writer.write(json.dumps(wish).encode() + b"\n")

    async def _follow(self) -> None:
        while line := await self._reader.readline():
            event: dict[str, Any] = json.loads(line)
            match event["event"]:
                case "children":
                    for pid, service in event["children"].items():
                        if service in self._seats:
                            seat = self._seats[service]
                            seat.pid, seat.started_at = int(pid), time.monotonic()
                    self._listed.set()
                case "spawned":
                    seat = self._seats[event["service"]]
                    seat.pid = event["pid"]
                    seat.spawned.set()
                case "exited":
                    self._exited(event)
                case other:
                    self.log.error("unknown event of the spawner", event_name=other)

    def _exited(self, event: dict[str, Any]) -> None:
        seat = self._seats.get(event["service"])
        if seat is not None and seat.pid == event["pid"]:
            seat.pid = None
            seat.last_exit = event["status"]
            self._presences.pop((seat.service, event["pid"]), None)
            seat.exited.set()
            self._changed.set()

    # ---- what it says and serves ----

    @handles(PRESENCE)
    async def presence(self, now: Presence) -> None:
        seat = self._seats.get(now.service)
        if seat is None:
            return
        if seat.pid != now.pid and now.phase in (Phase.LOST, Phase.STOPPED):
            self._presences.pop((now.service, now.pid), None)
        else:
            # Though the spawner's word of it is not read yet: the two ways have no common order.
            self._presences[now.service, now.pid] = now
        self._changed.set()

    @serves(LIST_PROCESSES, concurrency=4)
    async def list_processes(self, _: ListProcesses) -> ProcessList:
        return ProcessList(
            processes=[
                ProcessInfo(
                    service=seat.service,
                    pid=seat.pid,
                    phase=self._phase(seat),
                    restarts=seat.restarts,
                    rss_mb=proportional_mb(seat.pid) if seat.pid else None,
                    last_exit=seat.last_exit,
                )
                for seat in self._seats.values()
            ]
        )

    def _phase(self, seat: Seat) -> Phase:
        if seat.pid is None:
            return Phase.STOPPED
        presence = self._presences.get((seat.service, seat.pid))
        return presence.phase if presence else Phase.STARTING

    @serves(RESTART_SERVICE, concurrency=4)
    async def restart(self, ask: RestartService) -> ServiceRestarted:
        seat = self._seats.get(ask.service)
        if seat is None:
            names = ", ".join(self._seats)
            raise SettingsError(f"{ask.service!r} does not run here. There are: {names}.")
        before = seat.pid
        self._signal(seat, signal.SIGTERM)
        while seat.pid in (None, before) or not self._is_ready(seat):
            self._changed.clear()
            await self._changed.wait()
        return ServiceRestarted(service=seat.service, pid=seat.pid or 0)


def proportional_mb(pid: int) -> float | None:
    """Proportional set size of a process in MB (Linux); None where it can't be read."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return round(int(line.split()[1]) / 1024, 1)
    except OSError:
        return None
    return None
