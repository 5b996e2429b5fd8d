"""The orchestrator, with the test at the other end of the spawner's socket pair."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from alicia.contracts.system import (
    DESIRED,
    LIST_PROCESSES,
    PRESENCE,
    RESTART_SERVICE,
    ListProcesses,
    Phase,
    Presence,
    ProcessInfo,
    RestartService,
)
from alicia.errors import (
    DeadlineError,
    DependencyMissingError,
    SettingsError,
    SetupError,
)
from alicia.runtime import logs
from alicia.runtime.house import Address
from alicia.runtime.settings import Folder
from alicia.runtime.spawner import Control
from alicia.services.supporting.orchestrator import Orchestrator, proportional_mb
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import Stopwatch, until

VOICE = "router,stt,ai,tts"
HOME = "device_control,device_registry,virtual_home"


class Nest:
    """Speaks as the spawner does, and is every child: ready when told to, gone when signalled."""

    def __init__(self, home: RunningHouse, *, obedient: bool = True) -> None:
        self.children: dict[int, str] = {}
        self.spawned: list[str] = []
        self.signals: list[tuple[str, signal.Signals]] = []
        self.obedient = obedient
        """Its children are ready at once, and end when asked to."""
        self.brief: set[str] = set()
        """Services that end as soon as they start."""
        self._home = home
        # No pids of this machine.
        self._pids = itertools.count(10_000_000)
        self._writer: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None
        self._theirs: socket.socket | None = None

    async def open(self) -> None:
        """A new socket pair, as for each new orchestrator."""
        await self.close()
        ours, self._theirs = socket.socketpair()
        Control.socket = self._theirs
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._serving = asyncio.create_task(self._serve(reader))

    async def close(self) -> None:
        if self._serving is not None and self._writer is not None:
            self._writer.close()
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._theirs is not None:
            self._theirs.close()
        Control.socket = None

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            wish = json.loads(line)
            match wish["do"]:
                case "spawn":
                    await self._spawn(wish["service"])
                case "signal":
                    number = signal.Signals(wish["signal"])
                    service = self.children[wish["pid"]]
                    self.signals.append((service, number))
                    if self.obedient or number is signal.SIGKILL:
                        await self.end(service, number.name)
                case _:
                    children = {str(pid): service for pid, service in self.children.items()}
                    self._tell(event="children", children=children)

    async def _spawn(self, service: str) -> None:
        pid = next(self._pids)
        self.children[pid] = service
        self.spawned.append(service)
        self._tell(event="spawned", service=service, pid=pid)
        if service in self.brief:
            await self.end(service, "code 1")
        elif self.obedient:
            await self.ready(service)

    def pid(self, service: str) -> int:
        return next(pid for pid, name in self.children.items() if name == service)

    async def ready(self, service: str, phase: Phase = Phase.READY) -> None:
        await self._home.bus.say(PRESENCE, presence(service, self.pid(service), phase))

    async def end(self, service: str, status: str = "SIGKILL") -> None:
        pid = self.pid(service)
        del self.children[pid]
        await self._home.bus.say(PRESENCE, presence(service, pid, Phase.STOPPED))
        self._tell(event="exited", pid=pid, service=service, status=status)

    def _tell(self, **event: object) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(event).encode() + b"\n")


def presence(service: str, pid: int, phase: Phase) -> Presence:
    return Presence(
        service=service,
        instance=f"{service}-{pid}",
        phase=phase,
        version="0",
        pid=pid,
        host="here",
        started_at=time.time(),
    )


@asynccontextmanager
async def nest(
    folder: Path, services: str, *, obedient: bool = True, **settings: Any
) -> AsyncGenerator[Nest, None]:
    given = {"services": services, "stop_timeout_s": 1.0, **settings}
    async with house(folder=folder, settings={"orchestrator": given}) as home:
        made = Nest(home, obedient=obedient)
        try:
            await made.open()
            yield made
            made.obedient = True
            await home.stop(Orchestrator)
        finally:
            await made.close()


@asynccontextmanager
async def orchestrated(folder: Path, services: str, **given: Any) -> AsyncGenerator[Nest, None]:
    async with nest(folder, services, **given) as made:
        await made._home.start(Orchestrator)
        yield made


async def process(made: Nest, service: str) -> ProcessInfo:
    listed = await made._home.bus.ask(LIST_PROCESSES, ListProcesses())
    [found] = [p for p in listed.processes if p.service == service]
    return found


async def is_ready(made: Nest, service: str) -> None:
    deadline = time.monotonic() + 5
    while (await process(made, service)).phase is not Phase.READY:
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.002)


@pytest.fixture
def logged() -> Generator[StringIO, None, None]:
    stream = StringIO()
    logs.configure(to=stream)
    yield stream
    structlog.reset_defaults()


def events(logged: StringIO, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event]


# ---- starting -----------------------------------------------------------------------------------


async def test_each_starts_when_those_it_needs_are_ready(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, f"{VOICE},{HOME}", obedient=False) as made:
        await until(lambda: len(made.spawned) == 3)
        assert set(made.spawned) == {"stt", "tts", "device_registry"}
        await made.ready("device_registry", Phase.STARTING)
        await made.ready("stt")
        await made.ready("device_registry")
        await until(lambda: len(made.spawned) == 4)
        assert made.spawned[3] == "virtual_home"
        await made.ready("virtual_home")
        await until(lambda: len(made.spawned) == 5)
        assert made.spawned[4] == "device_control"
        await made.ready("device_control")
        await until(lambda: len(made.spawned) == 6)
        assert made.spawned[5] == "ai"
        await made.ready("ai")
        await made.ready("tts", Phase.DEGRADED)  # which serves, too
        await until(lambda: len(made.spawned) == 7)
        assert made.spawned[6] == "router"


async def test_what_is_needed_and_not_wanted_here_is_not_waited_for(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "router") as made:
        await until(lambda: made.spawned == ["router"])


async def test_what_is_desired_is_said_to_everyone(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, VOICE) as made:
        said = await made._home.retained(DESIRED, 4)
        after = {desired.service: desired.after for desired in said.values()}
        assert after == {"router": ["ai", "stt", "tts"], "stt": [], "ai": [], "tts": []}
        assert all(desired.running for desired in said.values())


async def test_what_is_desired_is_said_again_to_a_broker_that_came_back(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, VOICE) as made:
        await made._home.retained(DESIRED, 4)
        made._home.broker._retained.clear()
        for call in made._home._running[0].runner.service.bus.on_connected:
            call()
        await made._home.retained(DESIRED, 4)


async def test_a_service_that_is_planned_is_not_started(tmp_path: Path) -> None:
    async with nest(tmp_path, "sonos") as made:
        with pytest.raises(SettingsError, match="sonos"):
            await made._home.start(Orchestrator)


async def test_it_runs_under_a_spawner_alone(tmp_path: Path) -> None:
    async with nest(tmp_path, "stt") as made:
        Control.socket = None
        with pytest.raises(DependencyMissingError, match="alicia up"):
            await made._home.start(Orchestrator)


# ---- restarting ---------------------------------------------------------------------------------


async def test_one_that_ends_is_started_again_at_once(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, VOICE) as made:
        await until(lambda: len(made.spawned) == 4)
        before = made.pid("stt")
        started = Stopwatch()
        await made.end("stt", "SIGSEGV")
        await until(lambda: "stt" in made.children.values())
        assert started.seconds < 0.5
        assert made.pid("stt") != before
        info = await process(made, "stt")
        assert (info.restarts, info.last_exit, info.pid) == (1, "SIGSEGV", made.pid("stt"))
        assert made.spawned.count("tts") == 1, "nobody else is touched"


async def test_a_crash_loop_is_slowed_down_and_flagged(tmp_path: Path, logged: StringIO) -> None:
    settings: dict[str, Any] = {"backoff_first_s": 0.001, "backoff_most_s": 0.02}
    async with nest(tmp_path, "stt", **settings) as made:
        made.brief = {"stt"}
        await made._home.start(Orchestrator)
        await until(lambda: len(made.spawned) > 8)
        made.brief.clear()
        await until(lambda: "stt" in made.children.values())
    ended = events(logged, "service ended")
    assert [line["crash_loop"] for line in ended[:8]] == [False] * 4 + [True] * 4
    assert {line["how"] for line in ended} == {"code 1"}
    assert {line["ended"] for line in ended} == {"stt"}


async def test_the_pause_grows_from_nothing_to_its_bound(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt") as made:
        orchestrator = made._home._running[0].runner.service
        assert isinstance(orchestrator, Orchestrator)
        pauses = [orchestrator._pause(failures) for failures in range(1, 20)]
        assert pauses[0] == 0
        assert pauses[1] == pytest.approx(0.4)
        assert pauses == sorted(pauses)
        assert pauses[-1] == orchestrator._pause(1_000_000) == 30


async def test_one_that_is_not_ready_in_time_is_ended_and_started_again(
    tmp_path: Path, logged: StringIO
) -> None:
    async with orchestrated(tmp_path, "stt", obedient=False, start_timeout_s=0.4) as made:
        await until(lambda: len(made.spawned) == 2)
        assert made.signals[0] == ("stt", signal.SIGKILL)
        await made.ready("stt")
        await asyncio.sleep(0.5)  # longer than it may take
        assert len(made.spawned) == 2
    assert events(logged, "not ready in time")[0]["late"] == "stt"


async def test_one_is_started_anew_on_request(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, VOICE) as made:
        await until(lambda: len(made.spawned) == 4)
        before = made.pid("tts")
        done = await made._home.bus.ask(RESTART_SERVICE, RestartService(service="tts"))
        assert (done.service, done.pid) == ("tts", made.pid("tts"))
        assert done.pid != before
        assert made.signals == [("tts", signal.SIGTERM)]


async def test_who_does_not_run_here_can_not_be_started_anew(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt") as made:
        with pytest.raises(SettingsError, match="stt"):
            await made._home.bus.ask(RESTART_SERVICE, RestartService(service="sonos"))


async def test_a_restart_that_does_not_come_up_is_answered_by_the_deadline(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt") as made:
        await until(lambda: made.children)
        made.brief = {"stt"}
        with pytest.raises(DeadlineError):
            await made._home.bus.ask(RESTART_SERVICE, RestartService(service="stt"), deadline_s=0.2)


async def test_a_restart_whose_orchestrator_dies_is_an_error_in_time_and_done_once(
    tmp_path: Path,
) -> None:
    async with orchestrated(tmp_path, "stt") as made:
        await until(lambda: made.children)
        made.obedient = False
        ask = RestartService(service="stt")
        asking = asyncio.create_task(made._home.bus.ask(RESTART_SERVICE, ask, deadline_s=0.3))
        await until(lambda: made.signals)
        await made._home.kill(Orchestrator)
        await made.open()
        await made._home.start(Orchestrator)
        with pytest.raises(DeadlineError):
            await asking
        assert made.signals == [("stt", signal.SIGTERM)]


async def test_what_a_room_says_of_itself_does_not_stand_in_the_log(
    tmp_path: Path, logged: StringIO
) -> None:
    async with orchestrated(tmp_path, "stt") as made:
        await until(lambda: made.children)
        told = presence("stt", made.pid("stt"), Phase.DEGRADED)
        await made._home.bus.say(PRESENCE, told.model_copy(update={"reason": "heard: canary"}))
        await made.end("stt")
        await until(lambda: len(made.spawned) == 2)
    assert events(logged, "service ended")
    assert "canary" not in logged.getvalue()


# ---- what is told -------------------------------------------------------------------------------


async def test_the_list_shows_who_runs_and_how(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt,tts,router", obedient=False) as made:
        await until(lambda: len(made.spawned) == 2)
        await made.ready("stt")
        await is_ready(made, "stt")
        assert (await process(made, "tts")).phase is Phase.STARTING
        waiting = await process(made, "router")
        assert (waiting.phase, waiting.pid) == (Phase.STOPPED, None)


async def test_another_process_of_the_same_number_is_not_the_child(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt,router", obedient=False) as made:
        await until(lambda: made.spawned == ["stt"])
        elsewhere = presence("satellite", made.pid("stt"), Phase.READY)
        await made._home.bus.say(PRESENCE, elsewhere)
        assert (await process(made, "stt")).phase is Phase.STARTING
        assert made.spawned == ["stt"]


def test_memory_of_a_process_is_told_where_it_can_be_read() -> None:
    assert proportional_mb(99_999_999) is None


# ---- the orchestrator itself dies ---------------------------------------------------------------


async def test_children_go_on_and_are_adopted_by_the_next_orchestrator(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, VOICE) as made:
        await until(lambda: len(made.spawned) == 4)
        children = dict(made.children)
        await made._home.kill(Orchestrator)
        assert made.children == children
        await made.open()
        await made._home.start(Orchestrator)
        await is_ready(made, "router")
        assert made.children == children
        assert len(made.spawned) == 4
        await made.end("ai")
        await until(lambda: made.spawned[4:] == ["ai"])


async def test_who_ended_while_nobody_looked_is_started(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, VOICE) as made:
        await until(lambda: len(made.spawned) == 4)
        await made._home.kill(Orchestrator)
        del made.children[made.pid("tts")]
        await made.open()
        await made._home.start(Orchestrator)
        await until(lambda: made.spawned[4:] == ["tts"])
        assert sorted(made.children.values()) == ["ai", "router", "stt", "tts"]


# ---- the end ------------------------------------------------------------------------------------


async def test_whoever_asks_stops_before_whom_it_asks(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, f"{VOICE},{HOME}") as made:
        await until(lambda: len(made.spawned) == 7)
        await made._home.stop(Orchestrator)
        assert {number for _, number in made.signals} == {signal.SIGTERM}
        order = [service for service, _ in made.signals]
        assert len(order) == 7
        for first, then in (
            ("router", "ai"),
            ("router", "stt"),
            ("router", "tts"),
            ("ai", "device_control"),
            ("device_control", "virtual_home"),
            ("virtual_home", "device_registry"),
        ):
            assert order.index(first) < order.index(then)
        assert made.children == {}
        assert made.spawned.count("stt") == 1


async def test_who_does_not_stop_is_ended_by_force(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt", stop_timeout_s=0.05) as made:
        await until(lambda: made.children)
        made.obedient = False
        await made._home.stop(Orchestrator)
        assert made.signals == [("stt", signal.SIGTERM), ("stt", signal.SIGKILL)]
        assert made.children == {}


async def test_one_that_waits_for_its_next_start_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with nest(tmp_path, "stt", backoff_first_s=30) as made:
        made.brief = {"stt"}
        await made._home.start(Orchestrator)
        await until(lambda: len(made.spawned) == 2)
        started = Stopwatch()
        await made._home.stop(Orchestrator)
        assert started.seconds < 1


async def test_one_that_waits_for_others_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with orchestrated(tmp_path, "stt,router", obedient=False) as made:
        await until(lambda: made.spawned == ["stt"])
        made.obedient = True
        await made._home.stop(Orchestrator)
        assert made.spawned == ["stt"]


# ---- the broker comes first ---------------------------------------------------------------------


def address(folder: Path) -> Path:
    return Address.path(Folder(folder))


async def test_the_broker_starts_before_anybody_can_say_anything(tmp_path: Path) -> None:
    async with nest(tmp_path, "stt,broker", obedient=False) as made:
        starting = asyncio.create_task(made._home.start(Orchestrator))
        await until(lambda: made.spawned == ["broker"])
        Address("mqtts://127.0.0.1:1", None).write(Folder(tmp_path))
        await starting
        await until(lambda: made.spawned == ["broker", "stt"])
        made.obedient = True
        await made._home.stop(Orchestrator)
        assert [service for service, _ in made.signals] == ["stt", "broker"]


async def test_an_old_address_is_not_believed(tmp_path: Path) -> None:
    Address("mqtts://127.0.0.1:1", None).write(Folder(tmp_path))
    async with nest(tmp_path, "broker", obedient=False) as made:
        starting = asyncio.create_task(made._home.start(Orchestrator))
        await until(lambda: made.spawned)
        assert not address(tmp_path).exists()
        assert not starting.done()
        Address("mqtts://127.0.0.1:2", None).write(Folder(tmp_path))
        await starting


async def test_a_broker_that_runs_is_taken_over_with_its_address(tmp_path: Path) -> None:
    async with nest(tmp_path, "broker") as made:
        made.children[123] = "broker"
        Address("mqtts://127.0.0.1:1", None).write(Folder(tmp_path))
        await made._home.start(Orchestrator)
        assert made.spawned == []
        assert address(tmp_path).exists()


async def test_a_broker_that_does_not_start_is_a_reason_and_no_loop(tmp_path: Path) -> None:
    async with nest(tmp_path, "broker,stt") as made:
        made.brief = {"broker"}
        with pytest.raises((SetupError, BaseExceptionGroup)) as raised:
            await made._home.start(Orchestrator)
        error = raised.value
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        assert isinstance(error, SetupError)
        assert error.fields["last"] == "code 1"
        assert made.spawned == ["broker", "broker"]
