"""VirtualHomeAdapter: the devices of a virtual home, in real time.

    ADAPTER_COMMAND asked -> on disk -> accepted ... ADAPTER_STATE said, as the device moves
    PRESENCE of a registry heard -> REGISTER asked

Every command leads to a state that carries its id, also where nothing changes and where the command
had been carried out before: that is how its asker knows.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import Field

from alicia.contracts import devices, name_of
from alicia.contracts.devices import AdapterAccepted, AdapterCommand, AdapterState, Register
from alicia.contracts.system import ALIVE, PRESENCE
from alicia.errors import AliciaError, SettingsError, SetupError
from alicia.home import demo
from alicia.home.demo import DemoHome
from alicia.home.virtual import Fault, VirtualHome
from alicia.runtime.service import Service, runs, serves
from alicia.runtime.settings import Settings


class VirtualHomeSettings(Settings):
    file: Path | None = None
    """A home in TOML; without one, the demo home."""
    faults: dict[str, Fault] = Field(default_factory=dict[str, Fault])
    """What fails from the start, by entity."""
    latency_scale: float = Field(default=1.0, gt=0, le=100)
    """How much longer everything takes than the devices would: 0.1 is ten times faster."""


class VirtualHomeAdapter(Service[VirtualHomeSettings]):
    """The virtual devices of the demo home."""

    name = "virtual_home"
    says = (devices.ADAPTER_STATE,)
    asks = (devices.REGISTER,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        # The home is worked on off the loop, by one thread at a time, in the order of asking.
        self._lock = threading.Lock()
        self._order = asyncio.Lock()
        self._unsaid: set[str] = set()
        self._described, self._home = await self.off_loop(self._open)
        # A clock that only goes forward, and never starts before what an earlier instance left to
        # be done: that is due now.
        self._origin = max(time.time(), self._home.next_change() or 0.0) - self._elapsed()
        self._say_all()
        self.bus.on_connected.append(self._say_all)
        yield

    def _open(self) -> tuple[DemoHome, VirtualHome]:
        try:
            described = demo.load(self.settings.file)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                "The file of the virtual home can't be read.",
                file=str(self.settings.file),
                reason=f"{type(error).__name__}: {error}",
            ) from error
        store = self.folder.state(self.name) / "home.json"
        try:
            home = VirtualHome(
                described.entities,
                described.initial,
                draws_w=described.draws_w,
                now=time.time(),
                store=store,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SetupError(
                "The state of the virtual home can't be read; moving the file away starts afresh.",
                file=str(store),
                reason=f"{type(error).__name__}: {error}",
            ) from error
        for entity in described.entities:
            home.fault(entity.entity_id, self.settings.faults.get(entity.entity_id))
        if unknown := self.settings.faults.keys() - {e.entity_id for e in described.entities}:
            raise SettingsError(
                "A fault is set for an entity that is not in this home.", unknown=sorted(unknown)
            )
        return described, home

    # ---- commands ----

    @serves(devices.ADAPTER_COMMAND, concurrency=64, backlog=1024, adapter=demo.ADAPTER)
    async def command(self, ask: AdapterCommand) -> AdapterAccepted:
        """Raises DeviceError where the device can't, won't or is not there."""
        async with self._order:
            await self.off_loop(self._apply, ask)
        return AdapterAccepted(command_id=ask.command_id)

    def _apply(self, ask: AdapterCommand) -> None:
        with self._lock:
            applied = self._home.apply(
                ask.entity_id, ask.capability, ask.value, ask.command_id, now=self._now()
            )
            if applied.repeated:
                self._unsaid.add(ask.entity_id)
        # From here and not from the handler, which ends when its asker stops waiting.
        self._loop.call_soon_threadsafe(self._moved.set)

    # ---- time ----

    @runs
    async def live(self) -> None:
        """Let time pass while something moves, and say what it changed. Alone says states."""
        while True:
            self._moved.clear()
            changed, due = await self.off_loop(self._advance)
            for state in changed:
                await self.say(devices.ADAPTER_STATE, state)
            pause = None if due is None else (due - self._now()) * self.settings.latency_scale
            with suppress(TimeoutError):
                async with asyncio.timeout(pause if pause is None else max(0.0, pause)):
                    await self._moved.wait()

    def _advance(self) -> tuple[list[AdapterState], float | None]:
        """The newest state of what has changed, and when there is more to come."""
        with self._lock:
            changed = {state.entity_id: state for state in self._home.advance(self._now())}
            for entity_id in self._unsaid - changed.keys():
                changed[entity_id] = self._home.state(entity_id)
            self._unsaid.clear()
            return list(changed.values()), self._home.next_change()

    def _say_all(self) -> None:
        """Also after reconnecting: the broker may have lost what it retained."""
        self._unsaid |= {entity.entity_id for entity in self._described.entities}
        self._moved.set()

    def _elapsed(self) -> float:
        return time.monotonic() / self.settings.latency_scale

    def _now(self) -> float:
        return self._origin + self._elapsed()

    # ---- registration ----

    @runs
    async def register(self) -> None:
        """At every registry that appears; presence is renewed, so a failure is tried again."""
        done: set[str] = set()
        serves_it = name_of(devices.REGISTER)
        async with self.hear(PRESENCE) as present:
            async for seen in present:
                if seen.phase not in ALIVE or serves_it not in seen.serves or seen.instance in done:
                    continue
                try:
                    counts = await self.ask(
                        devices.REGISTER,
                        Register(
                            adapter=demo.ADAPTER,
                            areas=self._described.areas,
                            devices=self._described.devices,
                        ),
                    )
                except AliciaError as error:
                    self.log.warning("not registered", code=error.code)
                else:
                    done.add(seen.instance)
                    self.log.info("registered", added=counts.added, updated=counts.updated)
