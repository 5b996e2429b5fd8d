"""Comparing: how warm it is in several rooms, "which is warmer, the bath or the bedroom"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alicia.contracts.devices import Entity
from alicia.errors import UnknownEntityError
from alicia.home.model import Home, names_of
from alicia.language.concepts import OUTDOORS, Concept
from alicia.language.plan import Plan, PlannedQuestion, QuestionKind
from alicia.language.targets import can
from alicia.language.whom import Scene

_WARM = frozenset(
    {"warmer", "cooler", "ask:warm", "adj:warm", "adj:hot", "adj:cold", "attr:temperature"}
)
_HUMID = frozenset({"ask:humid", "attr:humidity"})
_COLD = frozenset({"cooler", "adj:cold"})
_BESIDE = frozenset(
    {"and", "or", "tag", "ask:which", "area", "what", "asks", "cop", "nothing", "at", "in", "more"}
    | {"here", "house", "all", "set", "to", "bit", "maybe", "kind:room", "still", "plural", "too"}
)


def compared(concepts: Sequence[Concept], scene: Scene) -> Plan | None:
    """The plan of a question about several rooms, or all of the home; None where it is none.

    Raises UnknownEntityError where one of the rooms that were named has no thermometer.
    """
    names = {concept.name for concept in concepts}
    felt = names & (_WARM | _HUMID)
    if not felt or not (felt <= _WARM or felt <= _HUMID) or not names - felt <= _BESIDE:
        return None
    capability = "temperature" if felt <= _WARM else "humidity"
    rooms = {str(c.value): c.said for c in concepts if c.name == "area"}
    which = "ask:which" in names and not rooms and bool(felt - {"ask:warm", "attr:temperature"})
    if len(rooms) < 2 and not which and not _whole(names, rooms):
        return None
    home = scene.home
    found = [_telling(home, area, capability) for area in rooms or _indoors(home)]
    for said, there in zip(rooms.values(), found, strict=False):
        if there is None:
            raise UnknownEntityError(area=said)
    ids = [there.entity_id for there in found if there is not None]
    if not rooms and _whole(names, rooms) and scene.area_id:
        here = _telling(home, scene.area_id, capability)
        ids = [here.entity_id] if here else ids
    if not ids:
        return None
    question = PlannedQuestion(QuestionKind.EACH, tuple(ids), capability, not felt & _COLD)
    said = dict(zip(ids, rooms.values(), strict=False)) if rooms else {}
    return Plan(intent="AliciaGetReading", question=question, slots=said)


def which_of(concepts: Sequence[Concept], scene: Scene) -> Plan | None:
    """The plan of a question which of two things it is: "what is on, the radio or the TV"."""
    names = {concept.name for concept in concepts}
    ids = [c.value[0] for c in concepts if c.name == "entity" and isinstance(c.value, tuple)]
    ways = names & {"on", "off", "play", "start"}
    if len(ids) < 2 or "or" not in names or len(ways) != 1:
        return None
    if not names - ways - {"entity", "state", "kind:music"} <= _BESIDE or "and" in names:
        return None
    capability = "power" if ways & {"on", "off"} else "playing"
    things = [scene.home.entity(i) for i in ids]
    if not all(can(thing, capability) for thing in things):
        capability = "playing"
    if not all(can(thing, capability) for thing in things):
        return None
    question = PlannedQuestion(QuestionKind.WHICH, tuple(ids), capability, "off" not in ways)
    return Plan(intent="HassGetState", response="which", question=question)


def _whole(names: set[str], rooms: dict[str, str]) -> bool:
    """Whether it asks of the whole home: "how warm is it in the house"."""
    return not rooms and "house" in names and bool(names & {"ask:warm", "ask:humid"})


def _indoors(home: Home) -> Iterator[str]:
    for area in home.areas():
        if OUTDOORS.isdisjoint(name.lower() for name in (area.name, *area.aliases)):
            yield area.area_id


def _telling(home: Home, area_id: str, capability: str) -> Entity | None:
    """What tells it in a room: a sensor, or else a thermostat."""
    there = [e for e in home.entities(area_id=area_id) if can(e, capability)]
    there.sort(key=lambda entity: entity.domain != "sensor")
    return there[0] if there else None


def place_of(entity_id: str, said: str | None, home: Home, language: str) -> str:
    """The room of what was asked, by the name that was said; or its own where it is in none."""
    entity = home.entity(entity_id)
    area = home.area(entity.area_id or "")
    names = names_of(area or entity, language)
    return next((name for name in names if name.lower() == said), names[0])
