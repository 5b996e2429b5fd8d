"""Replies to be fetched: a device with a media player is given an address, not audio.

Plain HTTP, which such devices can; an address can't be guessed and counts for a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import secrets
import socket
import time
import wave
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alicia.errors import SetupError

KEEP_S = 60.0
MOST = 64


class _Server(uvicorn.Server):
    """Signals belong to the runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Media:
    """The replies that are out."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}
        self.port = 0

    def put(self, pcm: bytes, rate_hz: int, listener_host: str) -> str:
        """The address, for who is at `listener_host`."""
        now = time.monotonic()
        live = [item for item in self._kept.items() if now - item[1][0] < KEEP_S]
        self._kept = dict(live[-MOST + 1 :])
        token = secrets.token_urlsafe(16)
        self._kept[token] = now, _wav(pcm, rate_hz)
        return f"http://{_towards(listener_host)}:{self.port}/{token}.wav"

    @asynccontextmanager
    async def served(self, host: str, port: int) -> AsyncGenerator[None, None]:
        """Raises SetupError."""
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise SetupError(
                f"Replies can't be served at {host}:{port}: {error.strerror}.", port=port
            ) from error
        self.port = listener.getsockname()[1]
        app = Starlette(routes=[Route("/{token}.wav", self._give)])
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
            listener.close()

    async def _give(self, request: Request) -> Response:
        at, data = self._kept.get(request.path_params["token"], (0.0, b""))
        if not data or time.monotonic() - at > KEEP_S:
            return Response(status_code=404)
        return Response(data, media_type="audio/wav", headers={"Cache-Control": "no-store"})


def _wav(pcm: bytes, rate_hz: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return out.getvalue()


def _towards(host: str) -> str:
    """This machine's own address on the way to that host."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))  # nothing is sent: it only picks the way
        own = probe.getsockname()[0]
    return f"[{own}]" if ":" in own else own
