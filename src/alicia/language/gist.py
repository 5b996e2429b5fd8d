"""Gist: a command from what its words say, whatever their order; none of them may be left over.

concepts -> whom it is about, what to do and how much -> an act -> a plan
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from alicia.contracts.devices import Entity
from alicia.home.model import Home, names_of
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.candidates import fits
from alicia.language.concepts import Amount, Concepts, Reader, lexicon
from alicia.language.gist_questions import asked
from alicia.language.grammar import HERE_UNKNOWN, Reading, Slot
from alicia.language.intents import plan
from alicia.language.plan import Plan
from alicia.language.tables import Tables
from alicia.language.wording import Wording

_VERBS = ("on", "off", "open", "close", "up", "down", "play", "stop", "mute", "unmute")
_STATES = {
    "state_on": "on",
    "state_off": "off",
    "state_open": "open",
    "state_closed": "close",
    "state_up": "up",
    "state_down": "down",
}
_KINDS = ("light", "lamp", "brightness", "blind", "music", "volume", "temperature", "speed")
_TARGETS = ("name", "area", "floor", *_KINDS, "everything")
_ASKING = ("ask", "is", "door", "window")
_HALF = 50.0
_IMPLIED = {
    "brighter": ("light", "more"),
    "dimmer": ("light", "less"),
    "warmer": ("temperature", "more"),
    "cooler": ("temperature", "less"),
    "louder": ("volume", "more"),
    "quieter": ("volume", "less"),
}


@dataclass(frozen=True)
class Wish:
    """What is to be done, in no words."""

    verb: str = ""
    put: bool = False
    """Only that it should be, be put or be given: it is on then."""
    amount: Amount | None = None
    level: str = ""
    """`full`, `least`, `half`."""
    way: int = 0
    """1 for more, -1 for less."""
    bit: bool = False
    color: str = ""
    tone: float | None = None
    feels: int = 0
    """1 where somebody is cold, -1 where hot."""

    @property
    def by(self) -> float | None:
        """By how much up or down; None where that was not said."""
        if self.amount is None or not self.way or self.amount.mode == "to":
            return None
        return self.way * self.amount.value

    @property
    def to(self) -> float | None:
        """To how much; None where that was not said."""
        if self.amount is not None:
            return self.amount.value if self.by is None else None
        return _HALF if self.level == "half" else None


@dataclass(frozen=True)
class _Do:
    act: Act
    value: str | float | None = None


class Gist:
    """One language's; it understands nothing in a language that has no lexicon of its own."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        self._language = tables.language
        words = lexicon(tables.language)
        self._reader = Reader(tables, wording, words) if words else None
        self._reasons = [re.compile(pattern) for pattern in (words or {}).get("reasons", [])]

    def use(self, home: Home) -> None:
        if self._reader:
            self._reader.use(home)

    def reasonless(self, tidied: str) -> Iterator[str]:
        """The sentence without the reason that was given with it: "it's cold, close the blinds"."""
        for pattern in self._reasons:
            if (found := pattern.search(tidied)) and found["rest"].strip(" ,"):
                yield found["rest"].strip(" ,")

    def plan(self, tidied: str, home: Home, area_id: str | None) -> Plan | None:
        """What a tidied sentence asks for; None where that is not clear from each of its words.

        Raises what `intents.plan` does. What is protected is never acted on.
        """
        found = self._reader.concepts(tidied) if self._reader else None
        if not found or not found.found:
            return None
        reading = asked(found, home, area_id)
        if reading is not None:
            return plan(reading, home)
        if any(kind.startswith(_ASKING) for kind in found.found):
            return None
        _implied(found)
        wish = _wish(found)
        reading = self._reading(found, wish, home, area_id) if wish else None
        return plan(reading, home) if reading else None

    def _reading(
        self, found: Concepts, wish: Wish, home: Home, area_id: str | None
    ) -> Reading | None:
        if any(len(found.of(kind)) > 1 for kind in ("name", "area", "floor", "color", "tone")):
            return None
        named = found.of("name")
        if named:
            if "everything" in found or "floor" in found:
                return None
            entity = _the_one(named[0].value, found, home, area_id)
            return _about(entity, found, wish, named[0].text) if entity else None
        if "lamp" in found and not found.among(("all", "light", "floor")):
            lamp = self._lamp(found, home, area_id)
            return _about(lamp, found, wish, names_of(lamp, self._language)[0]) if lamp else None
        return _placed(found, wish, home, area_id)

    def _lamp(self, found: Concepts, home: Home, area_id: str | None) -> Entity | None:
        """The one of a room that "the lamp" can mean; None where it may be several, or none."""
        reader = self._reader
        area = found.of("area")[0].value[0] if "area" in found else area_id
        lights = [e for e in home.entities(area_id=area) if e.domain == "light"] if area else []
        if len(lights) == 1 or reader is None:
            return lights[0] if lights else None
        word = found.of("lamp")[0].text
        names = {e.entity_id: names_of(e, self._language)[0] for e in lights}
        so = [e for e in lights if reader.named_so(word, names[e.entity_id])]
        called = so or [e for e in lights if reader.named_by("lamp", names[e.entity_id])]
        return called[0] if len(called) == 1 else None


def _implied(found: Concepts) -> None:
    """"Brighter" is more light, where nothing else was said that could be brighter."""
    for kind, (what, way) in _IMPLIED.items():
        for concept in found.of(kind):
            found.add(replace(concept, kind=way))
            if "name" not in found and not found.among(_KINDS):
                found.add(replace(concept, kind=what))


def _wish(found: Concepts) -> Wish | None:
    """None where the words contradict each other."""
    verbs = found.among(_VERBS)
    states = found.among(tuple(_STATES))
    if len(verbs) > 1 or len(states) > 1 or len(found.of("number")) > 1:
        return None
    verb = verbs[0] if verbs else ""
    if states:
        meant = _STATES[states[0]]
        # "Off the light is" tells; "the light off" and "leave off the light" ask.
        after = found.last(states) > found.last(_TARGETS)
        if verb not in ("", meant) or not (after or "keep" in found or "put" in found):
            return None
        verb = meant
    levels = found.among(("full", "least", "half"))
    ways = found.among(("more", "less"))
    feels = found.among(("cold", "hot"))
    if len(levels) > 1 or len(ways) > 1 or len(feels) > 1:
        return None
    way = {"up": 1, "down": -1}.get(verb, 0)
    if ways and not way:
        way = 1 if ways[0] == "more" else -1
    if verb in ("up", "down") and ways == ["less"] and verb == "up":
        return None
    return Wish(
        verb=verb,
        put="put" in found,
        amount=found.of("number")[0].value if "number" in found else None,
        level=levels[0] if levels else "",
        way=way,
        bit="bit" in found,
        color=found.of("color")[0].value if "color" in found else "",
        tone=float(found.of("tone")[0].value) if "tone" in found else None,
        feels={"cold": 1, "hot": -1}[feels[0]] if feels else 0,
    )


def _the_one(
    ids: tuple[str, ...], found: Concepts, home: Home, area_id: str | None
) -> Entity | None:
    """Who has the name: in the room that was said, or else here."""
    every = [home.entity(one) for one in ids]
    if "area" in found:
        every = [e for e in every if e.area_id == found.of("area")[0].value[0]]
    elif len(every) > 1:
        every = [e for e in every if area_id and e.area_id == area_id]
    return every[0] if len(every) == 1 else None


def _about(entity: Entity, found: Concepts, wish: Wish, name: str) -> Reading | None:
    if entity.protected or wish.feels:
        return None
    do = _OF_DOMAIN.get(entity.domain, lambda _f, _w: None)(found, wish)
    if do is None or not fits(entity, do.act):
        return None
    return _made(do, {"name": Slot(entity.entity_id, name)})


def _made(do: _Do, slots: dict[str, Slot]) -> Reading:
    every = {key: Slot(value, "") for key, value in do.act.slots.items()} | slots
    if do.act.takes and do.value is not None:
        every[do.act.takes] = Slot(do.value, f"{do.value}")
    return Reading(do.act.intent, do.act.response, every, 1, 0)


def _light(_found: Concepts, wish: Wish, acts: dict[str, Act] | None = None) -> _Do | None:
    acts = acts or _LIGHT_ACTS
    if wish.amount is not None and wish.amount.unit == "degree":
        return None
    if wish.verb in ("open", "close", "play", "stop", "mute", "unmute"):
        return None
    if wish.color or wish.tone is not None:
        if wish.verb not in ("", "on") or wish.amount or wish.level or wish.way:
            return None
        return _Do(acts["color"], wish.color) if wish.color else _Do(acts["tone"], wish.tone)
    if wish.verb == "off":
        return _Do(acts["off"]) if _plain(wish) else None
    if wish.amount is not None and wish.amount.unit == "kelvin":
        return _Do(acts["tone"], wish.amount.value) if not wish.way else None
    if (step := _stepped(wish, acts["brighter"])) is not None:
        return step
    if wish.to is not None:
        return _Do(acts["brightness"], wish.to)
    if wish.amount is not None:
        return None
    if wish.level:
        wrong = {"full": -1, "least": 1}[wish.level]
        return _Do(acts[wish.level]) if wish.way != wrong else None
    if wish.way:
        return _Do(acts["brighter" if wish.way > 0 else "dimmer"]) if wish.verb != "on" else None
    return _Do(acts["on"]) if wish.verb == "on" or wish.put else None


def _stepped(wish: Wish, act: Act, slot: str = "step") -> _Do | None:
    if wish.by is None:
        return None
    return _Do(replace(act, slots={**act.slots, slot: wish.by}))


def _plain(wish: Wish) -> bool:
    """Nothing but a verb."""
    return not (
        wish.amount or wish.level or wish.way or wish.color or wish.tone is not None or wish.bit
    )


def _cover(_found: Concepts, wish: Wish, acts: dict[str, Act] | None = None) -> _Do | None:
    acts = acts or {key: NAMED[key] for key in ("open", "close", "position", "raise", "lower")}
    if wish.verb not in ("", "open", "close", "up", "down"):
        return None
    if wish.color or wish.tone is not None or (wish.amount and wish.amount.unit == "degree"):
        return None
    opens = wish.verb in ("open", "up")
    if wish.amount is not None and (wish.amount.mode == "by" or wish.amount.mode == ""):
        if wish.verb and wish.amount.mode == "by":
            by = wish.amount.value if opens else -wish.amount.value
            act = acts["raise"]
            return _Do(replace(act, slots={**act.slots, "step": by}))
        if wish.verb in ("up", "down"):
            return None
    if wish.amount is not None or wish.level == "half":
        value = wish.amount.value if wish.amount else _HALF
        return _Do(acts["position"], value)
    if not wish.verb or wish.level == "least":
        return None
    if wish.bit:
        return _Do(acts["raise" if opens else "lower"])
    return _Do(acts["open" if opens else "close"])


def _climate(_found: Concepts, wish: Wish) -> _Do | None:
    if wish.color or wish.tone is not None or wish.level:
        return None
    if wish.amount is not None:
        if wish.amount.unit == "percent" or wish.verb not in ("", "on", "up", "down"):
            return None
        step = _stepped(wish, NAMED["warmer"])
        return step or (_Do(NAMED["temperature"], wish.to) if wish.to is not None else None)
    if wish.verb in ("on", "off"):
        return _Do(NAMED[wish.verb]) if _plain(wish) else None
    if wish.way:
        return _Do(NAMED["warmer" if wish.way > 0 else "cooler"])
    return _Do(NAMED["on"]) if wish.put and not wish.verb and _plain(wish) else None


def _fan(_found: Concepts, wish: Wish) -> _Do | None:
    if wish.color or wish.tone is not None or wish.verb not in ("", "on", "off", "up", "down"):
        return None
    if wish.verb == "off":
        return _Do(NAMED["off"]) if _plain(wish) else None
    if wish.amount is not None and (wish.by is not None or wish.amount.unit == "degree"):
        return None
    if wish.to is not None:
        return _Do(NAMED["speed"], wish.to)
    if wish.level == "full" and wish.way >= 0:
        return _Do(NAMED["fan_full"])
    if wish.level or wish.way or wish.amount:
        return None
    return _Do(NAMED["on"]) if wish.verb == "on" or wish.put else None


def _switch(_found: Concepts, wish: Wish) -> _Do | None:
    if not _plain(wish):
        return None
    verb = {"stop": "off", "play": "on"}.get(wish.verb, wish.verb)
    if verb in ("on", "off"):
        return _Do(NAMED[verb])
    return _Do(NAMED["on"]) if wish.put and not verb else None


def _player(found: Concepts, wish: Wish, acts: dict[str, Act] = NAMED) -> _Do | None:
    if wish.color or wish.tone is not None or wish.verb in ("open", "close"):
        return None
    if wish.amount is not None and wish.amount.unit == "degree":
        return None
    if wish.verb in ("mute", "unmute"):
        return _Do(acts[wish.verb]) if _plain(wish) else None
    if wish.verb in ("stop", "off"):
        if not _plain(wish):
            return None
        silence = "volume" in found and wish.verb == "off"
        return _Do(acts["mute" if silence else "pause"])
    if (step := _stepped(wish, acts["louder"], "volume_step")) is not None:
        return step
    if wish.to is not None:
        return _Do(acts["volume"], wish.to)
    if wish.amount is not None:
        return None
    if wish.level in ("full", "least"):
        return _Do(acts["volume"], 100.0) if wish.level == "full" and wish.way >= 0 else None
    if wish.way:
        return _Do(acts["louder" if wish.way > 0 else "quieter"])
    plays = wish.verb in ("play", "on") or (wish.put and "music" in found)
    return _Do(acts["play"]) if plays and "volume" not in found else None


_LIGHT_ACTS = {
    **{key: NAMED[key] for key in ("on", "off", "brightness", "brighter", "dimmer")},
    **{key: NAMED[key] for key in ("color", "tone", "full")},
    "least": NAMED["dimmest"],
}
_OF_DOMAIN = {
    "light": _light,
    "cover": _cover,
    "climate": _climate,
    "fan": _fan,
    "switch": _switch,
    "media_player": _player,
}


def _placed(
    found: Concepts, wish: Wish, home: Home, area_id: str | None
) -> Reading | None:
    """About a room, a floor, the room one is in, or the whole home."""
    do = _in_place(found, wish)
    if do is None:
        return None
    if "area" in found:
        area = found.of("area")[0]
        there = home.entities(area_id=area.value[0])
        everything = "everything" in found
        if not everything and not any(fits(e, do.act) and not e.protected for e in there):
            return None
        return _made(do, {"area": Slot(area.value[0], area.text)})
    if "floor" in found:
        floor = found.of("floor")[0]
        return _made(do, {"floor": Slot(floor.value[0], floor.text)})
    whole = "all" in found or "house" in found or ("everything" in found and "here" not in found)
    if whole and "here" not in found and do.act.intent != "HassClimateSetTemperature":
        return _made(do, {})
    return _made(do, {"area": Slot(area_id or HERE_UNKNOWN, "")})


def _in_place(found: Concepts, wish: Wish) -> _Do | None:
    kinds = set(found.among(_KINDS))
    if wish.feels:
        alone = not kinds and not wish.verb and wish.amount is None
        return _Do(PLACED["warmer" if wish.feels > 0 else "cooler"]) if alone else None
    if "everything" in found:
        if kinds or wish.verb not in ("on", "off") or not _plain(wish):
            return None
        return _Do(PLACED[f"everything_{wish.verb}"])
    if kinds <= {"light", "lamp", "brightness"} and (
        kinds or wish.color or wish.tone is not None or _lit(found, wish)
    ):
        return _lights(found, wish, kinds)
    if kinds == {"blind"}:
        return _cover(found, wish, _BLIND_ACTS)
    if kinds and kinds <= {"music", "volume"}:
        return _player(found, wish, PLACED)
    degrees = wish.amount is not None and wish.amount.unit == "degree"
    if kinds == {"temperature"} or (not kinds and (degrees or wish.level == "")):
        return _warmth(wish, degrees=degrees, said=bool(kinds))
    return None


def _lit(found: Concepts, wish: Wish) -> bool:
    """"Turn on the garden", "turn it on in here": lights are what a room has."""
    return wish.verb in ("on", "off") and bool(found.among(("area", "floor", "here")))


def _lights(found: Concepts, wish: Wish, kinds: set[str]) -> _Do | None:
    do = _light(found, wish, _LIGHTS_ACTS)
    alone = not found.among(("all", "area", "floor", "house"))
    if do is None and kinds == {"light"} and alone and _plain(wish) and not wish.verb:
        return _Do(_LIGHTS_ACTS["on"])  # "Light, please."
    return do


def _warmth(wish: Wish, *, degrees: bool, said: bool) -> _Do | None:
    if wish.verb not in ("", "up", "down") or wish.color or wish.tone is not None:
        return None
    if wish.amount is not None:
        if not degrees and not said or wish.amount.unit == "percent":
            return None
        step = _stepped(wish, PLACED["warmer"])
        return step or (_Do(PLACED["temperature"], wish.to) if wish.to is not None else None)
    return _Do(PLACED["warmer" if wish.way > 0 else "cooler"]) if said and wish.way else None


_LIGHTS_ACTS = {
    **{key: PLACED[f"lights_{key}"] for key in ("on", "off", "brightness", "brighter", "dimmer")},
    **{key: PLACED[f"lights_{key}"] for key in ("color", "tone", "full")},
    "least": PLACED["lights_dimmest"],
}
_BLIND_ACTS = {
    key: PLACED[f"blinds_{key}"] for key in ("open", "close", "position", "raise", "lower")
}
