"""`alicia ask`, `say` and `trace`: speaking to a house that is up."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from alicia.cli import turns
from alicia.cli.output import Home, Json, attempt, complain, emit, out, run
from alicia.cli.visiting import require_house, visiting
from alicia.contracts.voice import TurnTrace
from alicia.errors import AliciaError
from alicia.peers.console import Console
from alicia.runtime.house import MqttHouse
from alicia.runtime.settings import Folder

Area = Annotated[str | None, typer.Option("--area", help="Where it is said: an area's id.")]
Language = Annotated[
    str, typer.Option("--language", "-l", help="One of the nine, or `auto`: by ear.")
]


def ask(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|WORDS", help="WAV, FLAC, Ogg or MP3; with --image the question, in words."
        ),
    ],
    *,
    image: Annotated[
        str | None,
        typer.Option("--image", "-i", help="A picture: JPEG, PNG or WebP; `-`: standard input."),
    ] = None,
    area: Area = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Speak a recording to the house and store its reply, or ask about a picture.

    A recording is played in real time. A picture is made small, and shown to a language model
    that sees: what that is, and what leaves the home, is in docs/models.md.
    """
    folder = Folder(home)

    async def work() -> dict[str, object]:
        if image is not None:
            return await _shown(what, image, folder, area=area, language=language)
        file = Path(what)
        turns.recording(file, language)  # a file that can't be played needs no house
        await require_house(folder)
        return await turns.ask_file(
            MqttHouse(folder), folder, file, area_id=area, language=language
        )

    try:
        result = attempt(work())
    except AliciaError as error:
        if json:
            emit(turns.unheard(error))
        complain(error)
        raise typer.Exit(1) from None
    _end(result, as_json=json)


async def _shown(
    text: str, image: str, folder: Folder, *, area: str | None, language: str
) -> dict[str, object]:
    picture = turns.shown(image)  # what is no picture needs no house
    async with visiting(Console, folder) as console:
        return await turns.say(console, text, area_id=area, language=language, picture=picture)


def say(
    text: Annotated[str, typer.Argument(help="What you would say.")],
    *,
    area: Area = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Type a sentence to the house; where it asks for a PIN or a yes, type that too."""
    folder = Folder(home)

    async def work() -> dict[str, object]:
        async with visiting(Console, folder) as console:
            result = await turns.say(console, text, area_id=area, language=language)
            while result["expects_reply"] and not json and sys.stdin.isatty():
                turns.show(result)
                reply = await asyncio.to_thread(_reply, hidden=bool(result["asks_pin"]))
                result = await turns.say(console, reply, area_id=area, language=language)
            return result

    _end(run(work(), as_json=json), as_json=json)


def _reply(*, hidden: bool) -> str:
    return typer.prompt("PIN" if hidden else "you say", hide_input=hidden)


def _end(result: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        emit(result)
    else:
        turns.show(result)
    if result["error"]:
        raise typer.Exit(1)


Turn: TypeAlias = Annotated[
    str | None, typer.Argument(help="A turn's id; the last one by default.")
]


def _found(turn: str | None, folder: Folder, *, json: bool) -> TurnTrace:
    async def work() -> TurnTrace:
        async with visiting(Console, folder) as console:
            return await turns.trace_of(console, turn)

    return run(work(), as_json=json)


def why(
    turn: Turn = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Tell why a turn went as it did: heard, understood, done, confirmed."""
    record = _found(turn, Folder(home), json=json).record
    if json:
        emit(turns.reasons(record))
    else:
        turns.show_reasons(record)


def trace(
    turn: Turn = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show a turn as a waterfall: who did what, and how long it took."""
    found = _found(turn, Folder(home), json=json)
    if json:
        emit(found.model_dump(mode="json"))
    else:
        out.print(turns.waterfall(found))
