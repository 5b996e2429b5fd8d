"""Questions from what their words say: "is the lamp in the hall still on", in any order."""

from __future__ import annotations

from alicia.home.model import Home
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.candidates import fits
from alicia.language.gist_words import Concepts
from alicia.language.grammar import HERE_UNKNOWN, Reading, Slot

_STATES = {
    "state_on": "is_on",
    "state_off": "is_off",
    "state_open": "is_open",
    "state_closed": "is_closed",
    "state_up": "is_open",
    "state_down": "is_closed",
    "state_locked": "is_locked",
    "state_unlocked": "is_unlocked",
}
_AS_VERBS = {"on": "state_on", "off": "state_off", "open": "state_open", "close": "state_closed"}
"""Where "closed" is written as "close" is, but for an accent."""
_NOT_ASKED = ("number", "color", "tone", "full", "least", "half", "everything", "cold", "hot")
_HOW_MUCH = {"climate": "get_target", "light": "get_brightness", "sensor": "get_temperature"}
_ALLOWED = {
    "is",
    "is_any",
    "name",
    "area",
    "here",
    "house",
    "door",
    "light",
    "lamp",
    "window",
    "all",
}
_ABOUT_HOW_MUCH = {"ask_much", "ask_warm", "name", "is", "put", "brightness"}
_ABOUT_MEASURES = {"put", "ask_warm", "ask_humid", "ask_much", "area", "here", "is", "temperature"}
_ABOUT_LOCKS = {"is", "door", "here", "house", "close", "state_closed"}
_TOLD = {"ask_time": "time", "ask_date": "date"}
_MEASURES = {"ask_warm": "get_temperature", "ask_humid": "get_humidity"}


def asked(found: Concepts, home: Home, area_id: str | None) -> Reading | None:
    """The reading of a question; None where it is none, or not clear."""
    if found.among(("cold", "hot")) and "area" in found:
        return _felt(found, home)
    if found.among(_NOT_ASKED) or len(found.of("name")) > 1 or len(found.of("area")) > 1:
        return None
    for way in (_of_value, _of_state):
        if (reading := way(found, home, area_id)) is not None:
            return reading
    return None


def _of_value(found: Concepts, home: Home, area_id: str | None) -> Reading | None:
    """How warm, how bright, what time."""
    kinds = set(found.found)
    given = kinds == {"put", "name"} and _is_sensor(found, home)
    if given or (found.among(("ask_much", "ask_warm")) and "name" in found):
        return _how_much(found, home)
    if {"temperature", "put"} <= kinds <= {"temperature", "put", "area", "here"}:
        return _measured(found, PLACED["get_temperature"], home, area_id)  # "Give me the ..."
    for kind, act in _TOLD.items():
        if kind in found and kinds <= {kind, "is", "here"}:
            return _made(PLACED[act], {})
    for kind, act in _MEASURES.items():
        if kind in found or (kind == "ask_warm" and "ask_much" in found):
            return _measured(found, PLACED[act], home, area_id)
    return None


def _of_state(found: Concepts, home: Home, area_id: str | None) -> Reading | None:
    """Whether something is on, open or locked."""
    kinds = set(found.found)
    if "is_any" in kinds and kinds <= {"is_any", "name", "light", "area", "here"}:
        if "name" in found:
            return _of_thing(found, home, NAMED["is_on"])
        return _of_kind(found, "state_on", area_id)
    state = _state(found)
    if state is None or kinds - _ALLOWED - set(_STATES) - set(_AS_VERBS):
        return None
    if "name" in found:
        return _of_thing(found, home, NAMED[_STATES[state]])
    if state in ("state_locked", "state_unlocked"):
        return _of_lock(found, home, state)
    return _of_kind(found, state, area_id)


def _state(found: Concepts) -> str | None:
    """The one state that is asked about; None where there is none, or nothing is asked."""
    states = found.among(tuple(_STATES)) or found.among(tuple(_AS_VERBS))
    if "state_locked" in states and "state_closed" in states:
        states.remove("state_closed")
    if len(states) != 1 or not found.among(("is", "is_any")):
        return None
    return _AS_VERBS.get(states[0], states[0])


def _of_lock(found: Concepts, home: Home, state: str) -> Reading | None:
    """The only lock of a home needs no name."""
    locks = [e for e in home.entities() if e.domain == "lock"]
    if len(locks) != 1 or set(found.found) - _ABOUT_LOCKS - {state}:
        return None
    return _made(NAMED[_STATES[state]], {"name": Slot(locks[0].entity_id, locks[0].name)})


def _made(act: Act, slots: dict[str, Slot]) -> Reading:
    fixed = {key: Slot(value, "") for key, value in act.slots.items()}
    return Reading(act.intent, act.response, fixed | slots, 1, 0)


def _is_sensor(found: Concepts, home: Home) -> bool:
    return home.entity(found.of("name")[0].value[0]).domain == "sensor"


def _felt(found: Concepts, home: Home) -> Reading | None:
    """How warm it is, for "is it cold in the garden", where nothing can be warmed."""
    there = home.entities(area_id=found.of("area")[0].value[0])
    if any(entity.domain == "climate" for entity in there) or len(found.found) > 2:
        return None
    if not any(fits(e, PLACED["get_temperature"]) for e in there):
        return None
    area = found.of("area")[0]
    return _made(PLACED["get_temperature"], {"area": Slot(area.value[0], area.text)})


def _how_much(found: Concepts, home: Home) -> Reading | None:
    """What a heating is set to, how bright a light is."""
    name = found.of("name")[0]
    entity = home.entity(name.value[0]) if len(name.value) == 1 else None
    if entity is None or set(found.found) - _ABOUT_HOW_MUCH:
        return None
    act = NAMED.get(_HOW_MUCH.get(entity.domain, ""))
    if act is None or not fits(entity, act):
        return None
    return _made(act, {"name": Slot(entity.entity_id, name.text)})


def _measured(found: Concepts, act: Act, home: Home, area_id: str | None) -> Reading | None:
    if set(found.found) - _ABOUT_MEASURES:
        return None
    if "area" in found:
        area = found.of("area")[0]
        if not any(fits(e, act) for e in home.entities(area_id=area.value[0])):
            return None
        return _made(act, {"area": Slot(area.value[0], area.text)})
    return _made(act, {"area": Slot(area_id or HERE_UNKNOWN, "")})


def _of_thing(found: Concepts, home: Home, act: Act) -> Reading | None:
    name = found.of("name")[0]
    entity = home.entity(name.value[0]) if len(name.value) == 1 else None
    if entity is None:
        return None
    if entity.domain == "lock" and act.slots.get("state") in ("closed", "open"):
        act = NAMED["is_locked" if act.slots["state"] == "closed" else "is_unlocked"]
    if not fits(entity, act):
        return None
    return _made(act, {"name": Slot(entity.entity_id, name.text)})


def _of_kind(found: Concepts, state: str, area_id: str | None) -> Reading | None:
    """Whether any light is on, any window open: in a room, here or at home."""
    if {"light", "lamp"} & set(found.found) and state == "state_on":
        act = PLACED["any_light"]
    elif "window" in found and state == "state_open":
        act = PLACED["any_window"]
    else:
        return None
    if "area" in found:
        area = found.of("area")[0]
        return _made(act, {"area": Slot(area.value[0], area.text)})
    if "here" in found:
        return _made(act, {"area": Slot(area_id or HERE_UNKNOWN, "")})
    return _made(act, {})
