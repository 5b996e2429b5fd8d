"""What is asked of us: carried out within its asker's deadline, once, and answered.

question ─▶ (answered before?) ─▶ waits for its turn ─▶ handler ─▶ reply to the asker's inbox
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import to_json

from alicia.bus.hearing import Delivery
from alicia.bus.identity import Identity
from alicia.bus.packet import NO_SUBSCRIBERS, Packet, Transport, answer_by
from alicia.contracts.kinds import Command, Payload
from alicia.errors import (
    AliciaError,
    DeadlineError,
    InternalError,
    MalformedMessageError,
    NotConnectedError,
    OverloadedError,
    RefusedError,
    ResponderLostError,
)

SERVED = 512
"""Answers remembered against asking twice."""
LAST_WORD_S = 0.5
"""How long one who is stopped may take to tell its askers so."""


@dataclass(slots=True, eq=False)
class Server:
    """A command that is served here."""

    command: Command[Any, Any]
    filter: str
    handler: Callable[[Delivery[Any]], Awaitable[Payload]]
    most: int
    """At work and waiting."""
    slots: asyncio.Semaphore
    subscribed: bool = True
    at_work: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def finish(self) -> None:
        while self.at_work:
            await asyncio.wait(self.at_work)

    async def stop(self) -> None:
        for task in self.at_work:
            task.cancel()
        await asyncio.gather(*self.at_work, return_exceptions=True)


class Serving:
    """Takes the questions that come in, and answers them."""

    def __init__(
        self,
        transport: Transport,
        identity: Identity,
        *,
        handled: Counter[str],
        errors: Counter[str],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        give_up: Callable[[Packet, AliciaError], None],
    ) -> None:
        self._transport = transport
        self._identity = identity
        self._handled = handled
        self._errors = errors
        self._spawn = spawn
        self._give_up = give_up
        self._answers: OrderedDict[tuple[str, str], asyncio.Future[Packet]] = OrderedDict()

    def take(self, server: Server, packet: Packet, places: dict[str, str]) -> None:
        key = (packet.topic, packet.id) if packet.id else None
        if key is not None and (done := self._answers.get(key)) is not None:
            self._spawn(self._answer_as(packet, done))
            return
        if len(server.at_work) >= server.most:
            self._errors[OverloadedError.code] += 1
            error = OverloadedError(service=self._identity.service, command=server.command.pattern)
            self._spawn(self._reply(packet, _error_packet(error)))
            return
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        if key is not None:
            self._answers[key] = answer
            if len(self._answers) > SERVED:
                self._answers.popitem(last=False)
        task = self._spawn(self._answer(server, packet, places, answer))
        server.at_work.add(task)
        task.add_done_callback(server.at_work.discard)

    async def _answer_as(self, packet: Packet, done: asyncio.Future[Packet]) -> None:
        """The same answer to the same question, now or when it is there."""
        await self._reply(packet, await asyncio.shield(done))

    async def _answer(
        self,
        server: Server,
        packet: Packet,
        places: dict[str, str],
        answer: asyncio.Future[Packet],
    ) -> None:
        received = time.monotonic()
        try:
            async with server.slots:
                reply = await self._carry_out(server, packet, places, received)
            self._remember(packet, answer, reply)
            await self._reply(packet, reply)
        except asyncio.CancelledError:
            lost = _error_packet(
                ResponderLostError("The service was stopped before it had answered.")
            )
            if not answer.done():
                self._remember(packet, answer, lost)
                with suppress(TimeoutError, AliciaError):
                    async with asyncio.timeout(LAST_WORD_S):
                        await self._reply(packet, lost)
            raise

    def _remember(self, packet: Packet, answer: asyncio.Future[Packet], reply: Packet) -> None:
        answer.set_result(reply)
        key = (packet.topic, packet.id or "")
        if reply.error is not None and self._answers.get(key) is answer:
            # An error may be gone when it is asked again; only what was done is not done twice.
            del self._answers[key]

    async def _carry_out(
        self, server: Server, packet: Packet, places: dict[str, str], received: float
    ) -> Packet:
        limit: asyncio.Timeout | None = None
        left = None if packet.deadline_ms is None else packet.deadline_ms / 1000
        if left is not None:
            left -= time.monotonic() - received
            if left <= 0:
                self._errors[DeadlineError.code] += 1
                return _error_packet(DeadlineError(command=server.command.pattern))
        try:
            request = server.command.payload.decode(packet.payload, places)
            delivery = Delivery(
                request,
                self._identity.relative(packet.topic),
                packet.id,
                packet.sender,
                packet.traceparent,
                left,
            )
            if left is not None:
                answer_by.set(time.monotonic() + left)
            async with asyncio.timeout(left) as limit:
                reply = await server.handler(delivery)
            schema = f"{server.command.reply.__name__}/{server.command.reply.schema_version}"
            packed = Packet("", reply.encode(), schema=schema)
        except TimeoutError as raised:
            if limit is not None and limit.expired():
                error: AliciaError = DeadlineError(command=server.command.pattern)
            else:
                error = self._unforeseen(raised)
        except AliciaError as raised:
            error = raised
            if isinstance(raised, MalformedMessageError):
                self._give_up(packet, raised)
        except Exception as raised:  # noqa: BLE001 - its asker must not wait in vain
            error = self._unforeseen(raised)
        else:
            self._handled[server.command.pattern] += 1
            return packed
        self._errors[error.code] += 1
        return _error_packet(error)

    def _unforeseen(self, error: Exception) -> AliciaError:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a command's handler failed", "exception": error}
        )
        return InternalError(service=self._identity.service)

    async def _reply(self, asked: Packet, reply: Packet) -> None:
        if asked.response_topic is None:
            return
        seconds = (asked.deadline_ms or 5000) / 1000
        packet = replace(
            reply,
            topic=asked.response_topic,
            correlation=asked.correlation,
            qos=1,
            id=self._identity.new_id(),
            sender=self._identity.sender,
            traceparent=asked.traceparent,
            expiry_s=max(1.0, seconds),
        )
        try:
            async with asyncio.timeout(seconds):
                while await self._transport.publish(packet) == NO_SUBSCRIBERS:
                    if not self._transport.settling:
                        return  # the asker has left
                    await asyncio.sleep(0.02)
        except MalformedMessageError as error:  # larger than the broker takes
            await self._reply(asked, _error_packet(error))
        except (TimeoutError, RefusedError, NotConnectedError):
            self._errors["bus.reply_lost"] += 1


def _error_packet(error: AliciaError) -> Packet:
    wire = error.to_wire()
    return Packet("", to_json(wire, fallback=str), error=error.code, schema="Error/1")
