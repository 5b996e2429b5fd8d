"""`alicia ps`, `restart` and `info`: the services of a house that is up."""

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
from alicia.cli.output import Home, Json, attempt, duration, emit, fail, out, run, size
from alicia.cli.visiting import alive, console, keeper, last_words
from alicia.contracts import name_of
from alicia.contracts.kinds import Payload, State
from alicia.contracts.system import (
    ALIVE,
    BROKER,
    DIRECTORY,
    INFO,
    LIST_PROCESSES,
    PING,
    RESTART_SERVICE,
    STATS,
    BrokerStatus,
    Directory,
    GetInfo,
    GetStats,
    Info,
    ListProcesses,
    Phase,
    Ping,
    Presence,
    ProcessInfo,
    RestartService,
)
from alicia.errors import AliciaError, BusError, DeadlineError, NotReadyError, SettingsError
from alicia.peers.console import Console
from alicia.runtime.reference import described
from alicia.runtime.roster import PEERS, ROOMS, Room, needs, room
from alicia.runtime.service import declaration
from alicia.runtime.settings import Folder
from alicia.security.process import alive as process_lives

M = TypeVar("M", bound=Payload)

HEARD_WITHIN_S = 1.0
RESTARTED_WITHIN_S = 30.0
WIDE = 110
_STYLES = {
    Phase.READY: "green",
    Phase.DEGRADED: "yellow",
    Phase.STARTING: "cyan",
    Phase.DRAINING: "cyan",
}


# ---- ps -----------------------------------------------------------------------------------------


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
    here = [p for p in present if _is_there(p)]
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


def _is_there(presence: Presence) -> bool:
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
            Text(row["phase"], style=_STYLES.get(row["phase"], "red")),
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


# ---- info ---------------------------------------------------------------------------------------


def info(
    service: Annotated[str, typer.Argument(help="A service of the roster.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show what a service does on the bus, how it is doing, and what it can be told."""
    folder = Folder(home)

    async def work() -> dict[str, Any]:
        room(service).load()
        async with console(folder) as peer:
            return await about(peer, service, folder)

    try:
        found = attempt(work())
    except AliciaError as error:
        raise fail(error, as_json=json) from None
    if json:
        emit(found)
    else:
        _show_info(found)


async def about(peer: Console, service: str, folder: Folder) -> dict[str, Any]:
    """A service as `info --json` prints it."""
    entry = room(service)
    kind = entry.load()
    present = alive(peer.peers.all()).get(service, [])
    asked = [await _instance(peer, p) for p in present if _is_there(p)]
    told = next((told for told, _ in asked if told is not None), None)
    mine = declaration(kind)
    verbs = {
        "says": told.says if told else sorted(map(name_of, mine.says)),
        "hears": told.hears if told else sorted(map(name_of, mine.hears)),
        "asks": told.asks if told else sorted(map(name_of, mine.asks)),
        "serves": told.serves if told else sorted(map(name_of, mine.serves)),
    }
    schema = told.settings_schema if told else kind.settings_type.model_json_schema()
    return {
        "service": service,
        "group": entry.group,
        "does": entry.does,
        "needs": needs(service),
        "instances": [instance for _, instance in asked],
        **verbs,
        "settings": _settings(schema, described(kind.settings_type), service, folder),
    }


async def _instance(peer: Console, presence: Presence) -> tuple[Info | None, dict[str, Any]]:
    where = {"service": presence.service, "instance": presence.instance}
    found: dict[str, Any] = {
        "instance": presence.instance,
        "phase": presence.phase,
        "version": presence.version,
        "pid": presence.pid,
        "host": presence.host,
        "endpoint": presence.endpoint,
        "reason": presence.reason,
    }
    told: Info | None = None
    try:
        told = await peer.ask(INFO, GetInfo(**where))
        started = time.perf_counter()
        await peer.ask(PING, Ping(**where))
        found["ping_ms"] = round((time.perf_counter() - started) * 1000, 2)
        stats = await peer.ask(STATS, GetStats(**where))
        found |= stats.model_dump(exclude={"service", "instance"})
    except BusError as error:
        found["error"] = error.to_wire()
    return told, found


def _settings(
    schema: dict[str, Any], meanings: dict[str, str], service: str, folder: Folder
) -> list[dict[str, Any]]:
    given: dict[str, Any] = dict(folder.sections.get(service, {}))
    return [
        {
            "name": name,
            "type": _type(field),
            "default": field.get("default"),
            "given": given.get(name),
            "about": field.get("description") or meanings.get(name),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    kinds = [_type(option) for option in field.get("anyOf", [])]
    kind = " or ".join(kinds) if kinds else str(field.get("type", "value"))
    limits = [
        f"{sign} {field[key]}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if key in field
    ]
    return " ".join([kind, *limits])


def _show_info(found: dict[str, Any]) -> None:
    out.print(f"[bold]{found['service']}[/] ({found['group']}): {found['does']}", highlight=False)
    if not found["instances"]:
        out.print("  no instance runs in this house", style="yellow")
    for instance in found["instances"]:
        phase = instance["phase"]
        out.print(
            f"  [{_STYLES.get(phase, 'red')}]{phase}[/] {instance['instance']} · pid "
            f"{instance['pid']} · version {instance['version']} · {instance['endpoint'] or '—'}",
            highlight=False,
        )
        if "error" in instance:
            out.print(f"    does not answer: {instance['error']['message']}", style="red")
            continue
        out.print(
            f"    ping {instance['ping_ms']:.1f} ms · up {duration(instance['uptime_s'])} · "
            f"{size(instance['rss_bytes'])} resident · {instance['cpu_s']:.1f} s of CPU",
            highlight=False,
        )
        for title in ("handled", "errors", "dropped"):
            counts = ", ".join(f"{key} {value}" for key, value in instance[title].items())
            if counts:
                out.print(f"    {title}: {counts}", highlight=False, style="dim")
    for verb in ("says", "hears", "asks", "serves"):
        out.print(f"  [cyan]{verb:6}[/] {', '.join(found[verb]) or '—'}", highlight=False)
    out.print(f"  [cyan]needs [/] {', '.join(found['needs']) or '—'}", highlight=False)
    shown = Table(title="Settings", title_justify="left", box=None, pad_edge=False)
    for title in ("setting", "type", "default", "in alicia.toml", "meaning"):
        shown.add_column(title)
    for setting in found["settings"]:
        shown.add_row(
            setting["name"],
            setting["type"],
            Text(_value(setting["default"])),
            Text("" if setting["given"] is None else _value(setting["given"]), style="bold"),
            Text(setting["about"] or "", style="dim"),
        )
    out.print()
    out.print(shown)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return '""' if value == "" else "—" if value is None else str(value)
