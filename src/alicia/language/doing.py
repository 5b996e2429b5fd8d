"""Doing: what is wanted of things, by what the home is like and how it is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from alicia.contracts.devices import Entity
from alicia.home.capabilities import absolute
from alicia.home.model import names_of
from alicia.language.concepts import Concept
from alicia.language.meaning import Wanted
from alicia.language.targets import can
from alicia.language.whom import Place, Scene, Target

_LOCK, _DARK = frozenset({"lock"}), frozenset({"adj:dark"})
_LIT_UP = frozenset({"on", "brighter"})
_TOLD_DARK = frozenset({"too", "cop"})
"""Without these it may be wished for: "make the bathroom dark"."""
_APART = frozenset({"climate", "lock"})
"""Kinds of things of which all are told one by one."""
_ASKED = frozenset({"nothing", "wish"})
_DEGREES = (14.0, 28.0)
"""A bare number for a room with one heating."""
_SHADED = frozenset({"percent", "full", "half", "least"})
"""How bright what is given a colour is to be."""
_WHITE = 4000.0
"""Kelvin of "white" for a light that has no colours."""
_WHITER = 5000.0
"""The same for one that is as white as that."""
_TONE_STEP = 1000.0
"""Kelvin by which light gets warmer or colder."""
_TONED = frozenset({"warmer", "cooler"})


def implied(
    concepts: Sequence[Concept], want: Wanted, scene: Scene, *, noun_first: bool
) -> str | None:
    """The kind of thing that is meant where none is named; None where that is unclear.

    Where nouns come last, "turn on the kitchen" is the beginning of a longer sentence.
    """
    if want.implied is not None:
        return want.implied
    place = next((c for c in concepts if c.name in ("area", "floor", "here")), None)
    if place is None:
        return None
    said = [concept.name for concept in concepts if concept.name != "nothing"]
    if want.switches and (noun_first or said[-1] in ("on", "off")):
        return "light"  # "apaga la cocina", "kitchen off"
    bare = want.number is not None and not want.ops and not want.marks & {"percent", "kelvin"}
    if place.name == "area" and bare and _DEGREES[0] <= (want.number or 0.0) <= _DEGREES[1]:
        there = scene.home.entities(area_id=str(place.value), domain="climate")
        return "climate" if len(there) == 1 else None
    return None


def each(target: Target, want: Wanted, scene: Scene) -> list[Target]:
    """The things themselves where all of a kind are told one by one: "all the heating off"."""
    domain = target.domain
    if want.ops == _LOCK and target.kind in ("everything", "door", "lock", ""):
        domain = "lock"
    everywhere = target.place.named or target.place.home
    if want.ops == _LOCK and want.marks <= _ASKED and target == Target(Place()):
        everywhere, target = True, replace(target, place=Place(home=True))  # "Lock up."
    if target.entity is not None or domain not in _APART or not everywhere:
        return [target]
    if domain == "lock" and want.ops != _LOCK:
        return [target]
    there = [e for e in target.place.entities(scene) if e.domain == domain]
    found = [_one(target, entity, scene) for entity in there]
    return found if len(found) > 1 or domain == "lock" else [target]


def _one(target: Target, entity: Entity, scene: Scene) -> Target:
    return replace(target, entity=entity, said=names_of(entity, scene.language)[0].lower())


def parts(want: Wanted) -> Iterator[Wanted]:
    """A colour and how bright are two things that are wanted; all else is one."""
    shaded = want.color is not None or want.tone is not None
    level = want.number is not None or bool(want.marks & _SHADED)
    if not shaded or not level or want.ops - {"on"}:
        yield want
        return
    yield replace(want, number=None, marks=want.marks - _SHADED - {"to", "at", "number"})
    yield replace(want, color=None, tone=None, ops=frozenset())


def fitted(target: Target, want: Wanted, scene: Scene) -> Wanted:
    """What is wanted of this thing: white of a lamp without colours, light where it is dark."""
    if want.color == "white" and target.entity is not None and not can(target.entity, "color"):
        now = scene.home.value(target.entity.entity_id, "color_temperature")
        white = isinstance(now, float) and now >= _WHITE
        return replace(want, color=None, tone=_WHITER if white else _WHITE)
    tells = bool(want.marks & _TOLD_DARK)
    if want.ops == _DARK and tells and want.number is None and not _is_lit(target, scene):
        marks = want.marks - {"too", "cop", "bit"}
        return replace(want, ops=frozenset({"on"}), marks=marks)
    if want.ops == _LIT_UP and "bit" not in want.marks and not _is_lit(target, scene):
        return replace(want, ops=frozenset({"on"}))  # "Turn it on, nice and bright."
    return _toned(target, want, scene) or want


def _toned(target: Target, want: Wanted, scene: Scene) -> Wanted | None:
    """What "a bit warmer" means of light, by its tone now; None where that is not known."""
    op = next(iter(want.ops), "")
    if target.domain != "light" or len(want.ops) != 1 or op not in _TONED:
        return None
    if want.number is not None or want.tone is not None:
        return None
    step = -_TONE_STEP if op == "warmer" else _TONE_STEP
    tones = [
        absolute(scene.home.state(light.entity_id), capability, step)
        for light in _lights(target, scene)
        for capability in light.capabilities
        if capability.name == "color_temperature"
        and scene.home.value(light.entity_id, capability.name) is not None
    ]
    if not tones:
        return None
    tone = min(tones) if op == "warmer" else max(tones)
    return replace(want, ops=frozenset(), marks=want.marks - {"bit"}, tone=tone)


def _is_lit(target: Target, scene: Scene) -> bool:
    """Whether a light of these is on, or none is known to be off."""
    lights = [scene.home.value(e.entity_id, "power") for e in _lights(target, scene)]
    return not lights or any(on is not False for on in lights)


def _lights(target: Target, scene: Scene) -> list[Entity]:
    there = [target.entity] if target.entity else target.place.entities(scene)
    return [entity for entity in there if entity.domain == "light"]
