"""The bus: say, hear, ask and serve what the contract declares, over any transport.

    say ──▶ transport ──▶ hear        ask ──▶ transport ──▶ serve ──▶ reply inbox ──▶ asker

Everything that does not depend on MQTT itself is here, so that the memory transport and the real
one can't differ in it: encoding, what was declared, correlation, deadlines, de-duplication, queues
with a policy per kind, dead letters.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from pydantic_core import from_json, to_json

from alicia.bus.packet import NO_SUBSCRIBERS, Packet, Transport, matches, traceparent
from alicia.contracts import declared, name_of
from alicia.contracts.kinds import AnyTopic, Command, Payload, State, Stream, Topic
from alicia.contracts.system import DEAD_LETTER, DeadLetter
from alicia.errors import (
    AliciaError,
    DeadlineError,
    MalformedMessageError,
    NoResponderError,
    OverloadedError,
    RefusedError,
    ResponderLostError,
    UndeclaredTopicError,
    from_wire,
)

M = TypeVar("M", bound=Payload)
Q = TypeVar("Q", bound=Payload)
R = TypeVar("R", bound=Payload)

REPLY = "system/reply/{asker}/{instance}"
EVENT_EXPIRY_S = 60.0
SEEN = 4096
"""Ids of events remembered against double delivery."""
SERVED = 512
"""Answers remembered against asking twice."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one identity may say, hear, ask and serve."""

    says: frozenset[AnyTopic] = frozenset()
    hears: frozenset[AnyTopic] = frozenset()
    asks: frozenset[AnyTopic] = frozenset()
    serves: frozenset[AnyTopic] = frozenset()


@dataclass(frozen=True, slots=True)
class Delivery(Generic[M]):
    """A message, and what its headers said."""

    message: M
    topic: str
    """Relative to the root."""
    id: str | None
    sender: str | None
    traceparent: str | None
    deadline_s: float | None = None
    """What the asker still waits."""


@dataclass(slots=True)
class _Hearer:
    """One subscription of ours: a queue with the policy of its kind."""

    topic: AnyTopic
    filter: str
    limit: int
    queue: deque[tuple[Packet, dict[str, str], Callable[[], None]]] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    unacked: Callable[[], None] | None = None


class Hearing(Generic[M]):
    """What is heard, one by one; asking for the next acknowledges the one before."""

    def __init__(self, bus: Bus, hearer: _Hearer) -> None:
        self._bus = bus
        self._hearer = hearer

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery[M]:
        hearer = self._hearer
        if hearer.unacked is not None:
            hearer.unacked()
            hearer.unacked = None
        while True:
            while not hearer.queue:
                hearer.ready.clear()
                await hearer.ready.wait()
            packet, places, hearer.unacked = hearer.queue.popleft()
            try:
                message = hearer.topic.payload.decode(packet.payload, places)
            except MalformedMessageError as error:
                self._bus.dead_letter(packet, error)
                hearer.unacked()
                hearer.unacked = None
                continue
            self._bus.handled[hearer.topic.pattern] += 1
            return Delivery(
                message,
                self._bus.relative(packet.topic),
                packet.id,
                packet.sender,
                packet.traceparent,
            )


@dataclass(slots=True)
class _Server:
    command: Command[Any, Any]
    filter: str
    handler: Callable[[Delivery[Any]], Awaitable[Payload]]
    concurrency: int
    backlog: int
    slots: asyncio.Semaphore
    active: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Bus:
    """One identity's connection to everybody else. Use as an async context manager."""

    def __init__(
        self,
        transport: Transport,
        *,
        service: str,
        instance: str,
        declaration: Declaration,
        root: str = "alicia",
    ) -> None:
        self.service = service
        self.instance = instance
        self.handled: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.on_connected: list[Callable[[], None]] = []
        self._transport = transport
        self._declaration = declaration
        self._root = root + "/"
        self._sender = f"{service}/{instance}"
        self._inbox = self._root + REPLY.format(asker=service, instance=instance)
        self._hearers: list[_Hearer] = []
        self._taps: list[_Tap] = []
        self._servers: list[_Server] = []
        self._subscribed: Counter[tuple[str, str | None]] = Counter()
        self._pending: dict[bytes, tuple[asyncio.Future[Packet], str]] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._served: OrderedDict[str, asyncio.Future[Packet]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._will: Packet | None = None
        self._next_id = int.from_bytes(os.urandom(6), "big") << 24

    # ---- life ----

    @property
    def connected(self) -> bool:
        return self._transport.connected

    @property
    def dropped(self) -> dict[str, int]:
        return self._transport.dropped

    @property
    def pending(self) -> int:
        """Questions of ours without an answer yet."""
        return len(self._pending)

    @property
    def busy(self) -> int:
        """Commands being carried out."""
        return sum(server.active for server in self._servers)

    def relative(self, topic: str) -> str:
        return topic.removeprefix(self._root)

    def will(self, state: State[M], message: M) -> None:
        """What the broker says in our place when we are lost. Before the bus is entered."""
        self._will = self._packet(state, message)

    async def __aenter__(self) -> Self:
        await self._transport.open(self._receive, will=self._will, on_connected=self._connected)
        if self._declaration.asks:
            await self._subscribe(self._inbox, None, 1)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def _connected(self) -> None:
        for call in self.on_connected:
            call()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- say ----

    async def say(self, topic: Topic[M], message: M) -> None:
        """Say it. An Event or State is with the broker when this returns.

        Raises UndeclaredTopicError, RefusedError.
        """
        if topic not in self._declaration.says:
            raise UndeclaredTopicError(service=self.service, topic=topic.pattern, verb="say")
        packet = self._packet(topic, message)
        if isinstance(topic, Stream):
            self._transport.publish_nowait(packet)
            return
        await self._transport.publish(packet, patient=not topic.retain)

    def new_id(self) -> str:
        """An id for something that may be said twice."""
        self._next_id += 1
        return f"{self._next_id:x}"

    def _packet(self, topic: Topic[M], message: M) -> Packet:
        return Packet(
            self._root + topic.name(message),
            message.encode(),
            qos=topic.qos,
            retain=topic.retain,
            id=self.new_id() if topic.qos else None,
            sender=self._sender,
            schema=topic.schema,
            traceparent=traceparent.get(),
            expiry_s=topic.expiry_s if topic.expiry_s or topic.retain else EVENT_EXPIRY_S,
        )

    # ---- hear ----

    @asynccontextmanager
    async def hear(
        self, topic: Topic[M], *, limit: int = 256, **places: str
    ) -> AsyncGenerator[Hearing[M], None]:
        """Listen to a topic; a place that is given narrows it.

        A Stream keeps the newest `limit` chunks and drops the oldest; a State keeps the newest of
        each topic; an Event keeps all, and the broker holds what exceeds the receive maximum.
        Raises UndeclaredTopicError.
        """
        if topic not in self._declaration.hears:
            raise UndeclaredTopicError(service=self.service, topic=topic.pattern, verb="hear")
        hearer = _Hearer(topic, self._root + topic.filter(**places), limit)
        self._hearers.append(hearer)
        try:
            await self._subscribe(hearer.filter, None, topic.qos, again=topic.retain)
            yield Hearing(self, hearer)
        finally:
            self._hearers.remove(hearer)
            if hearer.unacked is not None:
                hearer.unacked()
            for _, _, ack in hearer.queue:
                ack()
            await self._unsubscribe(hearer.filter, None)

    @asynccontextmanager
    async def tap(
        self, filter_: str, *, rooted: bool = True, limit: int = 4096
    ) -> AsyncGenerator[AsyncIterator[Packet], None]:
        """Everything that the identity's access lets through, undecoded."""
        tap = _Tap(self._root + filter_ if rooted else filter_, asyncio.Queue(limit))
        self._taps.append(tap)
        try:
            await self._subscribe(tap.filter, None, 0, again=True)
            yield tap.packets()
        finally:
            self._taps.remove(tap)
            await self._unsubscribe(tap.filter, None)

    # ---- ask ----

    async def ask(
        self,
        command: Command[Q, R],
        request: Q,
        *,
        deadline_s: float | None = None,
        ask_id: str | None = None,
    ) -> R:
        """Ask one who serves it, once.

        ask_id: the same for a question that is asked again, so that one who has answered it answers
        again instead of doing it twice.
        Raises NoResponderError at once, ResponderLostError, DeadlineError, OverloadedError,
        RefusedError, UndeclaredTopicError, and whatever the other side raised.
        """
        if command not in self._declaration.asks:
            raise UndeclaredTopicError(service=self.service, topic=command.pattern, verb="ask")
        seconds = command.deadline_s if deadline_s is None else deadline_s
        correlation = secrets.token_bytes(12)
        packet = self._packet(command, request)
        packet.id = ask_id or packet.id
        packet.response_topic = self._inbox
        packet.correlation = correlation
        packet.expiry_s = max(1.0, seconds)
        packet.deadline_ms = int(seconds * 1000)
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._pending[correlation] = (answer, name_of(command))
        try:
            async with asyncio.timeout(seconds):
                await self._until_taken(packet, command, answer)
                reply = await answer
        except TimeoutError:
            raise DeadlineError(command=command.pattern, after_s=round(seconds, 3)) from None
        finally:
            del self._pending[correlation]
        if reply.error is not None:
            raise _error(reply)
        return command.reply.decode(reply.payload, {})

    async def _until_taken(
        self, packet: Packet, command: Command[Any, Any], answer: asyncio.Future[Packet]
    ) -> None:
        while await self._transport.publish(packet) == NO_SUBSCRIBERS and not answer.done():
            if not self._transport.settling:
                raise NoResponderError(command=command.pattern)
            await asyncio.sleep(0.02)

    def lose(self, commands: set[str]) -> None:
        """One who serves these went away: what is asked of it has no answer to wait for."""
        for answer, command in self._pending.values():
            if command in commands and not answer.done():
                answer.set_exception(ResponderLostError(command=command))

    # ---- serve ----

    @asynccontextmanager
    async def serve(
        self,
        command: Command[Q, R],
        handler: Callable[[Delivery[Q]], Awaitable[R]],
        *,
        concurrency: int = 1,
        backlog: int = 64,
        places: dict[str, str] | None = None,
    ) -> AsyncGenerator[None, None]:
        """Answer a command, shared with the other instances of this service.

        More than `concurrency` at once wait; more than `backlog` waiting are answered
        `bus.overloaded` at once. What waited longer than its asker is dropped.
        Raises UndeclaredTopicError.
        """
        if command not in self._declaration.serves:
            raise UndeclaredTopicError(service=self.service, topic=command.pattern, verb="serve")
        server = _Server(
            command,
            self._root + command.filter(**(places or {})),
            handler,
            concurrency,
            backlog,
            asyncio.Semaphore(concurrency),
        )
        self._servers.append(server)
        try:
            await self._subscribe(server.filter, self.service, 1)
            yield
        finally:
            await self._unsubscribe(server.filter, self.service)
            while server.active:
                server.idle.clear()
                await server.idle.wait()
            self._servers.remove(server)

    async def _answer(self, server: _Server, packet: Packet, places: dict[str, str]) -> None:
        received = time.monotonic()
        done = self._served.get(packet.id) if packet.id else None
        if done is not None:
            await self._reply_as(packet, await asyncio.shield(done))
            return
        if server.active >= server.concurrency + server.backlog:
            await self._reply(packet, _error_packet(OverloadedError(service=self.service)))
            return
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        if packet.id:
            self._served[packet.id] = answer
            if len(self._served) > SERVED:
                self._served.popitem(last=False)
        server.active += 1
        try:
            async with server.slots:
                reply = await self._carry_out(server, packet, places, received)
        except asyncio.CancelledError:
            answer.cancel()
            if packet.id:
                self._served.pop(packet.id, None)
            raise
        finally:
            server.active -= 1
            server.idle.set()
        answer.set_result(reply)
        if reply.error is not None and packet.id:
            # An error may be gone when it is asked again; only what was done is not done twice.
            self._served.pop(packet.id, None)
        await self._reply(packet, reply)

    async def _carry_out(
        self, server: _Server, packet: Packet, places: dict[str, str], received: float
    ) -> Packet:
        left = None if packet.deadline_ms is None else packet.deadline_ms / 1000
        if left is not None:
            left -= time.monotonic() - received
            if left <= 0:
                self.errors[DeadlineError.code] += 1
                return _error_packet(DeadlineError(command=server.command.pattern))
        try:
            request = server.command.payload.decode(packet.payload, places)
            delivery = Delivery(
                request,
                self.relative(packet.topic),
                packet.id,
                packet.sender,
                packet.traceparent,
                left,
            )
            async with asyncio.timeout(left):
                reply = await server.handler(delivery)
        except TimeoutError:
            error: AliciaError = DeadlineError(command=server.command.pattern)
        except AliciaError as raised:
            error = raised
            if isinstance(raised, MalformedMessageError):
                self.dead_letter(packet, raised)
        else:
            self.handled[server.command.pattern] += 1
            schema = f"{server.command.reply.__name__}/{server.command.reply.schema_version}"
            return Packet("", reply.encode(), schema=schema)
        self.errors[error.code] += 1
        return _error_packet(error)

    async def _reply_as(self, asked: Packet, reply: Packet) -> None:
        await self._reply(asked, Packet("", reply.payload, error=reply.error, schema=reply.schema))

    async def _reply(self, asked: Packet, reply: Packet) -> None:
        if asked.response_topic is None:
            return
        reply.topic = asked.response_topic
        reply.correlation = asked.correlation
        reply.qos = 1
        reply.id = self.new_id()
        reply.sender = self._sender
        reply.traceparent = asked.traceparent
        seconds = (asked.deadline_ms or 5000) / 1000
        reply.expiry_s = max(1.0, seconds)
        try:
            async with asyncio.timeout(seconds):
                while await self._transport.publish(reply) == NO_SUBSCRIBERS:
                    if not self._transport.settling:
                        return  # the asker has left
                    await asyncio.sleep(0.02)
        except (TimeoutError, RefusedError):
            self.errors["bus.reply_lost"] += 1

    # ---- what comes in ----

    def _receive(self, packet: Packet, ack: Callable[[], None]) -> None:
        if packet.topic == self._inbox:
            ack()
            pending = self._pending.get(packet.correlation or b"")
            if pending is not None and not pending[0].done():
                pending[0].set_result(packet)
            return
        for tap in self._taps:
            if matches(tap.filter, packet.topic):
                tap.put(packet)
        topic = self.relative(packet.topic)
        for server in self._servers:
            if (places := server.command.match(topic)) is not None and matches(
                server.filter, packet.topic
            ):
                ack()
                self._spawn(self._answer(server, packet, places))
                return
        self._to_hearers(packet, topic, ack)

    def _to_hearers(self, packet: Packet, topic: str, ack: Callable[[], None]) -> None:
        takers = [
            (hearer, places)
            for hearer in self._hearers
            if (places := hearer.topic.match(topic)) is not None
            and matches(hearer.filter, packet.topic)
        ]
        if not takers or (packet.qos and packet.id and not packet.retain and self._twice(packet)):
            ack()
            return
        shared = ack if len(takers) == 1 else _after(len(takers), ack)
        for hearer, places in takers:
            if isinstance(hearer.topic, Stream) and len(hearer.queue) >= hearer.limit:
                hearer.queue.popleft()
                self.dropped[topic] = self.dropped.get(topic, 0) + 1
            elif isinstance(hearer.topic, State):
                _conflate(hearer, packet.topic)
            hearer.queue.append((packet, places, shared))
            hearer.ready.set()

    def _twice(self, packet: Packet) -> bool:
        key = f"{packet.sender}:{packet.id}"
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        return False

    def dead_letter(self, packet: Packet, error: AliciaError) -> None:
        """Say that a message was given up, and why."""
        self.errors[error.code] += 1
        letter = DeadLetter(
            service=self.service,
            instance=self.instance,
            topic=self.relative(packet.topic),
            sender=packet.sender,
            code=error.code,
            reason=str(error)[:500],
            size_bytes=len(packet.payload),
        )
        if DEAD_LETTER in self._declaration.says:
            self._spawn(self.say(DEAD_LETTER, letter))

    # ---- subscriptions ----

    async def _subscribe(
        self, filter_: str, group: str | None, qos: int, *, again: bool = False
    ) -> None:
        self._subscribed[filter_, group] += 1
        if self._subscribed[filter_, group] == 1 or again:
            await self._transport.subscribe(filter_, group=group, qos=qos)

    async def _unsubscribe(self, filter_: str, group: str | None) -> None:
        self._subscribed[filter_, group] -= 1
        if not self._subscribed[filter_, group]:
            del self._subscribed[filter_, group]
            await self._transport.unsubscribe(filter_, group=group)


@dataclass(slots=True)
class _Tap:
    filter: str
    queue: asyncio.Queue[Packet]

    def put(self, packet: Packet) -> None:
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(packet)

    async def packets(self) -> AsyncGenerator[Packet, None]:
        while True:
            yield await self.queue.get()


def _conflate(hearer: _Hearer, topic: str) -> None:
    for index, (waiting, _, ack) in enumerate(hearer.queue):
        if waiting.topic == topic:
            ack()
            del hearer.queue[index]
            return


def _after(count: int, ack: Callable[[], None]) -> Callable[[], None]:
    left = count

    def one() -> None:
        nonlocal left
        left -= 1
        if not left:
            ack()

    return one


def _error_packet(error: AliciaError) -> Packet:
    wire = error.to_wire()
    return Packet("", to_json(wire, fallback=str), error=error.code, schema="Error/1")


def _error(reply: Packet) -> AliciaError:
    wire = from_json(reply.payload) if reply.payload else {}
    return from_wire(reply.error or "alicia", wire.get("message"), wire.get("fields"))


def topic_of(relative: str) -> tuple[AnyTopic, dict[str, str]] | None:
    """The declared topic that a name belongs to, and its places."""
    for topic in declared().values():
        if (places := topic.match(relative)) is not None:
            return topic, places
    return None
