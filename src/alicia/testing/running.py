"""Running services in a test: a whole house in one process, on a broker in memory.

    async with house(DeviceRegistry, VirtualHomeAdapter, folder=tmp_path) as home:
        await home.start(DeviceControl)
        outcome = await home.bus.ask(devices.CONTROL, ...)
        state = await home.until(devices.STATE, lambda s: s.available, entity_id="light.kitchen")
        await home.kill(DeviceControl)

The services are the real ones, run by the real runner. `home.bus` may say, hear, ask and serve all
that the contract declares.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from alicia.bus.bus import Bus, Declaration
from alicia.bus.identity import REPLY, ROOT
from alicia.bus.memory import MemoryBroker, MemoryTransport
from alicia.bus.packet import Access
from alicia.contracts import declared
from alicia.contracts.kinds import Command, Payload, State, Topic
from alicia.errors import DeadlineError
from alicia.runtime.access import derive
from alicia.runtime.runner import Runner
from alicia.runtime.service import Service
from alicia.runtime.settings import Folder
from alicia.testing.waiting import PATIENCE_S

M = TypeVar("M", bound=Payload)
S = TypeVar("S", bound=Service[Any])

TESTER = "tester"

Sections = Mapping[str, Mapping[str, Any]]
"""Settings, by service and field."""


def everything() -> Declaration:
    """May say, hear, ask and serve all that is declared."""
    topics = frozenset(declared().values())
    commands = frozenset(topic for topic in topics if isinstance(topic, Command))
    told = topics - commands
    return Declaration(says=told, hears=told, asks=commands, serves=commands)


class GivenFolder(Folder):
    """A house's folder, with settings that are given instead of read."""

    def __init__(self, root: Path, sections: Sections) -> None:
        super().__init__(root)
        self._sections = sections

    @property
    def sections(self) -> dict[str, Any]:  # type: ignore[override]
        return {name: dict(section) for name, section in self._sections.items()}


@dataclass(eq=False)
class Running:
    """One instance at work."""

    kind: type[Service[Any]]
    runner: Runner
    transport: MemoryTransport
    task: asyncio.Task[None]


class RunningHouse:
    """A house whose services come and go as a test tells them to."""

    bus: Bus
    """The test's own connection."""

    def __init__(self, folder: Path, sections: Sections, access: dict[str, Access] | None) -> None:
        self.root = "alicia"
        self.folder = folder
        self.broker = MemoryBroker(access)
        self._sections = sections
        self._transports: dict[str, MemoryTransport] = {}
        self._running: list[Running] = []

    def transport(self, identity: str, instance: str) -> MemoryTransport:
        self._transports[instance] = MemoryTransport(self.broker, identity)
        return self._transports[instance]

    async def start(self, kind: type[S], **settings: object) -> S:
        """One more instance, ready; its settings are the house's with these over them.

        Raises what starting it raises.
        """
        own = {
            # Nobody scrapes a test, and no test waits for a slow farewell.
            "http_port": -1,
            "drain_timeout_s": 2.0,
            **self._sections.get(kind.name, {}),
            **settings,
        }
        runner = Runner(kind, self, GivenFolder(self.folder, {kind.name: own}))
        task = asyncio.create_task(runner.run(), name=f"run {kind.name}")
        ready = asyncio.create_task(runner.ready.wait())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            if not runner.ready.is_set():
                task.cancel()
        if not runner.ready.is_set():
            await task
        running = Running(kind, runner, self._transports[runner.instance], task)
        self._running.append(running)
        return runner.service  # type: ignore[return-value]

    async def stop(self, kind: type[Service[Any]]) -> None:
        """As SIGTERM does, to every instance: drained. Raises what ended one before."""
        for running in self._leaving(kind):
            running.runner.stop.set()
            await running.task

    async def kill(self, kind: type[Service[Any]]) -> None:
        """As SIGKILL does, to every instance: nothing more is said, and the broker says the will.

        What had been handed to the operating system (files) stays.
        """
        for running in self._leaving(kind):
            running.transport.vanish()
            _abandon(running.runner.service.bus)
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)

    async def until(
        self,
        topic: Topic[M],
        fits: Callable[[M], bool] | None = None,
        *,
        within_s: float = PATIENCE_S,
        **places: str,
    ) -> M:
        """The first message that fits; of a State also what is retained. Raises DeadlineError."""
        try:
            async with (
                asyncio.timeout(within_s),
                self.bus.hear(topic, limit=1024, **places) as hearing,
            ):
                async for delivery in hearing:
                    if fits is None or fits(delivery.message):
                        return delivery.message
        except TimeoutError:
            pass
        raise DeadlineError(topic=topic.filter(**places), after_s=within_s)

    async def retained(
        self, topic: State[M], count: int, *, within_s: float = PATIENCE_S
    ) -> dict[str, M]:
        """The newest of each, by name, once there are this many. Raises DeadlineError."""
        found: dict[str, M] = {}

        def enough(message: M) -> bool:
            found[topic.name(message)] = message
            return len(found) >= count

        await self.until(topic, enough, within_s=within_s)
        return found

    async def close(self) -> None:
        """Stops what runs, newest first. Raises what ended one before."""
        for running in reversed(self._running):
            running.runner.stop.set()
            await running.task
        self._running.clear()

    def _leaving(self, kind: type[Service[Any]]) -> list[Running]:
        leaving = [running for running in self._running if running.kind is kind]
        self._running = [running for running in self._running if running.kind is not kind]
        return leaving


@asynccontextmanager
async def house(
    *kinds: type[Service[Any]],
    folder: Path,
    settings: Sections | None = None,
    access_rules: bool = False,
) -> AsyncGenerator[RunningHouse, None]:
    """These services at work, in this order, on one broker in memory.

    settings: by service and field. access_rules: with the rules of the real house; the test itself
    may do everything.
    """
    home = RunningHouse(folder, settings or {}, _rules() if access_rules else None)
    async with AsyncExitStack() as stack:
        home.bus = await stack.enter_async_context(
            Bus(
                MemoryTransport(home.broker, TESTER),
                service=TESTER,
                instance=f"{TESTER}-1",
                declaration=everything(),
            )
        )
        stack.push_async_callback(home.close)
        for kind in kinds:
            await home.start(kind)
        yield home


def _abandon(bus: Bus) -> None:
    """What a killed process had in hand is never finished."""
    for task in list(bus._tasks):  # noqa: SLF001 - no service may do this to itself
        task.cancel()


def _rules() -> dict[str, Access]:
    inbox = f"{ROOT}/{REPLY.format(asker=TESTER, instance='+')}"
    rules = {
        name: Access(read=access.read, write=(*access.write, inbox))
        for name, access in derive().items()
    }
    return {**rules, TESTER: Access(read=("#",), write=("#",))}
