"""The bus: say, hear, ask and serve what the contract declares, over any transport.

    say ──▶ transport ──▶ hear        ask ──▶ transport ──▶ serve ──▶ reply inbox ──▶ asker

Everything that does not depend on MQTT itself is here and in `hearing`, `asking` and `serving`, so
that the memory transport and the real one can't differ in it: encoding, what was declared,
correlation, deadlines, de-duplication, queues with a policy per kind, dead letters.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from alicia.bus.asking import Asking
from alicia.bus.hearing import Delivery, Hearer, Hearing, Seen, Tap, after
from alicia.bus.identity import ROOT, Identity
from alicia.bus.packet import Packet, Transport
from alicia.bus.routing import Routing
from alicia.bus.serving import Server, Serving
from alicia.contracts import declared
from alicia.contracts.kinds import AnyTopic, Command, Payload, State, Stream, Topic
from alicia.contracts.system import DEAD_LETTER, DeadLetter
from alicia.errors import AliciaError, UndeclaredTopicError

M = TypeVar("M", bound=Payload)
Q = TypeVar("Q", bound=Payload)
R = TypeVar("R", bound=Payload)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one identity may say, hear, ask and serve."""

    says: frozenset[AnyTopic] = frozenset()
    hears: frozenset[AnyTopic] = frozenset()
    asks: frozenset[AnyTopic] = frozenset()
    serves: frozenset[AnyTopic] = frozenset()


class Bus:
    """One identity's connection to everybody else. Use as an async context manager."""

    def __init__(
        self,
        transport: Transport,
        *,
        service: str,
        instance: str,
        declaration: Declaration,
        root: str = ROOT,
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
        self._identity = Identity(service, instance, root)
        self._routing = Routing(self._identity)
        self._seen = Seen()
        self._asking = Asking(transport, spawn=self._spawn)
        self._serving = Serving(
            transport,
            self._identity,
            handled=self.handled,
            errors=self.errors,
            spawn=self._spawn,
            give_up=self._dead_letter,
        )
        self._subscribed: dict[tuple[str, str | None], list[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._will: Packet | None = None

    # ---- life ----

    @property
    def connected(self) -> bool:
        return self._transport.connected

    @property
    def pending(self) -> int:
        """Questions of ours without an answer yet."""
        return len(self._asking.pending)

    @property
    def busy(self) -> int:
        """Commands being carried out."""
        return sum(len(server.at_work) for server in self._routing.servers)

    def relative(self, topic: str) -> str:
        return self._identity.relative(topic)

    def new_id(self) -> str:
        """An id for something that may be said twice."""
        return self._identity.new_id()

    def will(self, state: State[M], message: M) -> None:
        """What the broker says in our place when we are lost. Before the bus is entered."""
        self._will = self._identity.packet(state, message)

    async def __aenter__(self) -> Self:
        await self._transport.open(self._receive, will=self._will, on_connected=self._connected)
        try:
            if self._declaration.asks:
                await self._subscribe(self._identity.inbox, None, 0)
        except BaseException:
            await self._transport.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._asking.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def _connected(self) -> None:
        self._asking.connected()
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
        packet = self._identity.packet(topic, message)
        if isinstance(topic, Stream):
            self._transport.publish_nowait(packet)
            return
        await self._transport.publish(packet, patient=not topic.retain)

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
        hearer = Hearer(topic, self._identity.root + topic.filter(**places), limit)
        self._routing.hearers.append(hearer)
        self._routing.changed()
        try:
            await self._subscribe(hearer.filter, None, topic.qos)
            yield Hearing(hearer, self._identity, handled=self.handled, give_up=self._dead_letter)
        finally:
            self._routing.hearers.remove(hearer)
            self._routing.changed()
            hearer.leave()
            await self._unsubscribe(hearer.filter, None, topic.qos)

    @asynccontextmanager
    async def tap(
        self, filter_: str, *, rooted: bool = True, limit: int = 4096
    ) -> AsyncGenerator[AsyncIterator[Packet], None]:
        """Everything that the identity's access lets through, undecoded."""
        tap = Tap(self._identity.root + filter_ if rooted else filter_, limit)
        self._routing.taps.append(tap)
        self._routing.changed()
        try:
            await self._subscribe(tap.filter, None, 0)
            yield tap
        finally:
            self._routing.taps.remove(tap)
            self._routing.changed()
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
        packet = self._identity.packet(command, request)
        packet.id = ask_id or packet.id
        packet.response_topic = self._identity.inbox
        reply = await self._asking.ask(command, packet, seconds)
        return command.reply.decode(reply.payload, {})

    def lose(self, commands: set[str], *, idempotent: bool = False) -> None:
        """One who serves these went away: what is asked of it has no answer to wait for.

        idempotent: fail only questions that may be asked again, where it is not sure.
        """
        self._asking.lose(commands, idempotent=idempotent)

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
        server = Server(
            command,
            self._identity.root + command.filter(**(places or {})),
            handler,
            concurrency + backlog,
            asyncio.Semaphore(concurrency),
        )
        self._routing.servers.append(server)
        self._routing.changed()
        try:
            # QoS 0 from the broker to us: the connection loses nothing while it lasts, and a flood
            # of events that nobody has acknowledged can't hold up a command or an answer.
            await self._subscribe(server.filter, self.service, 0)
            yield
            await self._retire(server)
            await server.finish()
        finally:
            with suppress(asyncio.CancelledError):
                await self._retire(server)
            self._routing.servers.remove(server)
            self._routing.changed()
            await server.stop()

    async def retire(self) -> None:
        """Take no more of the commands that are shared; what is in hand goes on."""
        for server in list(self._routing.servers):
            if not server.command.each_own:
                await self._retire(server)

    async def _retire(self, server: Server) -> None:
        if server.subscribed:
            server.subscribed = False
            await self._unsubscribe(server.filter, self.service, 0)

    # ---- what comes in ----

    def _receive(self, packet: Packet, ack: Callable[[], None]) -> None:
        if packet.topic == self._identity.inbox:
            ack()
            self._asking.answer(packet)
            return
        route = self._routing.to(packet.topic)
        if route.server is not None:
            server, places = route.server
            self._serving.take(server, packet, places)
        if packet.id and not packet.retain and route.once and self._seen.again(packet):
            ack()
            return
        for tap in route.taps:
            tap.put(packet)
        if not route.hearers:
            ack()
            return
        shared = ack if len(route.hearers) == 1 else after(len(route.hearers), ack)
        for hearer, places in route.hearers:
            if hearer.put(packet, places, shared):
                self.dropped[hearer.topic.pattern] += 1

    def _dead_letter(self, packet: Packet, error: AliciaError) -> None:
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


def topic_of(relative: str) -> tuple[AnyTopic, dict[str, str]] | None:
    """The declared topic that a name belongs to, and its places."""
    for topic in declared().values():
        if (places := topic.match(relative)) is not None:
            return topic, places
    return None
