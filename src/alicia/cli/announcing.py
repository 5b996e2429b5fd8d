"""`alicia announce`, `alicia stop` and `alicia intercom`: being heard without being asked."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import aclosing
from typing import Annotated, Any

import typer

from alicia.audio.microphone import Microphone
from alicia.cli.output import Home, Json, emit, err, out, run
from alicia.cli.talking import Language
from alicia.cli.visiting import visiting
from alicia.contracts.satellites import (
    ANNOUNCE,
    INTERCOM,
    OPEN_INTERCOM,
    Announce,
    IntercomChunk,
    OpenIntercom,
    Report,
    Targets,
)
from alicia.contracts.voice import STOP_TURN, StopTurn
from alicia.peers.console import Console
from alicia.peers.satellite import FRAME, RATE_HZ, Satellite
from alicia.runtime.settings import Folder

Areas = Annotated[list[str] | None, typer.Option("--area", help="Every satellite there.")]
Names = Annotated[list[str] | None, typer.Option("--satellite", help="A satellite's name.")]
Everywhere = Annotated[bool, typer.Option("--all", help="Every satellite.")]


def announce(
    text: Annotated[str, typer.Argument(help="What is to be heard.")],
    *,
    area: Areas = None,
    satellite: Names = None,
    everywhere: Everywhere = False,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="At once, over what runs there, in quiet hours too.")
    ] = False,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Let something be heard; where somebody spoke last, unless a place is given."""
    folder = Folder(home)
    targets = Targets(satellites=satellite or [], areas=area or [], everywhere=everywhere)

    async def work() -> list[Report]:
        async with visiting(Console, folder) as console:
            ask = Announce(
                turn_id=secrets.token_hex(8),
                text=text,
                targets=targets,
                language=language,
                urgent=urgent,
            )
            return (await console.ask(ANNOUNCE, ask)).reports

    reports = run(work(), as_json=json)
    if json:
        emit({"reports": [report.model_dump(mode="json") for report in reports]})
    else:
        _show(reports)
    if not all(report.sounded for report in reports):
        raise typer.Exit(1)


def _show(reports: list[Report]) -> None:
    for report in reports:
        place = f" ({report.area_id})" if report.area_id else ""
        what = "[green]heard[/]" if report.sounded else f"[red]not heard[/] {report.error or ''}"
        out.print(f"{report.satellite}{place}  {what}", highlight=False)


def stop(
    satellite: Annotated[str | None, typer.Argument(help="Where; everywhere by default.")] = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Be quiet: end every turn, reply, announcement and call."""
    folder = Folder(home)

    async def work() -> list[str]:
        async with visiting(Console, folder) as console:
            return (await console.ask(STOP_TURN, StopTurn(satellite=satellite))).turn_ids

    stopped = run(work(), as_json=json)
    if json:
        emit({"stopped": stopped})
    else:
        out.print(f"stopped {len(stopped)}" if stopped else "nothing was running")


def intercom(
    *,
    area: Areas = None,
    satellite: Names = None,
    everywhere: Everywhere = False,
    device: Annotated[
        str | None, typer.Option("--device", help="A microphone's number or name.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Speak to other satellites, live, until Ctrl-C."""
    folder = Folder(home)
    targets = Targets(satellites=satellite or [], areas=area or [], everywhere=everywhere)

    async def work() -> None:
        microphone = Microphone(device)
        async with (
            visiting(Satellite, folder) as peer,
            aclosing(microphone.frames()) as frames,
        ):
            await call(peer, frames, targets)

    run(work(), as_json=json)


async def call(peer: Satellite, frames: Any, targets: Targets) -> list[str]:  # noqa: ANN401
    """Let these 20 ms frames be heard there, live; where it was. Raises NoSatelliteError."""
    turn_id = secrets.token_hex(8)
    opened = await peer.ask(
        OPEN_INTERCOM, OpenIntercom(turn_id=turn_id, satellite=peer.called, targets=targets)
    )
    err.print(f"[dim]You are heard at {', '.join(opened.joined) or 'no satellite'}.[/]")
    sequence = 0

    async def say(pcm: bytes, *, last: bool = False) -> None:
        chunk = IntercomChunk(
            turn_id=turn_id,
            sequence=sequence,
            position=sequence * FRAME,
            rate_hz=RATE_HZ,
            last=last,
            pcm=pcm,
        )
        await peer.say(INTERCOM, chunk)

    try:
        async for frame in frames:
            await say(frame)
            sequence += 1
    except asyncio.CancelledError:
        await say(b"", last=True)
        raise
    await say(b"", last=True)
    return opened.joined
