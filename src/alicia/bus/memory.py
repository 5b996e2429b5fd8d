"""An MQTT 5 broker's rules in memory: for tests, and for `--inline` where no broker can run.

Kept: matching, shared subscriptions, retained messages, wills, expiry, access rules by delivery,
"nobody listens", the receive maximum. Not there: sessions that outlive a connection, persistence.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from alicia.bus.packet import NO_SUBSCRIBERS, Access, Packet, Receive, matches
from alicia.errors import NotConnectedError, RefusedError, UnauthenticatedError

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
        """The reason code. Raises RefusedError."""
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
        for client in self._takers(packet.topic):
            if self.may(client.identity, "read", packet.topic):
                client.deliver(packet, until)
                reached += 1
        return 0 if reached else NO_SUBSCRIBERS

    def _takers(self, topic: str) -> list[MemoryTransport]:
        """Each plain subscriber once, and one member of each group."""
        takers: list[MemoryTransport] = []
        groups: dict[tuple[str, str], list[MemoryTransport]] = {}
        for client in self._clients:
            fitting = [(f, group) for f, group in client.filters if matches(f, topic)]
            if any(group is None for _, group in fitting):
                takers.append(client)
            for filter_, group in fitting:
                if group is not None:
                    groups.setdefault((group, filter_), []).append(client)
        for key, members in groups.items():
            self._turns[key] += 1
            takers.append(members[self._turns[key] % len(members)])
        return takers

    def give_retained(self, client: MemoryTransport, filter_: str) -> None:
        now = time.monotonic()
        for topic, kept in list(self._retained.items()):
            if kept.until is not None and kept.until <= now:
                del self._retained[topic]
            elif matches(filter_, topic) and self.may(client.identity, "read", topic):
                client.deliver(kept.packet, kept.until)


@dataclass
class MemoryTransport:
    """One client of a MemoryBroker."""

    broker: MemoryBroker
    identity: str
    receive_maximum: int = 1000
    dropped: dict[str, int] = field(default_factory=dict)
    will: Packet | None = None
    settling: bool = False

    def __post_init__(self) -> None:
        self.filters: set[tuple[str, str | None]] = set()
        self._queue: deque[tuple[Packet, float | None]] = deque()
        self._unacked = 0
        self._receive: Receive | None = None
        self._open = False
        self._scheduled = False

    @property
    def connected(self) -> bool:
        return self._open

    async def open(
        self, receive: Receive, *, will: Packet | None, on_connected: Callable[[], None]
    ) -> None:
        self.will = will
        self._receive = receive
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
            self.dropped[packet.topic] = self.dropped.get(packet.topic, 0) + 1

    async def subscribe(self, filter_: str, *, group: str | None, qos: int) -> None:
        del qos
        self.filters.add((filter_, group))
        if group is None:
            self.broker.give_retained(self, filter_)
        await asyncio.sleep(0)

    async def unsubscribe(self, filter_: str, *, group: str | None) -> None:
        self.filters.discard((filter_, group))
        await asyncio.sleep(0)

    async def close(self) -> None:
        self._open = False
        self.broker.detach(self, lost=False)

    def vanish(self) -> None:
        """End as a killed process does: the broker says the will."""
        self._open = False
        self.broker.detach(self, lost=True)

    def deliver(self, packet: Packet, until: float | None) -> None:
        if len(self._queue) >= QUEUE:
            self.dropped[packet.topic] = self.dropped.get(packet.topic, 0) + 1
            return
        self._queue.append((packet, until))
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._scheduled = False
        while self._queue and self._open and self._receive is not None:
            if self._queue[0][0].qos and self._unacked >= self.receive_maximum:
                return
            packet, until = self._queue.popleft()
            if until is not None and until <= time.monotonic():
                continue
            if packet.qos:
                self._unacked += 1
                self._receive(replace(packet), self._acker())
            else:
                self._receive(replace(packet), _nothing)

    def _acker(self) -> Callable[[], None]:
        acked = False

        def ack() -> None:
            nonlocal acked
            if not acked:
                acked = True
                self._unacked -= 1
                if self._queue:
                    self._schedule()

        return ack


def _nothing() -> None:
    """QoS 0 needs no acknowledgement."""
