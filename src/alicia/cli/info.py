"""`alicia info`: one service, what it does on the bus and how it is doing."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from alicia.cli.output import Home, Json, attempt, duration, emit, fail, out, size
from alicia.cli.services import PHASE_STYLES, is_there
from alicia.cli.visiting import alive, console
from alicia.contracts import name_of
from alicia.contracts.system import INFO, PING, STATS, GetInfo, GetStats, Info, Ping, Presence
from alicia.errors import AliciaError, BusError
from alicia.peers.console import Console
from alicia.runtime.reference import described
from alicia.runtime.roster import needs, room
from alicia.runtime.service import declaration
from alicia.runtime.settings import Folder


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
    asked = [await _instance(peer, p) for p in present if is_there(p)]
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
            f"  [{PHASE_STYLES.get(phase, 'red')}]{phase}[/] {instance['instance']} · pid "
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
