"""`alicia ask`, `say` and `trace`: speaking to a house that is up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alicia.cli import turns
from alicia.cli.output import emit, out, run
from alicia.cli.running import Home, Json
from alicia.peers.console import Console
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.runtime.settings import Folder

Area = Annotated[str | None, typer.Option("--area", help="Where it is said: an area's id.")]
Language = Annotated[str, typer.Option("--language", "-l", help="One of the nine languages.")]


def ask(
    file: Annotated[Path, typer.Argument(help="WAV, FLAC, Ogg or MP3.")],
    *,
    area: Area = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Speak a recording to the house, in real time, and store its spoken reply."""
    folder = Folder(home)
    result = run(
        turns.ask_file(MqttHouse(folder), folder, file, area_id=area, language=language),
        as_json=json,
    )
    if json:
        emit(result)
    else:
        turns.show(result)
    if result["error"]:
        raise typer.Exit(1)


def say(
    text: Annotated[str, typer.Argument(help="What you would say.")],
    *,
    area: Area = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Type a sentence to the house."""
    folder = Folder(home)

    async def work() -> dict[str, object]:
        async with joined(Console, MqttHouse(folder), folder) as console:
            return await turns.say(console, text, area_id=area, language=language)

    result = run(work(), as_json=json)
    if json:
        emit(result)
    else:
        turns.show(result)
    if result["error"]:
        raise typer.Exit(1)


def trace(
    turn: Annotated[
        str | None, typer.Argument(help="A turn's id; the last one by default.")
    ] = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show a turn as a waterfall: who did what, and how long it took."""
    folder = Folder(home)

    async def work() -> object:
        async with joined(Console, MqttHouse(folder), folder) as console:
            return await turns.trace_of(console, turn)

    found = run(work(), as_json=json)
    if json:
        emit(found.model_dump(mode="json"))  # type: ignore[attr-defined]
    else:
        out.print(turns.waterfall(found))  # type: ignore[arg-type]
