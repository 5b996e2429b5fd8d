"""The socket of one connection: dialled on the asyncio loop, read and written in large pieces."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Generator

from alicia.bus import codec

_READ_BYTES = 65_536


class Wire:
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


async def dial(host: str, port: int, tls: ssl.SSLContext | None) -> socket.socket:
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
            await readable(sock)
        except ssl.SSLWantWriteError:
            await writable(sock)
        else:
            return


async def readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sock.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sock.fileno())


async def writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(sock.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(sock.fileno())
