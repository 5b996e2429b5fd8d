"""`alicia listen`: push to talk, with this machine's microphone and speaker."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any, Protocol

import typer

from alicia.audio.microphone import Microphone
from alicia.cli import turns
from alicia.cli.output import Home, Json, emit, err, run
from alicia.cli.talking import Area, Language
from alicia.cli.visiting import visiting
from alicia.errors import SetupError
from alicia.peers.satellite import Satellite
from alicia.runtime.settings import Folder


class Device(Protocol):
    """A microphone and a speaker; the tests' one plays recordings."""

    def frames(self) -> AsyncGenerator[bytes, None]: ...

    async def play(self, pcm: bytes, rate_hz: int) -> None: ...


def listen(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after one turn.")] = False,
    device: Annotated[
        str | None, typer.Option("--device", help="A microphone's number or name.")
    ] = None,
    area: Area = None,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Speak to the house: Enter begins a turn, a pause ends it; Ctrl-C ends it all."""
    folder = Folder(home)

    async def work() -> None:
        microphone = Microphone(device)
        async with visiting(Satellite, folder) as satellite, aclosing(pressed()) as starts:
            say_when(json)
            async for result in conversation(
                satellite,
                microphone,
                starts,
                folder=folder,
                area_id=area,
                language=language,
                on_partial=None if json else show_partial,
            ):
                show(result)
                if once:
                    return
                say_when(json)

    def show(result: dict[str, Any]) -> None:
        if json:
            emit(result)
        else:
            err.print(" " * 60, end="\r")
            turns.show(result)

    run(work(), as_json=json)


def say_when(as_json: bool) -> None:
    if not as_json:
        err.print("[dim]Press Enter and speak.[/]")


def show_partial(text: str) -> None:
    err.print(f"… {text}", end="\r", highlight=False, markup=False)


async def conversation(
    satellite: Satellite,
    device: Device,
    starts: AsyncIterator[None],
    *,
    folder: Folder,
    area_id: str | None,
    language: str,
    on_partial: Callable[[str], None] | None,
) -> AsyncGenerator[dict[str, Any], None]:
    """A turn for each start: heard from the device, answered through it; what came of it."""
    async for _ in starts:
        async with aclosing(device.frames()) as frames:
            heard = await satellite.turn(
                frames, on_partial=on_partial, area_id=area_id, language=language
            )
        yield turns.result_of(heard, folder, language)
        if heard.speech:
            await device.play(heard.speech, heard.rate_hz)


async def pressed() -> AsyncGenerator[None, None]:
    """Each Enter at the terminal; ends with its input. Raises SetupError where there is none."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    source = sys.stdin.fileno()

    def take() -> None:
        lines.put_nowait(os.read(source, 4096))

    try:
        # Not made non-blocking: a terminal shares that with its output, which would then fail.
        loop.add_reader(source, take)
    except OSError as error:
        raise SetupError("Pressing Enter needs a terminal; for files there is `alicia ask`.") from (
            error
        )
    try:
        while read := await lines.get():
            for _ in range(read.count(b"\n")):
                yield
    finally:
        loop.remove_reader(source)
