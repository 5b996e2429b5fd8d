"""Wishes: what is to be done, how much and to which kind of thing, in no words; and its act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.gist_words import Amount, Concepts

_VERBS = ("on", "off", "open", "close", "up", "down", "play", "stop", "mute", "unmute")
_STATES = {
    "state_on": "on",
    "state_off": "off",
    "state_open": "open",
    "state_closed": "close",
    "state_up": "up",
    "state_down": "down",
}
KINDS = ("light", "lamp", "brightness", "blind", "music", "volume", "temperature", "speed")
_TARGETS = ("name", "area", "floor", *KINDS, "everything")
_HALF = 50.0
_IMPLIED = {
    "brighter": ("light", "more"),
    "dark": ("light", "more"),
    "dimmer": ("light", "less"),
    "warmer": ("temperature", "more"),
    "cooler": ("temperature", "less"),
    "louder": ("volume", "more"),
    "quieter": ("volume", "less"),
}
_SILENCES = {"mute": "mute", "unmute": "unmute", "stop": "pause", "off": "pause"}

Acts = Mapping[str, Act]


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
    sound: bool = False
    music: bool = False

    @property
    def unit(self) -> str:
        return self.amount.unit if self.amount else ""

    @property
    def plain(self) -> bool:
        """Nothing but a verb."""
        return not (self.amount or self.level or self.way or self.tinted or self.bit)

    @property
    def tinted(self) -> bool:
        return bool(self.color) or self.tone is not None

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
class Do:
    act: Act
    value: str | float | None = None


def _implied(found: Concepts) -> None:
    """More light for "brighter", where nothing else was said that could be so."""
    for kind, (what, way) in _IMPLIED.items():
        if kind == "dark" and "on" in found:
            continue  # It is the reason, not by how much.
        for concept in found.of(kind):
            found.add(replace(concept, kind=way))
            if "name" not in found and not found.among(KINDS):
                found.add(replace(concept, kind=what))


def wish_of(found: Concepts) -> Wish | None:
    """The wish of a sentence; None where its words contradict each other."""
    _implied(found)
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
        sound="volume" in found,
        music="music" in found,
    )


def light(wish: Wish, acts: Acts) -> Do | None:
    """Of one light, or of a room's."""
    if wish.verb in ("open", "close", "play", "stop", "mute", "unmute") or wish.unit == "degree":
        return None
    if wish.tinted:
        return _tint(wish, acts)
    if wish.verb == "off":
        return Do(acts["off"]) if wish.plain else None
    if wish.amount or wish.level or wish.way:
        return _brightness(wish, acts)
    return Do(acts["on"]) if wish.verb == "on" or wish.put else None


def _tint(wish: Wish, acts: Acts) -> Do | None:
    if wish.verb not in ("", "on") or wish.amount or wish.level or wish.way:
        return None
    return Do(acts["color"], wish.color) if wish.color else Do(acts["tone"], wish.tone)


def _brightness(wish: Wish, acts: Acts) -> Do | None:
    if wish.amount is not None and wish.unit == "kelvin":
        return Do(acts["tone"], wish.amount.value) if not wish.way else None
    if (step := _stepped(wish, acts["brighter"])) is not None:
        return step
    if wish.to is not None:
        return Do(acts["brightness"], wish.to)
    if wish.level:
        wrong = {"full": -1, "least": 1}[wish.level]
        return Do(acts[wish.level]) if wish.way != wrong else None
    return Do(acts["brighter" if wish.way > 0 else "dimmer"]) if not wish.amount else None


def _stepped(wish: Wish, act: Act, slot: str = "step") -> Do | None:
    if wish.by is None:
        return None
    slots = {slot: "up" if wish.by > 0 else "down", "amount": abs(wish.by)}
    return Do(replace(act, slots={**act.slots, **slots}))


def cover(wish: Wish, acts: Acts) -> Do | None:
    """Of one blind, or of a room's."""
    if wish.verb not in ("", "open", "close", "up", "down") or wish.tinted:
        return None
    if wish.amount is not None or wish.level == "half":
        return _position(wish, acts)
    if not wish.verb or wish.level == "least":
        return None
    keys = ("raise", "lower") if wish.bit else ("open", "close")
    return Do(acts[keys[0 if wish.verb in ("open", "up") else 1]])


def _position(wish: Wish, acts: Acts) -> Do | None:
    if wish.amount is None:
        return Do(acts["position"], _HALF)
    value, mode = wish.amount.value, wish.amount.mode
    if wish.unit == "degree" or (not mode and wish.verb in ("up", "down")):
        return None
    if mode == "by" and wish.verb:
        act = acts["raise" if wish.verb in ("open", "up") else "lower"]
        return Do(replace(act, slots={**act.slots, "amount": value}))
    return Do(acts["position"], value)


def climate(wish: Wish, acts: Acts) -> Do | None:
    """Of the heating."""
    if wish.tinted or wish.level or wish.verb not in ("", "on", "off", "up", "down"):
        return None
    if wish.amount is not None:
        if wish.unit == "percent" or wish.verb == "off":
            return None
        step = _stepped(wish, acts["warmer"])
        return step or (Do(acts["temperature"], wish.to) if wish.to is not None else None)
    if wish.verb in ("on", "off"):
        return Do(acts[wish.verb]) if wish.plain else None
    if wish.way:
        return Do(acts["warmer" if wish.way > 0 else "cooler"])
    return Do(acts["on"]) if wish.put and wish.plain and "on" in acts else None


def _fan(wish: Wish, acts: Acts) -> Do | None:
    if wish.tinted or wish.verb not in ("", "on", "off", "up", "down"):
        return None
    if wish.verb == "off":
        return Do(acts["off"]) if wish.plain else None
    if wish.by is not None or wish.unit == "degree":
        return None
    if wish.to is not None:
        return Do(acts["speed"], wish.to)
    if wish.level or wish.way or wish.amount:
        return Do(acts["fan_full"]) if wish.level == "full" and wish.way >= 0 else None
    return Do(acts["on"]) if wish.verb == "on" or wish.put else None


def _switch(wish: Wish, acts: Acts) -> Do | None:
    verb = {"stop": "off", "play": "on"}.get(wish.verb, wish.verb)
    if not verb and wish.put:
        verb = "on"
    return Do(acts[verb]) if wish.plain and verb in ("on", "off") else None


def player(wish: Wish, acts: Acts) -> Do | None:
    """Of a speaker, or of what plays in a room."""
    if wish.tinted or wish.verb in ("open", "close") or wish.unit == "degree":
        return None
    if wish.verb in _SILENCES:
        key = "mute" if wish.sound and wish.verb == "off" else _SILENCES[wish.verb]
        return Do(acts[key]) if wish.plain else None
    if wish.amount or wish.level:
        return _volume(wish, acts)
    if wish.way:
        return Do(acts["louder" if wish.way > 0 else "quieter"])
    plays = wish.verb in ("play", "on") or (wish.music and not wish.verb)
    return Do(acts["play"]) if plays and not wish.sound else None


def _volume(wish: Wish, acts: Acts) -> Do | None:
    if (step := _stepped(wish, acts["louder"], "volume_step")) is not None:
        return step
    if wish.to is not None:
        return Do(acts["volume"], wish.to)
    return Do(acts["volume"], 100.0) if wish.level == "full" and wish.way >= 0 else None


LIGHT: Acts = {
    **{key: NAMED[key] for key in ("on", "off", "brightness", "brighter", "dimmer")},
    **{key: NAMED[key] for key in ("color", "tone", "full")},
    "least": NAMED["dimmest"],
}
LIGHTS: Acts = {
    **{key: PLACED[f"lights_{key}"] for key in ("on", "off", "brightness", "brighter", "dimmer")},
    **{key: PLACED[f"lights_{key}"] for key in ("color", "tone", "full")},
    "least": PLACED["lights_dimmest"],
}
BLINDS: Acts = {
    key: PLACED[f"blinds_{key}"] for key in ("open", "close", "position", "raise", "lower")
}
_OF_DOMAIN: Mapping[str, tuple[Callable[[Wish, Acts], Do | None], Acts]] = {
    "light": (light, LIGHT),
    "cover": (cover, NAMED),
    "climate": (climate, NAMED),
    "fan": (_fan, NAMED),
    "switch": (_switch, NAMED),
    "media_player": (player, NAMED),
}


def of_thing(domain: str, wish: Wish) -> Do | None:
    """What to do to a thing of this kind; None where the wish is none for it."""
    decide, acts = _OF_DOMAIN.get(domain, (None, NAMED))
    return decide(wish, acts) if decide and not wish.feels else None
