"""Whom: the things and places that a sentence's concepts name, and what is meant by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from alicia.contracts.devices import Entity
from alicia.errors import AmbiguousError
from alicia.home.model import Home, names_of
from alicia.language.concepts import Concept
from alicia.language.grammar import HERE_UNKNOWN, Slot

DOMAINS = {
    "light": "light",
    "lamp": "light",
    "lamps": "light",
    "main": "light",
    "bulb": "light",
    "blind": "cover",
    "fan": "fan",
    "climate": "climate",
    "speaker": "media_player",
    "music": "media_player",
    "sound": "media_player",
    "door": "lock",
    "lock": "lock",
    "everything": "everything",
    "brightness": "light",
    "color": "light",
    "volume": "media_player",
    "temperature": "climate",
    "speed": "fan",
    "position": "cover",
    "power": "switch",
}
"""What a noun (`kind:`) is a word for, and what a quality (`attr:`) is one of."""
_ONE = frozenset({"lamp", "main", "door", "lock"})
"""Nouns that mean one thing."""
_PLACES = ("area", "floor")

Mark: TypeAlias = Literal["", "polite", "plain"]


@dataclass(frozen=True)
class Scene:
    """Where a sentence is said."""

    home: Home
    area_id: str | None
    language: str
    lamps: frozenset[str]
    """Entities that are called a lamp, among other lights."""
    mark: Mark = ""
    """Whether it ends in a question mark: as all of what was said, or beside polite words."""
    mains: frozenset[str] = frozenset()
    """Lights at the ceiling: the big light of a room that has others."""


@dataclass(frozen=True)
class Place:
    """Where: a room that was named, a floor, here, or the whole home."""

    area: Concept | None = None
    floor: Concept | None = None
    here: bool = False
    """"Here" was said."""
    home: bool = False
    """"Everywhere" or "all" was said."""

    @property
    def named(self) -> bool:
        return self.area is not None or self.floor is not None

    @property
    def extent(self) -> str:
        """`area`, `floor` or `home`."""
        if self.named:
            return "area" if self.area is not None else "floor"
        return "home" if self.home and not self.here else "area"

    def slots(self, scene: Scene) -> dict[str, Slot]:
        """The slots of a reading; of the room that one is in where nothing was said."""
        if self.area is not None:
            return {"area": Slot(str(self.area.value), self.area.said)}
        if self.floor is not None:
            return {"floor": Slot(str(self.floor.value), self.floor.said)}
        if self.extent == "home":
            return {}
        return {"area": Slot(scene.area_id or HERE_UNKNOWN, "")}

    def entities(self, scene: Scene) -> list[Entity]:
        """All that is there."""
        home, area_id = scene.home, scene.area_id
        if self.area is not None:
            return list(home.entities(area_id=str(self.area.value)))
        if self.floor is not None:
            return list(home.entities(floor=str(self.floor.value)))
        if self.extent == "home":
            return list(home.entities())
        return list(home.entities(area_id=area_id)) if area_id else []


@dataclass(frozen=True)
class Target:
    """One that is named, or a kind of thing in a place."""

    place: Place
    entity: Entity | None = None
    said: str = ""
    """What the thing, or its kind, was called."""
    kind: str = ""
    """A noun of `DOMAINS`; empty where only a place was said, or nothing."""

    @property
    def domain(self) -> str:
        return self.entity.domain if self.entity else DOMAINS.get(self.kind, "")


@dataclass(frozen=True)
class _Group:
    """The words between two "and"s."""

    entities: tuple[Concept, ...]
    kinds: tuple[str, ...]
    place: Place
    said: str = ""
    """The noun for its kind."""
    many: bool = False
    """"All" of them was said."""
    several: bool = False
    """More than one was said: "both"."""
    two: bool = False
    """"Both" was said: there must be two, and no more."""
    quality: bool = False
    """Only a quality says of what kind it is: "the volume"."""
    value: bool = False
    """It says what is to be done, or how."""


def targets(
    concepts: Sequence[Concept], scene: Scene, *, alone: str | None = None
) -> list[Target] | None:
    """Whom the sentence is about; None where that is unclear.

    `alone` is the kind that is meant where none is named.
    """
    parts = list(_cut(concepts))
    groups = [_group(part) for part in parts]
    if any(group is None for group in groups):
        return None
    found = _shared(_naming([group for group in groups if group is not None]), scene)
    if len(found) == 1 and found[0].many and _among_others(found[0], scene):
        return None  # "All the kitchen lights" are not the one that is called the kitchen light.
    every: list[Target] = []
    for group in found:
        if group.many and len(_ids(group)) > 1:
            every += _all_named(group, scene)
            continue
        nouns = _called_so(group, scene)
        if nouns is not None and (not group.two or len(nouns) == 2):
            every += nouns
            continue
        one = _target(group, scene, alone)
        if one is None:
            return None
        every.append(one)
    return every


def _cut(concepts: Sequence[Concept]) -> Iterator[list[Concept]]:
    """The words between two "and"s; of names in a row, "lamp spots both off", those of each."""
    names = {concept.name for concept in concepts}
    every = not names.isdisjoint({"all", "plural"})
    group: list[Concept] = []
    for concept in concepts:
        if concept.name == "and":
            yield group
            group = []
            continue
        if every and concept.name == "entity" and _names_other(group, concept):
            yield group
            group = []
        group.append(concept)
    yield group


def _unparted(scene: Scene) -> bool:
    """Whether the language has no spaces: it names things in a row, the place once before them."""
    return scene.language in ("zh", "ja", "ko")


def _names_other(before: Sequence[Concept], entity: Concept) -> bool:
    """Whether these words end with the name of another thing."""
    said = [concept for concept in before if concept.name != "nothing"]
    return bool(said) and said[-1].name == "entity" and said[-1].value != entity.value


def _group(concepts: Sequence[Concept]) -> _Group | None:
    """None where it names several things or places."""
    names = {concept.name for concept in concepts}
    entities = {c: None for c in concepts if c.name == "entity"}
    # "Out on the patio" may say one place twice.
    places = {n: list({c.value: c for c in concepts if c.name == n}.values()) for n in _PLACES}
    kinds = tuple(dict.fromkeys(c.of for c in concepts if c.name.startswith("kind:")))
    quality = not entities and not kinds
    kinds = kinds or tuple(dict.fromkeys(c.of for c in concepts if c.name.startswith("attr:")))
    domains = {DOMAINS.get(kind) for kind in kinds}
    if len(entities) > 1 or len(domains) > 1 or sum(map(len, places.values())) > 1:
        return None
    place = Place(
        next(iter(places["area"]), None),
        next(iter(places["floor"]), None),
        here="here" in names or ("near" in names and not any(places.values())),
        home="house" in names or ("all" in names and "two" not in names),
    )
    everywhere = place.area is not None and "house" in names
    if everywhere or (place.named and place.here) or {"here", "house"} <= names:
        return None
    said = next((c.said for c in concepts if c.name.startswith("kind:")), "")
    several = "plural" in names
    return _Group(
        tuple(entities),
        kinds,
        place,
        said,
        many=several or "all" in names,
        several=several,
        two="two" in names,
        quality=quality and bool(kinds),
        value=bool(names - {"nothing"}),
    )


def _naming(groups: list[_Group]) -> list[_Group]:
    """Without those that say but a value, where another names something: "in blue and at 20".

    A quality is that of a thing of its kind: "music in the kitchen, and the volume to 40".
    """
    named = [g for g in groups if not g.value or g.entities or g.kinds or _placed(g.place)]
    named = named or groups
    own = {DOMAINS.get(kind) for g in named if not g.quality for kind in g.kinds}
    told = [
        g
        for g in named
        if not g.quality or _placed(g.place) or own.isdisjoint(map(DOMAINS.get, g.kinds))
    ]
    return told or named


def _shared(groups: list[_Group], scene: Scene) -> list[_Group]:
    """What one "and" leaves to the other: "the kitchen and hall lights", "lights and fan here"."""
    last, first = groups[-1], groups[0]
    shared: list[_Group] = []
    for group in groups:
        if not group.entities and not group.kinds and group.place.named:
            kinds = last.kinds or first.kinds
            place = replace(group.place, home=False)
            shared.append(replace(group, kinds=kinds, place=place))
        elif group.kinds and not group.entities and not _placed(group.place):
            place = last.place if _placed(last.place) else _before(first, scene)
            shared.append(replace(group, place=place))
        else:
            shared.append(group)
    return shared


def _before(first: _Group, scene: Scene) -> Place:
    """The room that was named before the first thing, alone or in its name."""
    if not _unparted(scene) or first.place.named:
        return first.place if _unparted(scene) else Place()
    ids = _ids(first)
    area_id = scene.home.entity(ids[0]).area_id if len(ids) == 1 else None
    area = next((a for a in scene.home.areas() if a.area_id == area_id), None)
    names = [name.lower() for name in names_of(area, scene.language)] if area else []
    said = next((name for name in names if first.entities[0].said.startswith(name)), None)
    return Place(area=Concept("area", area_id, said)) if said else Place()


def _placed(place: Place) -> bool:
    return place.named or place.here or place.home


def _target(group: _Group, scene: Scene, alone: str | None) -> Target | None:
    if group.entities:
        return _named(group, scene)
    kind = group.kinds[0] if group.kinds else ""
    if not kind and alone is not None:
        kind = next(noun for noun, domain in DOMAINS.items() if domain == alone)
    place = group.place
    if not _placed(place) and (kind == "everything" or _spread(group, kind, scene)):
        place = Place(home=True)
    target = Target(place, said=group.said, kind=kind)
    if (other := _plugged(target, scene)) is not None:
        return replace(target, entity=other, said=_name(other, scene), kind="")
    if group.two:
        return _both(target, scene)
    if kind in _ONE and not group.place.home:
        entity = only(target, scene)
        return replace(target, entity=entity, said=_name(entity, scene)) if entity else None
    return target


def _plugged(target: Target, scene: Scene) -> Entity | None:
    """What only a plug turns on, where there is no other such thing: "the heater" outside."""
    there = target.place.entities(scene) if target.said and not target.place.home else ()
    if any(e.domain == target.domain for e in there):
        return None
    found = called(target.said, [e for e in there if e.domain == "switch"], scene)
    return found[0] if len(found) == 1 else None


def _both(target: Target, scene: Scene) -> Target | None:
    """The two of a kind that there are in the place, or else in the home; None where there are not.

    "Both lamps" are not all lamps of the home.
    """
    for place in (target.place, Place(home=True)):
        there = [e for e in place.entities(scene) if e.domain == target.domain and not e.protected]
        if len(there) == 2:
            return replace(target, place=place)
        if target.place.named:
            break
    return None


def _spread(group: _Group, kind: str, scene: Scene) -> bool:
    """Whether it means several of a kind of which here are fewer: "mute both speakers".

    Lights are in every room: all of them are those here.
    """
    domain = DOMAINS.get(kind, "")
    if not group.many or not group.kinds or domain not in ("media_player", "cover", "fan"):
        return False
    here = [e for e in group.place.entities(scene) if e.domain == domain and not e.protected]
    return len(here) < 2


def _ids(group: _Group) -> tuple[str, ...]:
    """Those that have the name that was said."""
    value = group.entities[0].value if group.entities else None
    return value if isinstance(value, tuple) else ()


def _among_others(group: _Group, scene: Scene) -> bool:
    """Whether it names one light where there are others."""
    ids = _ids(group)
    entity = scene.home.find(ids[0]) if len(ids) == 1 else None
    if entity is None or entity.domain != "light":
        return False
    there = scene.home.entities(area_id=entity.area_id, domain="light")
    return entity.area_id is None or len(there) > 1


def _called_so(group: _Group, scene: Scene) -> list[Target] | None:
    """Those that are called by the noun that was said, where that tells them from others there.

    "All lamps" are those that are called a lamp, and "the curtains" no blinds, if there are any.
    """
    kind = group.kinds[0] if group.kinds and not group.entities else ""
    if not group.said or not (kind in ("lamps", "blind") or (kind == "lamp" and group.many)):
        return None
    every = group.place.entities(scene)
    if not _placed(group.place) and (kind == "blind" or not every):
        every = scene.home.entities()
    alike = [e for e in every if e.domain == DOMAINS[kind] and not e.protected]
    found = called(group.said, alike, scene)
    if not _placed(group.place):
        found = [e for e in found if e.area_id == scene.area_id] or found
    at_windows = [e for e in found if e.device_class != "awning"]
    found = at_windows if kind == "blind" and at_windows else found
    if kind == "blind" and not _placed(group.place):
        here = [e for e in alike if e.area_id == scene.area_id and e.device_class != "awning"]
        # Where one is there are such, or others at the windows that are called so by many.
        found = [e for e in found if e in here] if here else found
    if kind == "blind" and (not found or len(found) == len(alike)):
        return None
    return [Target(group.place, one, _name(one, scene), kind) for one in found]


def _all_named(group: _Group, scene: Scene) -> list[Target]:
    """All things of the name in the place that was said, or here, or wherever they are."""
    found = [scene.home.entity(entity_id) for entity_id in _ids(group)]
    if group.place.named:
        there = {e.entity_id for e in group.place.entities(scene)}
        found = [e for e in found if e.entity_id in there]
        if group.several and len(found) == 1:
            return []
    elif len(here := [e for e in found if e.area_id == scene.area_id]) > 1:
        found = here
    domains = {DOMAINS.get(kind) for kind in group.kinds}
    if domains and any({e.domain} != domains for e in found):
        return []
    kind = next(iter(group.kinds), "")
    return [Target(group.place, one, _name(one, scene), kind) for one in found]


def _named(group: _Group, scene: Scene) -> Target | None:
    """The thing of this name in the place that was said, or else the one here.

    Raises AmbiguousError where there are several.
    """
    concept = group.entities[0]
    ids = _ids(group)
    found = [scene.home.entity(entity_id) for entity_id in ids]
    if group.place.named:
        there = {e.entity_id for e in group.place.entities(scene)}
        found = [e for e in found if e.entity_id in there]
    elif len(found) > 1:
        found = [e for e in found if e.area_id == scene.area_id]
    if len(found) > 1 or (len(ids) > 1 and not found and not group.place.named):
        raise AmbiguousError(choices=[_name(one, scene) for one in found])
    if len(found) != 1 or (
        group.place.here and scene.area_id and found[0].area_id != scene.area_id
    ):
        return None
    if not group.place.named and (nearer := _called_so_here(concept, found[0], scene)):
        found = [nearer]
    domains = {DOMAINS.get(kind) for kind in group.kinds}
    if domains and domains != {found[0].domain}:
        return None
    return Target(group.place, found[0], concept.said, next(iter(group.kinds), ""))


def _called_so_here(concept: Concept, found: Entity, scene: Scene) -> Entity | None:
    """The one light where one is whose name has this noun: "o abajur" is that of the room.

    For a light of another room that has no other name; None for any other thing.
    """
    words = concept.said.split(" ")
    noun = words[-1]
    spaced = scene.language not in ("zh", "ja", "ko")
    elsewhere = scene.area_id is not None and found.area_id != scene.area_id
    bare = len(words) == 1 or (len(words) == 2 and len(words[0]) <= _LONGEST_ARTICLE)
    if not spaced or not elsewhere or found.domain != "light" or not bare:
        return None
    here = scene.home.entities(area_id=scene.area_id, domain="light")
    alike = [e for e in called(noun, here, scene) if len(noun) > _SHORT]
    return alike[0] if len(alike) == 1 else None


def only(target: Target, scene: Scene) -> Entity | None:
    """The one thing of the kind that can be meant; None where there are several, or none."""
    if target.entity is not None:
        return target.entity
    there = [e for e in target.place.entities(scene) if e.domain == target.domain]
    if not there and not target.place.named:
        there = [e for e in scene.home.entities() if e.domain == target.domain]
        there = there if target.domain != "light" or len(there) == 1 else []
    if target.kind in ("lamp", "main") and len(there) > 1:
        alike = scene.lamps if target.kind == "lamp" else scene.mains
        there = [e for e in there if e.entity_id in alike]
    return there[0] if len(there) == 1 else None


def _name(entity: Entity, scene: Scene) -> str:
    return names_of(entity, scene.language)[0].lower()


def chosen(concepts: Sequence[Concept], among: Sequence[Entity], scene: Scene) -> frozenset[str]:
    """Those of the entities that are meant by words that only name; none where any is unclear."""
    found: set[str] = set()
    every = [_group(part) for part in _cut(concepts)]
    groups = [group for group in every if group is not None]
    if len(groups) < len(every):
        return frozenset()
    for group in _shared(groups, scene):
        named = {
            str(i) for c in group.entities for i in (c.value if isinstance(c.value, tuple) else ())
        }
        there = {e.entity_id for e in group.place.entities(scene)} if group.place.named else None
        domains = {DOMAINS.get(kind) for kind in group.kinds}
        if not named and there is None and not domains:
            return frozenset()
        one = {
            e.entity_id
            for e in among
            if (not named or e.entity_id in named)
            and (there is None or e.entity_id in there)
            and (named or not domains or e.domain in domains)
            and ("lamp" not in group.kinds or e.entity_id in scene.lamps)
        }
        if not one:
            return frozenset()
        found |= one
    return frozenset(found)


def called(noun: str, entities: Sequence[Entity], scene: Scene) -> list[Entity]:
    """Those with this noun in a name, in the singular or plural."""
    stem = noun.lower()
    stem = stem[:-2] if len(stem) > _LONG else stem[:-1] if len(stem) > _SHORT else stem
    return [
        entity
        for entity in entities
        if any(stem in name.lower() for name in names_of(entity, scene.language))
    ]


_LONGEST_ARTICLE = 3
"""Letters: "the lamp", and no "hall light"."""
_LONG, _SHORT = 6, 4
"""Letters from which an ending of two, of one, may be another for the plural."""
