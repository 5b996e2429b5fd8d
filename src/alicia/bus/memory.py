"""An MQTT 5 broker's rules in memory: for tests, and for `--inline` where no broker can run.

Kept: matching, shared subscriptions, a copy for each subscription that fits, retained messages,
wills, expiry, access rules by delivery, "nobody listens", the receive maximum, the largest packet.
Not there: sessions that outlive a connection, persistence.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, replace

from alicia.bus.packet import MAX_PACKET_BYTES, NO_SUBSCRIBERS, Access, Packet, Receive, matches
from alicia.errors import (
    MalformedMessageError,
    NotConnectedError,
    RefusedError,
    UnauthenticatedError,
)

QUEUE = 10_000
"""Waiting messages of one client, as in our Mosquitto."""


@dataclass(slots=True)
class _Retained:
    packet: Packet
    until: float | None


class MemoryBroker:
    """What Mosquitto does for us, in one process."""

    def __init__(self, access: dict[str, Access] | None = None) -> None:
        self._access = access
        self._clients: list[MemoryTransport] = []
        self._retained: dict[str, _Retained] = {}
        self._turns: Counter[tuple[str, str]] = Counter()

    def attach(self, client: MemoryTransport) -> None:
        if self._access is not None and client.identity not in self._access:
            raise UnauthenticatedError(identity=client.identity)
        self._clients.append(client)

    def detach(self, client: MemoryTransport, *, lost: bool) -> None:
        if client not in self._clients:
            return
        self._clients.remove(client)
        if lost and client.will is not None:
            self.publish(client, client.will)

    def may(self, identity: str, verb: str, topic: str) -> bool:
        if self._access is None:
            return True
        return any(matches(f, topic) for f in getattr(self._access[identity], verb))

    def publish(self, sender: MemoryTransport, packet: Packet) -> int:
        """The reason code. Raises RefusedError, MalformedMessageError."""
        if len(packet.payload) + 1024 > MAX_PACKET_BYTES:
            raise MalformedMessageError(
                "The message is larger than the broker takes.",
                topic=packet.topic,
                size_bytes=len(packet.payload),
                most_bytes=MAX_PACKET_BYTES,
            )
        if not self.may(sender.identity, "write", packet.topic):
            raise RefusedError(topic=packet.topic, identity=sender.identity)
        until = None if packet.expiry_s is None else time.monotonic() + packet.expiry_s
        if packet.retain:
            if packet.payload:
                self._retained[packet.topic] = _Retained(replace(packet), until)
            else:
                self._retained.pop(packet.topic, None)
        packet = replace(packet, retain=False)
        reached = 0
        for client, qos in self._takers(packet.topic):
            if self.may(client.identity, "read", packet.topic):
                client.deliver(packet, qos, until)
                reached += 1
        return 0 if reached else NO_SUBSCRIBERS

    def _takers(self, topic: str) -> list[tuple[MemoryTransport, int]]:
        """Each plain subscription once, and one member of each group; with the QoS they ask for."""
        takers: list[tuple[MemoryTransport, int]] = []
        groups: dict[tuple[str, str], list[tuple[MemoryTransport, int]]] = {}
        for client in self._clients:
            for (filter_, group), qos in client.filters.items():
                if not matches(filter_, topic):
                    continue
                if group is None:
                    takers.append((client, qos))
                else:
                    groups.setdefault((group, filter_), []).append((client, qos))
        for key, members in groups.items():
            self._turns[key] += 1
            takers.append(members[self._turns[key] % len(members)])
        return takers

    def give_retained(self, client: MemoryTransport, filter_: str, qos: int) -> None:
        now = time.monotonic()
        for topic, kept in list(self._retained.items()):
            if kept.until is not None and kept.until <= now:
                del self._retained[topic]
            elif matches(filter_, topic) and self.may(client.identity, "read", topic):
                client.deliver(kept.packet, qos, kept.until)


@dataclass(eq=False)
class MemoryTransport:
    """One client of a MemoryBroker."""

    broker: MemoryBroker
    identity: str
    receive_maximum: int = 1000
    on_dropped: Callable[[Packet], None] = lambda _: None
    will: Packet | None = None
    settling: bool = False

    def __post_init__(self) -> None:
        self.filters: dict[tuple[str, str | None], int] = {}
        self._queue: deque[tuple[Packet, float | None]] = deque()
        self._held: deque[tuple[Packet, float | None]] = deque()
        self._unacked = 0
        self._receive: Receive | None = None
        self._open = False
        self._scheduled = False
        self._context: Context | None = None

    @property
    def connected(self) -> bool:
        return self._open

    async def open(
        self, receive: Receive, *, will: Packet | None, on_connected: Callable[[], None]
    ) -> None:
        self.will = will
        self._receive = receive
        # What we receive is not part of what its sender was doing (traces, turn ids in logs).
        self._context = copy_context()
        self.broker.attach(self)
        self._open = True
        on_connected()

    async def publish(self, packet: Packet, *, patient: bool = False) -> int:
        del patient
        if not self._open:
            raise NotConnectedError
        code = self.broker.publish(self, packet)
        await asyncio.sleep(0)
        return code

    def publish_nowait(self, packet: Packet) -> None:
        if self._open and self.broker.may(self.identity, "write", packet.topic):
            self.broker.publish(self, packet)
        else:
            self.on_dropped(packet)

    async def subscribe(self, filter_: str, *, group: str | None, qos: int) -> None:
        if not self._open:
            raise NotConnectedError
        self.filters[filter_, group] = qos
        if group is None:
            self.broker.give_retained(self, filter_, qos)
        await asyncio.sleep(0)

    async def unsubscribe(self, filter_: str, *, group: str | None) -> None:
        self.filters.pop((filter_, group), None)
        await asyncio.sleep(0)

    async def close(self) -> None:
        self._open = False
        self.broker.detach(self, lost=False)

    def vanish(self) -> None:
        """End as a killed process does: the broker says the will."""
        self._open = False
        self.broker.detach(self, lost=True)

    def deliver(self, packet: Packet, qos: int, until: float | None) -> None:
        if len(self._queue) + len(self._held) >= QUEUE:
            self.on_dropped(packet)
            return
        self._queue.append((replace(packet, qos=min(qos, packet.qos)), until))
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pump, context=self._context)

    def _pump(self) -> None:
        self._scheduled = False
        while self._held and self._unacked < self.receive_maximum:
            self._give(*self._held.popleft())
        while self._queue:
            packet, until = self._queue.popleft()
            if packet.qos and (self._held or self._unacked >= self.receive_maximum):
                self._held.append((packet, until))  # QoS 0 is not part of the window
            else:
                self._give(packet, until)

    def _give(self, packet: Packet, until: float | None) -> None:
        if not self._open or self._receive is None:
            return
        if until is not None and until <= time.monotonic():
            return
        if not packet.qos:
            self._receive(packet, _nothing)
            return
        self._unacked += 1
        self._receive(packet, self._acker())

    def _acker(self) -> Callable[[], None]:
        acked = False

        def ack() -> None:
            nonlocal acked
            if not acked:
                acked = True
                self._unacked -= 1
                if self._held:
                    self._schedule()

        return ack


def _nothing() -> None:
    """QoS 0 needs no acknowledgement."""
