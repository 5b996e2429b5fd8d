"""/healthz (the process lives), /readyz (it serves), /metrics: one small server each."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Generator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alicia.contracts.system import ALIVE, Presence


class _Server(uvicorn.Server):
    """Signals belong to the runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    host: str, port: int, presence: Callable[[], Presence], metrics: Callable[[], bytes]
) -> AsyncGenerator[str, None]:
    """Serve until left; yields the base address.

    Raises OSError where the port is taken.
    """

    async def healthz(_: Request) -> Response:
        now = presence()
        return JSONResponse({"service": now.service, "instance": now.instance, "phase": now.phase})

    async def readyz(_: Request) -> Response:
        now = presence()
        return JSONResponse(
            {"phase": now.phase, "reason": now.reason},
            status_code=200 if now.phase in ALIVE else 503,
        )

    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4")

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", scrape),
        ]
    )
    listener = socket.create_server((host, port))
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        listener.close()
