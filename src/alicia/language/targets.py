"""Whom a reading is about: a named thing, a room's, a floor's, or the whole home's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alicia.contracts.devices import Entity
from alicia.errors import MissingSlotError, UnknownEntityError
from alicia.home.model import Home
from alicia.language.grammar import HERE_UNKNOWN, Reading

Wanted = Callable[[Entity], bool]

_AT_WINDOWS = frozenset({"blind", "shade", "curtain", "shutter"})
_WINDOW_COVERS = _AT_WINDOWS | {"awning"}
"""People use these words for one another; a home has rarely two kinds at one window."""


def can(entity: Entity, capability: str) -> bool:
    return any(c.name == capability for c in entity.capabilities)


def named(reading: Reading, home: Home) -> Entity | None:
    """The entity that was named. Raises UnknownEntityError where it is not in the room said."""
    slot = reading.slots.get("name")
    if slot is None:
        return None
    entity = home.entity(str(slot.value))
    area, floor = reading.slots.get("area"), reading.slots.get("floor")
    if area is not None and area.text and entity.area_id != area.value:
        raise UnknownEntityError(name=slot.text, area=area.text)
    if floor is not None and floor.text:
        own = home.area(entity.area_id or "")
        if own is None or own.floor != floor.value:
            raise UnknownEntityError(name=slot.text, area=floor.text)
    return entity


def within(reading: Reading, home: Home, wanted: Wanted) -> list[Entity]:
    """Every wanted entity in the room or on the floor of the reading, or in the whole home.

    Raises MissingSlotError where the room is left to the context and there is none, and
    UnknownEntityError where there is nothing of that kind.
    """
    area, floor = reading.slots.get("area"), reading.slots.get("floor")
    if floor is not None:
        pool, place = home.entities(floor=str(floor.value)), floor.text
    elif area is not None:
        if area.value == HERE_UNKNOWN:
            raise MissingSlotError(slot="area")
        pool = home.entities(area_id=str(area.value))
        known = home.area(str(area.value))
        place = area.text or (known.name if known else "")
    else:
        pool, place = home.entities(), None
    found = [entity for entity in pool if wanted(entity)]
    if not found:
        raise UnknownEntityError(**({"area": place} if place else {}))
    return found


def here_or_only(reading: Reading, home: Home, wanted: Wanted) -> list[Entity]:
    """Like `within`; where no room was said and this one has none, the only one of the home.

    "Set the temperature to 21" is heard in the kitchen, and the thermostat hangs in the hall.
    """
    area = reading.slots.get("area")
    said = (area is not None and area.text) or "floor" in reading.slots
    try:
        return within(reading, home, wanted)
    except (MissingSlotError, UnknownEntityError):
        everywhere = [entity for entity in home.entities() if wanted(entity)]
        if said or len(everywhere) != 1:
            raise
        return everywhere


def covers(reading: Reading, home: Home, device_class: str) -> list[Entity]:
    """Covers of a class; a garage door is never meant by the word for another cover.

    "Blind" is the word for all that hangs at a window.
    """
    if device_class == "blind":
        at_windows = _try(reading, home, lambda e: e.domain == "cover" and _hangs(e))
        if at_windows:
            return at_windows
    exact = _try(reading, home, lambda e: e.domain == "cover" and e.device_class == device_class)
    if exact or device_class not in _WINDOW_COVERS:
        if exact:
            return exact
        missing = {"name": _text(reading, "device_class"), "area": _text(reading, "area")}
        raise UnknownEntityError(**{k: v for k, v in missing.items() if v is not None})
    return within(
        reading,
        home,
        lambda e: e.domain == "cover" and e.device_class in _WINDOW_COVERS and not e.protected,
    )


def _hangs(entity: Entity) -> bool:
    return entity.device_class in _AT_WINDOWS and not entity.protected


def ids(entities: Sequence[Entity]) -> tuple[str, ...]:
    return tuple(entity.entity_id for entity in entities)


def _try(reading: Reading, home: Home, wanted: Wanted) -> list[Entity]:
    try:
        return within(reading, home, wanted)
    except UnknownEntityError:
        return []


def _text(reading: Reading, slot: str) -> str | None:
    found = reading.slots.get(slot)
    return found.text or None if found else None
