"""Wyoming server: Alicia's ears, voice and mind for Home Assistant and whoever speaks Wyoming.

    a client's audio  -> TRANSCRIBE, AUDIO   -> transcript
    a client's text   -> SPEAK, SPEECH       -> audio
    a client's wish   -> SAY_TEXT            -> handled, when the devices have confirmed it

The protocol knows neither passwords nor encryption: it is served on loopback, and on other
addresses only to whom `allow` names.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from alicia.contracts.voice import (
    AUDIO,
    LISTENING,
    SAY_TEXT,
    SPEAK,
    SPEECH,
    TRANSCRIBE,
    UTTERANCE_ENDED,
)
from alicia.errors import DependencyMissingError, SetupError
from alicia.runtime.service import Service
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.peers.wyoming.info import Offer

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class WyomingServerSettings(Settings):
    http_port: int = -1
    with_house: bool = False
    """Start with `alicia up`."""
    host: str = "127.0.0.1"
    port: int = Field(default=10700, ge=0, le=65535)
    allow: str = "127.0.0.0/8, ::1/128"
    """Networks whose clients are served, separated by commas."""
    language: str = "en"
    """Of a client that names none."""
    area_id: str | None = None
    """Where "the light" is, for sentences that come from elsewhere."""
    max_clients: int = Field(default=32, ge=1)
    idle_s: float = Field(default=300.0, gt=0)
    """A client that sends nothing for so long is let go."""
    stall_s: float = Field(default=15.0, gt=0)
    """Likewise in the middle of audio, or when it does not take what it asked for."""
    max_audio_s: float = Field(default=120.0, gt=0)
    """The longest audio to transcribe."""
    max_text: int = Field(default=5000, ge=1)
    """Characters of one text."""
    announce: bool = False
    """Tell the network by multicast DNS (`_wyoming._tcp`)."""
    name: str = "Alicia"

    @field_validator("allow")
    @classmethod
    def _networks(cls, text: str) -> str:
        for part in text.split(","):
            ipaddress.ip_network(part.strip())
        return text


class WyomingServer(Service[WyomingServerSettings]):
    """Speech and understanding of this house, over the Wyoming protocol."""

    name = "wyoming_server"
    says = (AUDIO,)
    hears = (LISTENING, UTTERANCE_ENDED, SPEECH)
    asks = (TRANSCRIBE, SPEAK, SAY_TEXT)

    address: tuple[str, int]
    """Where it is served."""
    offer: Offer

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        try:
            from alicia.peers.wyoming.connection import Connection  # noqa: PLC0415 - optional
            from alicia.peers.wyoming.info import Offer  # noqa: PLC0415 - optional
        except ImportError as error:
            raise DependencyMissingError(
                "Speaking Wyoming needs the package wyoming. Run: pip install 'alicia[wyoming]'",
                package="wyoming",
            ) from error
        self.offer = Offer(self)
        self._allowed = [ipaddress.ip_network(n.strip()) for n in self.settings.allow.split(",")]
        clients: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not self._welcome(writer.get_extra_info("peername")) or (
                len(clients) >= self.settings.max_clients
            ):
                self.log.warning("client refused", clients=len(clients))
                writer.transport.abort()
                return
            task = asyncio.create_task(Connection(self, reader, writer).run())
            clients.add(task)
            task.add_done_callback(clients.discard)

        server = await self._listen(accept)
        self.address = server.sockets[0].getsockname()[:2]
        try:
            async with self._announced():
                yield
        finally:
            server.close()
            leaving = list(clients)
            for task in leaving:
                task.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)

    async def _listen(self, accept: Accept) -> asyncio.Server:
        host, port = self.settings.host, self.settings.port
        try:
            return await asyncio.start_server(accept, host, port)
        except OSError as error:
            raise SetupError(
                f"Wyoming can't be served at {host}:{port}: {error.strerror}.", port=port
            ) from error

    def _welcome(self, peername: tuple[object, ...] | None) -> bool:
        if not peername:
            return False
        address = ipaddress.ip_address(str(peername[0]).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network for network in self._allowed)

    @asynccontextmanager
    async def _announced(self) -> AsyncGenerator[None, None]:
        if not self.settings.announce:
            yield
            return
        from alicia.peers.wyoming.announcing import announced  # noqa: PLC0415 - optional

        async with announced(self.settings.name, *self.address):
            yield
