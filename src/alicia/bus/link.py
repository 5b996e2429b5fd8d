"""One connection to the broker by Eclipse Paho, driven on the asyncio loop.

Paho connects, subscribes, keeps alive and says goodbye; PUBLISH and PUBACK, nearly all that ever
crosses the wire, are read and written by `codec`, in large pieces.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from alicia.bus import codec
from alicia.bus.options import MqttOptions
from alicia.bus.packet import MAX_PACKET_BYTES, Packet, Receive
from alicia.bus.wire import Wire, dial, readable, writable
from alicia.errors import MalformedMessageError, UnauthenticatedError

CONNECT_TIMEOUT_S = 5.0
LEAVE_WITHIN_S = 1.0
RECEIVE_MAXIMUM = 500
IN_FLIGHT = 500
STREAM_BACKLOG = 512
"""Stream packets kept while the way is blocked; then the oldest go."""
NOT_AUTHORIZED = 135
_BAD_CREDENTIALS = 134


class LinkLostError(Exception):
    """The connection ended; the reconnect loop is at work."""


class _Packed(Properties):
    """A will's properties, packed by us."""

    packed: bytes

    def __init__(self, packet: Packet) -> None:
        object.__setattr__(self, "packed", codec.pack_properties(packet))

    def pack(self) -> bytes:
        return self.packed


class _Paho(paho.Client):
    """Paho over a socket that is connected already, so that no thread is needed for it."""

    wire: Wire

    def _create_socket(self) -> Wire:
        return self.wire


class Link:
    """One connection."""

    def __init__(
        self,
        options: MqttOptions,
        will: Packet | None,
        *,
        receive: Receive,
        acked: Callable[[int, int], None],
        drained: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        self._receive = receive
        self._acked = acked
        self._drained = drained
        self._ended = ended
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.window = IN_FLIGHT
        self.max_packet_bytes = MAX_PACKET_BYTES
        self._subacks: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._connack: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._wire: Wire | None = None
        self._fd = -1
        self._misc: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._blocked = False
        self._unflushed = 0
        self._mid = codec.FIRST_MID
        self._client = self._build(options, will)

    def _build(self, options: MqttOptions, will: Packet | None) -> _Paho:
        client = _Paho(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        if options.username is not None:
            client.username_pw_set(options.username, options.password)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain, _Packed(will))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_socket_register_write = self._on_want_write
        return client

    async def connect(self, tls: ssl.SSLContext | None) -> None:
        """Raises OSError (TimeoutError and ssl.SSLError are ones), UnauthenticatedError."""
        host, port, _ = self._options.address()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            wire = self._wire = self._client.wire = Wire(await dial(host, port, tls))
            self._client.connect(
                host, port, self._options.keepalive_s, clean_start=True, properties=properties
            )
            self._fd = wire.fileno()
            self._loop.add_reader(self._fd, self._on_readable)
            self._on_misc()
            reason = await self._connack
        if reason.value in (NOT_AUTHORIZED, _BAD_CREDENTIALS):
            raise UnauthenticatedError(
                "The broker refuses this name and password.", identity=self._options.username
            )
        if reason.is_failure:
            raise ConnectionRefusedError(str(reason))

    # ---- the socket ----

    def _on_readable(self) -> None:
        wire = self._wire
        assert wire is not None  # noqa: S101 - it is its reader
        try:
            for head, body, whole in wire.packets():
                if head >> 4 == codec.PUBLISH:
                    self._on_message(head, body)
                elif head >> 4 == codec.PUBACK:
                    self._acked(*codec.unpack_puback(body))
                else:
                    wire.tell(whole)
                    self._client.loop_read()
                if self.lost.done():
                    return
        except ValueError as error:
            wire.ended = f"the broker does not speak MQTT: {error}"
        if wire.ended is not None:
            self._client.loop_read()  # Paho sees the end
            self._end(wire.ended)

    def _on_want_write(self, *_: object) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        self._scheduled = False
        wire = self._wire
        if wire is None or self.lost.done():
            return
        self._client.loop_write()
        self._unflushed = 0
        blocked = not wire.flush()
        if wire.ended is not None:
            self._on_readable()  # what came before the end still counts
            return
        if blocked != self._blocked:
            self._blocked = blocked
            if blocked:
                self._loop.add_writer(wire.fileno(), self._write)
            else:
                self._loop.remove_writer(wire.fileno())
        if not blocked:
            self._drained()

    @property
    def congested(self) -> bool:
        """The socket takes no more at the moment."""
        return self._blocked or self._unflushed >= STREAM_BACKLOG

    def _on_misc(self) -> None:
        self._misc = self._loop.call_later(1, self._on_misc)
        self._client.loop_misc()

    # ---- callbacks ----

    def _on_connect(
        self, _c: object, _u: object, _f: object, reason: ReasonCode, told: object
    ) -> None:
        self.window = min(IN_FLIGHT, getattr(told, "ReceiveMaximum", IN_FLIGHT))
        self.max_packet_bytes = getattr(told, "MaximumPacketSize", MAX_PACKET_BYTES)
        if not self._connack.done():
            self._connack.set_result(reason)

    def _on_disconnect(
        self, _c: object, _u: object, _f: object, reason: ReasonCode, _p: object
    ) -> None:
        ended = self._wire.ended if self._wire is not None else None
        self._end(ended or str(reason))

    def _on_subscribe(
        self, _c: object, _u: object, mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        future = self._subacks.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(reasons)

    def _on_message(self, head: int, body: bytes) -> None:
        packet, mid = codec.unpack_publish(head, body)

        def ack() -> None:
            if not self.lost.done():
                self._give(codec.pack_puback(mid))

        try:
            self._receive(packet, ack if packet.qos else _nothing)
        except Exception as error:  # noqa: BLE001 - one bad packet must not end the connection
            self._loop.call_exception_handler(
                {"message": f"a packet on {packet.topic} was not taken", "exception": error}
            )

    def _end(self, reason: str) -> None:
        if self.lost.done():
            return
        self.lost.set_result(None)
        if self._misc is not None:
            self._misc.cancel()
        if self._fd >= 0:
            # By number, at once: Paho may have closed the socket, and the next file that gets its
            # number would find a reader registered that never fires.
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        if self._wire is not None:
            self._wire.close()
        if not self._connack.done():
            self._connack.set_exception(ConnectionResetError(reason))
            self._connack.exception()  # whoever waits sees it; nobody waiting is no warning
        for future in self._subacks.values():
            if not future.done():
                future.set_exception(LinkLostError(reason))
                future.exception()
        self._ended()

    # ---- what the transport asks ----

    def publish(self, packet: Packet) -> int:
        """Send at QoS 1; the number that its PUBACK will have.

        Raises MalformedMessageError for a packet that the broker would end the connection for.
        """
        # Paho numbers its SUBSCRIBEs from 1; these stay out of its way.
        self._mid = codec.FIRST_MID if self._mid >= codec.LAST_MID else self._mid + 1
        self._give(self._fitting(packet, self._mid))
        return self._mid

    def send(self, packet: Packet) -> None:
        """Send at QoS 0. Raises MalformedMessageError."""
        self._give(self._fitting(packet, 0))
        self._unflushed += 1

    def _fitting(self, packet: Packet, mid: int) -> bytes:
        data = codec.pack_publish(packet, mid)
        if len(data) > self.max_packet_bytes:
            raise MalformedMessageError(
                "The message is larger than the broker takes.",
                topic=packet.topic,
                size_bytes=len(data),
                most_bytes=self.max_packet_bytes,
            )
        return data

    def _give(self, data: bytes) -> None:
        assert self._wire is not None  # noqa: S101 - it is up
        self._wire.send(data)
        self._on_want_write()

    async def subscribe(self, filter_: str, qos: int) -> int:
        """The reason code. Raises LinkLostError."""
        _, mid = self._client.subscribe(filter_, options=SubscribeOptions(qos=qos))
        return max((reason.value for reason in await self._suback(mid)), default=0)

    async def unsubscribe(self, filter_: str) -> None:
        _, mid = self._client.unsubscribe(filter_)
        await self._suback(mid)

    async def _suback(self, mid: int | None) -> list[ReasonCode]:
        if mid is None or self.lost.done():
            raise LinkLostError
        future = self._subacks[mid] = self._loop.create_future()
        try:
            return await future
        finally:
            self._subacks.pop(mid, None)

    async def close(self) -> None:
        """Say goodbye, so that no will is sent."""
        wire = self._wire
        if wire is None or self.lost.done():
            self._end("closed")
            return
        wire.kept = True
        self._client.disconnect()  # behind what is already in the wire
        self._client.loop_write()
        self._end("closed")
        try:
            # Until the broker closes: closing first, with something unread, would be a reset, and
            # the broker might never read the goodbye.
            async with asyncio.timeout(LEAVE_WITHIN_S):
                while not wire.flush():
                    await writable(wire.sock)
                while wire.ended is None:
                    await readable(wire.sock)
                    list(wire.packets())
        except (TimeoutError, ValueError):
            return
        finally:
            wire.sock.close()


def _nothing() -> None:
    """QoS 0 needs no acknowledgement."""
