"""`alicia mcp`: the home as a server of tools, for programs that speak MCP."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from alicia.cli.output import Home, err, run
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
    home: Home = None,
) -> None:
    """Serve what is in the home as tools of the Model Context Protocol, until its client leaves."""
    for name, value in (("PORT", port), ("PERSON", person)):
        if value is not None:
            os.environ[f"{PREFIX}MCP_SERVER__{name}"] = str(value)
    folder = Folder(home)

    async def work() -> None:
        async with visiting(McpServer, folder) as house:
            if http:
                await _over_http(house)
            else:
                await house.tools().run_stdio_async()

    run(work())


async def _over_http(house: McpServer) -> None:
    from alicia.peers.mcp.http import serving, token_in  # noqa: PLC0415 - only where wanted

    own = house.settings
    state = house.folder.state(house.name)
    token = await house.off_loop(token_in, state)
    async with serving(house.tools(), own.host, own.port, token) as address:
        err.print(f"MCP at {address}. Its clients show the token in {state / 'token'}.")
        err.print("Ctrl-C ends it.")
        await asyncio.Event().wait()
