"""How a server of borrowed tools is reached, from its settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from alicia.mind.models.borrowed import Lender
from alicia.mind.models.keys import resolved

SILENCE_S = 20.0


def lender(settings: dict[str, Any], root: Path) -> Lender:
    """Of `LenderSettings`. Blocking: reads the key. Raises SettingsError where it is not there."""
    key = resolved(settings["key"], root)
    url, command = settings["url"], settings["command"]

    def connect() -> AbstractAsyncContextManager[Client]:
        return _over_http(url, key) if url else _child(command, settings["name"], key)

    return Lender(
        name=settings["name"],
        connect=connect,
        tools=settings["tools"],
        acting=settings["acting"],
        within_s=settings["within_s"],
    )


@asynccontextmanager
async def _over_http(url: str, key: str) -> AsyncGenerator[Client, None]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, follow_redirects=False, timeout=SILENCE_S) as http,
        Client(
            streamable_http_client(url, http_client=http), read_timeout_seconds=SILENCE_S
        ) as client,
    ):
        yield client


def _child(command: list[str], name: str, key: str) -> Client:
    """A program of this machine; of the environment it has what the library lets through."""
    program, *arguments = command
    env = {f"{name.upper()}_KEY": key} if key else None
    server = StdioServerParameters(command=program, args=arguments, env=env)
    return Client(server, read_timeout_seconds=SILENCE_S)
