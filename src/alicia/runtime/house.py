"""How a service reaches the bus of its house: over MQTT, or in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alicia.bus.identity import ROOT
from alicia.bus.memory import MemoryBroker, MemoryTransport
from alicia.bus.mqtt import MqttTransport
from alicia.bus.options import MqttOptions
from alicia.bus.packet import Transport
from alicia.errors import NotReadyError
from alicia.runtime.access import derive
from alicia.runtime.settings import Folder

WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """What the broker room writes for everyone: `broker/address.json`."""

    url: str
    ca: str | None
    root: str = ROOT

    @staticmethod
    def path(folder: Folder) -> Path:
        return folder.broker / "address.json"

    @classmethod
    def read(cls, folder: Folder) -> Address:
        """Raises NotReadyError where no house has been started here."""
        try:
            return cls(**json.loads(cls.path(folder).read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise NotReadyError(
                "No house has been started here. Start it with `alicia up`.",
                folder=str(folder.root),
            ) from error

    def write(self, folder: Folder) -> None:
        path = self.path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"url": self.url, "ca": self.ca, "root": self.root}), "utf-8")
        new.replace(path)


class House(Protocol):
    """How to reach the bus of a house."""

    root: str

    def transport(self, identity: str, instance: str) -> Transport:
        """Raises SetupError where the house has not been set up."""
        ...


class MqttHouse:
    """A house whose broker room has written its address and identities."""

    def __init__(self, folder: Folder, *, wait_s: float = WAIT_S) -> None:
        self._folder = folder
        self._wait_s = wait_s
        self.root = "alicia"

    def transport(self, identity: str, instance: str) -> MqttTransport:
        """Raises NotReadyError where the house has not been set up."""
        address = Address.read(self._folder)
        self.root = address.root
        file = self._folder.identities / f"{identity}.json"
        if not file.exists():
            raise NotReadyError(
                f"There are no credentials for {identity} here. Start the house with `alicia up`.",
                file=str(file),
            )
        credentials = json.loads(file.read_text("utf-8"))
        return MqttTransport(
            MqttOptions(
                url=address.url,
                username=credentials["username"],
                password=credentials["password"],
                ca=Path(address.ca) if address.ca else None,
                client_id=instance,
                connect_timeout_s=self._wait_s,
            )
        )


class InlineHouse:
    """A house in one process, without a broker: same contract, same access rules."""

    def __init__(self, root: str = ROOT) -> None:
        self.root = root
        self.broker = MemoryBroker(derive(root))

    def transport(self, identity: str, instance: str) -> MemoryTransport:
        del instance
        return MemoryTransport(self.broker, identity)
