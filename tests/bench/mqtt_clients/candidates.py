"""One interface over each MQTT 5 library that could stand behind `bus/mqtt.py`.

Each adapter is the least that a library needs, so that what the probes see is the library. Where
one had to reach for a private name, or do the library's work, its class says so.
"""

# ruff: noqa: PLC0415 - a candidate is imported only where it is asked for
# pyright: basic, reportMissingImports=false
# Reason: the candidates are not in the project's environment, so their types are unknown here.

import asyncio
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Protocol

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties

Handler = Callable[["Inbound"], None]


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a connection asks for."""

    port: int
    username: str = ""
    password: str = ""
    cafile: str | None = None
    client_id: str = ""
    will: tuple[str, bytes] | None = None
    session_expiry: int = 0
    receive_maximum: int = 1000
    clean_start: bool = True

    def context(self) -> ssl.SSLContext | None:
        if self.cafile is None:
            return None
        context = ssl.create_default_context(cafile=self.cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context


@dataclass(frozen=True, kw_only=True)
class Headers:
    """The MQTT 5 properties that our envelope uses."""

    user: tuple[tuple[str, str], ...] = ()
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry: int | None = None


@dataclass(frozen=True, kw_only=True)
class Inbound:
    topic: str
    payload: bytes
    headers: Headers
    ack: Callable[[], Awaitable[None]]


class Candidate(Protocol):
    """A client for one connection. `publish` returns None where the library hides the code.

    `listen` names a handler without subscribing: an old session speaks before SUBSCRIBE.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    # Who keeps outgoing QoS 1 within the broker's receive maximum.
    window: ClassVar[str]
    # Private names that the adapter can't do without.
    private: ClassVar[str]

    def __init__(self, on_lost: Callable[[], None]) -> None: ...
    def listen(self, topic: str, handler: Handler) -> None: ...
    async def connect(self, link: Link) -> bool: ...
    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, headers: Headers | None = None
    ) -> int | None: ...
    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 1) -> None: ...
    def socket(self) -> Any: ...
    async def close(self) -> None: ...


async def _no_ack() -> None:
    """The library acknowledged before the handler saw the message."""


# --- paho-mqtt ----------------------------------------------------------------------------------


def _paho_properties(packet: int, **values: Any) -> Any:
    properties = PahoProperties(packet)
    for name, value in values.items():
        if value is not None:
            setattr(properties, name, value)
    return properties


def _paho_publish_properties(headers: Headers | None) -> Any:
    if headers is None:
        return None
    return _paho_properties(
        PacketTypes.PUBLISH,
        UserProperty=list(headers.user) or None,
        ResponseTopic=headers.response_topic,
        CorrelationData=headers.correlation,
        MessageExpiryInterval=headers.expiry,
    )


def _paho_headers(properties: Any) -> Headers:
    return Headers(
        user=tuple(getattr(properties, "UserProperty", ())),
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation=getattr(properties, "CorrelationData", None),
        expiry=getattr(properties, "MessageExpiryInterval", None),
    )


class _ReadAhead:
    """A socket that reads 64 KiB at once: paho reads a packet's head byte by byte."""

    def __init__(self, sock: Any) -> None:
        self._sock, self._chunk, self._at = sock, b"", 0
        self.send, self.close, self.fileno = sock.send, sock.close, sock.fileno
        self.setblocking, self.setsockopt = sock.setblocking, sock.setsockopt
        self.getsockopt = sock.getsockopt

    def recv(self, size: int) -> bytes:
        if self._at == len(self._chunk):
            self._chunk, self._at = self._sock.recv(65536), 0
        part = self._chunk[self._at : self._at + size]
        self._at += len(part)
        return part

    def pending(self) -> int:
        held = len(self._chunk) - self._at
        return held or (self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0)


class Paho:
    """paho-mqtt on the asyncio loop, by its socket hooks; no thread but for connecting."""

    name: ClassVar[str] = "paho"
    package: ClassVar[str] = "paho-mqtt"
    # paho reads no receive maximum, and can't change its own window on an open connection.
    window: ClassVar[str] = "adapter"
    private: ClassVar[str] = ""
    reads_per_turn: ClassVar[int] = 64

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._pending: dict[int, asyncio.Future[int]] = {}
        self._handlers: dict[str, Handler] = {}
        self._connected: asyncio.Future[bool] = self._loop.create_future()
        self._closed = asyncio.Event()
        self._closing = False
        self._writing: Any = None
        self._misc: asyncio.TimerHandle | None = None
        self._slots = asyncio.Semaphore(65_535)

    def _client(self, client_id: str) -> Any:
        return mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )

    def listen(self, topic: str, handler: Handler) -> None:
        self._handlers[topic] = handler

    async def connect(self, link: Link) -> bool:
        client = self._mqtt = self._client(link.client_id)
        client.max_inflight_messages = 0  # ours is `_slots`
        client.on_connect, client.on_disconnect = self._said_connack, self._said_disconnect
        client.on_publish, client.on_subscribe = self._said_puback, self._said_suback
        client.on_message = self._said_publish
        client.username_pw_set(link.username, link.password)
        if context := link.context():
            client.tls_set_context(context)
        if link.will:
            client.will_set(link.will[0], link.will[1], qos=1)
        properties = _paho_properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=link.session_expiry,
            ReceiveMaximum=link.receive_maximum,
        )
        # Blocks: name, TCP, TLS handshake. The hooks are set after it, so none runs in the thread.
        start = partial(
            client.connect,
            "127.0.0.1",
            link.port,
            30,
            clean_start=link.clean_start,
            properties=properties,
        )
        await self._loop.run_in_executor(None, start)
        sock = client.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.on_socket_close = self._socket_closes
        client.on_socket_register_write = self._wants_write
        self._loop.add_reader(sock.fileno(), self._readable)
        self._readable()  # TLS may have taken the CONNACK in with the handshake
        if client.want_write():
            self._flush()
        self._tick()
        return await self._connected

    # What the loop tells paho.

    def _readable(self) -> None:
        for _ in range(self.reads_per_turn):
            self._mqtt.loop_read()
            sock = self._mqtt.socket()
            if sock is None or not hasattr(sock, "pending") or not sock.pending():
                return
        # Decrypted bytes wait in user space: the selector won't speak of them.
        self._loop.call_soon(self._readable)

    def _wants_write(self, *_: Any) -> None:
        self._loop.call_soon(self._flush)  # all of this turn's packets in one go

    def _flush(self) -> None:
        self._mqtt.loop_write()
        sock = self._mqtt.socket()
        if sock is not None and self._mqtt.want_write():  # the socket is full
            if self._writing is None:
                self._writing = sock.fileno()
                self._loop.add_writer(self._writing, self._flush)
        elif self._writing is not None:
            self._loop.remove_writer(self._writing)
            self._writing = None

    def _tick(self) -> None:
        self._mqtt.loop_misc()
        if self._mqtt.socket() is not None:
            self._misc = self._loop.call_later(1, self._tick)

    # What paho tells us, on the loop. None of these may raise: paho would handle the packet again.

    def _socket_closes(self, _client: Any, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock.fileno())
        self._loop.remove_writer(sock.fileno())
        self._writing = None
        if self._misc:
            self._misc.cancel()

    def _said_connack(self, _c: Any, _d: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._connected.done():
            return
        if reason.is_failure:
            self._connected.set_exception(ConnectionRefusedError(reason.value, str(reason)))
        else:
            self._slots = asyncio.Semaphore(getattr(properties, "ReceiveMaximum", 65_535))
            self._connected.set_result(flags.session_present)

    def _said_disconnect(self, _c: Any, _d: Any, _f: Any, reason: Any, _p: Any) -> None:
        lost = ConnectionResetError(str(reason))
        for future in (self._connected, *self._pending.values()):
            if not future.done():
                future.set_exception(lost)
        self._pending.clear()
        if not self._closing and not self._closed.is_set():
            self._on_lost()
        self._closed.set()

    def _settle(self, mid: int, code: int) -> None:
        future = self._pending.pop(mid, None)
        if future and not future.done():
            future.set_result(code)

    def _said_puback(self, _c: Any, _d: Any, mid: int, reason: Any, _p: Any) -> None:
        self._settle(mid, reason.value)

    def _said_suback(self, _c: Any, _d: Any, mid: int, reasons: Any, _p: Any) -> None:
        self._settle(mid, reasons[0].value)

    def _said_publish(self, client: Any, _d: Any, message: Any) -> None:
        async def ack() -> None:
            client.ack(message.mid, message.qos)

        inbound = Inbound(
            topic=message.topic,
            payload=bytes(message.payload),
            headers=_paho_headers(message.properties),
            ack=ack,
        )
        for topic, handler in self._handlers.items():
            if mqtt.topic_matches_sub(topic, inbound.topic):
                handler(inbound)

    # What the caller asks.

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, headers: Headers | None = None
    ) -> int | None:
        properties = _paho_publish_properties(headers)
        if qos == 0:
            self._mqtt.publish(topic, payload, 0, properties=properties)
            return None
        # Held until the PUBACK, even if the caller is cancelled: the broker still counts it.
        await self._slots.acquire()
        info = self._mqtt.publish(topic, payload, qos, properties=properties)
        if info.rc:
            self._slots.release()
            raise ConnectionError(info.rc)
        future = self._pending[info.mid] = self._loop.create_future()
        future.add_done_callback(lambda _: self._slots.release())
        return await asyncio.shield(future)

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 1) -> None:
        self.listen(topic, handler)
        _, mid = self._mqtt.subscribe(topic, qos)
        future = self._pending[mid] = self._loop.create_future()
        await future

    def socket(self) -> Any:
        return self._mqtt.socket()

    async def close(self) -> None:
        self._closing = True
        if self._mqtt.socket() is not None:
            self._mqtt.disconnect()
            async with asyncio.timeout(2):
                await self._closed.wait()


class PahoReadAhead(Paho):
    """paho-mqtt with a buffer under it."""

    name: ClassVar[str] = "paho+buffer"
    private: ClassVar[str] = "Client._create_socket"

    def _client(self, client_id: str) -> Any:
        class Buffered(mqtt.Client):
            def _create_socket(self) -> Any:
                return _ReadAhead(super()._create_socket())

        return Buffered(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )


# --- gmqtt --------------------------------------------------------------------------------------


class Gmqtt:
    """gmqtt: a PUBACK is seen through the storage it takes messages out of; never its code."""

    name: ClassVar[str] = "gmqtt"
    package: ClassVar[str] = "gmqtt"
    window: ClassVar[str] = "adapter"  # its own raises OverflowError
    private: ClassVar[str] = "Client._connection._transport (socket), ._package_handler"

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._closing = False
        self._pubacks: dict[int, asyncio.Future[None]] = {}
        self._subacks: dict[int, asyncio.Future[None]] = {}
        self._handlers: list[Handler] = []
        self._last = 0
        self._slots = asyncio.Semaphore(1000)
        self._present = False

    def listen(self, topic: str, handler: Handler) -> None:  # noqa: ARG002 - it gets everything
        if handler not in self._handlers:
            self._handlers.append(handler)

    async def connect(self, link: Link) -> bool:
        import gmqtt
        from gmqtt.storage import PersistentStorage

        outer = self

        class Storage(PersistentStorage):
            def push_message(self, mid: int, raw_package: bytes) -> None:
                super().push_message(mid, raw_package)
                outer._last = mid

            def remove_message_by_mid(self, mid: int) -> None:
                super().remove_message_by_mid(mid)
                future = outer._pubacks.pop(mid, None)
                if future and not future.done():
                    future.set_result(None)

        client = self._mqtt = gmqtt.Client(
            link.client_id,
            clean_session=link.clean_start,
            optimistic_acknowledgement=False,
            will_message=gmqtt.Message(*link.will, qos=1) if link.will else None,
            persistent_storage=Storage(),
            session_expiry_interval=link.session_expiry,
            receive_maximum=link.receive_maximum,
        )
        client.set_config({"reconnect_retries": -2})  # 0 still tries once
        client.set_auth_credentials(link.username, link.password)
        client.on_connect, client.on_disconnect = self._connacked, self._disconnected
        client.on_subscribe, client.on_message = self._subacked, self._message
        await client.connect("127.0.0.1", link.port, ssl=link.context() or False, keepalive=30)
        return self._present

    def _connacked(self, _client: Any, flags: int, _rc: int, _properties: Any) -> None:
        self._present = bool(flags)
        # The properties handed over carry our own receive maximum in place of the broker's.
        told = self._mqtt._package_handler._connack_properties
        # Two less: gmqtt draws all its identifiers, SUBSCRIBE's too, from that many less one.
        self._slots = asyncio.Semaphore(told.get("receive_maximum", [65_535])[0] - 2)

    def _disconnected(self, *_: Any) -> None:
        for future in (*self._pubacks.values(), *self._subacks.values()):
            if not future.done():
                future.set_exception(ConnectionResetError())
        self._pubacks.clear()
        if not self._closing:
            self._on_lost()

    def _subacked(self, _client: Any, mid: int, *_: Any) -> None:
        future = self._subacks.pop(mid, None)
        if future:
            future.set_result(None)

    async def _message(
        self, _client: Any, topic: str, payload: bytes, _qos: int, properties: dict[str, Any]
    ) -> int:
        acked = self._loop.create_future()

        async def ack() -> None:
            if not acked.done():
                acked.set_result(None)

        headers = Headers(
            user=tuple(tuple(pair) for pair in properties.get("user_property", ())),
            response_topic=properties.get("response_topic", [None])[0],
            correlation=properties.get("correlation_data", [None])[0],
            expiry=properties.get("message_expiry_interval", [None])[0],
        )
        inbound = Inbound(topic=topic, payload=bytes(payload), headers=headers, ack=ack)
        for handler in self._handlers:
            handler(inbound)
        if _qos:
            await acked
        return 0

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, headers: Headers | None = None
    ) -> int | None:
        kwargs: dict[str, Any] = {}
        if headers:
            kwargs = {
                "user_property": list(headers.user) or None,
                "response_topic": headers.response_topic,
                "correlation_data": headers.correlation,
                "message_expiry_interval": headers.expiry,
            }
            kwargs = {name: value for name, value in kwargs.items() if value is not None}
        if qos == 0:
            self._mqtt.publish(topic, payload, qos=0, **kwargs)
            return None
        await self._slots.acquire()
        self._mqtt.publish(topic, payload, qos=qos, **kwargs)
        future = self._pubacks[self._last] = self._loop.create_future()
        future.add_done_callback(lambda _: self._slots.release())
        await asyncio.shield(future)
        return None

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 1) -> None:
        self.listen(topic, handler)
        mid = self._mqtt.subscribe(topic, qos=qos)
        future = self._subacks[mid] = self._loop.create_future()
        await future

    def socket(self) -> Any:
        return self._mqtt._connection._transport.get_extra_info("socket")

    async def close(self) -> None:
        self._closing = True
        await self._mqtt.disconnect()


# --- mqttium ------------------------------------------------------------------------------------


class Mqttium:
    """mqttium: a PUBACK code from 128 on is an exception, a lower one is not told."""

    name: ClassVar[str] = "mqttium"
    package: ClassVar[str] = "mqttium"
    window: ClassVar[str] = "library"
    private: ClassVar[str] = "AsyncClient._transport (socket)"

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._closing = False
        self._handlers: list[Handler] = []
        self._reader: asyncio.Task[None] | None = None

    def listen(self, topic: str, handler: Handler) -> None:  # noqa: ARG002 - it gets everything
        if handler not in self._handlers:
            self._handlers.append(handler)

    async def connect(self, link: Link) -> bool:
        from mqttium import MQTTProtocolVersion
        from mqttium.api import AsyncClient, Properties, PublishMessage

        client = self._mqtt = AsyncClient(
            link.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            clean_start=link.clean_start,
            keepalive=30,
            username=link.username or None,
            password=link.password or None,
            connect_properties=Properties({"session_expiry_interval": link.session_expiry}),
            will=PublishMessage(*link.will, qos=1) if link.will else None,
            max_inbound_inflight=link.receive_maximum,
            manual_ack=True,
        )
        client.on_disconnect = self._disconnected
        connack = await client.connect("127.0.0.1", link.port, ssl=link.context())
        self._reader = asyncio.create_task(self._read())
        return connack.session_present

    def _disconnected(self, _error: BaseException | None) -> None:
        if not self._closing:
            self._on_lost()

    async def _read(self) -> None:
        async for message in self._mqtt.messages():
            values = message.properties.values if message.properties else {}
            inbound = Inbound(
                topic=message.topic,
                payload=message.payload,
                headers=Headers(
                    user=tuple(values.get("user_property", ())),
                    response_topic=values.get("response_topic"),
                    correlation=values.get("correlation_data"),
                    expiry=values.get("message_expiry_interval"),
                ),
                ack=partial(self._mqtt.ack, message),
            )
            for handler in self._handlers:
                handler(inbound)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, headers: Headers | None = None
    ) -> int | None:
        from mqttium import PublishRejectedError
        from mqttium.api import Properties

        properties = None
        if headers:
            values = {
                "user_property": headers.user or None,
                "response_topic": headers.response_topic,
                "correlation_data": headers.correlation,
                "message_expiry_interval": headers.expiry,
            }
            properties = Properties({k: v for k, v in values.items() if v is not None})
        receipt = await self._mqtt.publish(topic, payload, qos=qos, properties=properties)
        try:
            await receipt.wait()
        except PublishRejectedError as error:
            return error.reason_code
        return None

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 1) -> None:
        self.listen(topic, handler)
        await self._mqtt.subscribe(topic, qos=qos)

    def socket(self) -> Any:
        transport: Any = self._mqtt._transport
        return transport._writer.get_extra_info("socket")

    async def close(self) -> None:
        self._closing = True
        await self._mqtt.disconnect()
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)


# --- zmqtt --------------------------------------------------------------------------------------


class Zmqtt:
    """zmqtt: a PUBACK code from 128 on is an exception, a lower one is not told."""

    name: ClassVar[str] = "zmqtt"
    package: ClassVar[str] = "zmqtt"
    window: ClassVar[str] = "library"
    private: ClassVar[str] = "MQTTClient._protocol._transport (socket)"

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._closing = False
        self._subscriptions: list[Any] = []
        self._readers: list[asyncio.Task[None]] = []

    def listen(self, topic: str, handler: Handler) -> None:
        """Not needed: zmqtt keeps an old session's messages for the subscription to come."""

    async def connect(self, link: Link) -> bool:
        import zmqtt

        will = None
        if link.will:
            topic, payload = link.will
            qos = zmqtt.QoS.AT_LEAST_ONCE
            will = zmqtt.Will(topic=topic, payload=payload, qos=qos, retain=False)
        self._mqtt = zmqtt.create_client(
            "127.0.0.1",
            link.port,
            client_id=link.client_id,
            keepalive=30,
            clean_session=link.clean_start,
            username=link.username or None,
            password=link.password or None,
            will=will,
            tls=link.context(),
            reconnect=zmqtt.ReconnectConfig(enabled=False),
            on_connection_recovery_failed=self._lost,
            version="5.0",
            session_expiry_interval=link.session_expiry,
            receive_maximum=link.receive_maximum,
        )
        await self._mqtt.connect()
        return self._mqtt.connection_info.session_present

    async def _lost(self) -> None:
        if not self._closing:
            self._on_lost()

    async def _read(self, subscription: Any, handler: Handler) -> None:
        async for message in subscription:
            properties = message.properties
            handler(
                Inbound(
                    topic=message.topic,
                    payload=message.payload,
                    headers=Headers(
                        user=tuple(properties.user_properties),
                        response_topic=properties.response_topic,
                        correlation=properties.correlation_data,
                        expiry=properties.message_expiry_interval,
                    )
                    if properties
                    else Headers(),
                    ack=message.ack,
                )
            )

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, headers: Headers | None = None
    ) -> int | None:
        import zmqtt

        properties = None
        if headers:
            properties = zmqtt.PublishProperties(
                user_properties=headers.user,
                response_topic=headers.response_topic,
                correlation_data=headers.correlation,
                message_expiry_interval=headers.expiry,
            )
        try:
            await self._mqtt.publish(topic, payload, qos=zmqtt.QoS(qos), properties=properties)
        except zmqtt.MQTTPublishError as error:
            return error.reason_code
        return None

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 1) -> None:
        import zmqtt

        subscription = self._mqtt.subscribe(topic, qos=zmqtt.QoS(qos), auto_ack=False)
        await subscription.start()
        self._readers.append(asyncio.create_task(self._read(subscription, handler)))

    def socket(self) -> Any:
        protocol: Any = self._mqtt
        return protocol._protocol._transport._writer.get_extra_info("socket")

    async def close(self) -> None:
        self._closing = True
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await self._mqtt.disconnect()


# --- aiomqtt ------------------------------------------------------------------------------------


class Aiomqtt:
    """aiomqtt 2 over paho: PUBACK codes and manual acknowledgement don't come through."""

    name: ClassVar[str] = "aiomqtt"
    package: ClassVar[str] = "aiomqtt"
    window: ClassVar[str] = "fixed at 20"  # paho's default; the broker's is not read
    private: ClassVar[str] = "Client._client (socket)"

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._handlers: list[Handler] = []
        self._reader: asyncio.Task[None] | None = None

    def listen(self, topic: str, handler: Handler) -> None:  # noqa: ARG002 - it gets everything
        if handler not in self._handlers:
            self._handlers.append(handler)

    async def connect(self, link: Link) -> bool:
        import aiomqtt

        self._mqtt = aiomqtt.Client(
            "127.0.0.1",
            link.port,
            username=link.username,
            password=link.password,
            identifier=link.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(*link.will, qos=1) if link.will else None,
            clean_start=link.clean_start,
            keepalive=30,
            timeout=60,
            properties=_paho_properties(
                PacketTypes.CONNECT,
                SessionExpiryInterval=link.session_expiry,
                ReceiveMaximum=link.receive_maximum,
            ),
            tls_context=link.context(),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        self._mqtt.pending_calls_threshold = 100_000
        await self._mqtt.__aenter__()
        self._reader = asyncio.create_task(self._read())
        return False  # not told

    async def _read(self) -> None:
        import aiomqtt

        try:
            async for message in self._mqtt.messages:
                inbound = Inbound(
                    topic=message.topic.value,
                    payload=bytes(message.payload),
                    headers=_paho_headers(message.properties),
                    ack=_no_ack,
                )
                for handler in self._handlers:
                    handler(inbound)
        except aiomqtt.MqttError:
            self._on_lost()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, headers: Headers | None = None
    ) -> int | None:
        properties = _paho_publish_properties(headers)
        await self._mqtt.publish(topic, payload, qos, properties=properties)
        return None

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 1) -> None:
        self.listen(topic, handler)
        await self._mqtt.subscribe(topic, qos)

    def socket(self) -> Any:
        return self._mqtt._client.socket()

    async def close(self) -> None:
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._mqtt.__aexit__(None, None, None)


CANDIDATES: dict[str, type[Any]] = {
    kind.name: kind for kind in (Paho, PahoReadAhead, Gmqtt, Mqttium, Zmqtt, Aiomqtt)
}


@dataclass(frozen=True)
class Installed:
    """The candidates that are here, with their versions, and the names of those that are not."""

    versions: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def installed(only: list[str]) -> Installed:
    found = Installed()
    for name in only or CANDIDATES:
        try:
            found.versions[name] = version(CANDIDATES[name].package)
        except PackageNotFoundError:
            found.missing.append(name)
            print(f"{name}: skipped, not installed (see requirements.txt)", file=sys.stderr)
    return found
