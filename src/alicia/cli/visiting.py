"""Joining a house that is up, and saying so at once where none is."""

from __future__ import annotations

import asyncio
import fcntl
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from alicia.contracts.system import ALIVE, Phase, Presence
from alicia.errors import NotReadyError
from alicia.peers.console import Console
from alicia.runtime.house import Address, MqttHouse
from alicia.runtime.runner import joined
from alicia.runtime.service import Service
from alicia.runtime.settings import Folder

S = TypeVar("S", bound=Service[Any])

ANSWERS_WITHIN_S = 1.0
SEEN_WITHIN_S = 0.5
SETTLE_S = 0.02
"""The rest of what is retained comes in the same breath."""
DEFAULT_PORT = 8883


def lock_file(folder: Folder) -> Path:
    """Held by the `alicia up` whose house this folder is; its pid stands in it."""
    return folder.run / "house.lock"


def keeper(folder: Folder) -> int | None:
    """The pid of the `alicia up` (or `demo`) that keeps this folder's house, if one does."""
    try:
        with lock_file(folder).open(encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0) or None
    except (OSError, ValueError):
        return None
    return None


async def require_house(folder: Folder) -> None:
    """Raises NotReadyError where no house is up here, and nothing answers in its place."""
    if keeper(folder) is not None:
        return
    address = Address.read(folder)
    parts = urlsplit(address.url)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or DEFAULT_PORT)
    except OSError as error:
        raise NotReadyError(
            "No house is up here. Start it with `alicia up`, or name another with --home.",
            folder=str(folder.root),
        ) from error
    writer.transport.abort()


@asynccontextmanager
async def visiting(kind: type[S], folder: Folder) -> AsyncGenerator[S, None]:
    """Take part in the house of this folder. Raises NotReadyError, NotConnectedError."""
    await require_house(folder)
    async with joined(kind, MqttHouse(folder), folder) as peer:
        yield peer


@asynccontextmanager
async def console(folder: Folder) -> AsyncGenerator[Console, None]:
    """The command line's own seat in the house, once it has seen who is there."""
    async with visiting(Console, folder) as peer:
        until = time.monotonic() + SEEN_WITHIN_S
        while time.monotonic() < until and not any(  # noqa: ASYNC110 - presence has no event
            seen.instance == peer.instance for seen in peer.peers.all()
        ):
            await asyncio.sleep(0.005)
        await asyncio.sleep(SETTLE_S)
        yield peer


def alive(presences: list[Presence]) -> dict[str, list[Presence]]:
    """Those who are there, by service, the eldest first."""
    found: dict[str, list[Presence]] = {}
    for presence in sorted(presences, key=lambda p: p.started_at):
        if presence.phase not in (Phase.STOPPED, Phase.LOST):
            found.setdefault(presence.service, []).append(presence)
    return found


def last_words(folder: Folder, service: str, presences: list[Presence] | None = None) -> str | None:
    """Why a service is not ready: what its last instance said, else its last line in the log."""
    mine = sorted((p for p in presences or [] if p.service == service), key=lambda p: p.started_at)
    if mine and mine[-1].reason and mine[-1].phase not in ALIVE:
        return mine[-1].reason
    try:
        with (folder.root / "logs" / f"{service}.log").open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - 65_536))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    return next((words for line in reversed(lines) if (words := _words(line))), None)


def _words(line: str) -> str | None:
    try:
        said: Any = json.loads(line)
    except ValueError:
        return line.strip() or None
    if not isinstance(said, dict):
        return None
    if error := said.get("exception"):
        return f"{said.get('event')}: {str(error).strip().splitlines()[-1]}"
    details = {
        key: value
        for key, value in said.items()
        if key not in ("event", "level", "timestamp", "service", "instance", "trace", "turn")
    }
    more = ", ".join(f"{key}={value}" for key, value in details.items())
    return f"{said.get('event')} ({more})" if more else str(said.get("event"))
