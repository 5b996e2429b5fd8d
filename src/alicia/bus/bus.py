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
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar

from pydantic_core import from_json, to_json

from alicia.bus.packet import NO_SUBSCRIBERS, Packet, Transport, matches, traceparent
from alicia.contracts import declared, name_of
from alicia.contracts.kinds import AnyTopic, Command, Payload, State, Stream, Topic
from alicia.contracts.system import DEAD_LETTER, DeadLetter
from alicia.errors import (
    AliciaError,
    DeadlineError,
    InternalError,
    MalformedMessageError,
    NoResponderError,
    NotConnectedError,
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
ROUTES = 2048
LAST_WORD_S = 0.5
"""How long one who is stopped may take to tell its askers so."""


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


@dataclass(slots=True, eq=False)
class _Waiting:
    packet: Packet
    places: dict[str, str]
    ack: Callable[[], None]


@dataclass(slots=True, eq=False)
class _Hearer:
    """One subscription of ours: a queue with the policy of its kind."""

    topic: AnyTopic
    filter: str
    limit: int
    queue: deque[_Waiting] = field(default_factory=deque[_Waiting])
    newest: dict[str, _Waiting] = field(default_factory=dict[str, _Waiting])
    """Of a State: what waits, by topic."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    unacked: Callable[[], None] | None = None

    def put(self, packet: Packet, places: dict[str, str], ack: Callable[[], None]) -> bool:
        """Whether the oldest had to be dropped for it."""
        full = False
        if isinstance(self.topic, State):
            if (waiting := self.newest.get(packet.topic)) is not None:
                waiting.ack()
                waiting.packet, waiting.ack = packet, ack
                return False
        elif isinstance(self.topic, Stream) and len(self.queue) >= self.limit:
            full = True
            self.queue.popleft().ack()
        waiting = _Waiting(packet, places, ack)
        if isinstance(self.topic, State):
            self.newest[packet.topic] = waiting
        self.queue.append(waiting)
        self.ready.set()
        return full

    def take(self) -> _Waiting:
        waiting = self.queue.popleft()
        self.newest.pop(waiting.packet.topic, None)
        return waiting

    def leave(self) -> None:
        """Nobody hears any more."""
        if self.unacked is not None:
            self.unacked()
        for waiting in self.queue:
            waiting.ack()


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
            waiting = hearer.take()
            packet, hearer.unacked = waiting.packet, waiting.ack
            try:
                message = hearer.topic.payload.decode(packet.payload, waiting.places)
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


@dataclass(slots=True, eq=False)
class _Server:
    command: Command[Any, Any]
    filter: str
    handler: Callable[[Delivery[Any]], Awaitable[Payload]]
    most: int
    """At work and waiting."""
    slots: asyncio.Semaphore
    subscribed: bool = True
    at_work: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


@dataclass(slots=True, eq=False)
class _Question:
    """One of ours that waits for its answer."""

    command: Command[Any, Any]
    packet: Packet
    until: float
    answer: asyncio.Future[Packet]
    taken: bool = False
    """Somebody who serves it has it, as far as the broker knows."""


@dataclass(slots=True, eq=False)
class _Route:
    """Who takes what is said on one topic."""

    server: tuple[_Server, dict[str, str]] | None
    hearers: list[tuple[_Hearer, dict[str, str]]]
    taps: list[_Tap]
    copies: int
    """Subscriptions of ours that fit: the broker gives one to each."""


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
        self.dropped: Counter[str] = Counter()
        """Stream messages given up, by the topic's pattern."""
        self.on_connected: list[Callable[[], None]] = []
        self._transport = transport
        transport.on_dropped = self._gave_up
        self._declaration = declaration
        self._root = root + "/"
        self._sender = f"{service}/{instance}"
        self._inbox = self._root + REPLY.format(asker=service, instance=instance)
        self._hearers: list[_Hearer] = []
        self._taps: list[_Tap] = []
        self._servers: list[_Server] = []
        self._subscribed: dict[tuple[str, str | None], list[int]] = {}
        self._routes: dict[str, _Route] = {}
        self._pending: dict[bytes, _Question] = {}
        self._seen: OrderedDict[tuple[str | None, str], None] = OrderedDict()
        self._served: OrderedDict[tuple[str, str], asyncio.Future[Packet]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._will: Packet | None = None
        self._next_id = int.from_bytes(os.urandom(6), "big") << 24

    # ---- life ----

    @property
    def connected(self) -> bool:
        return self._transport.connected

    @property
    def pending(self) -> int:
        """Questions of ours without an answer yet."""
        return len(self._pending)

    @property
    def busy(self) -> int:
        """Commands being carried out."""
        return sum(len(server.at_work) for server in self._servers)

    def relative(self, topic: str) -> str:
        return topic.removeprefix(self._root)

    def will(self, state: State[M], message: M) -> None:
        """What the broker says in our place when we are lost. Before the bus is entered."""
        self._will = self._packet(state, message)

    async def __aenter__(self) -> Self:
        await self._transport.open(self._receive, will=self._will, on_connected=self._connected)
        try:
            if self._declaration.asks:
                await self._subscribe(self._inbox, None, 0)
        except BaseException:
            await self._transport.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for question in self._pending.values():
            if not question.answer.done():
                question.answer.set_exception(NotConnectedError())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def _connected(self) -> None:
        for question in self._pending.values():
            # The broker may have died with the question or its answer in hand.
            if question.taken and question.command.idempotent:
                self._spawn(self._ask_again(question))
        for call in self.on_connected:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - one listener must not keep us offline
                self._report("a listener for the connection failed", error)

    def _gave_up(self, packet: Packet) -> None:
        relative = self.relative(packet.topic)
        known = (t for t in self._declaration.says | self._declaration.hears if t.match(relative))
        topic = next(known, None)
        self.dropped[topic.pattern if topic else "?"] += 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, AliciaError):
            self.errors[error.code] += 1
        else:
            self._report("the bus failed at something", error)

    def _report(self, message: str, error: BaseException) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})

    # ---- say ----

    async def say(self, topic: Topic[M], message: M) -> None:
        """Say it. An Event or State is with the broker when this returns.

        Raises UndeclaredTopicError, RefusedError, MalformedMessageError (a place that is no level
        of a topic, a message larger than the broker takes), NotConnectedError once left.
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
            id=self.new_id(),
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
        Raises UndeclaredTopicError, also for a place that the topic doesn't have.
        """
        if topic not in self._declaration.hears or not places.keys() <= set(topic.places):
            raise UndeclaredTopicError(
                service=self.service, topic=topic.pattern, verb="hear", places=sorted(places)
            )
        hearer = _Hearer(topic, self._root + topic.filter(**places), limit)
        self._hearers.append(hearer)
        self._routes.clear()
        try:
            await self._subscribe(hearer.filter, None, topic.qos)
            yield Hearing(self, hearer)
        finally:
            self._hearers.remove(hearer)
            self._routes.clear()
            hearer.leave()
            await self._unsubscribe(hearer.filter, None, topic.qos)

    @asynccontextmanager
    async def tap(
        self, filter_: str, *, rooted: bool = True, limit: int = 4096
    ) -> AsyncGenerator[AsyncIterator[Packet], None]:
        """Everything that the identity's access lets through, undecoded."""
        tap = _Tap(self._root + filter_ if rooted else filter_, limit)
        self._taps.append(tap)
        self._routes.clear()
        try:
            await self._subscribe(tap.filter, None, 0)
            yield tap
        finally:
            self._taps.remove(tap)
            self._routes.clear()
            await self._unsubscribe(tap.filter, None, 0)

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
        packet = self._packet(command, request)
        packet.id = ask_id or packet.id
        packet.response_topic = self._inbox
        packet.correlation = secrets.token_bytes(12)
        packet.expiry_s = max(1.0, seconds)
        question = _Question(
            command,
            packet,
            time.monotonic() + seconds,
            asyncio.get_running_loop().create_future(),
        )
        self._pending[packet.correlation] = question
        try:
            async with asyncio.timeout(seconds):
                if not await self._ask_once(question):
                    raise NoResponderError(command=command.pattern)
                question.taken = True
                reply = await question.answer
        except TimeoutError:
            raise DeadlineError(command=command.pattern, after_s=round(seconds, 3)) from None
        finally:
            del self._pending[packet.correlation]
        if reply.error is not None:
            raise _error(reply)
        return command.reply.decode(reply.payload, {})

    async def _ask_once(self, question: _Question) -> bool:
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

    async def _ask_again(self, question: _Question) -> None:
        """By the same id: who has it goes on with it, who has answered it answers again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, question.until - time.monotonic())):
                await self._ask_once(question)

    def lose(self, commands: set[str], *, idempotent: bool = False) -> None:
        """One who serves these went away: what is asked of it has no answer to wait for.

        idempotent: fail only questions that may be asked again, where it is not sure.
        """
        for question in self._pending.values():
            command = name_of(question.command)
            if idempotent and not question.command.idempotent:
                continue
            if command in commands and not question.answer.done():
                question.answer.set_exception(ResponderLostError(command=command))

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
        `bus.overloaded` at once. What waited longer than its asker is dropped. Leaving finishes
        what is in hand; leaving by an error or a cancellation stops it, and tells its askers.
        Raises UndeclaredTopicError.
        """
        if command not in self._declaration.serves:
            raise UndeclaredTopicError(service=self.service, topic=command.pattern, verb="serve")
        server = _Server(
            command,
            self._root + command.filter(**(places or {})),
            handler,
            concurrency + backlog,
            asyncio.Semaphore(concurrency),
        )
        self._servers.append(server)
        self._routes.clear()
        try:
            # QoS 0 from the broker to us: the connection loses nothing while it lasts, and a flood
            # of events that nobody has acknowledged can't hold up a command or an answer.
            await self._subscribe(server.filter, self.service, 0)
            yield
            await self._retire(server)
            while server.at_work:
                await asyncio.wait(server.at_work)
        finally:
            with suppress(asyncio.CancelledError):
                await self._retire(server)
            self._servers.remove(server)
            self._routes.clear()
            for task in server.at_work:
                task.cancel()
            await asyncio.gather(*server.at_work, return_exceptions=True)

    async def retire(self) -> None:
        """Take no more of the commands that are shared; what is in hand goes on."""
        for server in list(self._servers):
            if not server.command.each_own:
                await self._retire(server)

    async def _retire(self, server: _Server) -> None:
        if server.subscribed:
            server.subscribed = False
            await self._unsubscribe(server.filter, self.service, 0)

    def _take(self, server: _Server, packet: Packet, places: dict[str, str]) -> None:
        key = (packet.topic, packet.id) if packet.id else None
        if key is not None and (done := self._served.get(key)) is not None:
            self._spawn(self._answer_as(packet, done))
            return
        if len(server.at_work) >= server.most:
            self.errors[OverloadedError.code] += 1
            error = OverloadedError(service=self.service, command=server.command.pattern)
            self._spawn(self._reply(packet, _error_packet(error)))
            return
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        if key is not None:
            self._served[key] = answer
            if len(self._served) > SERVED:
                self._served.popitem(last=False)
        task = self._spawn(self._answer(server, packet, places, answer))
        server.at_work.add(task)
        task.add_done_callback(server.at_work.discard)

    async def _answer_as(self, packet: Packet, done: asyncio.Future[Packet]) -> None:
        """The same answer to the same question, now or when it is there."""
        await self._reply(packet, await asyncio.shield(done))

    async def _answer(
        self,
        server: _Server,
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
        if reply.error is not None and self._served.get(key) is answer:
            # An error may be gone when it is asked again; only what was done is not done twice.
            del self._served[key]

    async def _carry_out(
        self, server: _Server, packet: Packet, places: dict[str, str], received: float
    ) -> Packet:
        limit: asyncio.Timeout | None = None
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
                self.dead_letter(packet, raised)
        except Exception as raised:  # noqa: BLE001 - its asker must not wait in vain
            error = self._unforeseen(raised)
        else:
            self.handled[server.command.pattern] += 1
            return packed
        self.errors[error.code] += 1
        return _error_packet(error)

    def _unforeseen(self, error: Exception) -> AliciaError:
        self._report("a command's handler failed", error)
        return InternalError(service=self.service)

    async def _reply(self, asked: Packet, reply: Packet) -> None:
        if asked.response_topic is None:
            return
        seconds = (asked.deadline_ms or 5000) / 1000
        packet = replace(
            reply,
            topic=asked.response_topic,
            correlation=asked.correlation,
            qos=1,
            id=self.new_id(),
            sender=self._sender,
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
            self.errors["bus.reply_lost"] += 1

    # ---- what comes in ----

    def _receive(self, packet: Packet, ack: Callable[[], None]) -> None:
        if packet.topic == self._inbox:
            ack()
            question = self._pending.get(packet.correlation or b"")
            if question is not None and not question.answer.done():
                question.answer.set_result(packet)
            return
        route = self._routes.get(packet.topic) or self._route(packet.topic)
        if route.server is not None:
            self._take(route.server[0], packet, route.server[1])
        if packet.id and not packet.retain and self._again(packet, route):
            ack()
            return
        for tap in route.taps:
            tap.put(packet)
        if not route.hearers:
            ack()
            return
        shared = ack if len(route.hearers) == 1 else _after(len(route.hearers), ack)
        for hearer, places in route.hearers:
            if hearer.put(packet, places, shared):
                self.dropped[hearer.topic.pattern] += 1

    def _route(self, topic: str) -> _Route:
        """Worked out once for each topic, until somebody comes or goes."""
        relative = self.relative(topic)
        servers = [
            (server, places)
            for server in self._servers
            if matches(server.filter, topic)
            and (places := server.command.match(relative)) is not None
        ]
        hearers = [
            (hearer, places)
            for hearer in self._hearers
            if matches(hearer.filter, topic)
            and (places := hearer.topic.match(relative)) is not None
        ]
        taps = [tap for tap in self._taps if matches(tap.filter, topic)]
        filters = {h.filter for h, _ in hearers} | {tap.filter for tap in taps}
        if len(self._routes) >= ROUTES:
            self._routes.clear()
        route = _Route(servers[0] if servers else None, hearers, taps, len(filters))
        self._routes[topic] = route
        return route

    def _again(self, packet: Packet, route: _Route) -> bool:
        """Whether we have it: said again after a break, or the copy of another subscription."""
        if route.server is not None and not route.taps:
            return False  # a question may be asked again
        if route.copies < 2 and any(isinstance(h.topic, Stream) for h, _ in route.hearers):
            return False  # nobody says a chunk twice
        return self._twice(packet)

    def _twice(self, packet: Packet) -> bool:
        key = (packet.sender, packet.id or "")
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

    async def _subscribe(self, filter_: str, group: str | None, qos: int) -> None:
        # Each time, though we may have it: who comes second gets what is retained, too.
        asked = self._subscribed.setdefault((filter_, group), [])
        asked.append(qos)
        await self._transport.subscribe(filter_, group=group, qos=max(asked))

    async def _unsubscribe(self, filter_: str, group: str | None, qos: int) -> None:
        asked = self._subscribed[filter_, group]
        asked.remove(qos)
        if not asked:
            del self._subscribed[filter_, group]
            await self._transport.unsubscribe(filter_, group=group)


class _Tap:
    """What a tap hears; the oldest goes where nobody takes it."""

    def __init__(self, filter_: str, limit: int) -> None:
        self.filter = filter_
        self._queue: asyncio.Queue[Packet] = asyncio.Queue(limit)

    def put(self, packet: Packet) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(packet)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Packet:
        return await self._queue.get()


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
    try:
        wire = from_json(reply.payload) if reply.payload else {}
        return from_wire(reply.error or "alicia", wire.get("message"), wire.get("fields"))
    except (ValueError, TypeError, AttributeError):
        return MalformedMessageError("The error that came back can't be read.", code=reply.error)


def topic_of(relative: str) -> tuple[AnyTopic, dict[str, str]] | None:
    """The declared topic that a name belongs to, and its places."""
    for topic in declared().values():
        if (places := topic.match(relative)) is not None:
            return topic, places
    return None
