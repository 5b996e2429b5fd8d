"""`alicia ps` and `restart`: the services of a house that is up."""

from __future__ import annotations

import asyncio
import platform
import time
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from alicia.cli.memory import Memory
from alicia.cli.output import Home, Json, duration, emit, out, run
from alicia.cli.visiting import alive, console, keeper, last_words
from alicia.contracts.kinds import Payload, State
from alicia.contracts.system import (
    ALIVE,
    BROKER,
    DIRECTORY,
    LIST_PROCESSES,
    RESTART_SERVICE,
    BrokerStatus,
    Directory,
    ListProcesses,
    Phase,
    Presence,
    ProcessInfo,
    RestartService,
)
from alicia.errors import BusError, DeadlineError, NotReadyError, SettingsError
from alicia.peers.console import Console
from alicia.runtime.roster import PEERS, ROOMS, Room, room
from alicia.runtime.settings import Folder
from alicia.security.process import alive as process_lives

M = TypeVar("M", bound=Payload)

HEARD_WITHIN_S = 1.0
RESTARTED_WITHIN_S = 30.0
WIDE = 110
PHASE_STYLES = {
    Phase.READY: "green",
    Phase.DEGRADED: "yellow",
    Phase.STARTING: "cyan",
    Phase.DRAINING: "cyan",
}


def ps(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it.")] = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show the services of the house: who is ready, what it takes, what is lacking."""
    folder = Folder(home)

    async def work() -> None:
        async with console(folder) as peer:
            if not watch:
                show(await overview(peer, folder))
                return
            if json:
                while True:
                    show(await overview(peer, folder))
                    await asyncio.sleep(every)
            with Live(console=out, screen=False, auto_refresh=False) as live:
                while True:
                    live.update(table(await overview(peer, folder)), refresh=True)
                    await asyncio.sleep(every)

    def show(found: dict[str, Any]) -> None:
        if json:
            emit(found)
        else:
            out.print(table(found))

    run(work(), as_json=json)


async def overview(peer: Console, folder: Folder) -> dict[str, Any]:
    """The house as it is now, as `ps --json` prints it."""
    directory, broker = await asyncio.gather(
        heard(peer, DIRECTORY), heard(peer, BROKER, within_s=HEARD_WITHIN_S / 2)
    )
    processes: dict[str, ProcessInfo] = {}
    with suppress(BusError):
        listed = await peer.ask(LIST_PROCESSES, ListProcesses(), deadline_s=2)
        processes = {process.service: process for process in listed.processes}
    memory = Memory.read()
    present = alive(peer.peers.all())
    rows = [
        row
        for entry in (*ROOMS, *PEERS)
        for row in _rows(entry, present.get(entry.name, []), processes, directory, memory, peer)
    ]
    in_house = [row for row in rows if row["group"] != "peer"]
    mosquitto = _mosquitto(folder, broker, memory)
    of_rows = sum(row["memory_mb"] or 0 for row in rows) + (mosquitto["memory_mb"] or 0)
    whole = memory.below(keeper(folder))
    return {
        "services": rows,
        "ready": len({row["service"] for row in in_house if row["phase"] in ALIVE}),
        "planned": sum(row["planned"] for row in rows),
        "broker": mosquitto,
        "memory_mb": round(max(of_rows, whole or 0), 1) or None,
    }


async def heard(peer: Console, state: State[M], *, within_s: float = HEARD_WITHIN_S) -> M | None:
    """What is retained there, if something is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s), peer.hear(state) as messages:
            async for message in messages:
                return message
    return None


def _rows(
    entry: Room,
    present: list[Presence],
    processes: dict[str, ProcessInfo],
    directory: Directory | None,
    memory: Memory,
    asking: Console,
) -> list[dict[str, Any]]:
    if entry.name == asking.name:
        return []  # whoever types: not a part of the house
    process = processes.get(entry.name)
    here = [p for p in present if is_there(p)]
    seats = directory.seats if directory else []
    missing = next((seat.missing for seat in seats if seat.service == entry.name), [])
    common: dict[str, Any] = {
        "service": entry.name,
        "group": entry.group,
        "planned": entry.planned,
    }
    if not here:
        if entry.group == "peer" and process is None:
            return []
        stopped = process.phase if process else Phase.STOPPED
        return [
            common
            | {
                "phase": None if entry.planned else stopped,
                "instance": None,
                "pid": process.pid if process else None,
                "restarts": process.restarts if process else None,
                "memory_mb": None,
                "uptime_s": None,
                "endpoint": None,
                "missing": missing,
                "reason": process.last_exit if process else None,
            }
        ]
    return [
        common
        | {
            "phase": presence.phase,
            "instance": presence.instance,
            "pid": presence.pid,
            "restarts": process.restarts if process and process.pid == presence.pid else None,
            "memory_mb": _memory(presence, process, memory),
            "uptime_s": round(time.time() - presence.started_at, 1),
            "endpoint": presence.endpoint,
            "missing": missing,
            "reason": presence.reason,
        }
        for presence in here
    ]


def is_there(presence: Presence) -> bool:
    """Not the retained word of a process of this machine that has died without a farewell."""
    return presence.host != platform.node() or process_lives(presence.pid)


def _memory(presence: Presence, process: ProcessInfo | None, memory: Memory) -> float | None:
    if presence.host == platform.node():
        return memory.of(presence.pid)
    return process.rss_mb if process else None


def _mosquitto(folder: Folder, status: BrokerStatus | None, memory: Memory) -> dict[str, Any]:
    pid: int | None = None
    if status is None or not status.adopted:
        with suppress(OSError, ValueError):
            pid = int((folder.broker / "mosquitto.pid").read_text("ascii"))
    found = status.model_dump() if status else {"up": True}
    return found | {"pid": pid, "memory_mb": memory.of(pid) if pid else None}


def table(found: dict[str, Any]) -> Group:
    """The overview for a person."""
    wide = out.width >= WIDE
    shown = Table(box=None, pad_edge=False)
    shown.add_column("service", no_wrap=True)
    shown.add_column("phase", no_wrap=True)
    if wide:
        shown.add_column("instance", no_wrap=True)
        shown.add_column("endpoint", no_wrap=True)
    for title in ("pid", "restarts", "MB", "up"):
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("lacks")
    for row in found["services"]:
        if row["planned"]:
            shown.add_row(row["service"], "planned", style="dim")
            continue
        lacks = "; ".join(filter(None, (", ".join(row["missing"]), row["reason"])))
        more = (row["instance"], (row["endpoint"] or "—").removeprefix("http://")) if wide else ()
        shown.add_row(
            row["service"],
            Text(row["phase"], style=PHASE_STYLES.get(row["phase"], "red")),
            *more,
            str(row["pid"] or "—"),
            _number(row["restarts"]),
            _number(row["memory_mb"]),
            duration(row["uptime_s"]),
            Text(lacks, style="yellow"),
        )
    broker = found["broker"]
    mosquitto = (
        "another's broker"
        if broker.get("adopted")
        else f"Mosquitto {_number(broker['memory_mb'])} MB (pid {broker['pid'] or '—'})"
    )
    total = f"{found['memory_mb']:.0f} MB" if found["memory_mb"] else "memory unknown"
    return Group(
        shown,
        Text(
            f"\n{found['ready']} services ready, {found['planned']} planned. "
            f"{total} in all, {mosquitto} included."
        ),
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.0f}"


# ---- restart ------------------------------------------------------------------------------------


def restart(
    service: Annotated[str, typer.Argument(help="A service of the roster.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Stop a service of the house and start it again; ends when it is ready."""
    folder = Folder(home)

    async def work() -> dict[str, Any]:
        room(service).load()
        if service == "orchestrator":
            raise SettingsError(
                "The orchestrator restarts the others and can't restart itself. "
                "Stop the house with Ctrl-C and start it with `alicia up`."
            )
        async with console(folder) as peer:
            started = time.monotonic()
            try:
                done = await peer.ask(
                    RESTART_SERVICE,
                    RestartService(service=service),
                    deadline_s=RESTARTED_WITHIN_S,
                )
            except DeadlineError:
                raise NotReadyError(
                    f"{service} was stopped, but is not ready again. `alicia doctor` looks into "
                    "it; its log has more.",
                    last=last_words(folder, service, peer.peers.all()),
                    log=str(folder.root / "logs" / f"{service}.log"),
                ) from None
            return {
                "service": done.service,
                "pid": done.pid,
                "ready_s": round(time.monotonic() - started, 2),
            }

    done = run(work(), as_json=json)
    if json:
        emit(done)
    else:
        out.print(
            f"[green]{done['service']}[/] is ready again after {done['ready_s']:.1f} s "
            f"(pid {done['pid']}).",
            highlight=False,
        )
