"""The page's HTTP side: its files, the way in, and the door of the WebSocket."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import time
from collections import deque
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from alicia.peers.browser.page import Page

if TYPE_CHECKING:
    from alicia.peers.browser.server import Browser

COOKIE = "__Host-alicia"
COOKIE_S = 90 * 86_400
FILES = ("index.html", "app.js", "sound.js", "words.js", "capture.js", "style.css", "icon.svg")
MOST_BODY = 1000
ENTRIES, ENTRIES_S = 10, 60.0
"""Codes that are tried in a minute, by all together."""
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-cache",
}
BUSY, UNKNOWN = 4429, 4401
"""Close codes: too many pages, no token."""


def application(peer: Browser, ca: bytes) -> Starlette:
    """The page of this peer. `ca` is what a browser has to trust once."""
    door = Door(peer, ca)
    return Starlette(
        routes=[
            Route("/", door.file),
            Route("/home.crt", door.authority),
            Route("/session", door.session),
            Route("/enter", door.enter, methods=["POST"]),
            Route("/leave", door.leave, methods=["POST"]),
            WebSocketRoute("/speak", door.speak),
            Route("/{name}", door.file),
        ]
    )


class Door:
    """What is answered to whom."""

    def __init__(self, peer: Browser, ca: bytes) -> None:
        static = resources.files("alicia.peers.browser").joinpath("static")
        self._files = {name: static.joinpath(name).read_bytes() for name in FILES}
        self._peer, self._ca = peer, ca
        self._entries: deque[float] = deque(maxlen=ENTRIES)
        self._pages: set[Page] = set()

    async def file(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            return Response(status_code=404, headers=POLICY)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(self._files[name], media_type=kind, headers=POLICY)

    async def authority(self, _: Request) -> Response:
        headers = {**POLICY, "Content-Disposition": 'attachment; filename="alicia-home.crt"'}
        return Response(self._ca, media_type="application/x-x509-ca-cert", headers=headers)

    async def session(self, request: Request) -> Response:
        """Whether this browser is known, and what the page offers."""
        if not known(self._peer, request):
            return _known(is_known=False)
        areas = sorted((a.name, a.area_id) for a in self._peer.areas.values())
        offer = {
            "known": True,
            "areas": [{"id": area_id, "name": name} for name, area_id in areas],
            "area": self._peer.settings.area_id,
            "language": self._peer.settings.language,
        }
        return JSONResponse(offer, headers=POLICY)

    async def enter(self, request: Request) -> Response:
        if not same_origin(request.headers):
            return _known(is_known=False, status=403)
        now = time.monotonic()
        if len(self._entries) == ENTRIES and now - self._entries[0] < ENTRIES_S:
            return _known(is_known=False, status=429)
        self._entries.append(now)
        token = await asyncio.to_thread(self._peer.visitors.enter, await code_of(request))
        if token is None:
            return _known(is_known=False, status=401)
        self._peer.log.info("a browser was let in")
        answer = _known(is_known=True)
        answer.set_cookie(
            COOKIE, token, max_age=COOKIE_S, secure=True, httponly=True, samesite="strict"
        )
        return answer

    async def leave(self, request: Request) -> Response:
        if not same_origin(request.headers):
            return _known(is_known=False, status=403)
        await asyncio.to_thread(self._peer.visitors.leave, request.cookies.get(COOKIE, ""))
        answer = _known(is_known=False)
        answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return answer

    async def speak(self, socket: WebSocket) -> None:
        if not same_origin(socket.headers) or not known(self._peer, socket):
            await socket.close(UNKNOWN)
            return
        await socket.accept()
        if len(self._pages) >= self._peer.settings.max_pages:
            await socket.close(BUSY)
            return
        page = Page(self._peer, socket)
        self._pages.add(page)
        try:
            await page.run()
        finally:
            self._pages.discard(page)


def _known(*, is_known: bool, status: int = 200) -> Response:
    return JSONResponse({"known": is_known}, status_code=status, headers=POLICY)


def known(peer: Browser, connection: HTTPConnection) -> bool:
    return peer.visitors.knows(connection.cookies.get(COOKIE))


def same_origin(headers: Headers) -> bool:
    """Whether the page that asks is ours: another site's has its own origin."""
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme == "https" and bool(origin.netloc) and origin.netloc == headers.get("host")


async def code_of(request: Request) -> str:
    """What was typed; empty where the body is no such thing, or too large."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY:
            return ""
    try:
        read: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    code = read.get("code") if isinstance(read, dict) else None
    return code if isinstance(code, str) else ""
