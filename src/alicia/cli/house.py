"""Starting a house from the command line, in processes over MQTT, or in this one without a broker.

check models and broker -> fork the spawner -> console joins -> every service ready
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from alicia.cli.visiting import last_words, lock_file
from alicia.contracts.system import (
    ALIVE,
    LIST_PROCESSES,
    ListProcesses,
    Phase,
    Presence,
    ProcessInfo,
)
from alicia.errors import BusError, NotReadyError, SetupError
from alicia.peers.console import Console
from alicia.runtime.house import Address, House, InlineHouse, MqttHouse
from alicia.runtime.main import run_service
from alicia.runtime.roster import PEERS, ROOMS, Room, built, room
from alicia.runtime.runner import Runner, joined
from alicia.runtime.settings import Folder, load
from alicia.runtime.spawner import Spawner
from alicia.security.mosquitto import find_program
from alicia.services.core.broker import BrokerRoomSettings

START_WITHIN_S = 90.0
DRAIN_WITHIN_S = 30.0
LOOK_EVERY_S = 0.5
TRIES = 3
"""Starts that end before a service is ready; after them it is not going to be."""
SPREAD_S = 2.0
"""Processes begin a little before we look."""
STARTING = "The house ended while it was starting; the reason stands above."
HIRED = ("broker", "orchestrator")
"""Not in an inline house: there is no broker to run and no process to start."""
Progress = Callable[[dict[str, Phase]], None]


def wanted(
    names: list[str], *, demo_home: bool, inline: bool = False, folder: Folder | None = None
) -> list[str]:
    """The services to start: those that come along by themselves, or by the folder's settings.

    Raises SettingsError for one that is planned or unknown.
    """
    for name in names:
        room(name).load()
    rooms = names or [
        entry.name
        for entry in (*ROOMS, *(PEERS if folder is not None else ()))
        if not entry.planned and _comes_along(entry, folder)
    ]
    if demo_home and "virtual_home" not in rooms:
        rooms = [*rooms, "virtual_home"]
    if inline:
        return [name for name in rooms if name not in HIRED]
    return [name for name in dict.fromkeys(["broker", *rooms]) if name != "orchestrator"]


def _comes_along(entry: Room, folder: Folder | None) -> bool:
    """Rooms do and peers don't, unless their `with_house` says otherwise."""
    kind = entry.load().settings_type
    settings = kind() if folder is None else load(kind, entry.name, folder)
    return getattr(settings, "with_house", entry.group != "peer")


def preflight(folder: Folder, services: list[str]) -> None:
    """What would stop a service from starting, told once and before anything runs.

    Raises SettingsError, DependencyMissingError.
    """
    for name in dict.fromkeys(["console", *services]):
        load(room(name).load().settings_type, name, folder)
    if "broker" in services and not load(BrokerRoomSettings, "broker", folder).url:
        find_program()


@contextmanager
def one_house(folder: Folder) -> Generator[None, None, None]:
    """Hold this folder's house. Raises SetupError where one runs there already."""
    folder.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock_file(folder).open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SetupError(
                "A house runs here already. `alicia ps` shows it; stop it with Ctrl-C where it "
                "was started.",
                pid=lock.read().strip(),
                folder=str(folder.root),
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@dataclass(slots=True)
class Running:
    """A house that has been started from here."""

    house: House
    folder: Folder
    services: list[str]
    console: Console
    ready_s: float
    spawner: int | None = None


def fork_spawner(folder: Folder, services: list[str]) -> int:
    """Start the processes; before any event loop or thread. The spawner's pid."""
    for entry in built():
        entry.load()  # imported once, shared by all
    os.environ["ALICIA_HOME"] = str(folder.root)
    os.environ["ALICIA_ORCHESTRATOR__SERVICES"] = ",".join(services)
    Address.path(folder).unlink(missing_ok=True)
    gc.collect()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setpgid(0, 0)  # Ctrl-C reaches this program alone, and it drains the house

        def run(name: str) -> int:
            return run_service(name, folder, log_file=folder.root / "logs" / f"{name}.log")

        code = Spawner(run).main()
    finally:
        os._exit(code)


@asynccontextmanager
async def over_mqtt(
    folder: Folder, services: list[str], spawner: int, progress: Progress
) -> AsyncGenerator[Running, None]:
    """Join the house that `fork_spawner` started; left, it is drained and ended.

    Raises SetupError where it doesn't come up.
    """
    started, since = time.monotonic(), time.time()
    try:
        async with asyncio.timeout(START_WITHIN_S):
            await _address(folder, spawner)
        house = MqttHouse(folder)
        async with joined(Console, house, folder) as console:
            await _all_ready(console, folder, ["orchestrator", *services], spawner, progress, since)
            yield Running(
                house,
                folder,
                ["orchestrator", *services],
                console,
                time.monotonic() - started,
                spawner,
            )
    except TimeoutError:
        raise SetupError(
            "The house did not come up in time; its logs say why.", logs=str(folder.root / "logs")
        ) from None
    finally:
        await _end(spawner)


async def _address(folder: Folder, spawner: int) -> None:
    path = Address.path(folder)
    while not path.exists():
        require(spawner, STARTING)
        await asyncio.sleep(0.01)


def require(spawner: int, otherwise: str) -> None:
    """The spawner lives. Raises SetupError, with the sentence given, where it has ended."""
    try:
        ended, status = os.waitpid(spawner, os.WNOHANG)
    except ChildProcessError:
        ended, status = spawner, 0
    if ended:
        raise SetupError(otherwise, code=os.waitstatus_to_exitcode(status))


async def _all_ready(
    console: Console,
    folder: Folder,
    services: list[str],
    spawner: int,
    progress: Progress,
    since: float,
) -> None:
    looked = time.monotonic()
    while True:
        phases = phases_of(console.peers.all(), started_after=since - SPREAD_S)
        progress({name: phases.get(name, Phase.STARTING) for name in services})
        late = [name for name in services if phases.get(name) not in ALIVE]
        if not late:
            return
        require(spawner, STARTING)
        if time.monotonic() - looked > LOOK_EVERY_S:
            looked = time.monotonic()
            hopeless = [p.service for p in await _processes(console) if p.restarts >= TRIES]
            if hopeless := [name for name in late if name in hopeless]:
                raise _not_ready("does not start", hopeless, console, folder)
        if time.time() - since > START_WITHIN_S:
            raise _not_ready("is not ready in time", late, console, folder)
        await asyncio.sleep(0.02)


async def _processes(console: Console) -> list[ProcessInfo]:
    try:
        return (await console.ask(LIST_PROCESSES, ListProcesses(), deadline_s=1)).processes
    except BusError:
        return []  # the orchestrator is one of those that are still starting


def _not_ready(how: str, services: list[str], console: Console, folder: Folder) -> NotReadyError:
    reasons = {
        name: last_words(folder, name, console.peers.all()) or "its reason stands above"
        for name in services
    }
    first, reason = next(iter(reasons.items()))
    return NotReadyError(
        f"{first} {how}: {reason.rstrip('.')}. `alicia doctor` looks into it.",
        **{name: reason for name, reason in reasons.items() if name != first},
        logs=str(folder.root / "logs"),
    )


def phases_of(presences: list[Presence], *, started_after: float = 0.0) -> dict[str, Phase]:
    """The best phase of each service's instances."""
    order = (Phase.READY, Phase.DEGRADED, Phase.STARTING, Phase.DRAINING)
    best: dict[str, Phase] = {}
    for presence in presences:
        if presence.started_at < started_after or presence.phase not in order:
            continue
        now = best.get(presence.service)
        if now is None or order.index(presence.phase) < order.index(now):
            best[presence.service] = presence.phase
    return best


async def _end(spawner: int) -> None:
    """Drain: SIGTERM, then wait; by force after half a minute."""
    try:
        os.kill(spawner, signal.SIGTERM)
    except ProcessLookupError:
        return
    try:
        async with asyncio.timeout(DRAIN_WITHIN_S):
            await asyncio.to_thread(_wait, spawner)
    except TimeoutError:
        os.kill(spawner, signal.SIGKILL)


def _wait(pid: int) -> None:
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        return  # its end was seen already


@asynccontextmanager
async def inline(
    folder: Folder, services: list[str], progress: Progress
) -> AsyncGenerator[Running, None]:
    """A house in this process, on the bus in memory."""
    started = time.monotonic()
    house = InlineHouse()
    async with asyncio.TaskGroup() as group:
        runners = {name: Runner(room(name).load(), house, folder) for name in services}
        tasks = [
            group.create_task(runner.run(), name=f"run {name}") for name, runner in runners.items()
        ]
        async with joined(Console, house, folder) as console:
            while not all(runner.ready.is_set() for runner in runners.values()):
                progress(
                    {
                        name: Phase.READY if runner.ready.is_set() else Phase.STARTING
                        for name, runner in runners.items()
                    }
                )
                await asyncio.sleep(0.02)
            progress(dict.fromkeys(services, Phase.READY))
            try:
                yield Running(house, folder, services, console, time.monotonic() - started)
            finally:
                for name in reversed(services):
                    runners[name].stop.set()
        await asyncio.gather(*tasks)
