"""Streamable HTTP for the tools: on loopback, and to none but who has the token."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import socket
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from alicia.errors import SetupError
from alicia.security.files import write_once

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer


class _Server(uvicorn.Server):
    """Signals belong to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _WithToken:
    """Nothing is answered to whoever does not show it."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            shown = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(shown, self._wanted):
                refused = Response(status_code=401, headers={"www-authenticate": "Bearer"})
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


def token_in(folder: Path) -> str:
    """The token of this house; made at the first use, for its owner's eyes alone.

    Blocking. Raises SetupError.
    """
    path = folder / "token"
    write_once(path, secrets.token_urlsafe(32).encode())
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise SetupError("The token can't be read.", path=str(path)) from error


@contextlib.asynccontextmanager
async def serving(server: MCPServer, host: str, port: int, token: str) -> AsyncGenerator[str, None]:
    """Serve until left; yields the address. Raises SetupError where the port is taken."""
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise SetupError(
            f"MCP can't be served at {host}:{port}: {error.strerror}.", port=port
        ) from error
    app = _WithToken(server.streamable_http_app(host=host), token)
    http = _Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    task = asyncio.create_task(http.serve(sockets=[listener]))
    try:
        yield f"http://{host}:{listener.getsockname()[1]}/mcp"
    finally:
        http.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listener.close()
