"""`alicia up` and `alicia run`: the house, and one service of it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from alicia.cli import house as houses
from alicia.cli import models, services
from alicia.cli.output import Home, Json, emit, err, fail, only, out
from alicia.contracts.system import ALIVE, Phase
from alicia.errors import AliciaError
from alicia.runtime import logs
from alicia.runtime.main import run_service
from alicia.runtime.settings import Folder

LOOK_EVERY_S = 1.0
Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICES…", help="Services to start; all that are built by default."),
]
Inline = Annotated[
    bool, typer.Option("--inline", help="One process, bus in memory: where no broker can run.")
]
DemoHome = Annotated[
    bool, typer.Option("--demo-home/--no-demo-home", help="Virtual devices to speak to.")
]


def up(
    names: Services = None,
    *,
    inline: Inline = False,
    demo_home: DemoHome = True,
    json: Json = False,
    home: Home = None,
) -> None:
    """Start the house; Ctrl-C stops it."""
    folder = Folder(home)
    try:
        with houses.one_house(folder):
            wanted = houses.wanted(names or [], demo_home=demo_home, inline=inline, folder=folder)
            houses.preflight(folder, wanted)
            pull_models(folder, wanted, quiet=json)
            start(folder, wanted, inline=inline, quiet=json, then=lambda h: _stay(h, as_json=json))
    except AliciaError as error:
        raise fail(error, as_json=json) from None


async def _stay(running: houses.Running, *, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "services_ready": len(running.services),
                "ready_s": round(running.ready_s, 2),
                "home": str(running.folder.root),
                "services": running.services,
            }
        )
    else:
        out.print(services.table(await services.overview(running.console, running.folder)))
        out.print(
            f"[bold green]Alicia is ready[/]: {len(running.services)} services in "
            f"{running.ready_s:.1f} s. Ctrl-C stops the house."
        )
    await until_told(running)


async def until_told(running: houses.Running) -> None:
    """Wait for Ctrl-C or SIGTERM. Raises SetupError where the house ends by itself."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    while not told.is_set():
        if running.spawner is not None:
            houses.require(running.spawner, "The house has ended; its logs may say why.")
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await told.wait()
        except TimeoutError:
            continue


def start(
    folder: Folder,
    names: list[str],
    *,
    inline: bool,
    quiet: bool,
    then: Callable[[houses.Running], object],
) -> None:
    """Start a house, do something in it, and stop it. Raises what starting it raises."""
    logs.configure(level="warning", readable=sys.stderr.isatty())
    spawner = None if inline else houses.fork_spawner(folder, names)

    async def work() -> None:
        board = Board(quiet=quiet)
        context: AbstractAsyncContextManager[houses.Running]
        if spawner is None:
            context = houses.inline(folder, names, board.show)
        else:
            context = houses.over_mqtt(folder, names, spawner, board.show)
        async with board, context as running:
            board.close()
            await then(running)  # type: ignore[misc]

    try:
        asyncio.run(work())
    except BaseExceptionGroup as group:
        raise only(group) from None


class Board:
    """Which services are ready, as a line that is rewritten."""

    def __init__(self, *, quiet: bool) -> None:
        self._status = None if quiet else err.status("Starting …")

    async def __aenter__(self) -> None:
        if self._status is not None:
            self._status.start()

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def show(self, phases: dict[str, Phase]) -> None:
        if self._status is not None:
            ready = [name for name, phase in phases.items() if phase in ALIVE]
            waiting = [name for name in phases if name not in ready]
            self._status.update(
                f"{len(ready)} of {len(phases)} services ready; waiting for {', '.join(waiting)}"
            )

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()


def pull_models(folder: Folder, names: list[str], *, quiet: bool) -> None:
    """Have the models of the rooms that need some, with a progress bar."""
    if {"stt", "tts"} & set(names):
        with models.pulling(quiet=quiet) as bars:
            models.have(folder, models.needed(folder), bars)


def run(
    service: Annotated[str, typer.Argument(help="A service of the roster.")],
    *,
    home: Home = None,
) -> None:
    """Run one service in this process, in a house that is up (or being set up elsewhere)."""
    try:
        code = run_service(service, Folder(home))
    except AliciaError as error:
        raise fail(error) from None
    raise typer.Exit(code)
