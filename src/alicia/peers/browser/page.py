"""One open page: a turn at a time, told what is heard, done and answered.

{"type": "start", "number": 1} · binary PCM · {"type": "end"}     from the page: 16 kHz mono s16le
listening · partial · ended · speech + binary PCM · turn · problem        to the page

What is told carries the number that the page gave the turn: the last words of one that was stopped
may be on the way when the next one begins.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from alicia.audio.formats import RATE_HZ
from alicia.audio.framing import Frames
from alicia.errors import AliciaError, OverloadedError
from alicia.language.phrases import phrase, phrase_for
from alicia.language.tables import LANGUAGES
from alicia.peers.seat import Heard, Seat

if TYPE_CHECKING:
    from alicia.peers.browser.server import Browser

POLICY_VIOLATION = 1008
PIECE_BYTES = 16_384
MOST_S = 30.0
"""The longest turn's audio."""
AHEAD_S = 5.0
"""How much more audio than time has passed a microphone can have: what was kept before the turn."""
TELL_S = 5.0
"""What a page does not take by then is not told."""
Told = dict[str, Any] | bytes


class Page:
    """What a page says and is told. Anything else than the protocol ends it."""

    def __init__(self, peer: Browser, socket: WebSocket) -> None:
        self._peer, self._socket = peer, socket
        self._name = secrets.token_hex(3)
        self._frames: Frames | None = None
        self._turn: asyncio.Task[None] | None = None
        self._began: deque[float] = deque(maxlen=peer.settings.turns_per_minute)
        self._started = 0.0
        self._received = 0

    async def run(self) -> None:
        """Until the page is closed."""
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if not await self._take(message):
                    await self._socket.close(POLICY_VIOLATION)
                    return
        except (WebSocketDisconnect, RuntimeError):
            return  # closed while we were telling it something
        finally:
            await self._stop()

    async def _take(self, message: Any) -> bool:  # noqa: ANN401 - what the server hands over
        """Whether it was as agreed."""
        pcm = message.get("bytes")
        if pcm is not None:
            return self._hear(pcm)
        try:
            read = json.loads(message.get("text") or "")
        except (ValueError, RecursionError):
            return False
        if not isinstance(read, dict):
            return False
        asked = cast("dict[str, Any]", read)
        match asked.get("type"):
            case "start":
                return await self._start(asked)
            case "end":
                if self._frames is not None:
                    self._frames.close()
            case "stop":
                await self._stop()
            case _:
                return False
        return True

    def _hear(self, pcm: bytes) -> bool:
        if self._frames is None:
            # The turn has just ended; its last pieces are on the way.
            return time.monotonic() - self._started < MOST_S + AHEAD_S
        self._received += len(pcm) // 2
        passed = time.monotonic() - self._started
        if len(pcm) > PIECE_BYTES or self._received / RATE_HZ > min(MOST_S, passed + AHEAD_S):
            return False
        self._frames.feed(pcm)
        return True

    async def _start(self, asked: dict[str, Any]) -> bool:
        language, area = asked.get("language"), asked.get("area")
        if language not in LANGUAGES or not (area is None or area in self._peer.areas):
            return False
        number = asked.get("number", 0)
        if type(number) is not int:
            return False
        now = time.monotonic()
        if len(self._began) == self._began.maxlen and now - self._began[0] < 60:
            text = phrase_for(OverloadedError(), language)
            await self._send({"type": "problem", "number": number, "text": text})
            return True
        await self._stop()
        self._began.append(now)
        self._started, self._received, self._frames = now, 0, Frames()
        seat = Seat(
            self._peer,
            self._name,
            area_id=area or self._peer.settings.area_id,
            language=language,
        )
        self._turn = asyncio.create_task(self._converse(seat, self._frames, language, number))
        return True

    async def _stop(self) -> None:
        """The turn that runs is over: its reply is not wanted any more."""
        turn, self._turn, self._frames = self._turn, None, None
        if turn is not None:
            turn.cancel()
            await asyncio.gather(turn, return_exceptions=True)

    async def _converse(self, seat: Seat, frames: Frames, language: str, number: int) -> None:
        told: asyncio.Queue[Told | None] = asyncio.Queue()
        telling = asyncio.create_task(self._tell(told, number))
        rates: list[int] = []

        def speech(pcm: bytes, rate_hz: int) -> None:
            if not rates:
                rates.append(rate_hz)
                told.put_nowait({"type": "speech", "rate": rate_hz})
            told.put_nowait(pcm)

        def ended(_: object) -> None:
            self._frames = None
            told.put_nowait({"type": "ended"})

        told.put_nowait({"type": "listening"})
        try:
            with self._peer.edge("turn of a page"):
                heard = await seat.converse(
                    frames.frames(),
                    on_speech=speech,
                    on_end=ended,
                    on_partial=lambda text: told.put_nowait({"type": "partial", "text": text}),
                )
            told.put_nowait(_result(heard, language))
        except AliciaError as error:
            told.put_nowait({"type": "problem", "text": phrase_for(error, language)})
        finally:
            if self._frames is frames:
                self._frames = None
            told.put_nowait(None)
            await asyncio.wait({telling}, timeout=TELL_S)
            telling.cancel()

    async def _tell(self, told: asyncio.Queue[Told | None], number: int) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while (what := await told.get()) is not None:
                await self._send({**what, "number": number} if isinstance(what, dict) else what)

    async def _send(self, what: Told) -> None:
        if isinstance(what, bytes):
            await self._socket.send_bytes(what)
        else:
            await self._socket.send_text(json.dumps(what, ensure_ascii=False))


def _result(heard: Heard, language: str) -> dict[str, Any]:
    record = heard.record
    code = heard.error or (record.error if record else None)
    reply = record.reply if record else None
    return {
        "type": "turn",
        "transcript": record.transcript if record else None,
        "reply": reply or (phrase(code, language) if code else None),
        "failed": code is not None,
        "actions": [
            {
                "entity": action.entity,
                "capability": action.capability,
                "value": action.value,
                "confirmed": action.outcome.value == "confirmed",
            }
            for action in (record.actions if record else [])
        ],
        "spoken": bool(heard.speech),
    }
