"""What we ask: each question until its answer, its deadline, or word that nobody will answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from alicia.bus.packet import NO_SUBSCRIBERS, Packet, Transport
from alicia.contracts import name_of
from alicia.contracts.kinds import Command
from alicia.errors import (
    AliciaError,
    DeadlineError,
    MalformedMessageError,
    NoResponderError,
    NotConnectedError,
    ResponderLostError,
    from_wire,
)


@dataclass(slots=True, eq=False)
class Question:
    """One of ours that waits for its answer."""

    command: Command[Any, Any]
    packet: Packet
    until: float
    answer: asyncio.Future[Packet]
    taken: bool = False
    """Somebody who serves it has it, as far as the broker knows."""

    def fail(self, error: AliciaError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Asking:
    """The questions of one bus."""

    def __init__(
        self,
        transport: Transport,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self.pending: dict[bytes, Question] = {}
        """Without an answer yet, by correlation."""
        self._transport = transport
        self._spawn = spawn

    async def ask(self, command: Command[Any, Any], packet: Packet, seconds: float) -> Packet:
        """The reply. Raises what the other side raised, or why there is none."""
        packet.correlation = secrets.token_bytes(12)
        packet.expiry_s = max(1.0, seconds)
        question = Question(
            command,
            packet,
            time.monotonic() + seconds,
            asyncio.get_running_loop().create_future(),
        )
        self.pending[packet.correlation] = question
        try:
            async with asyncio.timeout(seconds):
                if not await self._send(question):
                    raise NoResponderError(command=command.pattern)
                question.taken = True
                reply = await question.answer
        except TimeoutError:
            raise DeadlineError(command=command.pattern, after_s=round(seconds, 3)) from None
        finally:
            del self.pending[packet.correlation]
        if reply.error is not None:
            raise _error(reply)
        return reply

    async def _send(self, question: Question) -> bool:
        """Whether somebody has it. Nobody, just after a reconnect, may only be late."""
        while not question.answer.done():
            left = question.until - time.monotonic()
            packet = replace(question.packet, deadline_ms=max(0, int(left * 1000)))
            if await self._transport.publish(packet) != NO_SUBSCRIBERS:
                return True
            if not self._transport.settling:
                return question.answer.done()
            await asyncio.sleep(0.02)
        return True

    def answer(self, reply: Packet) -> None:
        question = self.pending.get(reply.correlation or b"")
        if question is not None and not question.answer.done():
            question.answer.set_result(reply)

    def connected(self) -> None:
        """The broker may have died with a question or its answer in hand."""
        for question in self.pending.values():
            if question.taken and question.command.idempotent:
                self._spawn(self._send_again(question))

    async def _send_again(self, question: Question) -> None:
        """By the same id: who has it goes on with it, who has answered it answers again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, question.until - time.monotonic())):
                await self._send(question)

    def lose(self, commands: set[str], *, idempotent: bool) -> None:
        """One who serves these went away."""
        for question in self.pending.values():
            command = name_of(question.command)
            if command in commands and (question.command.idempotent or not idempotent):
                question.fail(ResponderLostError(command=command))

    def close(self) -> None:
        for question in self.pending.values():
            question.fail(NotConnectedError())


def _error(reply: Packet) -> AliciaError:
    try:
        wire = from_json(reply.payload) if reply.payload else {}
        return from_wire(reply.error or "alicia", wire.get("message"), wire.get("fields"))
    except (ValueError, TypeError, AttributeError):
        return MalformedMessageError("The error that came back can't be read.", code=reply.error)
