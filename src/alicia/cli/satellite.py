"""`alicia satellite`: this machine as a satellite that stays."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from typing import Annotated

import typer

from alicia.audio.duplex import Duplex
from alicia.audio.echo import EchoCanceller, NoEchoCanceller, WebRtcEchoCanceller
from alicia.audio.microphone import SoundCard
from alicia.cli import turns
from alicia.cli.listening import pressed
from alicia.cli.output import Home, Json, emit, err, run
from alicia.cli.visiting import visiting
from alicia.peers.satellite import Heard, Satellite, Standing
from alicia.runtime.settings import Folder
from alicia.speech.models import ModelStore
from alicia.speech.wake_words import load


def satellite(
    *,
    name: Annotated[str | None, typer.Option("--name", help="What the house calls it.")] = None,
    area: Annotated[str | None, typer.Option("--area", help="Where it stands.")] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", help="One of the nine, or `auto`: by ear.")
    ] = "en",
    device: Annotated[str | None, typer.Option("--device", help="A microphone.")] = None,
    output: Annotated[str | None, typer.Option("--output", help="A speaker.")] = None,
    wake: Annotated[
        list[str] | None,
        typer.Option("--wake", help="A word that wakes her; `alicia wake list` knows them."),
    ] = None,
    headphones: Annotated[
        bool, typer.Option("--headphones", help="The microphone can't hear the speaker.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Be a satellite until Ctrl-C: Enter or a wake word begins a turn; so does interrupting."""
    folder = Folder(home)
    own = {"CALLED": name or os.uname().nodename, "AREA_ID": area, "LANGUAGE": language}
    for key, value in own.items():
        if value is not None:
            os.environ[f"ALICIA_SATELLITE__{key}"] = value

    def show(heard: Heard) -> None:
        result = turns.result_of(heard, folder, language)
        if json:
            emit(result)
        else:
            turns.show(result)

    async def work() -> None:
        detector = None
        if wake:
            detector = await asyncio.to_thread(
                load, wake, ModelStore(folder.models), folder.root / "wake"
            )
        canceller: EchoCanceller = NoEchoCanceller() if headphones else WebRtcEchoCanceller()
        duplex = Duplex(canceller)
        async with visiting(Satellite, folder) as peer, SoundCard(duplex, device, output).open():
            standing = Standing(peer, duplex, detector=detector, on_turn=show)
            said = f'Say "{wake[0].replace("_", " ")}"' if wake else "Press Enter"
            err.print(f"[dim]{peer.called} is here. {said} and speak.[/]", highlight=False)
            async with asyncio.TaskGroup() as group, aclosing(pressed()) as presses:
                running = group.create_task(standing.run())
                async for _ in presses:
                    standing.push()
                running.cancel()

    run(work(), as_json=json)
