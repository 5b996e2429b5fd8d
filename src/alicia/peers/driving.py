"""Driving devices of other makes: each has a seat, and is connected to again whenever it is lost.

A driver declares how one device is talked to (`session`); who is missing, and when the next try
comes, is alike for all of them.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from typing import Annotated, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from alicia.errors import AliciaError
from alicia.peers.seat import Seat
from alicia.runtime.service import Service, runs
from alicia.runtime.settings import Settings


class Place(BaseModel):
    """A device as the settings name it; a driver adds its address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z0-9_]{1,32}$")
    area_id: str | None = None
    """Where it stands; else the area that it names itself."""
    language: str = "en"

    def area(self, named: object) -> str | None:
        """The area set, or as an id the one that the device names: a stranger's word."""
        if self.area_id is not None or not isinstance(named, str):
            return self.area_id
        return "_".join(named.lower().split()) or None


P = TypeVar("P", bound=Place)
Places = Annotated[
    tuple[P, ...],
    BeforeValidator(lambda given: json.loads(given) if isinstance(given, str) else given),
]
"""In the file a table for each; in the environment, JSON."""


class DriverSettings(Settings):
    http_port: int = -1
    with_house: bool = False
    """Start with `alicia up`."""
    retry_first_s: float = Field(default=1.0, gt=0)
    retry_most_s: float = Field(default=60.0, gt=0)


class Driven(Protocol):
    """A device, as its driver sees it."""

    @property
    def at(self) -> Place: ...

    @property
    def connected(self) -> bool: ...

    @property
    def welcomed(self) -> bool:
        """Whether the last session got as far as a device that can be talked to."""
        ...

    @property
    def turns(self) -> int:
        """How many have been had with it."""
        ...

    async def session(self) -> None:
        """Until the connection is lost. Raises AliciaError."""
        ...


S = TypeVar("S", bound=DriverSettings)


class Driver(Service[S], Generic[S]):
    """The driver of all devices of one kind. Its lifespan fills `devices`."""

    says = Seat.says
    hears = Seat.hears
    asks = Seat.asks
    kind: ClassVar[str]
    """What a device is called where people read it."""

    devices: Mapping[str, Driven]
    """By name."""

    @runs
    async def drive(self) -> None:
        async with asyncio.TaskGroup() as group:
            for language in {device.at.language for device in self.devices.values()}:
                group.create_task(Seat(self, "phrase", language=language).store_words())
            for device in self.devices.values():
                group.create_task(self._keep(device), name=f"{self.kind} {device.at.name}")

    async def _keep(self, device: Driven) -> None:
        """Connected for good: each loss is followed by another try, ever more patiently."""
        pause = self.settings.retry_first_s
        while True:
            try:
                with self.edge(f"{self.name} session"):
                    await device.session()
            except AliciaError as error:
                self.log.info("device gone", device=device.at.name, code=error.code)
            if device.welcomed:
                pause = self.settings.retry_first_s
            self.note()
            # Many devices come back at once after a power cut; the tries are spread.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(self.settings.retry_most_s, pause * 2)

    def note(self) -> None:
        """Tell who is missing."""
        missing = [name for name, device in self.devices.items() if not device.connected]
        self.set_degraded(
            f"{self.kind.capitalize()}s not reachable: {', '.join(missing)}." if missing else None
        )
