"""The broker room with a real Mosquitto: nobody else can say what it does with one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from alicia.bus.bus import Bus
from alicia.contracts.system import BROKER, PRESENCE, BrokerStatus, Phase, Presence
from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.errors import AliciaError, DependencyMissingError, NoResponderError, SetupError
from alicia.peers.console import Console
from alicia.runtime import logs
from alicia.runtime.house import Address, MqttHouse
from alicia.runtime.roster import declarations
from alicia.runtime.runner import Runner, joined
from alicia.security import process
from alicia.security.mosquitto import find_program
from alicia.services.core import broker as broker_module
from alicia.services.core.broker import Broker
from alicia.testing.running import GivenFolder
from alicia.testing.waiting import PATIENCE_S, Stopwatch, until


def _missing() -> str | None:
    try:
        find_program()
    except DependencyMissingError as error:
        return error.message
    return None


pytestmark = pytest.mark.skipif(_missing() is not None, reason=f"{_missing()}")

SETTINGS: dict[str, Any] = {"tls_port": 0, "http_port": -1, "drain_timeout_s": 2.0}


class Room:
    """A broker room at work in this process."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = GivenFolder(folder, {"broker": {**SETTINGS, **settings}})
        self.house = MqttHouse(self.folder)
        self.runner = Runner(Broker, self.house, self.folder)
        self.task = asyncio.create_task(self.runner.run())

    async def ready(self) -> None:
        """Raises what starting it raises."""
        waiting = asyncio.create_task(self.runner.ready.wait())
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({self.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            await self.task

    @property
    def pid(self) -> int:
        """Mosquitto's; 0 where there is none."""
        try:
            return int((self.folder.broker / "mosquitto.pid").read_text("ascii"))
        except (OSError, ValueError):  # it is being written
            return 0

    @property
    def address(self) -> Address:
        return Address.read(self.folder)

    async def stop(self) -> None:
        """As SIGTERM does."""
        self.runner.stop.set()
        await self.task

    async def crash(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def mosquitto_runs(self, pid: int) -> bool:
        return bool(pid) and process.runs(pid, "-c", str(self.folder.broker / "mosquitto.conf"))


@asynccontextmanager
async def room(folder: Path, **settings: Any) -> AsyncGenerator[Room, None]:
    made = Room(folder, **settings)
    try:
        await made.ready()
        yield made
        if not made.task.done():
            await made.stop()
    finally:
        await made.crash()
        if (pid := made.pid) and made.mosquitto_runs(pid):
            os.kill(pid, signal.SIGKILL)


async def status(bus: Bus, fits: Callable[[BrokerStatus], bool]) -> BrokerStatus:
    """The first that fits."""
    async with asyncio.timeout(PATIENCE_S), bus.hear(BROKER) as hearing:
        async for delivery in hearing:
            if fits(delivery.message):
                return delivery.message
    raise AssertionError


async def test_it_starts_mosquitto_and_tells_everyone_where_it_is(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        url, ca = here.address.url, here.address.ca
        assert url.startswith("mqtts://")
        assert not url.endswith(":0")
        assert ca is not None
        assert here.folder.root in Path(ca).parents
        assert here.mosquitto_runs(here.pid)
        names = {path.stem for path in here.folder.identities.glob("*.json")}
        assert names == set(declarations())
        async with joined(Console, here.house, here.folder) as console:
            assert console.bus.connected
        pid = here.pid
        await here.stop()
        assert not here.mosquitto_runs(pid)


async def test_it_says_the_brokers_own_figures(tmp_path: Path) -> None:
    async with room(tmp_path) as here, joined(Console, here.house, here.folder) as console:
        said = await status(console.bus, lambda s: s.version is not None)
        assert said.version == ".".join(map(str, find_program().version))
        assert (said.up, said.adopted, said.restarts) == (True, False, 0)
        figures = said.model_dump(include={"clients", "messages_received", "messages_sent"})
        assert None not in figures.values(), "all of one round, not those of the round before"
        assert said.messages_dropped == said.uptime_s == 0


async def test_a_killed_mosquitto_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    async with room(tmp_path) as here, joined(Console, here.house, here.folder) as console:
        pid, address = here.pid, here.address
        started = Stopwatch()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: here.mosquitto_runs(here.pid) and here.pid != pid)
        await until(lambda: console.bus.connected)
        assert started.seconds < 5
        assert here.address == address
        assert not here.task.done()
        assert (await status(console.bus, lambda s: s.restarts == 1)).up
        # Once more, and its figures are of the new one.
        os.kill(here.pid, signal.SIGKILL)
        assert (await status(console.bus, lambda s: s.restarts == 2)).up


async def test_clients_are_heard_again_after_it(tmp_path: Path) -> None:
    async with room(tmp_path) as here, joined(Console, here.house, here.folder) as console:
        os.kill(here.pid, signal.SIGKILL)

        def again(presence: Presence) -> bool:
            return presence.service == "broker" and presence.phase is Phase.READY

        async with asyncio.timeout(PATIENCE_S), console.bus.hear(PRESENCE) as hearing:
            async for delivery in hearing:
                if again(delivery.message):
                    break


async def test_a_room_that_crashes_leaves_mosquitto_to_its_next_instance(tmp_path: Path) -> None:
    async with room(tmp_path) as first:
        pid, address = first.pid, first.address
        async with joined(Console, first.house, first.folder) as console:
            connections: list[float] = []
            console.bus.on_connected.append(lambda: connections.append(time.monotonic()))
            await first.crash()
            assert first.mosquitto_runs(pid)
            async with room(tmp_path) as second:
                assert (second.pid, second.address) == (pid, address)
                assert console.bus.connected
                said = await status(console.bus, lambda s: s.uptime_s is not None)
                assert (said.adopted, said.restarts) == (False, 0)
                # It is the second's now, to its end.
                os.kill(pid, signal.SIGKILL)
                await until(lambda: second.mosquitto_runs(second.pid) and second.pid != pid)
                await until(lambda: connections)
                pid = second.pid
            assert not first.mosquitto_runs(pid)


async def test_the_port_is_kept_over_a_restart_of_the_house(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        url = here.address.url
    async with room(tmp_path) as here:
        assert here.address.url == url


async def test_a_broker_that_exists_is_adopted(tmp_path: Path) -> None:
    async with room(tmp_path / "theirs") as theirs:
        mine = tmp_path / "mine"
        shutil.copytree(theirs.folder.identities, mine / "identities")
        url, ca = theirs.address.url, theirs.address.ca
        async with room(mine, url=url, ca_file=ca) as here:
            assert here.address == Address(url, ca, "alicia")
            assert not (here.folder.broker / "mosquitto.pid").exists()
            async with joined(Console, here.house, here.folder) as console:
                assert (await status(console.bus, lambda s: s.adopted)).up
        assert theirs.mosquitto_runs(theirs.pid), "whoever runs it, goes on"


@pytest.mark.parametrize("url", ["mqtts://127.0.0.1:1", "http://somewhere", "nonsense"])
async def test_a_broker_that_is_not_there_is_a_reason(tmp_path: Path, url: str) -> None:
    with pytest.raises(AliciaError) as raised:
        async with room(tmp_path, url=url):
            pass
    assert isinstance(raised.value, SetupError)
    assert not Address.path(GivenFolder(tmp_path, {})).exists()


async def test_a_port_that_is_taken_is_a_reason(tmp_path: Path) -> None:
    async with room(tmp_path / "first") as first:
        port = int(first.address.url.rpartition(":")[2])
        with pytest.raises(SetupError, match=str(port)):
            async with room(tmp_path / "second", tls_port=port):
                pass


async def test_another_root_is_told_with_the_address(tmp_path: Path) -> None:
    async with (
        room(tmp_path, root="home/7/alicia") as here,
        joined(Console, here.house, here.folder) as console,
    ):
        assert here.address.root == "home/7/alicia"
        assert (await status(console.bus, lambda s: s.up)).up
        assert json.loads(Address.path(here.folder).read_text())["root"] == "home/7/alicia"


async def test_nothing_that_goes_through_it_stands_in_a_log(tmp_path: Path) -> None:
    stream = StringIO()
    logs.configure(level="debug", to=stream)
    try:
        async with room(tmp_path) as here, joined(Console, here.house, here.folder) as console:
            ask = SayText(turn_id="t1", satellite="s1", text="the canary is in its cage")
            with pytest.raises(NoResponderError):
                await console.bus.ask(SAY_TEXT, ask)
            os.kill(here.pid, signal.SIGKILL)
            await status(console.bus, lambda s: s.restarts == 1)
            theirs = (here.folder.broker / "mosquitto.log").read_text()
    finally:
        structlog.reset_defaults()
    assert "mosquitto ended" in stream.getvalue()
    assert "canary" not in stream.getvalue() + theirs


async def test_a_renewed_certificate_is_taken_up_and_clients_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "RENEW_EVERY_S", 0.05)
    async with room(tmp_path) as here, joined(Console, here.house, here.folder) as console:
        service = here.runner.service
        assert isinstance(service, Broker)
        connections: list[float] = []
        console.bus.on_connected.append(lambda: connections.append(time.monotonic()))
        before = service._authority.server_file.read_bytes()
        service._authority.server_file.unlink()
        await until(service._authority.server_file.exists)
        assert service._authority.server_file.read_bytes() != before
        async with joined(Console, here.house, here.folder) as another:
            assert another.bus.connected
        assert connections == []
