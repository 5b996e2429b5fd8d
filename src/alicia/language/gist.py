"""Gist: a command from what its words say, whatever their order; none of them may be left over.

concepts -> whom it is about, what to do and how much -> an act -> a plan
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from alicia.contracts.conversation import Topic
from alicia.contracts.devices import Entity
from alicia.home.model import Home, names_of
from alicia.language import gist_wishes
from alicia.language.acts import PLACED
from alicia.language.candidates import fits
from alicia.language.gist_questions import asked
from alicia.language.gist_wishes import KINDS, Do, Wish, wish_of
from alicia.language.gist_words import Concepts, Reader, lexicon
from alicia.language.grammar import HERE_UNKNOWN, Reading, Slot
from alicia.language.intents import plan
from alicia.language.plan import Plan
from alicia.language.tables import Tables
from alicia.language.wording import Wording

_OF_IT = frozenset(
    ("on", "off", "open", "close", "up", "down", "number", "full", "least", "half", "more", "less")
) | {"bit", "color", "tone", "brighter", "dimmer", "louder", "quieter", "put", "keep"}
"""What may be said of "it", and of nothing else."""
_ASKING = ("ask", "is", "door", "window")


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
        wish = wish_of(found)
        reading = self._reading(found, wish, home, area_id) if wish else None
        return plan(reading, home) if reading else None

    def about_it(self, tidied: str, topic: Topic, home: Home) -> Plan | None:
        """What is asked of what the turn before acted on: "turn it off again", in other words.

        None where anything is named, or any of those can't do it or is protected. Raises what
        `intents.plan` does.
        """
        found = self._reader.concepts(tidied) if self._reader and not topic.which else None
        if not found or not found.found or set(found.found) - _OF_IT:
            return None
        wish = wish_of(found)
        entities = list(dict.fromkeys(e for action in topic.actions for e in action.entities))
        if wish is None or not entities:
            return None
        plans: list[Plan] = []
        for entity in map(home.find, entities):
            name = names_of(entity, self._language)[0] if entity else ""
            reading = _about(entity, wish, name) if entity else None
            if reading is None:
                return None
            plans.append(plan(reading, home))
        actions = tuple(action for one in plans for action in one.actions)
        return replace(plans[0], actions=actions)

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
            return _about(entity, wish, named[0].text) if entity else None
        if "lamp" in found and not found.among(("all", "light", "floor")):
            lamp = self._lamp(found, home, area_id)
            return _about(lamp, wish, names_of(lamp, self._language)[0]) if lamp else None
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


def _about(entity: Entity, wish: Wish, name: str) -> Reading | None:
    do = gist_wishes.of_thing(entity.domain, wish)
    if entity.protected or do is None or not fits(entity, do.act):
        return None
    return _made(do, {"name": Slot(entity.entity_id, name)})


def _made(do: Do, slots: dict[str, Slot]) -> Reading:
    every = {key: Slot(value, "") for key, value in do.act.slots.items()} | slots
    if do.act.takes and do.value is not None:
        every[do.act.takes] = Slot(do.value, f"{do.value}")
    return Reading(do.act.intent, do.act.response, every, 1, 0)


def _placed(found: Concepts, wish: Wish, home: Home, area_id: str | None) -> Reading | None:
    """About a room, a floor, the room one is in, or the whole home."""
    do = _in_place(found, wish)
    if do is None:
        return None
    if "area" in found:
        area = found.of("area")[0]
        there = home.entities(area_id=area.value[0])
        if "everything" not in found and not any(
            fits(e, do.act) and not e.protected for e in there
        ):
            return None
        return _made(do, {"area": Slot(area.value[0], area.text)})
    if "floor" in found:
        floor = found.of("floor")[0]
        return _made(do, {"floor": Slot(floor.value[0], floor.text)})
    whole = bool(found.among(("all", "house", "everything"))) and "here" not in found
    if whole and do.act.intent != "HassClimateSetTemperature":
        return _made(do, {})
    return _made(do, {"area": Slot(area_id or HERE_UNKNOWN, "")})


def _in_place(found: Concepts, wish: Wish) -> Do | None:
    kinds = set(found.among(KINDS))
    if wish.feels:
        alone = not kinds and not wish.verb and wish.amount is None
        return Do(PLACED["warmer" if wish.feels > 0 else "cooler"]) if alone else None
    if "everything" in found:
        known = not kinds and wish.verb in ("on", "off") and wish.plain
        return Do(PLACED[f"everything_{wish.verb}"]) if known else None
    if kinds <= {"light", "lamp", "brightness"} and (kinds or wish.tinted or _lit(found, wish)):
        return _lights(found, wish, kinds)
    if kinds == {"blind"}:
        return gist_wishes.cover(wish, gist_wishes.BLINDS)
    if kinds and kinds <= {"music", "volume"}:
        return gist_wishes.player(wish, PLACED)
    return _warmth(wish, kinds)


def _lit(found: Concepts, wish: Wish) -> bool:
    """Whether lights are meant: "turn on the garden", "turn it on in here"."""
    return wish.verb in ("on", "off") and bool(found.among(("area", "floor", "here")))


def _lights(found: Concepts, wish: Wish, kinds: set[str]) -> Do | None:
    do = gist_wishes.light(wish, gist_wishes.LIGHTS)
    alone = not found.among(("all", "area", "floor", "house"))
    if do is None and kinds == {"light"} and alone and wish.plain and not wish.verb:
        return Do(gist_wishes.LIGHTS["on"])  # "Light, please."
    return do


def _warmth(wish: Wish, kinds: set[str]) -> Do | None:
    degrees = not kinds and wish.unit == "degree"
    if (kinds != {"temperature"} and not degrees) or wish.verb not in ("", "up", "down"):
        return None
    return gist_wishes.climate(wish, PLACED) if wish.amount or wish.way else None
