"""What a clause of Chinese, Japanese or Korean asks, as a reading for `intents.plan`."""

from __future__ import annotations

from typing import Any

from alicia.contracts.devices import Entity
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.clause import Clause
from alicia.language.grammar import HERE_UNKNOWN, Reading, Slot
from alicia.language.intents import plan
from alicia.language.plan import Plan
from alicia.language.spoken_of import of_kind
from alicia.language.targets import can

_ON_OFF = frozenset({"light", "switch", "fan", "climate"})
_STATES = {
    "on": ("on", "open", "unlocked", "playing"),
    "lit": ("on", "open", "unlocked", "playing"),
    "off": ("off", "closed", "locked", "paused"),
    "stopped": ("off", "closed", "locked", "paused"),
    "open": ("on", "open", "unlocked", "playing"),
    "opened": ("on", "open", "unlocked", "playing"),
    "closed": ("off", "closed", "locked", "paused"),
    "locked": ("", "closed", "locked", ""),
    "unlocked": ("", "open", "unlocked", ""),
    "playing": ("", "", "", "playing"),
}
"""By what was said: the state of what is switched, opened, locked, played."""
_BY_VERB = {
    "on": "on",
    "start": "on",
    "run": "on",
    "off": "off",
    "shut": "off",
    "stop": "stopped",
    "open": "open",
    "close": "closed",
    "lock": "locked",
    "unlock": "unlocked",
    "play": "playing",
    "light_on": "on",
    "light_off": "off",
}


class Questions:
    """One language."""

    def __init__(self, language: str) -> None:
        self._marked = language == "zh"
        """Whether a question is told from a statement by its words alone."""

    def plan(self, said: Clause, home: Home, area_id: str | None) -> Plan | None:
        """The question; None where it is none, or unclear."""
        if said.numbers or said.colors or said.tones or said.levels:
            return None
        if said.marks & {"only because", "only feel"}:
            return None
        reading = self._reading(said, home, area_id)
        if reading is None:
            return None
        try:
            return plan(reading, home)
        except AliciaError:
            return None

    def _reading(self, said: Clause, home: Home, area_id: str | None) -> Reading | None:
        if len(said.things) + len(said.shorts) > 1 or len(said.rooms) > 1 or said.floors:
            return None
        if said.asks & {"clock", "date"}:
            return _now(said)
        thing = _thing(said, home, area_id)
        if "person" in said.asks:
            other = said.named or said.pasts or said.states or said.verbs
            return None if other else _counted(said, "any", "on", "binary_sensor", "motion")
        if thing is None and (said.things or said.shorts):
            return None
        measured = _measured(said, thing or _heating(said, home), area_id)
        state = self._state(said) if measured is None and not said.complaints else None
        return _whether(said, state, thing, home, area_id) if state else measured

    def _state(self, said: Clause) -> str | None:
        """What is asked for, where it is a question at all."""
        asked = bool(said.asks)
        states = list(dict.fromkeys(said.states))
        if said.pasts:
            return said.pasts[0] if asked and not states and not said.verbs else None
        if "lit" in states or "opened" in states:
            states = [s for s in states if s not in ("lit", "opened")] or states
        if len(states) == 1 and not said.verbs:
            return states[0] if asked or not self._marked else None
        if not states and said.verb and asked and self._marked:
            return _BY_VERB.get(said.verb)
        return None


def _thing(said: Clause, home: Home, area_id: str | None) -> Entity | None:
    ids = next(iter([*said.things, *said.shorts]), ())
    found = [home.entity(i) for i in dict.fromkeys(ids)]
    if len(found) > 1 or said.shorts:
        rooms = said.rooms or [area_id]
        found = [e for e in found if e.area_id in rooms] or found
    if said.rooms and any(e.area_id not in said.rooms for e in found):
        return None
    return found[0] if len(found) == 1 else None


def _now(said: Clause) -> Reading | None:
    """The time, or the date of today."""
    if said.named or said.rooms or said.verbs or said.states or said.pasts or said.props:
        return None
    if said.complaints or said.asks & {"which", "count", "person", "much", "degrees"}:
        return None
    clock = "clock" in said.asks
    return Reading("HassGetCurrentTime" if clock else "HassGetCurrentDate", "default", {}, 1, 0)


def _heating(said: Clause, home: Home) -> Entity | None:
    """The only heating, where what it is set to is asked."""
    asked = "target" in said.props or ("temperature" in said.props and said.verbs)
    asked = asked or said.kinds == ["climate"]
    return _only(["climate"], home) if asked and not said.rooms else None


def _measured(said: Clause, thing: Entity | None, area_id: str | None) -> Reading | None:
    """How warm, how damp, how bright, how many watts."""
    if said.states or said.pasts or said.asks & {"which", "count", "any"}:
        return None
    what = _weather(said) if said.complaints else _quantity(said, thing)
    if what is None:
        return None
    intent, reading = what
    slots = {"reading": reading} if reading else {}
    return _reading(intent, "default", slots, said, thing, area_id)


def _weather(said: Clause) -> tuple[str, str] | None:
    """Whether it is cold or hot somewhere is how warm it is there."""
    if not set(said.complaints) <= {"cold", "hot"} or not said.asks:
        return None
    other = said.named or said.verbs or said.props
    return None if other else ("HassClimateGetTemperature", "")


def _quantity(said: Clause, thing: Entity | None) -> tuple[str, str] | None:
    """The intent that asks for it, and the reading where that names one."""
    props = set(said.props)
    if not _asks_how_much(said) or set(said.verbs) - {"set"}:
        return None
    heating = thing is not None and thing.domain == "climate"
    target = "target" in props or bool(said.verbs) or (heating and "to" in said.marks)
    if target:
        ok = (heating or props & {"temperature", "target"}) and not said.rooms
        return ("AliciaGetTarget", "") if ok else None
    if set(said.kinds) - {"climate", "light"}:
        return None
    if thing is not None and thing.domain in ("light", "switch", "sensor"):
        return _of_thing(said, thing)
    if props == {"humidity"}:
        return "AliciaGetReading", "humidity"
    warm = props <= {"temperature"} and (props or "degrees" in said.asks)
    return ("HassClimateGetTemperature", "") if warm and "light" not in said.kinds else None


def _asks_how_much(said: Clause) -> bool:
    if said.asks & {"degrees", "much", "watts", "tell"} or said.topic:
        return True
    # "The temperature in the bathroom?"
    return ("mark" in said.asks and not said.verbs) or bool(
        said.props and said.rooms and said.ends_in_prop
    )


def _of_thing(said: Clause, thing: Entity) -> tuple[str, str] | None:
    props = set(said.props)
    if thing.domain == "switch":
        power = "power" in props or "watts" in said.asks
        return ("AliciaGetReading", "power_w") if power else None
    if thing.domain == "light":
        bright = "brightness" in props or "much" in said.asks
        return ("AliciaGetReading", "brightness") if bright else None
    if props:
        return None
    damp = can(thing, "humidity")
    return ("AliciaGetReading", "humidity") if damp else ("HassClimateGetTemperature", "")


def _whether(
    said: Clause, state: str, thing: Entity | None, home: Home, area_id: str | None
) -> Reading | None:
    switched, opened, _, played = _STATES[state]
    if thing is not None:
        return _is_so(said, state, thing)
    kinds = list(dict.fromkeys(said.kinds))
    if kinds == ["light"] and switched:
        return _lights(said, switched)
    if kinds == ["window"] and opened:
        kind = "all" if opened == "closed" else "any"
        return _counted(said, kind, opened, "binary_sensor", "window")
    if kinds in (["music"], ["player"]) and (played == "playing" or state == "on"):
        return _counted(said, "any", "playing", "media_player", None)
    if kinds == ["blind"] and opened:
        # Of several none can be asked alone.
        found = of_kind("blind", said, home, area_id)
        return _is_so(said, state, found[0]) if len(found) == 1 else None
    if not kinds and state == "locked":
        kinds = ["lock"]
    only = _only(kinds, home) if len(kinds) == 1 else None
    there = only is not None and (not said.rooms or only.area_id in said.rooms)
    return _is_so(said, state, only) if only is not None and there else None


def _is_so(said: Clause, state: str, thing: Entity) -> Reading | None:
    switched, opened, locked, played = _STATES[state]
    wanted = {
        **dict.fromkeys(_ON_OFF, switched),
        "cover": opened,
        "binary_sensor": opened,
        "lock": locked,
        "media_player": played,
    }.get(thing.domain, "")
    if not wanted or said.asks & {"which", "count"}:
        return None
    return _reading("HassGetState", "one_yesno", {"state": wanted}, said, thing, None)


def _only(kinds: list[str], home: Home) -> Entity | None:
    domain = {"fan": "fan", "climate": "climate", "lock": "lock", "door": "lock"}.get(kinds[0])
    garage = kinds[0] == "garage"
    found = [
        e
        for e in home.entities()
        if e.domain == domain or (garage and e.domain == "cover" and e.protected)
    ]
    return found[0] if len(found) == 1 else None


def _lights(said: Clause, state: str) -> Reading:
    if "which" in said.asks:
        kind = "which"
    elif "count" in said.asks:
        kind = "how_many"
    else:
        kind = "all" if state == "off" else "any"
    return _counted(said, kind, state, "light", None)


def _counted(said: Clause, kind: str, state: str, domain: str, device_class: str | None) -> Reading:
    slots: dict[str, Any] = {"state": state, "domain": domain}
    if device_class:
        slots["device_class"] = device_class
    made = {key: Slot(value, "") for key, value in slots.items()}
    if said.rooms:
        made["area"] = Slot(said.rooms[0], said.rooms[0])
    return Reading("HassGetState", kind, made, 1, 0)


def _reading(
    intent: str,
    response: str,
    slots: dict[str, Any],
    said: Clause,
    thing: Entity | None,
    area_id: str | None,
) -> Reading:
    made = {key: Slot(value, "") for key, value in slots.items()}
    if thing is not None:
        made["name"] = Slot(thing.entity_id, thing.name)
    elif said.rooms:
        made["area"] = Slot(said.rooms[0], said.rooms[0])
    else:
        made["area"] = Slot(area_id or HERE_UNKNOWN, "")
    return Reading(intent, response, made, 1, 0)
