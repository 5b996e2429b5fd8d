"""A real Chromium, driven through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from alicia.testing.waiting import PATIENCE_S

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--remote-debugging-port=0",
)


class RefusedError(Exception):
    """The browser did not do what was asked: the page was just being left, or it is a mistake."""


class Tab:
    """One page, and what it has printed."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.complaints: list[str] = []
        self.sent: list[tuple[str, int]] = []
        """WebSocket messages of the page: kind and length."""
        self.received: list[tuple[str, int]] = []

    async def follow(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if (waiting := self._waiting.pop(message.get("id", 0), None)) is not None:
                if not waiting.done():  # whoever asked may have given up
                    waiting.set_result(message)
                continue
            params = message.get("params", {})
            match message.get("method"):
                case "Runtime.exceptionThrown":
                    self.complaints.append(json.dumps(params["exceptionDetails"])[:500])
                case "Log.entryAdded" if params["entry"]["level"] == "error":
                    self.complaints.append(params["entry"]["text"])
                case "Network.webSocketFrameSent":
                    self.sent.append(_frame(params))
                case "Network.webSocketFrameReceived":
                    self.received.append(_frame(params))
                case _:
                    continue

    async def ask(self, method: str, **params: Any) -> Any:
        self._next += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = answer
        await self._socket.send(json.dumps({"id": self._next, "method": method, "params": params}))
        async with asyncio.timeout(PATIENCE_S):
            message = await answer
        if "error" in message:
            raise RefusedError(method, message["error"])
        return message["result"]

    async def run(self, script: str) -> Any:
        result = await self.ask(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str, within_s: float = 30) -> Any:
        """The script's value, once it is true. A page that is being left is asked again."""
        tried = (
            f"(() => {{ try {{ return {script} }} catch {{ return null }} }})()"  # it is loading
        )
        async with asyncio.timeout(within_s):
            while True:
                with suppress(RefusedError):
                    if value := await self.run(tried):
                        return value
                await asyncio.sleep(0.05)

    async def picture(self, path: Path) -> None:
        shot = await self.ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))


def _frame(params: dict[str, Any]) -> tuple[str, int]:
    frame = params["response"]
    binary = frame["opcode"] == 2
    return ("binary" if binary else frame["payloadData"], len(frame["payloadData"]))


@asynccontextmanager
async def tab(url: str, folder: Path, *flags: str) -> AsyncGenerator[Tab, None]:
    """The page in a browser of its own."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *FLAGS,
        *flags,
        f"--user-data-dir={folder / 'profile'}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port = await _port(folder / "profile" / "DevToolsActivePort")
        address = await _page_address(port)
        async with connect(address, max_size=None, proxy=None) as socket:
            page = Tab(socket)
            following = asyncio.create_task(page.follow())
            try:
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.ask(f"{domain}.enable")
                await page.ask("Page.navigate", url=url)
                yield page
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
    finally:
        # Its helpers are of its group, and one that hangs must not keep a test.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(PATIENCE_S):
        while len(lines := await asyncio.to_thread(_lines, file)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return int(lines[0])


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


async def _page_address(port: int) -> str:
    """Where the first page is debugged. The connection is kept open whatever one asks for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        pages = json.loads(await reader.readexactly(length))
    writer.transport.abort()
    return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
