"""What is heard: a queue for each subscription of ours, with the policy of its kind.

packet ─▶ Hearer (waits) ─▶ Hearing (decodes, acknowledges) ─▶ Delivery
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from alicia.bus.identity import Identity
from alicia.bus.packet import Packet
from alicia.contracts.kinds import AnyTopic, Payload, State, Stream
from alicia.errors import AliciaError, MalformedMessageError

M = TypeVar("M", bound=Payload)

SEEN = 4096
"""Ids of events remembered against double delivery."""


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
class Hearer:
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
        waiting = _Waiting(packet, places, ack)
        full = False
        if isinstance(self.topic, State):
            if (older := self.newest.get(packet.topic)) is not None:
                older.ack()
                older.packet, older.ack = packet, ack
                return False
            self.newest[packet.topic] = waiting
        elif isinstance(self.topic, Stream) and len(self.queue) >= self.limit:
            full = True
            self.queue.popleft().ack()
        self.queue.append(waiting)
        self.ready.set()
        return full

    async def take(self) -> _Waiting:
        """The oldest; what was taken before it is acknowledged."""
        self.acknowledge()
        while not self.queue:
            self.ready.clear()
            await self.ready.wait()
        waiting = self.queue.popleft()
        self.newest.pop(waiting.packet.topic, None)
        self.unacked = waiting.ack
        return waiting

    def acknowledge(self) -> None:
        if self.unacked is not None:
            self.unacked()
            self.unacked = None

    def leave(self) -> None:
        """Nobody hears any more."""
        self.acknowledge()
        for waiting in self.queue:
            waiting.ack()


class Hearing(Generic[M]):
    """What is heard, one by one; asking for the next acknowledges the one before."""

    def __init__(
        self,
        hearer: Hearer,
        identity: Identity,
        *,
        handled: Counter[str],
        give_up: Callable[[Packet, AliciaError], None],
    ) -> None:
        self._hearer = hearer
        self._identity = identity
        self._handled = handled
        self._give_up = give_up

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery[M]:
        topic = self._hearer.topic
        while True:
            waiting = await self._hearer.take()
            packet = waiting.packet
            try:
                message = topic.payload.decode(packet.payload, waiting.places)
            except MalformedMessageError as error:
                self._give_up(packet, error)
                continue
            self._handled[topic.pattern] += 1
            return Delivery(
                message,
                self._identity.relative(packet.topic),
                packet.id,
                packet.sender,
                packet.traceparent,
            )


class Tap:
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


class Seen:
    """What was heard before."""

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[str | None, str | None], None] = OrderedDict()

    def again(self, packet: Packet) -> bool:
        """Whether we have it: said again after a break, or the copy of another subscription."""
        key = (packet.sender, packet.id)
        if key in self._ids:
            return True
        self._ids[key] = None
        if len(self._ids) > SEEN:
            self._ids.popitem(last=False)
        return False


def after(count: int, ack: Callable[[], None]) -> Callable[[], None]:
    """Acknowledges when it was called so many times: once by each who hears."""
    left = count

    def one() -> None:
        nonlocal left
        left -= 1
        if not left:
            ack()

    return one
