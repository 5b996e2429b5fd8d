"""MQTT 5 by Eclipse Paho, driven on the asyncio loop: one link per connection, one reconnect loop.

A `_Link` lives as long as one TCP connection and knows nothing of the next. `MqttTransport` makes
links until it is closed: full-jitter back-off, subscriptions replayed, and each publisher sends
again what was not acknowledged when the link broke. Clean start, session expiry 0: a session that
waits for an absent client would count as a listener, and "nobody serves this" could not be known at
once.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from alicia.bus.packet import Packet, Receive
from alicia.errors import NotConnectedError, RefusedError, SettingsError, UnauthenticatedError

RECONNECT_FIRST_S = 0.05
RECONNECT_MOST_S = 1.0
SETTLE_S = 1.5
"""After a reconnect: longer than the longest pause of the others between two tries."""
KEEPALIVE_S = 20
CONNECT_TIMEOUT_S = 5.0
RECEIVE_MAXIMUM = 500
IN_FLIGHT = 500
STREAM_BACKLOG = 512
"""Stream packets kept while the way is blocked; then the oldest go."""
_NOT_AUTHORIZED = 135
_BAD_CREDENTIALS = 134


class _LinkLostError(Exception):
    """The connection ended; the reconnect loop is at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttOptions:
    """Where the broker is, and who we are to it."""

    url: str
    """mqtts://host:port, or mqtt://host:port on loopback."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    client_id: str
    connect_timeout_s: float = 10.0
    """How long `open` tries before it raises."""

    def address(self) -> tuple[str, int, bool]:
        """Host, port, TLS. Raises SettingsError."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise SettingsError(
                "The broker's address must look like mqtts://host:8883.", url=self.url
            )
        tls = parts.scheme == "mqtts"
        if not tls and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise SettingsError(
                "Without TLS the broker may only be on this machine: use mqtts://.", url=self.url
            )
        return parts.hostname, parts.port or (8883 if tls else 1883), tls


class _Link:
    """One connection. Everything runs on the loop but the blocking connect itself."""

    def __init__(self, options: MqttOptions, receive: Receive, will: Packet | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._acks: dict[int, asyncio.Future[int]] = {}
        self._subacks: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._connack: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)
        self._sock: Any = None
        self._fd = -1
        self._writing = False
        self._options = options
        self._client = self._build(options, will)
        self.drained: Callable[[], None] = _nothing

    def _build(self, options: MqttOptions, will: Packet | None) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=paho.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(IN_FLIGHT + 100)
        if options.username is not None:
            client.username_pw_set(options.username, options.password)
        if options.address()[2]:
            context = ssl.create_default_context(cafile=options.ca and str(options.ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            client.tls_set_context(context)
        if will is not None:
            properties = _properties(will, PacketTypes.WILLMESSAGE)
            client.will_set(will.topic, will.payload, will.qos, will.retain, properties)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        return client

    async def connect(self) -> None:
        """Raises OSError, UnauthenticatedError, TimeoutError, _LinkLostError."""
        host, port, _ = self._options.address()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        await self._loop.run_in_executor(
            None,
            lambda: self._client.connect(
                host, port, KEEPALIVE_S, clean_start=True, properties=properties
            ),
        )
        self._sock = self._client.socket()
        if self._sock is None:
            raise _LinkLostError("closed while connecting")
        self._fd = self._sock.fileno()
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.on_socket_register_write = self._on_want_write
        self._loop.add_reader(self._fd, self._on_readable)
        if self._client.want_write():
            self._on_want_write()
        self._misc = self._loop.call_later(1, self._on_misc)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reason = await self._connack
        if reason.value in (_NOT_AUTHORIZED, _BAD_CREDENTIALS):
            raise UnauthenticatedError(
                "The broker refuses this name and password.", identity=self._options.username
            )
        if reason.is_failure:
            raise _LinkLostError(str(reason))

    # ---- the socket ----

    def _on_readable(self) -> None:
        while True:
            self._client.loop_read()
            # Decrypted bytes wait in the TLS layer, where no selector sees them.
            if self._client.socket() is None or not getattr(self._sock, "pending", _zero)():
                return

    def _on_want_write(self, *_: object) -> None:
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        if self._client.socket() is None:
            return
        self._client.loop_write()
        if self._client.socket() is None:
            return
        if self._client.want_write():
            self._loop.add_writer(self._fd, self._write)
        else:
            self._loop.remove_writer(self._fd)
            self._writing = False
            self.drained()

    @property
    def congested(self) -> bool:
        """The socket takes no more at the moment."""
        return self._client.want_write() and self._writing

    def _on_misc(self) -> None:
        if self._client.socket() is not None:
            self._client.loop_misc()
            self._misc = self._loop.call_later(1, self._on_misc)

    # ---- callbacks ----

    def _on_connect(
        self, _c: object, _u: object, _f: object, reason: ReasonCode, _p: object
    ) -> None:
        if not self._connack.done():
            self._connack.set_result(reason)

    def _on_disconnect(
        self, _c: object, _u: object, _f: object, reason: ReasonCode, _p: object
    ) -> None:
        self._end(str(reason))

    def _on_publish(self, _c: object, _u: object, mid: int, reason: ReasonCode, _p: object) -> None:
        future = self._acks.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(reason.value)

    def _on_subscribe(
        self, _c: object, _u: object, mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        future = self._subacks.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(reasons)

    def _on_message(self, _c: object, _u: object, message: paho.MQTTMessage) -> None:
        mid, qos = message.mid, message.qos

        def ack() -> None:
            if qos and self._client.socket() is not None:
                self._client.ack(mid, qos)

        self._receive(_packet(message), ack)

    def _end(self, reason: str) -> None:
        if self.lost.done():
            return
        self.lost.set_result(reason)
        if self._sock is not None:
            self._misc.cancel()
            # By number: Paho has closed the socket by now.
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._sock.close()
        error = _LinkLostError(reason)
        waiting: list[asyncio.Future[Any]] = [
            self._connack,
            *self._acks.values(),
            *self._subacks.values(),
        ]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # whoever waits sees it; nobody waiting is no warning

    # ---- what the transport asks ----

    async def publish(self, packet: Packet) -> int:
        """Reason code of the PUBACK. Raises _LinkLostError, RefusedError."""
        async with self._in_flight:
            if self.lost.done():
                raise _LinkLostError
            info = self._client.publish(
                packet.topic,
                packet.payload,
                1,
                packet.retain,
                _properties(packet, PacketTypes.PUBLISH),
            )
            future: asyncio.Future[int] = self._loop.create_future()
            self._acks[info.mid] = future
            try:
                code = await future
            finally:
                self._acks.pop(info.mid, None)
        if code == _NOT_AUTHORIZED:
            raise RefusedError(topic=packet.topic, identity=self._options.username)
        return code

    def send(self, packet: Packet) -> None:
        self._client.publish(
            packet.topic, packet.payload, 0, packet.retain, _properties(packet, PacketTypes.PUBLISH)
        )

    async def subscribe(self, filter_: str, qos: int) -> None:
        _, mid = self._client.subscribe(filter_, options=SubscribeOptions(qos=qos))
        await self._suback(mid)

    async def unsubscribe(self, filter_: str) -> None:
        _, mid = self._client.unsubscribe(filter_)
        await self._suback(mid)

    async def _suback(self, mid: int | None) -> None:
        if mid is None or self.lost.done():
            raise _LinkLostError
        future: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._subacks[mid] = future
        await future

    async def close(self) -> None:
        """Say goodbye, so that no will is sent."""
        if self.lost.done():
            return
        self._client.disconnect()
        try:
            async with asyncio.timeout(1):
                await self.lost
        except TimeoutError:
            self._end("closed")


class MqttTransport:
    """A connection that comes back."""

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self.dropped: dict[str, int] = {}
        self.reconnects = 0
        self._filters: dict[tuple[str, str | None], int] = {}
        self._link: _Link | None = None
        self._up = asyncio.Event()
        self._settled_at = 0.0
        self._backlog: deque[tuple[float, Packet]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._first_failure = "no answer"

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    @property
    def settling(self) -> bool:
        return not self.connected or time.monotonic() < self._settled_at

    async def open(
        self, receive: Receive, *, will: Packet | None, on_connected: Callable[[], None]
    ) -> None:
        self._receive = receive
        self._will = will
        self._on_connected = on_connected
        self._options.address()
        self._task = asyncio.create_task(self._keep(), name=f"mqtt {self._options.client_id}")
        up = asyncio.create_task(self._up.wait())
        try:
            await asyncio.wait(
                {up, self._task},
                timeout=self._options.connect_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            up.cancel()
        if self._task.done():
            await self._task
        if not self._up.is_set():
            await self.close()
            raise NotConnectedError(
                "The broker does not answer. Is it running? `alicia doctor` looks into it.",
                url=self._options.url,
                reason=self._first_failure,
            )

    async def _keep(self) -> None:
        """The only place that reconnects."""
        attempt = 0
        while True:
            link = _Link(self._options, self._receive, self._will)
            try:
                await link.connect()
                for (filter_, group), qos in list(self._filters.items()):
                    await link.subscribe(_shared(filter_, group), qos)
            except (OSError, _LinkLostError, TimeoutError) as error:
                self._first_failure = f"{type(error).__name__}: {error}"
                await link.close()
                attempt += 1
                most = min(RECONNECT_MOST_S, RECONNECT_FIRST_S * 2**attempt)
                await asyncio.sleep(random.uniform(0, most))  # noqa: S311 - jitter, no secret
                continue
            if self._link is not None:
                self.reconnects += 1
                self._settled_at = time.monotonic() + SETTLE_S
            attempt = 0
            self._link = link
            link.drained = self._flush
            self._up.set()
            self._on_connected()
            self._flush()
            await link.lost
            self._up.clear()

    async def publish(self, packet: Packet, *, patient: bool = False) -> int:
        while True:
            await self._up.wait()
            if patient and (pause := self._settled_at - time.monotonic()) > 0:
                await asyncio.sleep(pause)
                continue
            link = self._link
            assert link is not None  # noqa: S101 - set before the event
            try:
                return await link.publish(packet)
            except _LinkLostError:
                await asyncio.sleep(0)  # `_keep` sees the loss in this round

    def publish_nowait(self, packet: Packet) -> None:
        link = self._link
        if link is not None and self._up.is_set() and not self._backlog and not link.congested:
            link.send(packet)
            return
        if len(self._backlog) >= STREAM_BACKLOG:
            _, oldest = self._backlog.popleft()
            self.dropped[oldest.topic] = self.dropped.get(oldest.topic, 0) + 1
        self._backlog.append((time.monotonic(), packet))

    def _flush(self) -> None:
        link = self._link
        if link is None or not self._up.is_set():
            return
        while self._backlog and not link.congested:
            since, packet = self._backlog.popleft()
            if packet.expiry_s is None or time.monotonic() - since < packet.expiry_s:
                link.send(packet)
            else:
                self.dropped[packet.topic] = self.dropped.get(packet.topic, 0) + 1

    async def subscribe(self, filter_: str, *, group: str | None, qos: int) -> None:
        self._filters[filter_, group] = qos
        while True:
            await self._up.wait()
            link = self._link
            assert link is not None  # noqa: S101 - set before the event
            try:
                await link.subscribe(_shared(filter_, group), qos)
            except _LinkLostError:
                await asyncio.sleep(0)
            else:
                return

    async def unsubscribe(self, filter_: str, *, group: str | None) -> None:
        self._filters.pop((filter_, group), None)
        if self._link is not None and self._up.is_set():
            try:
                await self._link.unsubscribe(_shared(filter_, group))
            except _LinkLostError:
                return  # the next link does not subscribe it

    async def close(self) -> None:
        self._up.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._link is not None:
            await self._link.close()


def _shared(filter_: str, group: str | None) -> str:
    return filter_ if group is None else f"$share/{group}/{filter_}"


def _properties(packet: Packet, kind: int) -> Properties:
    properties = Properties(kind)
    user = [
        (key, value)
        for key, value in (
            ("id", packet.id),
            ("from", packet.sender),
            ("schema", packet.schema),
            ("traceparent", packet.traceparent),
            ("error", packet.error),
            ("deadline_ms", None if packet.deadline_ms is None else str(packet.deadline_ms)),
        )
        if value is not None
    ]
    if user:
        properties.UserProperty = user
    if packet.expiry_s is not None:
        properties.MessageExpiryInterval = max(1, int(packet.expiry_s + 0.999))
    if packet.response_topic is not None:
        properties.ResponseTopic = packet.response_topic
    if packet.correlation is not None:
        properties.CorrelationData = packet.correlation
    return properties


def _packet(message: paho.MQTTMessage) -> Packet:
    properties = message.properties
    user: dict[str, str] = dict(getattr(properties, "UserProperty", ()))
    deadline = user.get("deadline_ms")
    return Packet(
        message.topic,
        bytes(message.payload),
        qos=message.qos,
        retain=message.retain,
        id=user.get("id"),
        sender=user.get("from"),
        schema=user.get("schema"),
        traceparent=user.get("traceparent"),
        error=user.get("error"),
        deadline_ms=int(deadline) if deadline and deadline.isdecimal() else None,
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation=getattr(properties, "CorrelationData", None),
    )


def _zero() -> int:
    return 0


def _nothing() -> None:
    """Nobody waits for the socket."""
