"""A real house for tests: its own processes, a real broker, TLS, virtual devices.

async with live_house(tmp_path) as house:
heard = await house.satellite.turn(played(pcm))
await house.kill("stt")
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alicia.bus.bus import Bus
from alicia.bus.packet import Packet
from alicia.contracts.devices import ADAPTER_STATE, STATE, AdapterState, EntityState
from alicia.contracts.system import LIST_PROCESSES, ListProcesses, Phase
from alicia.errors import NotReadyError
from alicia.peers.console import Console
from alicia.peers.satellite import Satellite
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.runtime.settings import Folder
from alicia.testing.waiting import PATIENCE_S

UP_WITHIN_S = 60.0
END_WITHIN_S = 40.0


@dataclass
class LiveHouse:
    """A house that is up, and two who speak to it."""

    folder: Folder
    console: Console
    satellite: Satellite
    ready: dict[str, Any]
    """What `alicia up --json` said."""
    states: dict[str, EntityState] = field(default_factory=dict[str, EntityState])
    """The confirmed states, as they come."""
    adapters: dict[str, AdapterState] = field(default_factory=dict[str, AdapterState])
    """What the virtual devices themselves say; `applied` counts what was carried out."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bus(self) -> Bus:
        return self.console.bus

    async def pid(self, service: str) -> int | None:
        """The process of a service; `mosquitto` is the broker's own."""
        if service == "mosquitto":
            return self._broker_pid()
        if service == "orchestrator":
            return self._presence_pid(service)
        processes = await self.console.ask(LIST_PROCESSES, ListProcesses())
        return next((p.pid for p in processes.processes if p.service == service), None)

    def _broker_pid(self) -> int | None:
        try:
            return int((self.folder.broker / "mosquitto.pid").read_text("ascii"))
        except (OSError, ValueError):
            return None  # it is being written

    def _presence_pid(self, service: str) -> int | None:
        alive = [
            p
            for p in self.console.peers.all()
            if p.service == service and p.phase in (Phase.READY, Phase.DEGRADED)
        ]
        return max(alive, key=lambda p: p.started_at).pid if alive else None

    async def back(self, service: str, killed: int, within_s: float = PATIENCE_S) -> float:
        """Wait for another instance to be ready; how long it took. Raises TimeoutError.

        `mosquitto` is back when we are connected to another process than the one killed.
        """
        started = time.monotonic()
        async with asyncio.timeout(within_s):
            while not self._is_back(service, killed):
                self.console.peers.changed.clear()
                await self.console.peers.changed.wait()
        return time.monotonic() - started

    def _is_back(self, service: str, killed: int) -> bool:
        if service == "mosquitto":
            return self.bus.connected and self._broker_pid() not in (None, killed)
        now = self._presence_pid(service)
        return now is not None and now != killed

    async def until(self, entity_id: str, capability: str, value: object) -> EntityState:
        """Wait for a confirmed state. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                state = self.states.get(entity_id)
                if state is not None and state.values.get(capability) == value:
                    return state
                self.changed.clear()
                await self.changed.wait()

    async def reported(self, entities: Iterable[str]) -> None:
        """Wait until the devices behind these have said how they are. Raises TimeoutError."""
        wanted = set(entities)
        async with asyncio.timeout(PATIENCE_S):
            while not wanted <= self.adapters.keys():
                self.changed.clear()
                await self.changed.wait()

    async def _follow(self) -> None:
        # Not `devices/#`: a tap on commands hides from the broker that nobody serves them.
        async with (
            self.bus.tap(STATE.filter()) as confirmed,
            self.bus.tap(ADAPTER_STATE.filter()) as reported,
            asyncio.TaskGroup() as group,
        ):
            for packets in (confirmed, reported):
                group.create_task(self._take_all(packets))

    async def _take_all(self, packets: AsyncIterator[Packet]) -> None:
        async for packet in packets:
            self._take(packet, self.bus.relative(packet.topic))

    def _take(self, packet: Packet, topic: str) -> None:
        if (places := STATE.match(topic)) is not None:
            state = EntityState.decode(packet.payload, places)
            self.states[state.entity_id] = state
        elif (places := ADAPTER_STATE.match(topic)) is not None:
            adapter = AdapterState.decode(packet.payload, places)
            self.adapters[adapter.entity_id] = adapter
        self.changed.set()


@asynccontextmanager
async def live_house(
    folder: Path, *, settings: Mapping[str, str] | None = None, services: tuple[str, ...] = ()
) -> AsyncGenerator[LiveHouse, None]:
    """Start `alicia up` and join it; left, the house is stopped and nothing of it remains.

    settings: environment variables such as ALICIA_STT__THREADS. Raises NotReadyError where the
    house does not come up, with what it printed.
    """
    environment = {
        **os.environ,
        "ALICIA_HOME": str(folder),
        "ALICIA_BROKER__TLS_PORT": "0",
        # Each house would speak hundreds of phrases in advance, on the cores that tests share.
        "ALICIA_TTS__WARM_AFTER_S": "3600",
        **(settings or {}),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alicia",
        "up",
        "--json",
        *services,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        ready = await _ready(process)
        home = Folder(folder)
        async with AsyncExitStack() as stack:
            console = await stack.enter_async_context(joined(Console, MqttHouse(home), home))
            satellite = await stack.enter_async_context(joined(Satellite, MqttHouse(home), home))
            house = LiveHouse(home, console, satellite, ready)
            following = asyncio.create_task(house._follow())  # noqa: SLF001 - its own maker
            try:
                yield house
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
    finally:
        await _end(process)


async def _ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - asked for
    assert process.stderr is not None  # noqa: S101 - asked for
    try:
        async with asyncio.timeout(UP_WITHIN_S):
            line = await process.stdout.readline()
    except TimeoutError:
        line = b""
    if not line.startswith(b'{"services_ready"'):
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        said = (await process.stderr.read()).decode(errors="replace")
        raise NotReadyError("The house does not come up.", said=line.decode() + said[-2000:])
    return json.loads(line)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(END_WITHIN_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
