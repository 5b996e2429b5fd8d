"""Browser: a page of this home with a microphone and a speaker, for any phone or computer in it.

    the page -> HTTPS, a code that counts once -> WebSocket: audio of a turn -> a seat's turn
             <- guesses, what was done, the reply's audio

Audio leaves the browser only within a turn. Browsers give a microphone to HTTPS alone, so the page
comes with a certificate of the home's own authority.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from pydantic import Field

from alicia.contracts.devices import AREA, Area
from alicia.errors import DependencyMissingError, SetupError
from alicia.peers.browser.app import application
from alicia.peers.seat import Seat
from alicia.runtime.service import Service, handles, runs
from alicia.runtime.settings import Settings
from alicia.security.authority import Authority
from alicia.security.visitors import Visitors

CERTIFICATE_EVERY_S = 43_200.0


class BrowserSettings(Settings):
    http_port: int = -1
    with_house: bool = False
    """Start with `alicia up`."""
    host: str = "127.0.0.1"
    """`0.0.0.0` for every device of the home network."""
    port: int = Field(default=8443, ge=0, le=65535)
    names: str = ""
    """More names and addresses of this machine, for the certificate, separated by commas."""
    language: str = "en"
    area_id: str | None = None
    max_pages: int = Field(default=16, ge=1)
    """Pages that are open at once."""
    turns_per_minute: int = Field(default=30, ge=1)
    """Of one page."""


@dataclass(frozen=True)
class DoorAuthority(Authority):
    """The home's authority, which issues the page's certificate apart from the broker's."""

    door: Path

    @property
    def server_file(self) -> Path:
        return self.door


class _Server(uvicorn.Server):
    """Signals belong to the runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Browser(Service[BrowserSettings]):
    """The page, and a seat for each that is open."""

    name = "browser"
    says = Seat.says
    hears = (*Seat.hears, AREA)
    asks = Seat.asks

    address: str
    """`https://host:port`."""
    visitors: Visitors
    areas: dict[str, Area]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        folder = self.folder.state(self.name)
        self.visitors = Visitors(folder)
        self.areas = {}
        self._authority = DoorAuthority(self.folder.root / "ca", folder / "server.pem")
        self._names = [name.strip() for name in self.settings.names.split(",") if name.strip()]
        self._authority.ensure_server(self._names)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(self._authority.server_file)
        async with self._served():
            yield

    @asynccontextmanager
    async def _served(self) -> AsyncGenerator[None, None]:
        host, port = self.settings.host, self.settings.port
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise SetupError(
                f"The page can't be served at {host}:{port}: {error.strerror}.", port=port
            ) from error
        config = uvicorn.Config(
            application(self, self._authority.ca_file.read_bytes()),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=65_536,
            server_header=False,
            timeout_keep_alive=15,
            limit_concurrency=64,
            timeout_graceful_shutdown=1,
        )
        try:
            config.load()
        except ImportError as error:
            listener.close()
            raise DependencyMissingError(
                "The page needs the package websockets. Run: pip install 'alicia[browser]'",
                package="websockets",
            ) from error
        config.ssl = self._tls  # ours, so that a renewed certificate is taken up
        server = _Server(config)
        name = f"[{host}]" if ":" in host else host
        self.address = f"https://{name}:{listener.getsockname()[1]}"
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
            listener.close()

    @handles(AREA)
    async def area(self, area: Area) -> None:
        self.areas[area.area_id] = area

    @runs
    async def renew(self) -> None:
        """Renew the certificate before it expires; open pages stay."""
        while True:
            await asyncio.sleep(CERTIFICATE_EVERY_S)
            if self._authority.ensure_server(self._names):
                self._tls.load_cert_chain(self._authority.server_file)

    @runs
    async def store_words(self) -> None:
        await Seat(self, "phrase", language=self.settings.language).store_words()
