"""`alicia demo`: the whole house with virtual devices, and a recorded command through all of it."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import typer

from alicia.cli import house as houses
from alicia.cli import turns
from alicia.cli.output import Home, Json, emit, err, fail, out
from alicia.cli.running import Inline, pull_models, start, until_told
from alicia.errors import AliciaError, DependencyMissingError
from alicia.runtime.settings import Folder
from alicia.security.mosquitto import find_program

RECORDING = "turn_on_the_kitchen_light.flac"


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the turn.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", help="Another recording than the packaged one.")
    ] = None,
    inline: Inline = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Start a demo home and carry out a recorded sentence, from its sound to the lamp."""
    folder = Folder(home) if home else Folder(Folder().root / "demo")
    if not inline and not broker_available():
        err.print(
            "[yellow]Mosquitto is not installed, so the demo runs in one process, without a broker "
            "(--inline). Install it with `apt install mosquitto` or `brew install mosquitto`.[/]"
        )
        inline = True
    if not inline:
        _any_port()

    async def turn(running: houses.Running) -> None:
        result = await _turn(running, file)
        if json:
            emit(result)
        if not once:
            if not json:
                out.print("\nThe house stays up. In another terminal:", style="dim")
                out.print(
                    f'  ALICIA_HOME={folder.root} alicia say "turn off the kitchen light"',
                    highlight=False,
                )
                out.print("Ctrl-C stops it.", style="dim")
            await until_told(running)

    async def _turn(running: houses.Running, file: Path | None) -> dict[str, Any]:
        with as_file(files("alicia.cli").joinpath("data", RECORDING)) as packaged:
            result = await turns.ask_file(
                running.house, folder, file or packaged, area_id=None, language="en"
            )
        result["services_ready"] = len(running.services)
        result["ready_s"] = round(running.ready_s, 2)
        if not json:
            turns.show(result)
            trace = await turns.trace_of(running.console, result["turn_id"], settle_s=0.3)
            out.print()
            out.print(turns.waterfall(trace))
        return result

    try:
        with houses.one_house(folder):
            names = houses.wanted([], demo_home=True, inline=inline)
            houses.preflight(folder, names)
            pull_models(folder, names, quiet=json)
            start(folder, names, inline=inline, quiet=json, then=turn)
    except AliciaError as error:
        raise fail(error, as_json=json) from None


def broker_available() -> bool:
    """Whether Mosquitto can run here."""
    try:
        find_program()
    except DependencyMissingError:
        return False
    return True


def _any_port() -> None:
    """The demo must start beside whatever has the usual port."""
    os.environ.setdefault("ALICIA_BROKER__TLS_PORT", "0")
