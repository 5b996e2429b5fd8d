"""Wyoming satellites: microphones and speakers that run `wyoming-satellite` or speak its protocol.

    run-satellite to the device -> run-pipeline, audio from it -> a turn at its seat
                                -> transcript, audio to it

Alicia connects to each, as Home Assistant does, and again whenever the connection is lost.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alicia.errors import AliciaError, DependencyMissingError
from alicia.peers.seat import Seat
from alicia.runtime.service import Service, runs
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.peers.wyoming.device import Device


class SatelliteAt(BaseModel):
    """A satellite, and where it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    """`tcp://host:port`."""
    name: str = Field(pattern="^[a-z0-9_]{1,32}$")
    area_id: str | None = None
    """Where it stands; else the area that it names itself."""
    language: str = "en"

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


class WyomingSatellitesSettings(Settings):
    http_port: int = -1
    with_house: bool = False
    """Start with `alicia up`."""
    satellites: tuple[SatelliteAt, ...] = ()
    """In the file: `[[wyoming_satellites.satellites]]` for each; in the environment, JSON."""
    connect_s: float = Field(default=5.0, gt=0)
    retry_first_s: float = Field(default=1.0, gt=0)
    retry_most_s: float = Field(default=30.0, gt=0)
    ping_s: float = Field(default=5.0, gt=0)
    """How often a satellite that answers pings is asked whether it is there."""

    @field_validator("satellites", mode="before")
    @classmethod
    def _from_text(cls, given: object) -> object:
        return json.loads(given) if isinstance(given, str) else given


class WyomingSatellites(Service[WyomingSatellitesSettings]):
    """The driver of all Wyoming satellites of this house."""

    name = "wyoming_satellites"
    says = Seat.says
    hears = Seat.hears
    asks = Seat.asks

    devices: dict[str, Device]
    """By name."""

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

    @runs
    async def drive(self) -> None:
        async with asyncio.TaskGroup() as group:
            for language in {device.at.language for device in self.devices.values()}:
                group.create_task(Seat(self, "phrase", language=language).store_words())
            for device in self.devices.values():
                group.create_task(self._keep(device), name=f"satellite {device.at.name}")

    async def _keep(self, device: Device) -> None:
        """Connected for good: each loss is followed by another try, ever more patiently."""
        pause = self.settings.retry_first_s
        while True:
            try:
                with self.edge("wyoming satellite"):
                    await device.session()
            except AliciaError as error:
                self.log.info("satellite gone", satellite=device.at.name, code=error.code)
            if device.welcomed:
                pause = self.settings.retry_first_s
            self.note()
            # Many satellites come back at once after a power cut; their tries are spread.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(self.settings.retry_most_s, pause * 2)

    def note(self) -> None:
        """Tell who is missing."""
        missing = [name for name, device in self.devices.items() if not device.connected]
        self.set_degraded(f"Satellites not reachable: {', '.join(missing)}." if missing else None)


def conversation_area(at: SatelliteAt, named: Any) -> str | None:  # noqa: ANN401 - a stranger's word
    """The area of a satellite: the one set, or the one that it names itself, as an id."""
    if at.area_id is not None or not isinstance(named, str):
        return at.area_id
    return "_".join(named.lower().split()) or None
