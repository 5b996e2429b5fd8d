"""`alicia wyoming` and `alicia browser`, as a person starts and ends them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info

from alicia.runtime.spawner import SETUP_FAILED
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def command(house: LiveHouse, *words: str) -> AsyncGenerator[dict[str, Any], None]:
    """What it says with --json; interrupted at the end, it ends well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alicia", *words, "--json", "--home", str(house.folder.root)),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield json.loads(await process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            await process.communicate()
    assert process.returncode == 0


async def reached(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.transport.abort()
                return


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


async def test_wyoming_is_served_until_it_is_interrupted(house: LiveHouse) -> None:
    port = free_port()
    async with command(house, "wyoming", "--port", str(port)) as said:
        assert said == {"address": f"tcp://127.0.0.1:{port}"}
        await reached(port)
        async with AsyncTcpClient("127.0.0.1", port) as client:
            await client.write_event(Describe().event())
            event = await client.read_event()
        assert event is not None
        info = Info.from_event(event)
        assert info.asr[0].installed
        assert info.tts[0].installed
        assert info.handle[0].installed


@pytest.mark.parametrize("door", ["wyoming", "browser"])
async def test_an_address_is_told_once_it_is_served_and_is_the_real_one(
    house: LiveHouse, door: str
) -> None:
    async with command(house, door, "--port", "0") as said:
        port = int(said["address"].rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.abort()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alicia", door, "--json", "--home", str(house.folder.root)),
            *("--port", str(port)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
    assert out == b""
    assert process.returncode == SETUP_FAILED
    assert str(port).encode() in err
    assert b"Traceback" not in err


async def test_the_page_is_served_with_a_code_for_one_browser(house: LiveHouse) -> None:
    port = free_port()
    async with command(house, "browser", "--port", str(port)) as said:
        assert said["address"] == f"https://127.0.0.1:{port}"
        await reached(port)
        tls = ssl.create_default_context(cafile=house.folder.root / "ca" / "ca.crt")
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        body = json.dumps({"code": said["code"]})
        writer.write(
            f"POST /enter HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {said['address']}\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        answer = await reader.read()
        writer.transport.abort()
        assert answer.startswith(b"HTTP/1.1 200")
