"""`alicia schedule`: timers, alarms, reminders and what else is planned."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from alicia.cli.output import Home, Json, emit, out, run
from alicia.cli.talking import Language
from alicia.cli.visiting import visiting
from alicia.contracts.schedules import (
    CANCEL_SCHEDULES,
    CREATE_SCHEDULE,
    HOME_TIME,
    LIST_RUNS,
    LIST_SCHEDULES,
    PREVIEW_SCHEDULE,
    After,
    At,
    Becomes,
    CancelSchedules,
    CreateSchedule,
    Every,
    ListRuns,
    ListSchedules,
    Maker,
    PreviewSchedule,
    Schedule,
    ScheduleKind,
    Sun,
    SunEvent,
    When,
    Which,
)
from alicia.errors import InvalidScheduleError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder

T = TypeVar("T")

_PARTS = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
ZONE_S = 1.0

Satellite = Annotated[str | None, typer.Option("--satellite", help="Where it is said.")]
AreaName = Annotated[str | None, typer.Option("--area", help="Where it is said: a room's id.")]
In = Annotated[str | None, typer.Option("--in", help="So long from now: 90s, 10m, 1h30m.")]
AtTime = Annotated[
    str | None, typer.Option("--at", help="By the home's clock: 18:30, or 2026-12-24T18:30.")
]
Rule = Annotated[
    str | None, typer.Option("--every", help="RFC 5545: FREQ=WEEKLY;BYDAY=MO;BYHOUR=7;BYMINUTE=0")
]
AtSun = Annotated[SunEvent | None, typer.Option("--sun", help="The next one, or each of them.")]
Offset = Annotated[
    float, typer.Option("--offset", help="Minutes after the sun's; negative: before.")
]
Daily = Annotated[bool, typer.Option("--daily", help="At each sunrise or sunset.")]


def list_schedules(
    *,
    over: Annotated[
        bool, typer.Option("--over", help="What was done or cancelled this week, too.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show what is planned, the next one first."""

    async def work(console: Console) -> tuple[list[Schedule], tzinfo | None]:
        found = await console.ask(LIST_SCHEDULES, ListSchedules(over=over))
        return found.schedules, await _zone(console)

    schedules, zone = _visit(work, home, json=json)
    if json:
        emit({"schedules": [one.model_dump(mode="json") for one in schedules]})
    elif not schedules:
        out.print("Nothing is planned.")
    else:
        out.print(_table(schedules, zone))


def timer(
    duration: Annotated[str, typer.Argument(help="90s, 10m, 1h30m")],
    *,
    name: Annotated[str | None, typer.Option("--name", help="What it is called.")] = None,
    satellite: Satellite = None,
    area: AreaName = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Set a timer; it rings until somebody says stop."""
    maker = Maker(satellite=satellite, area_id=area, language=language)

    def ask() -> CreateSchedule:
        when = After(seconds=_seconds(duration))
        return CreateSchedule(
            schedule_id=_id(), kind=ScheduleKind.TIMER, when=when, name=name, maker=maker
        )

    _create(ask, home, json=json)


def remind(
    text: Annotated[str, typer.Argument(help="What is to be said.")],
    *,
    in_: In = None,
    at: AtTime = None,
    every: Rule = None,
    sun: AtSun = None,
    offset: Offset = 0,
    daily: Daily = False,
    satellite: Satellite = None,
    area: AreaName = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Let something be said later; where somebody spoke last, unless a place is given."""
    maker = Maker(satellite=satellite, area_id=area, language=language)

    def ask() -> CreateSchedule:
        when = _when(in_, at, every, sun, offset, daily=daily)
        return CreateSchedule(
            schedule_id=_id(), kind=ScheduleKind.REMINDER, when=when, text=text, maker=maker
        )

    _create(ask, home, json=json)


def cancel(
    which: Annotated[
        str | None, typer.Argument(help="Its id, or its name; the only one by default.")
    ] = None,
    *,
    kind: Annotated[ScheduleKind | None, typer.Option("--kind", help="Only of this kind.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="However many there are.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Cancel what is planned, and stop what rings."""

    async def work(console: Console) -> list[Schedule]:
        known = await console.ask(LIST_SCHEDULES, ListSchedules())
        is_id = any(one.schedule_id == which for one in known.schedules)
        wanted = Which(schedule_id=which if is_id else None, kind=kind)
        if which is not None and not is_id:
            wanted = Which(name=which, kind=kind)
        ask = CancelSchedules(which=wanted, all=everything)
        return (await console.ask(CANCEL_SCHEDULES, ask)).schedules

    cancelled = _visit(work, home, json=json)
    if json:
        emit({"schedules": [one.model_dump(mode="json") for one in cancelled]})
    else:
        for one in cancelled:
            out.print(f"cancelled: {one.kind.value} {_called(one)}", highlight=False)


def preview(
    which: Annotated[str | None, typer.Argument(help="The id of one that is planned.")] = None,
    *,
    in_: In = None,
    at: AtTime = None,
    every: Rule = None,
    sun: AtSun = None,
    offset: Offset = 0,
    daily: Daily = False,
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="How many.")] = 5,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show when something is, or would be, due next; nothing is planned."""

    async def work(console: Console) -> tuple[list[float], str]:
        when = None if which else _when(in_, at, every, sun, offset, daily=daily)
        ask = PreviewSchedule(when=when, schedule_id=which, count=count)
        found = await console.ask(PREVIEW_SCHEDULE, ask)
        return found.due_at, found.time_zone

    due, name = _visit(work, home, json=json)
    zone = ZoneInfo(name)
    if json:
        local = [datetime.fromtimestamp(moment, zone).isoformat() for moment in due]
        emit({"due_at": due, "local": local, "time_zone": name})
    elif not due:
        out.print("Never, or when a state becomes so.")
    else:
        for moment in due:
            out.print(f"{datetime.fromtimestamp(moment, zone):%a %F %T %Z}", highlight=False)


def list_runs(
    *,
    missed: Annotated[bool, typer.Option("--missed", help="Only what was missed.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show what was due, what came of it, and what was missed; the newest first."""

    async def work(console: Console) -> tuple[list[dict[str, object]], Table]:
        found = (await console.ask(LIST_RUNS, ListRuns(missed=missed, limit=limit))).runs
        zone = await _zone(console)
        table = Table("due", "what", "became", "late", box=None, pad_edge=False)
        for one in found:
            became = f"{one.outcome.value} {', '.join(one.errors)}".strip()
            late = f"{one.late_s:.0f} s" if one.late_s >= 1 else ""
            table.add_row(
                f"{datetime.fromtimestamp(one.due_at, zone):%F %T}",
                escape(f"{one.kind.value} {one.name or ''}".strip()),
                became,
                late,
            )
        return [one.model_dump(mode="json") for one in found], table

    runs, table = _visit(work, home, json=json)
    if json:
        emit({"runs": runs})
    elif runs:
        out.print(table)
    else:
        out.print("Nothing was missed." if missed else "Nothing was due yet.")


# ---- what they have in common -------------------------------------------------------------------


def _visit(work: Callable[[Console], Awaitable[T]], home: Path | None, *, json: bool) -> T:
    async def there() -> T:
        async with visiting(Console, Folder(home)) as console:
            return await work(console)

    return run(there(), as_json=json)


def _create(ask: Callable[[], CreateSchedule], home: Path | None, *, json: bool) -> None:
    async def work(console: Console) -> tuple[Schedule, tzinfo | None]:
        return await console.ask(CREATE_SCHEDULE, ask()), await _zone(console)

    made, zone = _visit(work, home, json=json)
    if json:
        emit(made.model_dump(mode="json"))
    else:
        out.print(f"{made.schedule_id}  {_due(made, zone)}", highlight=False)


async def _zone(console: Console) -> tzinfo | None:
    """The home's; None, for this machine's, where the scheduler has not said it."""
    try:
        async with asyncio.timeout(ZONE_S), console.hear(HOME_TIME) as told:
            async for home_time in told:
                return ZoneInfo(home_time.time_zone)
    except TimeoutError:
        pass
    return None


def _table(schedules: list[Schedule], zone: tzinfo | None) -> Table:
    table = Table("id", "kind", "what", "due", "left", "where", box=None, pad_edge=False)
    for one in schedules:
        left = "" if one.remaining_s is None else _span(one.remaining_s)
        where = one.maker.satellite or one.maker.area_id or ""
        table.add_row(
            one.schedule_id, one.kind.value, _called(one), _due(one, zone), left, escape(where)
        )
    return table


def _called(schedule: Schedule) -> str:
    return escape(schedule.name or schedule.text or schedule.said or "")


def _due(schedule: Schedule, zone: tzinfo | None) -> str:
    if schedule.next_at is not None:
        return f"{datetime.fromtimestamp(schedule.next_at, zone):%a %F %T}"
    if isinstance(schedule.when, Becomes) and schedule.phase == "waiting":
        return f"when {', '.join(schedule.when.entities)} becomes so"
    return schedule.phase.value


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _id() -> str:
    return secrets.token_hex(4)


def _seconds(text: str) -> float:
    """Raises InvalidScheduleError."""
    found = _PARTS.fullmatch(text.strip().lower())
    parts = [float(part or 0) for part in found.groups()] if found else []
    total = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if not 0 < total <= 366 * 86400:
        raise InvalidScheduleError("A duration is written like 90s, 10m or 1h30m.", given=text)
    return total


def _when(
    in_: str | None,
    at: str | None,
    every: str | None,
    sun: SunEvent | None,
    offset_min: float,
    *,
    daily: bool,
) -> When:
    """Raises InvalidScheduleError."""
    given = [one for one in (in_, at, every, sun) if one is not None]
    if len(given) != 1:
        raise InvalidScheduleError("Say when: one of --in, --at, --every and --sun.")
    if in_ is not None:
        return After(seconds=_seconds(in_))
    if every is not None:
        return Every(rule=every)
    if sun is not None:
        return Sun(event=sun, offset_s=offset_min * 60, repeat=daily)
    if clock := _CLOCK.fullmatch((at or "").strip()):
        hour, minute = (int(part) for part in clock.groups())
        return Every(rule=f"FREQ=DAILY;COUNT=1;BYHOUR={hour};BYMINUTE={minute}")
    return At(local=at or "")
