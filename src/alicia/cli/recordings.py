"""`alicia recordings` and `alicia replay`: turns whose audio was kept, heard once more."""

from __future__ import annotations

import json as json_module
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer
from rich.table import Table

from alicia.cli.output import Home, Json, emit, out, run
from alicia.cli.visiting import visiting
from alicia.contracts.devices import HomeSnapshot
from alicia.contracts.satellites import (
    FORGET_RECORDINGS,
    GET_RECORDING,
    LIST_RECORDINGS,
    ForgetRecordings,
    GetRecording,
    ListRecordings,
    Recording,
    Recordings,
)
from alicia.contracts.voice import TurnRecord
from alicia.errors import SettingsError
from alicia.mind.recordings import pcm_of
from alicia.peers.console import Console
from alicia.peers.satellite import Satellite, TurnOptions, played
from alicia.runtime.house import Address, House, MqttHouse
from alicia.runtime.runner import joined
from alicia.runtime.settings import Folder
from alicia.speech import scoring


class AsOf(StrEnum):
    """The home that a recording is understood by."""

    THEN = "then"
    NOW = "now"


COMPARED = ("transcript", "intent", "actions", "reply", "error")


def list_recordings(*, json: Json = False, home: Home = None) -> None:
    """What is kept, the newest first."""
    folder = Folder(home)

    async def work() -> Recordings:
        async with visiting(Console, folder) as console:
            return await console.ask(LIST_RECORDINGS, ListRecordings())

    found = run(work(), as_json=json)
    if json:
        emit(found.model_dump(mode="json"))
        return
    who = found.consented or "nobody: see the setting router.record"
    out.print(f"[dim]kept of[/] {who}", highlight=False)
    table = Table(box=None, pad_edge=False)
    for column in ("turn", "satellite", "when", "s", "heard"):
        table.add_column(column)
    for info in found.recordings:
        when = datetime.fromtimestamp(info.started_at).astimezone().strftime("%F %T")
        row = (info.turn_id, info.satellite, when, f"{info.duration_s:.1f}", info.transcript or "—")
        table.add_row(*row)
    out.print(table)


def forget(
    turn: Annotated[str | None, typer.Argument(help="A turn's id; all of them if none.")] = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Delete one recording, or all of them."""
    folder = Folder(home)

    async def work() -> int:
        async with visiting(Console, folder) as console:
            return (await console.ask(FORGET_RECORDINGS, ForgetRecordings(turn_id=turn))).count

    count = run(work(), as_json=json)
    if json:
        emit({"forgotten": count})
    else:
        out.print(f"deleted {count}")


def replay(
    turn: Annotated[str, typer.Argument(help="A turn's id, of `alicia recordings`.")],
    *,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Another house: its folder, or the mqtts:// address of its broker with user, "
            "password and ?ca=FILE.",
        ),
    ] = None,
    act: Annotated[
        bool, typer.Option("--act", help="Let devices move; otherwise nothing changes.")
    ] = False,
    as_of: Annotated[
        AsOf | None,
        typer.Option(
            "--as-of",
            help="Understand it by the home of then, kept with the recording (the default where "
            "there is one), or by the home of now (always with --act).",
        ),
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Say a recorded turn again, and compare what came of it."""
    folder = Folder(home)

    async def work() -> dict[str, Any]:
        async with visiting(Console, folder) as console:
            recording = await console.ask(GET_RECORDING, GetRecording(turn_id=turn))
        house = MqttHouse(folder) if against is None else other_house(against, folder)
        async with joined(Satellite, house, folder) as satellite:
            then = seen(recording, as_of, act=act)
            return await again(satellite, recording, dry_run=not act, home=then)

    result = run(work(), as_json=json)
    if json:
        emit(result)
    else:
        _show(result)
    if not result["same"]:
        raise typer.Exit(1)


def seen(recording: Recording, as_of: AsOf | None, *, act: bool) -> HomeSnapshot | None:
    """The home to understand it by; None for the one of now. Raises SettingsError."""
    if as_of is AsOf.THEN and act:
        raise SettingsError("Devices can be moved in the home of now alone: leave out --as-of.")
    if as_of is AsOf.THEN and recording.home is None:
        raise SettingsError("The home was not kept with this recording: only --as-of now goes.")
    return None if act or as_of is AsOf.NOW else recording.home


async def again(
    satellite: Satellite,
    recording: Recording,
    *,
    dry_run: bool,
    home: HomeSnapshot | None = None,
) -> dict[str, Any]:
    """Play a recording to a house, and compare its record with the one that was kept.

    home: what it is understood by, where not by the house's own.
    """
    before = recording.record
    heard = await satellite.turn(
        played(pcm_of(recording)),
        asked=TurnOptions(dry_run=dry_run, home=home),
        area_id=recording.area_id,
        language=before.language,
    )
    as_of = AsOf.THEN if home is not None else AsOf.NOW
    return {**compare(before, heard.record), "as_of": as_of.value}


def compare(before: TurnRecord, now: TurnRecord | None) -> dict[str, Any]:
    """What is the same, what differs, and how long it took. `now` is None where none came.

    Of the transcript its words count, not case or punctuation.
    """
    then, today = _of(before), _of(now) if now is not None else None
    differs = [key for key in COMPARED if today is None or then[key] != today[key]]
    if now is not None and "transcript" in differs and _sound_alike(before, now):
        differs.remove("transcript")
    return {
        "turn_id": before.turn_id,
        "same": not differs,
        "differs": differs,
        "before": {**then, "processing_ms": processing_ms(before)},
        "now": None if today is None else {**today, "processing_ms": processing_ms(now)},
        "dry_run": now.dry_run if now is not None else None,
    }


def _of(record: TurnRecord) -> dict[str, Any]:
    """What must be the same; what became of a device is another question than what was asked."""
    actions = [[a.entity, a.capability, a.value] for a in record.actions]
    found = record.model_dump(include={"transcript", "intent", "reply", "error"}, mode="json")
    return {**found, "actions": actions}


def _sound_alike(before: TurnRecord, now: TurnRecord) -> bool:
    """The same words: some milliseconds more of silence may turn a comma into a full stop."""
    if before.transcript is None or now.transcript is None:
        return False
    return not scoring.errors(before.transcript, now.transcript, before.language).wrong


def processing_ms(record: TurnRecord | None) -> float | None:
    """From the end of the utterance to the first sound of the reply, by the router's clock."""
    took = {stage.stage: stage.ms for stage in record.stages} if record is not None else {}
    if not took.keys() >= {"recognize", "first audio"}:
        return None
    return round(took["recognize"] + took.get("understand and act", 0.0) + took["first audio"], 1)


def _show(result: dict[str, Any]) -> None:
    when = "as it was then" if result["as_of"] == AsOf.THEN else "as it is now"
    out.print(f"[dim]understood by the home {when}[/]", highlight=False)
    for key in (*COMPARED, "processing_ms"):
        then = json_module.dumps(result["before"][key], ensure_ascii=False)
        now = json_module.dumps((result["now"] or {}).get(key), ensure_ascii=False)
        mark = "[red]≠[/]" if key in result["differs"] else "[green]=[/]"
        if key == "processing_ms":
            mark = " "
        out.print(f"{mark} {key:14}{then}", highlight=False)
        if then != now:
            out.print(f"  {'':14}{now}", highlight=False)


def other_house(where: str, own: Folder) -> House:
    """A house by its folder or its address. Raises SettingsError."""
    if "://" not in where:
        return MqttHouse(Folder(Path(where)))
    parts = urlsplit(where)
    if parts.hostname is None or not parts.username or parts.password is None:
        raise SettingsError(
            "Another house is named by its folder, or by its broker's mqtts:// address with user, "
            "password and ?ca=FILE."
        )
    ca = parse_qs(parts.query).get("ca", [None])[0]
    folder = Folder(own.root / "replay" / parts.hostname)
    port = f":{parts.port}" if parts.port else ""
    Address(url=f"{parts.scheme}://{parts.hostname}{port}", ca=ca).write(folder)
    folder.identities.mkdir(parents=True, exist_ok=True, mode=0o700)
    credentials = folder.identities / f"{Satellite.name}.json"
    credentials.touch(mode=0o600)
    found = {"username": parts.username, "password": parts.password}
    credentials.write_text(json_module.dumps(found), "utf-8")
    return MqttHouse(folder)
