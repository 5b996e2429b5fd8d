"""What a transport carries, and the seam between the bus and what carries it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

NO_SUBSCRIBERS = 0x10
"""MQTT 5 reason code of a PUBACK: nobody listens."""

MAX_PACKET_BYTES = 2_000_000
"""What our Mosquitto takes, and does not tell; it ends the connection of who sends more."""

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The W3C trace context that what is said from here carries."""
answer_by: ContextVar[float] = ContextVar("answer_by", default=math.inf)
"""When whoever asked waits no longer, by the monotonic clock."""


@dataclass(slots=True)
class Packet:
    """One MQTT 5 PUBLISH, with the properties that we use."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    id: str | None = None
    """Of what was said: a message that is sent again keeps it."""
    sender: str | None = None
    """service/instance"""
    schema: str | None = None
    traceparent: str | None = None
    error: str | None = None
    deadline_ms: int | None = None
    """How long the asker still waits, at the time of sending."""
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: float | None = None


Receive = Callable[[Packet, Callable[[], None]], None]
"""Takes a packet and what acknowledges it. Called on the loop, must not block."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one identity may do, as MQTT filters (with the root)."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


class Transport(Protocol):
    """Carries packets; reconnects by itself, with its subscriptions and what is in flight."""

    @property
    def connected(self) -> bool: ...

    @property
    def settling(self) -> bool:
        """Just reconnected: others may not be back yet, so "nobody listens" proves nothing."""
        ...

    on_dropped: Callable[[Packet], None]
    """Told of each Stream packet that is given up."""

    async def open(
        self, receive: Receive, *, will: Packet | None, on_connected: Callable[[], None]
    ) -> None:
        """Connect.

        Raises NotConnectedError, UnauthenticatedError, SetupError (a broker that can't be trusted).
        """
        ...

    async def publish(self, packet: Packet, *, patient: bool = False) -> int:
        """Send at QoS 1 and give the reason code; waits for as long as the bus is away.

        patient: not before those who were cut off with us had the time to come back.
        Raises RefusedError, MalformedMessageError (too large), NotConnectedError once closed.
        """
        ...

    def publish_nowait(self, packet: Packet) -> None:
        """Send at QoS 0. While the way is blocked the oldest are dropped, and counted.

        Raises MalformedMessageError (too large).
        """
        ...

    async def subscribe(self, filter_: str, *, group: str | None, qos: int) -> None:
        """Subscribed when this returns; retained messages come (again)."""
        ...

    async def unsubscribe(self, filter_: str, *, group: str | None) -> None:
        """Does not wait long for a broker that doesn't answer."""
        ...

    async def close(self) -> None: ...


def matches(filter_: str, topic: str) -> bool:
    """Whether an MQTT filter matches a topic name (MQTT 5, section 4.7)."""
    wanted, parts = filter_.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] != parts[0]:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(parts) or (level not in ("+", parts[index])):
            return False
    return len(wanted) == len(parts)
