"""`alicia wyoming`: the house's doors for programs and devices of others."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from alicia.cli.output import Home, err, fail
from alicia.cli.visiting import require_house
from alicia.errors import AliciaError
from alicia.runtime.main import run_service
from alicia.runtime.roster import room
from alicia.runtime.settings import PREFIX, Folder, load

Port = Annotated[int | None, typer.Option("--port", help="TCP port; the setting's by default.")]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to serve at; loopback by default.")
]


def wyoming(*, port: Port = None, host: Host = None, home: Home = None) -> None:
    """Serve speech and understanding over the Wyoming protocol; Ctrl-C ends it."""
    settings = _told("wyoming_server", home, port=port, host=host)
    err.print(f"Wyoming at tcp://{settings.host}:{settings.port}. Ctrl-C ends it.")
    _run("wyoming_server", home)


def _told(service: str, home: Path | None, **options: object) -> Any:  # noqa: ANN401 - each has its own
    """The settings, with what was given on the command line over them."""
    for name, value in options.items():
        if value is not None:
            os.environ[f"{PREFIX}{service.upper()}__{name.upper()}"] = str(value)
    folder = Folder(home)
    try:
        asyncio.run(require_house(folder))
        return load(room(service).load().settings_type, service, folder)
    except AliciaError as error:
        raise fail(error) from None


def _run(service: str, home: Path | None) -> None:
    try:
        code = run_service(service, Folder(home))
    except AliciaError as error:
        raise fail(error) from None
    raise typer.Exit(code)
