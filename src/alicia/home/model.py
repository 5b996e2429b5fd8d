"""Home: an in-memory picture of areas, entities and their states.

Fed by whoever hears AREA, ENTITY and STATE; read by what understands, answers and controls.
"""

from __future__ import annotations

from typing import Self
from zlib import crc32

from alicia.contracts.devices import Area, Capability, Entity, EntityState, HomeSnapshot, Value
from alicia.errors import UnknownEntityError


class Home:
    """What is in the house, and how it is at the moment.

    `revision` grows whenever something that can be said changes (names, areas, capabilities);
    states leave it alone, and make `moved` grow.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.moved = 0
        self._fingerprint = (-1, 0)
        self._areas: dict[str, Area] = {}
        self._entities: dict[str, Entity] = {}
        self._states: dict[str, EntityState] = {}

    @classmethod
    def of(cls, snapshot: HomeSnapshot) -> Self:
        """The home as it was."""
        home = cls()
        for area in snapshot.areas:
            home.put_area(area)
        for entity in snapshot.entities:
            home.put_entity(entity)
        for state in snapshot.states:
            home.put_state(state)
        return home

    def snapshot(self, taken_at: float) -> HomeSnapshot:
        """The home as it is."""
        return HomeSnapshot(
            areas=list(self._areas.values()),
            entities=list(self._entities.values()),
            states=list(self._states.values()),
            taken_at=taken_at,
        )

    @property
    def fingerprint(self) -> int:
        """Of all that can be said: the same for the same names, whoever keeps the picture."""
        if self._fingerprint[0] != self.revision:
            things = (*self._areas.values(), *self._entities.values())
            told = "\n".join(sorted(thing.model_dump_json() for thing in things))
            self._fingerprint = self.revision, crc32(told.encode())
        return self._fingerprint[1]

    def put_area(self, area: Area) -> None:
        if self._areas.get(area.area_id) != area:
            self._areas[area.area_id] = area
            self.revision += 1

    def remove_area(self, area_id: str) -> None:
        if self._areas.pop(area_id, None) is not None:
            self.revision += 1

    def put_entity(self, entity: Entity) -> None:
        """Adds or replaces it; a retired entity leaves the picture."""
        if entity.retired:
            self.remove_entity(entity.entity_id)
        elif self._entities.get(entity.entity_id) != entity:
            self._entities[entity.entity_id] = entity
            self.revision += 1

    def remove_entity(self, entity_id: str) -> None:
        self._states.pop(entity_id, None)
        if self._entities.pop(entity_id, None) is not None:
            self.revision += 1

    def put_state(self, state: EntityState) -> None:
        """Keeps it even before the entity is known: retained messages come in any order."""
        self._states[state.entity_id] = state
        self.moved += 1

    def area(self, area_id: str) -> Area | None:
        return self._areas.get(area_id)

    def areas(self) -> list[Area]:
        return list(self._areas.values())

    def floors(self) -> list[str]:
        """Each floor once, in the order of the areas."""
        return list(dict.fromkeys(area.floor for area in self._areas.values() if area.floor))

    def find(self, entity_id: str) -> Entity | None:
        return self._entities.get(entity_id)

    def entity(self, entity_id: str) -> Entity:
        """Raises UnknownEntityError."""
        entity = self._entities.get(entity_id)
        if entity is None:
            raise UnknownEntityError(entity=entity_id)
        return entity

    def entities(
        self,
        *,
        area_id: str | None = None,
        floor: str | None = None,
        domain: str | None = None,
        device_class: str | None = None,
        capability: str | None = None,
    ) -> list[Entity]:
        """Every entity that fits all that is given, in the order they came."""
        return [
            entity
            for entity in self._entities.values()
            if (area_id is None or entity.area_id == area_id)
            and (floor is None or self._floor_of(entity) == floor)
            and (domain is None or entity.domain == domain)
            and (device_class is None or entity.device_class == device_class)
            and (capability is None or any(c.name == capability for c in entity.capabilities))
        ]

    def capability(self, entity_id: str, name: str) -> Capability | None:
        entity = self._entities.get(entity_id)
        if entity is None:
            return None
        return next((c for c in entity.capabilities if c.name == name), None)

    def state(self, entity_id: str) -> EntityState | None:
        return self._states.get(entity_id)

    def value(self, entity_id: str, capability: str) -> Value | None:
        """What is confirmed; None where nothing is known or the device can't be reached."""
        state = self._states.get(entity_id)
        if state is None or not state.available:
            return None
        return state.values.get(capability)

    def _floor_of(self, entity: Entity) -> str | None:
        area = self._areas.get(entity.area_id or "")
        return area.floor if area else None


def names_of(thing: Area | Entity, language: str) -> list[str]:
    """Every name it goes by in this language, each once, the one that answers use first.

    The name and aliases that are no language's own count in all of them, but come last.
    """
    return list(dict.fromkeys([*thing.names.get(language, []), thing.name, *thing.aliases]))
