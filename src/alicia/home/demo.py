"""The demo house, read from `demo_home.toml`: areas, devices and how everything is at first."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from alicia.contracts.devices import (
    Area,
    Capability,
    Device,
    Entity,
    EntityState,
    SceneValue,
    Value,
)
from alicia.home.model import Home

ADAPTER = "virtual"
_MANUFACTURER = "Alicia demo"


@dataclass(frozen=True)
class DemoHome:
    areas: list[Area]
    devices: list[Device]
    initial: dict[str, dict[str, Value]]
    """By entity, then by capability."""
    draws_w: dict[str, float]
    """What a metered plug's load draws while it is on."""

    @property
    def entities(self) -> list[Entity]:
        return [entity for device in self.devices for entity in device.entities]

    def picture(self, changed_at: float = 0.0) -> Home:
        """A Home with all of it, in its initial state."""
        home = Home()
        for area in self.areas:
            home.put_area(area)
        for entity in self.entities:
            home.put_entity(entity)
            home.put_state(
                EntityState(
                    entity_id=entity.entity_id,
                    available=True,
                    values=self.initial[entity.entity_id],
                    changed_at=changed_at,
                )
            )
        return home


def load(path: Path | None = None) -> DemoHome:
    """The house in this file; or the one that comes with Alicia, its names in all languages."""
    ours = resources.files("alicia.home")
    data = tomllib.loads((path or ours.joinpath("demo_home.toml")).read_text("utf-8"))
    names: dict[str, dict[str, list[str]]] = {}
    if path is None:
        names = _names()
    declared: dict[str, dict[str, Any]] = data["capabilities"]
    areas = [
        Area(
            area_id=area["id"],
            name=area["name"],
            aliases=area.get("aliases", []),
            names={**names.get(area["id"], {}), **area.get("names", {})},
            floor=area.get("floor"),
        )
        for area in data["areas"]
    ]
    devices = [_device(row, declared, names.get(row["id"], {})) for row in data["entities"]]
    return DemoHome(
        areas=areas,
        devices=devices,
        initial={row["id"]: dict(row.get("values", {})) for row in data["entities"]},
        draws_w={row["id"]: row["draws_w"] for row in data["entities"] if "draws_w" in row},
    )


@lru_cache(maxsize=1)
def _names() -> dict[str, dict[str, list[str]]]:
    source = resources.files("alicia.home").joinpath("demo_names.toml")
    return tomllib.loads(source.read_text("utf-8"))


def _device(
    row: dict[str, Any], declared: dict[str, dict[str, Any]], names: dict[str, list[str]]
) -> Device:
    entity_id: str = row["id"]
    own: dict[str, dict[str, Any]] = row.get("capabilities", {})
    device_id = "demo_" + entity_id.replace(".", "_")
    entity = Entity(
        entity_id=entity_id,
        domain=entity_id.partition(".")[0],
        name=row["name"],
        aliases=row.get("aliases", []),
        names={**names, **row.get("names", {})},
        area_id=row.get("area"),
        device_id=device_id,
        adapter=ADAPTER,
        capabilities=[
            Capability.model_validate({"name": name, **declared[name], **own.get(name, {})})
            for name in row.get("values", {})
        ],
        device_class=row.get("device_class"),
        protected=row.get("protected", False),
        scene=[SceneValue.model_validate(value) for value in row.get("scene", [])],
    )
    return Device(
        device_id=device_id,
        name=row["name"],
        manufacturer=_MANUFACTURER,
        model=row.get("model"),
        entities=[entity],
    )
