"""Wyoming satellites: microphones and speakers that run `wyoming-satellite` or speak its protocol.

    run-satellite to the device -> run-pipeline, audio from it -> a turn at its seat
                                -> transcript, audio to it

Alicia connects to each, as Home Assistant does, and again whenever the connection is lost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from alicia.errors import DependencyMissingError
from alicia.peers.driving import Driver, DriverSettings, Place, Places


class SatelliteAt(Place):
    """A satellite, and where it is."""

    uri: str
    """`tcp://host:port`."""

    @field_validator("uri")
    @classmethod
    def _address(cls, uri: str) -> str:
        parts = urlsplit(uri)
        if parts.scheme != "tcp" or not parts.hostname or not parts.port:
            raise ValueError("a satellite's address is tcp://host:port")
        return uri

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.uri)
        return parts.hostname or "", parts.port or 0


class WyomingSatellitesSettings(DriverSettings):
    satellites: Places[SatelliteAt] = ()
    """In the file: `[[wyoming_satellites.satellites]]` for each; in the environment, JSON."""
    connect_s: float = Field(default=5.0, gt=0)
    retry_most_s: float = Field(default=30.0, gt=0)
    ping_s: float = Field(default=5.0, gt=0)
    """How often a satellite that answers pings is asked whether it is there."""


class WyomingSatellites(Driver[WyomingSatellitesSettings]):
    """The driver of all Wyoming satellites of this house."""

    name = "wyoming_satellites"
    kind = "satellite"

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        try:
            from alicia.peers.wyoming.device import Device  # noqa: PLC0415 - optional
        except ImportError as error:
            raise DependencyMissingError(
                "Speaking Wyoming needs the package wyoming. Run: pip install 'alicia[wyoming]'",
                package="wyoming",
            ) from error
        self.devices = {at.name: Device(self, at) for at in self.settings.satellites}
        yield
