"""Every sentence that this home can be told, from the patterns of `say` in a language's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alicia.contracts.devices import Area, Entity
from alicia.errors import AliciaError
from alicia.home.model import Home, names_of
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.concepts import concept_table
from alicia.language.grammar import HERE_UNKNOWN, Reading, Slot
from alicia.language.intents import plan, touches_protected
from alicia.language.patterns import expand
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER

_UNLIKELY = "~"
"""Before a pattern: seldom said."""
_AS_SAID = "="
"""Before a pattern: understood where it is said, and never guessed from anything else."""
_UNSPACED = ("zh", "ja", "ko")
"""Here a name in Latin letters is nobody's word where there is another."""
_ANY_NUMBER = 20.0
_WITH_ROOM = 4
"""Names of a thing that may be said with its room."""
_HOME = frozenset({"home"})
_HERE = frozenset({"here"})


@dataclass(frozen=True)
class Candidate:
    parts: tuple[str, ...]
    """The sentence, cut around the name in it."""
    does: str
    targets: frozenset[str]
    """Entities, or a mark where it is about none. The same act and targets mean the same."""
    act: Act
    slots: Mapping[str, Slot] = field(default_factory=dict[str, Slot])
    here: bool = False
    """About the room that it is said in."""
    protected: bool = False
    """Acts on a lock or a garage door: only an exact sentence may."""
    unlikely: bool = False
    """Seldom said: nobody is waited for who may go on to say it."""
    foreign: bool = False
    """Never guessed: by a name that is no language's own, where there is one in this language, or
    in words that are too near to others'."""
    as_said: bool = False
    """By a pattern that is for exact sentences alone."""

    @property
    def text(self) -> str:
        return " ".join(self.parts)

    def rivals(self, other: Candidate) -> bool:
        """Whether mistaking one for the other does something that was not asked for.

        "The kitchen light" and "the kitchen lights" don't rival: one is a part of the other.
        """
        if self.does != other.does:
            return True
        return not (self.targets <= other.targets or other.targets <= self.targets)

    def reading(self, number: float | None, area_id: str | None) -> Reading:
        """What was said, with the number that was heard, in this room."""
        slots = dict(self.slots)
        if number is not None and self.act.takes:
            slots[self.act.takes] = Slot(number, f"{number:g}")
        if self.here:
            slots["area"] = Slot(area_id or HERE_UNKNOWN, "")
        return Reading(self.act.intent, self.act.response, slots, len(self.text), 0)


def candidates(tables: Tables, home: Home) -> list[Candidate]:
    """Names come before rooms: the first to give a sentence a meaning keeps it."""
    return [
        candidate
        for every in (_about_things, _about_areas, _about_home)
        for candidate in every(tables.say, tables.language, home)
    ]


def _about_things(say: dict[str, Any], language: str, home: Home) -> Iterator[Candidate]:
    for key, patterns in say.get("name", {}).items():
        act = NAMED[key]
        for entity in home.entities():
            if not fits(entity, act):
                continue
            guarded = entity.protected and act.intent != "HassGetState"
            for name, foreign in _names_in_full(entity, language, home, say.get("kinds", {})):
                slots = {"name": Slot(entity.entity_id, name)}
                targets = frozenset({entity.entity_id})
                for made in _made(say, act, patterns, "{name}", name):
                    yield Candidate(
                        made.parts,
                        made.does,
                        targets,
                        act,
                        _slots(act, slots, made),
                        protected=guarded,
                        unlikely=made.unlikely,
                        foreign=foreign or made.as_said,
                        as_said=made.as_said,
                    )


def _about_areas(say: dict[str, Any], language: str, home: Home) -> Iterator[Candidate]:
    for key, patterns in say.get("area", {}).items():
        act = PLACED[key]
        for area in home.areas():
            targets = _meant(home, area, act)
            if not targets:
                continue
            for name, foreign in _names(area, language):
                slots = {"area": Slot(area.area_id, name)}
                for made in _made(say, act, patterns, "{area}", name):
                    yield Candidate(
                        made.parts,
                        made.does,
                        targets,
                        act,
                        _slots(act, slots, made),
                        unlikely=made.unlikely,
                        foreign=foreign or made.as_said,
                        as_said=made.as_said,
                    )


def _about_home(say: dict[str, Any], _language: str, home: Home) -> Iterator[Candidate]:
    for section, targets in (("here", _HERE), ("home", _HOME)):
        for key, patterns in say.get(section, {}).items():
            act = PLACED[key]
            if act.domains and not any(fits(e, act) for e in home.entities()):
                continue
            for made in _made(say, act, patterns, "", ""):
                yield Candidate(
                    made.parts,
                    made.does,
                    targets,
                    act,
                    _slots(act, {}, made),
                    here=section == "here",
                    unlikely=made.unlikely,
                    foreign=made.as_said,
                    as_said=made.as_said,
                )


def _names(thing: Area | Entity, language: str) -> Iterator[tuple[str, bool]]:
    """Its names, and whether each is another language's than the thing has names in."""
    own = thing.names.get(language)
    composed = bool(own) and bool(concept_table(language))
    for name in (own or ()) if composed else names_of(thing, language):
        foreign = bool(own) and name not in (own or ())
        if not (foreign and name.isascii() and language in _UNSPACED):
            yield name, foreign


def _names_in_full(
    entity: Entity, language: str, home: Home, kinds: Mapping[str, list[str]]
) -> Iterator[tuple[str, bool]]:
    """Its names; and what is understood where it is said, and never guessed.

    That is its name with its room, unless concepts understand that, and the word for its kind
    (`kinds`) where there is but one.
    """
    names = list(_names(entity, language))
    yield from names
    kind = entity.device_class or ""
    if kind in kinds and sum(one.device_class == kind for one in home.entities()) == 1:
        yield from ((name, True) for name in kinds[kind])
    area = home.area(entity.area_id or "")
    if area is not None and entity.device_class == "garage":
        # Nothing else of a garage opens.
        yield from ((name, True) for name, _ in _names(area, language))
    if area is None or not entity.names.get(language) or concept_table(language):
        return
    room = names_of(area, language)[0]
    for name, _ in names[:_WITH_ROOM]:
        if room.split(" ")[-1].lower() not in name.lower():
            yield (f"{room} {name}" if language in _UNSPACED else f"{name} {room}"), True


@dataclass(frozen=True)
class _Made:
    parts: tuple[str, ...]
    does: str
    chosen: str | float | None
    said: str
    unlikely: bool
    as_said: bool


def _made(
    say: dict[str, Any], act: Act, patterns: list[str], place: str, name: str
) -> Iterator[_Made]:
    """Each text of the patterns with this name, and with each colour where one is said."""
    for pattern in patterns:
        unlikely = pattern.startswith(_UNLIKELY)
        as_said = pattern.startswith(_AS_SAID)
        numbered = pattern.lstrip(_UNLIKELY + _AS_SAID).replace("{number}", NUMBER)
        for text in expand(numbered):
            choices = next((c for c in ("color", "tone") if f"{{{c}}}" in text), None)
            if choices is None:
                yield _Made(_parts(text, place, name), act.does, None, "", unlikely, as_said)
                continue
            for value, words in say[choices].items():
                out = value if choices == "color" else float(value)
                for word in words:
                    parts = _parts(text.replace(f"{{{choices}}}", word), place, name)
                    yield _Made(parts, f"{act.does} {value}", out, word, unlikely, as_said)


def _parts(text: str, place: str, name: str) -> tuple[str, ...]:
    if not place:
        return (text,)
    before, _, after = text.partition(place)
    return tuple(part for part in (before.strip(), name.lower(), after.strip()) if part)


def _slots(act: Act, slots: Mapping[str, Slot], made: _Made) -> dict[str, Slot]:
    fixed = {key: Slot(value, "") for key, value in act.slots.items()}
    chosen = {act.takes: Slot(made.chosen, made.said)} if act.takes and made.said else {}
    return {**fixed, **slots, **chosen}


def fits(entity: Entity, act: Act) -> bool:
    return (
        (not act.domains or entity.domain in act.domains)
        and (act.capability is None or any(c.name == act.capability for c in entity.capabilities))
        and (
            act.domains != ("cover", "binary_sensor") or entity.domain == "cover" or _opens(entity)
        )
    )


def _opens(entity: Entity) -> bool:
    return any(c.name == "open" for c in entity.capabilities)


def _meant(home: Home, area: Area, act: Act) -> frozenset[str]:
    """Whom it is about in a room; all there where the act names no kind. Protected ones are not."""
    return frozenset(
        entity.entity_id
        for entity in home.entities(area_id=area.area_id)
        if fits(entity, act)
        and not (entity.protected and act.intent != "HassGetState")
        and act.device_class in (None, entity.device_class)
    )


def opens_something(one: Candidate, home: Home) -> bool:
    """Whether it would act on what is protected, wherever it is said."""
    rooms = [area.area_id for area in home.areas()] if one.here else [None]
    number = _ANY_NUMBER if NUMBER in one.text else None
    for room in rooms:
        try:
            meant = plan(one.reading(number, room), home)
        except AliciaError:
            continue
        if touches_protected(meant, home):
            return True
    return False
