"""ESPHome voice devices: Voice PE, ESP32-S3 boxes and others that run `voice_assistant`.

    the device's wake word -> audio over its native API -> a turn at its seat
                           <- voice_assistant events, the reply's audio

The device hears its wake word itself. One with a `speaker` is streamed to; one with a media player
fetches the reply from here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pydantic import Field, SecretStr

from alicia.errors import DependencyMissingError
from alicia.peers.driving import Driver, DriverSettings, Place, Places
from alicia.peers.esphome.media import Media


class DeviceAt(Place):
    """A device, and where it is."""

    host: str
    port: int = Field(default=6053, ge=1, le=65535)
    key: SecretStr | None = None
    """The device's `api: encryption: key`."""


class EsphomeSettings(DriverSettings):
    devices: Places[DeviceAt] = ()
    """In the file: `[[esphome.devices]]` for each; in the environment, JSON."""
    media_host: str = "127.0.0.1"
    """Where replies are fetched from; `0.0.0.0` for devices with a media player."""
    media_port: int = Field(default=0, ge=0, le=65535)
    connect_s: float = Field(default=10.0, gt=0)


class Esphome(Driver[EsphomeSettings]):
    """The driver of all ESPHome voice devices of this house."""

    name = "esphome"
    kind = "device"

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
