"""`alicia wyoming`, `alicia browser`: the house's doors for programs and devices of others."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from alicia.cli.output import Home, Json, emit, err, fail, out
from alicia.cli.visiting import require_house
from alicia.errors import AliciaError
from alicia.runtime.main import run_service
from alicia.runtime.roster import room
from alicia.runtime.settings import PREFIX, Folder, load
from alicia.security.visitors import Visitors

if TYPE_CHECKING:
    from alicia.peers.browser.server import Browser
    from alicia.peers.wyoming.server import WyomingServer

Port = Annotated[int | None, typer.Option("--port", help="TCP port; the setting's by default.")]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to serve at; loopback by default.")
]


def wyoming(*, port: Port = None, host: Host = None, json: Json = False, home: Home = None) -> None:
    """Serve speech and understanding over the Wyoming protocol; Ctrl-C ends it."""
    _check("wyoming_server", home, as_json=json, port=port, host=host)

    def ready(server: WyomingServer) -> None:
        served, at = server.address
        address = f"tcp://[{served}]:{at}" if ":" in served else f"tcp://{served}:{at}"
        if json:
            emit({"address": address})
        else:
            err.print(f"Wyoming at {address}. Ctrl-C ends it.")

    _run("wyoming_server", home, ready)


def browser(
    *,
    port: Port = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="0.0.0.0 for all devices of the home network."),
    ] = None,
    code: Annotated[
        bool, typer.Option("--code", help="Only show a code for one more browser.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Serve a page with a microphone; it asks for the code that is shown. Ctrl-C ends it."""
    visitors = Visitors(Folder(home).state("browser"))
    if code:
        emit({"code": visitors.invite()}) if json else out.print(visitors.invite())
        return
    _check("browser", home, as_json=json, port=port, host=host)

    def ready(server: Browser) -> None:
        address = _reachable(server.address)
        if json:
            emit({"address": address, "code": visitors.invite()})
            return
        err.print(f"The page is at {address}. Ctrl-C ends it.")
        err.print(f"Code for one browser, for ten minutes: [bold]{visitors.invite()}[/]")
        err.print("Browsers warn until they trust this home: its root is at /home.crt there.")

    _run("browser", home, ready)


def _reachable(address: str) -> str:
    """Served on all addresses, other devices find it by this machine's name."""
    parts = urlsplit(address)
    everywhere = parts.hostname in ("0.0.0.0", "::")  # noqa: S104 - no binding
    return f"https://{socket.gethostname()}:{parts.port}" if everywhere else address


def _check(service: str, home: Path | None, *, as_json: bool, **options: object) -> None:
    """That a house is up and the settings are right, with what was given here over them."""
    for name, value in options.items():
        if value is not None:
            os.environ[f"{PREFIX}{service.upper()}__{name.upper()}"] = str(value)
    folder = Folder(home)
    try:
        asyncio.run(require_house(folder))
        load(room(service).load().settings_type, service, folder)
    except AliciaError as error:
        raise fail(error, as_json=as_json) from None


def _run(service: str, home: Path | None, ready: Callable[[Any], None]) -> None:
    try:
        code = run_service(service, Folder(home), ready=ready)
    except AliciaError as error:
        raise fail(error) from None
    raise typer.Exit(code)
