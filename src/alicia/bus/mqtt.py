"""MQTT 5 by Eclipse Paho, driven on the asyncio loop: one link per connection, one reconnect loop.

    publish ─▶ waiting ─▶ flying ─▶ PUBACK      a link that breaks puts flying back into waiting

Paho connects, subscribes, keeps alive and says goodbye; PUBLISH and PUBACK, nearly all that ever
crosses the wire, are read and written by `codec`, in large pieces.

A `_Link` lives as long as one TCP connection and knows nothing of the next. `MqttTransport` makes
links until it is closed: full-jitter back-off, subscriptions replayed, and what was not
acknowledged sent again in its order. Clean start, session expiry 0: a session that waits for an
absent client would count as a listener, and "nobody serves this" could not be known at once.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from alicia.bus import codec
from alicia.bus.packet import MAX_PACKET_BYTES, Packet, Receive
from alicia.errors import (
    AliciaError,
    MalformedMessageError,
    NotConnectedError,
    RefusedError,
    SettingsError,
    SetupError,
    UnauthenticatedError,
)

RECONNECT_FIRST_S = 0.05
RECONNECT_MOST_S = 1.0
SETTLE_S = 1.5
"""After a reconnect: longer than the longest pause of the others between two tries."""
KEEPALIVE_S = 10
"""A broker that is frozen is noticed within twice this; a client of ours within 1.5 times."""
CONNECT_TIMEOUT_S = 5.0
LEAVE_WITHIN_S = 1.0
RECEIVE_MAXIMUM = 500
IN_FLIGHT = 500
STREAM_BACKLOG = 512
"""Stream packets kept while the way is blocked; then the oldest go."""
_READ_BYTES = 65_536
_NOT_AUTHORIZED = 135
_BAD_CREDENTIALS = 134
_FAILURE = 128


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
    keepalive_s: int = KEEPALIVE_S

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

    def tls(self) -> ssl.SSLContext | None:
        """What to connect with. Raises SettingsError, SetupError where the CA can't be read."""
        if not self.address()[2]:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"{self.ca} holds no readable certificate.", path=str(self.ca)
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context


class _Wire:
    """The socket as Paho sees it: never blocking, and read and written in large pieces."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.ended: str | None = None
        self.kept = False
        """Paho closes a socket as soon as the goodbye is written; it has yet to be sent."""
        self._told = b""
        self._in = b""
        self._out = bytearray()

    # ---- what Paho calls ----

    def recv(self, buffer_size: int) -> bytes:
        if not self._told and self.ended is None:
            raise BlockingIOError
        piece, self._told = self._told[:buffer_size], self._told[buffer_size:]
        return piece

    def send(self, buffer: bytes | bytearray) -> int:
        self._out += buffer
        return len(buffer)

    def close(self) -> None:
        if not self.kept:
            self.sock.close()

    def fileno(self) -> int:
        return self.sock.fileno()

    def setblocking(self, flag: bool) -> None:
        self.sock.setblocking(flag)

    # ---- what the link calls ----

    def tell(self, packet: bytes) -> None:
        """The next that Paho reads."""
        self._told += packet

    def packets(self) -> Generator[tuple[int, bytes, bytes], None, None]:
        """What has arrived, packet by packet: the first byte, the body, and all of it.

        Raises ValueError where it is not MQTT.
        """
        self._fill()
        data, at = self._in, 0
        try:
            while at + 1 < len(data) and (body := codec.frame(data, at)) is not None:
                start, end = body
                yield data[at], data[start:end], data[at:end]
                at = end
        finally:
            self._in = data[at:]

    def _fill(self) -> None:
        pieces = [self._in]
        # Once writing has failed, this is the last look: all that the broker had sent is there.
        last = self.ended is not None
        try:
            while piece := self.sock.recv(_READ_BYTES):
                pieces.append(piece)
                # Decrypted bytes wait in the TLS layer, where no selector sees them.
                if not last and not (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
                    break
            else:
                self.ended = self.ended or "the broker closed the connection"
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            self.ended = self.ended or str(error)
        self._in = b"".join(pieces)

    def flush(self) -> bool:
        """Send what was written; False where the socket takes no more at the moment."""
        try:
            while self._out and self.ended is None:
                sent = self.sock.send(self._out)
                del self._out[:sent]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            self.ended = str(error)
        return True


class _Packed(Properties):
    """A will's properties, packed by us."""

    packed: bytes

    def __init__(self, packet: Packet) -> None:
        object.__setattr__(self, "packed", codec.pack_properties(packet))

    def pack(self) -> bytes:
        return self.packed


class _Paho(paho.Client):
    """Paho over a socket that is connected already, so that no thread is needed for it."""

    wire: _Wire

    def _create_socket(self) -> _Wire:
        return self.wire


class _Link:
    """One connection."""

    def __init__(
        self, options: MqttOptions, receive: Receive, will: Packet | None, ended: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        self._receive = receive
        self._ended = ended
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.window = IN_FLIGHT
        self.max_packet_bytes = MAX_PACKET_BYTES
        self.drained: Callable[[], None] = _nothing
        self.acked: Callable[[int, int], None] = _ignore
        self._subacks: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._connack: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._wire: _Wire | None = None
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
            wire = self._wire = self._client.wire = _Wire(await _dial(host, port, tls))
            self._client.connect(
                host, port, self._options.keepalive_s, clean_start=True, properties=properties
            )
            self._fd = wire.fileno()
            self._loop.add_reader(self._fd, self._on_readable)
            self._on_misc()
            reason = await self._connack
        if reason.value in (_NOT_AUTHORIZED, _BAD_CREDENTIALS):
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
                    self.acked(*codec.unpack_puback(body))
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
            self.drained()

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
        self.lost.set_result(reason)
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
                future.set_exception(_LinkLostError(reason))
                future.exception()
        self._ended()

    # ---- what the transport asks ----

    def publish(self, packet: Packet) -> int:
        """Send at QoS 1; the number that `acked` is called with.

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
        """The reason code. Raises _LinkLostError."""
        _, mid = self._client.subscribe(filter_, options=SubscribeOptions(qos=qos))
        return max((reason.value for reason in await self._suback(mid)), default=0)

    async def unsubscribe(self, filter_: str) -> None:
        _, mid = self._client.unsubscribe(filter_)
        await self._suback(mid)

    async def _suback(self, mid: int | None) -> list[ReasonCode]:
        if mid is None or self.lost.done():
            raise _LinkLostError
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
                    await _writable(wire.sock)
                while wire.ended is None:
                    await _readable(wire.sock)
                    list(wire.packets())
        except (TimeoutError, ValueError):
            return
        finally:
            wire.sock.close()


@dataclass(slots=True, eq=False)
class _Out:
    """Something that is published at QoS 1, until it is acknowledged."""

    ticket: int
    packet: Packet
    patient: bool
    done: asyncio.Future[int]
    since: float


class MqttTransport:
    """A connection that comes back."""

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self.on_dropped: Callable[[Packet], None] = _nobody
        self.reconnects = 0
        self._filters: dict[tuple[str, str | None], int] = {}
        self._link: _Link | None = None
        self._up = asyncio.Event()
        self._settled = True
        self._settling: asyncio.TimerHandle | None = None
        self._tickets = itertools.count()
        self._waiting: deque[_Out] = deque()
        self._flying: dict[int, _Out] = {}
        self._backlog: deque[tuple[float, Packet]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._failure = "no answer"

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def settling(self) -> bool:
        return not self.connected or not self._settled

    # ---- the connection ----

    async def open(
        self, receive: Receive, *, will: Packet | None, on_connected: Callable[[], None]
    ) -> None:
        self._receive = receive
        self._will = will
        self._on_connected = on_connected
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(
            self._keep(opened, self._options.tls()), name=f"mqtt {self._options.client_id}"
        )
        try:
            async with asyncio.timeout(self._options.connect_timeout_s):
                await opened
        except TimeoutError:
            await self.close()
            raise NotConnectedError(
                "The broker does not answer. Is it running? `alicia doctor` looks into it.",
                url=self._options.url,
                reason=self._failure,
            ) from None
        except BaseException:
            await self.close()
            raise

    async def _keep(self, opened: asyncio.Future[None], tls: ssl.SSLContext | None) -> None:
        """The only place that reconnects."""
        attempt = 0
        while True:
            link = _Link(self._options, self._receive, self._will, self._lost)
            try:
                await link.connect(tls)
                for (filter_, group), qos in list(self._filters.items()):
                    await link.subscribe(_shared(filter_, group), qos)
                self._rise(link, first=not opened.done())
                since = time.monotonic()
                if not opened.done():
                    opened.set_result(None)
                # Not awaited itself: cancelling us must not cancel it.
                await asyncio.wait((link.lost,))
                if time.monotonic() - since > RECONNECT_MOST_S:
                    attempt = 0  # else who is sent away at once would come back at once, for ever
            except (OSError, _LinkLostError, UnauthenticatedError) as error:
                self._failure = f"{type(error).__name__}: {error}"
                # What is wrong at the start stays wrong; later it may be the broker starting.
                if (final := _final(error, self._options)) is not None and not opened.done():
                    opened.set_exception(final)
                    return
            finally:
                await link.close()
            attempt += 1
            most = min(RECONNECT_MOST_S, RECONNECT_FIRST_S * 2**attempt)
            await asyncio.sleep(random.uniform(0, most))  # noqa: S311 - jitter, no secret

    def _rise(self, link: _Link, *, first: bool) -> None:
        self._link = link
        link.drained = self._flush
        link.acked = self._acked
        if not first:
            self.reconnects += 1
            self._settled = False
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._settle)
        self._up.set()
        self._on_connected()
        self._pump()
        self._flush()

    def _settle(self) -> None:
        self._settled = True
        self._pump()

    def _lost(self) -> None:
        """In the same step as the link's end, so that nothing is given to a dead one."""
        if self._link is None:
            return
        self._link = None
        self._up.clear()
        if self._settling is not None:
            self._settling.cancel()
        again = [*self._flying.values(), *self._waiting]
        self._flying.clear()
        self._waiting = deque(sorted(again, key=lambda out: out.ticket))

    async def close(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._up.set()  # whoever waits for it sees `_closed`
        if self._settling is not None:
            self._settling.cancel()
        for out in (*self._flying.values(), *self._waiting):
            if not out.done.done():
                out.done.set_exception(NotConnectedError())

    # ---- publish ----

    async def publish(self, packet: Packet, *, patient: bool = False) -> int:
        if self._closed:
            raise NotConnectedError
        out = _Out(
            next(self._tickets),
            packet,
            patient,
            asyncio.get_running_loop().create_future(),
            time.monotonic(),
        )
        self._waiting.append(out)
        self._pump()
        code = await out.done
        if code >= _FAILURE:
            identity = self._options.username
            if code == _NOT_AUTHORIZED:
                raise RefusedError(topic=packet.topic, identity=identity)
            raise RefusedError("The broker refuses this message.", topic=packet.topic, code=code)
        return code

    def _pump(self) -> None:
        """Send what waits, in its order, as far as the broker's window goes."""
        held: list[_Out] = []
        while self._waiting and (link := self._link) and len(self._flying) < link.window:
            out = self._waiting.popleft()
            if out.done.done():
                continue  # nobody waits for it any more
            if out.patient and not self._settled:
                held.append(out)
                continue
            try:
                self._flying[link.publish(_still(out))] = out
            except MalformedMessageError as error:
                out.done.set_exception(error)
        self._waiting.extendleft(reversed(held))

    def _acked(self, mid: int, code: int) -> None:
        out = self._flying.pop(mid, None)
        if out is not None and not out.done.done():
            out.done.set_result(code)
        if self._waiting:
            self._pump()

    def publish_nowait(self, packet: Packet) -> None:
        link = self._link
        if link is not None and not self._backlog and not link.congested:
            link.send(packet)
            return
        if len(self._backlog) >= STREAM_BACKLOG:
            self.on_dropped(self._backlog.popleft()[1])
        self._backlog.append((time.monotonic(), packet))

    def _flush(self) -> None:
        while self._backlog and (link := self._link) and not link.congested:
            since, packet = self._backlog.popleft()
            if packet.expiry_s is None or time.monotonic() - since < packet.expiry_s:
                with suppress(MalformedMessageError):  # the next link may take less
                    link.send(packet)
                    continue
            self.on_dropped(packet)

    # ---- subscribe ----

    async def subscribe(self, filter_: str, *, group: str | None, qos: int) -> None:
        self._filters[filter_, group] = qos
        while True:
            await self._up.wait()
            link = self._link
            if link is None:
                raise NotConnectedError
            try:
                code = await link.subscribe(_shared(filter_, group), qos)
            except _LinkLostError:
                continue
            if code >= _FAILURE:
                raise RefusedError(topic=filter_, identity=self._options.username)
            return

    async def unsubscribe(self, filter_: str, *, group: str | None) -> None:
        self._filters.pop((filter_, group), None)
        if self._link is None:
            return
        try:
            # A frozen broker must not hold up who leaves.
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await self._link.unsubscribe(_shared(filter_, group))
        except (_LinkLostError, TimeoutError):
            return  # the next link does not subscribe it


# ---- connecting ----------------------------------------------------------------------------------


async def _dial(host: str, port: int, tls: ssl.SSLContext | None) -> socket.socket:
    """A connected socket that does not block. Raises OSError."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionRefusedError(f"no address for {host}")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
            if tls is not None:
                sock = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
                await _shake_hands(sock)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def _shake_hands(sock: ssl.SSLSocket) -> None:
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await _readable(sock)
        except ssl.SSLWantWriteError:
            await _writable(sock)
        else:
            return


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock.fileno())


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(sock.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(sock.fileno())


def _final(error: Exception, options: MqttOptions) -> AliciaError | None:
    """What no second try would mend, as the error that a person reads."""
    if isinstance(error, AliciaError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return SetupError(
            f"The broker's certificate can't be trusted: {error.verify_message}.", url=options.url
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return SetupError(
            "The broker does not speak TLS 1.3 there.", url=options.url, reason=error.reason
        )
    return None


# ---- packets -------------------------------------------------------------------------------------


def _still(out: _Out) -> Packet:
    """The packet, with what its asker still waits after our own waiting."""
    if out.packet.deadline_ms is None:
        return out.packet
    waited_ms = int((time.monotonic() - out.since) * 1000)
    return replace(out.packet, deadline_ms=max(0, out.packet.deadline_ms - waited_ms))


def _shared(filter_: str, group: str | None) -> str:
    return filter_ if group is None else f"$share/{group}/{filter_}"


def _nothing() -> None:
    """Nobody waits for it."""


def _nobody(_: Packet) -> None:
    """Nobody counts."""


def _ignore(_mid: int, _code: int) -> None:
    """Not up yet: nothing was published."""
