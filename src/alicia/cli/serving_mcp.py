"""`alicia mcp`: the home as a server of tools, for programs that speak MCP."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from alicia.cli.output import Home, Json, emit, err, run
from alicia.cli.visiting import visiting
from alicia.peers.mcp.server import McpServer
from alicia.runtime.settings import PREFIX, Folder


def mcp(
    *,
    http: Annotated[
        bool, typer.Option("--http", help="Streamable HTTP in place of standard input and output.")
    ] = False,
    port: Annotated[int | None, typer.Option("--port", help="Of HTTP; 10720 by default.")] = None,
    person: Annotated[
        str | None, typer.Option("--person", help="Whose rights it has; nobody's by default.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Serve what is in the home as tools of the Model Context Protocol, until its client leaves."""
    given = {"HTTP": http, "PORT": port, "PERSON": person, "WITH_HOUSE": None if http else False}
    for name, value in given.items():
        if value is not None:
            os.environ[f"{PREFIX}MCP_SERVER__{name}"] = str(value)
    folder = Folder(home)

    async def work() -> None:
        async with visiting(McpServer, folder) as house:
            if not http:
                await house.tools().run_stdio_async()
                return
            token = house.folder.state(house.name) / "token"
            if json:
                emit({"address": house.address, "token_file": str(token)})
            else:
                err.print(f"MCP at {house.address}. Its clients show the token in {token}.")
                err.print("Ctrl-C ends it.")
            await asyncio.Event().wait()

    run(work(), as_json=json and http)
