"""Questions from what their words say: "is the lamp in the hall still on", in any order."""

from __future__ import annotations

from alicia.home.model import Home
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.candidates import fits
from alicia.language.concepts import Concepts
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
_ALLOWED = {"is", "is_any", "name", "area", "here", "house", "door", "light", "lamp", "window", "all"}
_MEASURES = {"ask_warm": "get_temperature", "ask_humid": "get_humidity"}


def asked(found: Concepts, home: Home, area_id: str | None) -> Reading | None:
    """The reading of a question; None where it is none, or not clear."""
    if found.among(_NOT_ASKED) or len(found.of("name")) > 1 or len(found.of("area")) > 1:
        return None
    if found.among(("ask_much", "ask_warm")) and "name" in found:
        return _how_much(found, home)
    for kind, act in _MEASURES.items():
        if kind in found or (kind == "ask_warm" and "ask_much" in found):
            return _measured(found, PLACED[act], home, area_id)
    states = found.among(tuple(_STATES)) or found.among(tuple(_AS_VERBS))
    if "is_any" in found and set(found.found) <= {"is_any", "name", "here"} and "name" in found:
        return _of_thing(found, home, NAMED["is_on"])
    if "is_any" in found and not states and set(found.found) <= {"is_any", "light", "area", "here"}:
        return _of_kind(found, "state_on", area_id)
    if "state_locked" in states and "state_closed" in states:
        states.remove("state_closed")
    if len(states) != 1 or not found.among(("is", "is_any")):
        return None
    states = [_AS_VERBS.get(states[0], states[0])]
    if set(found.found) - _ALLOWED - set(_STATES) - set(_AS_VERBS):
        return None
    if states[0] in ("state_locked", "state_unlocked") and "name" not in found:
        locks = [e for e in home.entities() if e.domain == "lock"]
        if len(locks) != 1 or set(found.found) - {states[0], "is", "door", "here", "house", "close", "state_closed"}:
            return None
        return _made(NAMED[_STATES[states[0]]], {"name": Slot(locks[0].entity_id, locks[0].name)})
    if "name" in found:
        return _of_thing(found, home, NAMED[_STATES[states[0]]])
    return _of_kind(found, states[0], area_id)


def _made(act: Act, slots: dict[str, Slot]) -> Reading:
    fixed = {key: Slot(value, "") for key, value in act.slots.items()}
    return Reading(act.intent, act.response, fixed | slots, 1, 0)


def _how_much(found: Concepts, home: Home) -> Reading | None:
    """What a heating is set to, how bright a light is."""
    name = found.of("name")[0]
    entity = home.entity(name.value[0]) if len(name.value) == 1 else None
    if entity is None or set(found.found) - {"ask_much", "ask_warm", "name", "is", "brightness"}:
        return None
    act = NAMED.get(_HOW_MUCH.get(entity.domain, ""))
    if act is None or not fits(entity, act):
        return None
    return _made(act, {"name": Slot(entity.entity_id, name.text)})


def _measured(found: Concepts, act: Act, home: Home, area_id: str | None) -> Reading | None:
    others = set(found.found) - {"ask_warm", "ask_humid", "ask_much", "area", "here", "is", "temperature"}
    if others:
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
