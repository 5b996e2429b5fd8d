"""ESPHome voice devices: Voice PE, ESP32-S3 boxes and others that run `voice_assistant`.

    the device's wake word -> audio over its native API -> a turn at its seat
                           <- voice_assistant events, the reply's audio

The device hears its wake word itself. One with a `speaker` is streamed to; one with a media player
fetches the reply from here.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alicia.errors import AliciaError, DependencyMissingError
from alicia.peers.esphome.media import Media
from alicia.peers.seat import Seat
from alicia.runtime.service import Service, runs
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.peers.esphome.device import Device


class DeviceAt(BaseModel):
    """A device, and where it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: int = Field(default=6053, ge=1, le=65535)
    name: str = Field(pattern="^[a-z0-9_]{1,32}$")
    area_id: str | None = None
    language: str = "en"
    key: SecretStr | None = None
    """The device's `api: encryption: key`."""


class EsphomeSettings(Settings):
    http_port: int = -1
    with_house: bool = False
    """Start with `alicia up`."""
    devices: tuple[DeviceAt, ...] = ()
    """In the file: `[[esphome.devices]]` for each; in the environment, JSON."""
    media_host: str = "127.0.0.1"
    """Where replies are fetched from; `0.0.0.0` for devices with a media player."""
    media_port: int = Field(default=0, ge=0, le=65535)
    connect_s: float = Field(default=10.0, gt=0)
    retry_first_s: float = Field(default=1.0, gt=0)
    retry_most_s: float = Field(default=60.0, gt=0)

    @field_validator("devices", mode="before")
    @classmethod
    def _from_text(cls, given: object) -> object:
        return json.loads(given) if isinstance(given, str) else given


class Esphome(Service[EsphomeSettings]):
    """The driver of all ESPHome voice devices of this house."""

    name = "esphome"
    says = Seat.says
    hears = Seat.hears
    asks = Seat.asks

    devices: dict[str, Device]
    """By name."""
    media: Media

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        try:
            from alicia.peers.esphome.device import Device  # noqa: PLC0415 - optional
        except ImportError as error:
            raise DependencyMissingError(
                "ESPHome devices need the package aioesphomeapi. "
                "Run: pip install 'alicia[esphome]'",
                package="aioesphomeapi",
            ) from error
        self.devices = {at.name: Device(self, at) for at in self.settings.devices}
        self.media = Media()
        async with self.media.served(self.settings.media_host, self.settings.media_port):
            yield

    @runs
    async def drive(self) -> None:
        async with asyncio.TaskGroup() as group:
            for language in {device.at.language for device in self.devices.values()}:
                group.create_task(Seat(self, "phrase", language=language).store_words())
            for device in self.devices.values():
                group.create_task(self._keep(device), name=f"device {device.at.name}")

    async def _keep(self, device: Device) -> None:
        """Connected for good: each loss is followed by another try, ever more patiently."""
        pause = self.settings.retry_first_s
        while True:
            try:
                with self.edge("esphome device"):
                    await device.session()
            except AliciaError as error:
                self.log.info("device gone", device=device.at.name, code=error.code)
            if device.welcomed:
                pause = self.settings.retry_first_s
            self.note()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(self.settings.retry_most_s, pause * 2)

    def note(self) -> None:
        """Tell who is missing."""
        missing = [name for name, device in self.devices.items() if not device.connected]
        self.set_degraded(f"Devices not reachable: {', '.join(missing)}." if missing else None)
