"""Effects: what a clause does to a thing of each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alicia.contracts.devices import Entity, Value
from alicia.language.clause import Clause
from alicia.language.intents import (
    BRIGHTNESS_STEP,
    POSITION_STEP,
    TEMPERATURE_STEP,
    VOLUME_STEP,
)
from alicia.language.targets import can

_SPEED_STEP = 20.0
_ON = frozenset({"on", "start", "run", "play", "light_on"})
_OFF = frozenset({"off", "shut", "stop", "drop", "light_off"})
_LEVELS = {"max": 100.0, "half": 50.0}
_DIMMEST = 1.0
_COMPLAINTS = {
    "dark": ("light", 1),
    "bright": ("light", -1),
    "cold": ("climate", 1),
    "hot": ("climate", -1),
    "loud": ("media_player", -1),
    "quiet": ("media_player", 1),
}


@dataclass(frozen=True)
class Effect:
    intent: str
    capability: str
    value: Value
    relative: bool = False


def effect(entity: Entity, said: Clause) -> Effect | None:
    """What it is told; None where that makes no sense for such a thing."""
    verb = said.verb
    if verb is None or len(said.numbers) > 1 or len(set(said.levels)) > 1:
        return None
    if said.numbers and said.levels:
        return None
    of_kind = _BY_DOMAIN.get(entity.domain)
    if of_kind is None:
        return None
    if not verb and said.complaints and not (said.numbers or said.levels or said.colors):
        complained = _complained(entity, said)
        return complained if complained and can(entity, complained.capability) else None
    found = of_kind(entity, said, verb)
    return found if found and can(entity, found.capability) else None


_ABOUT: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    (
        "media_player",
        frozenset({"volume"}),
        frozenset({"louder", "quieter", "mute", "unmute"}),
    ),
    ("climate", frozenset({"temperature", "target"}), frozenset({"warmer", "cooler"})),
    ("fan", frozenset({"speed"}), frozenset()),
    (
        "light",
        frozenset({"brightness"}),
        frozenset({"brighter", "dimmer", "light_on", "light_off"}),
    ),
    ("lock", frozenset(), frozenset({"lock"})),
)
"""By domain: what is measured, and what is done, that is about no other."""


def about(said: Clause) -> str | None:
    """The domain of what is told where nothing is named: "brighter" is about lights."""
    for domain, props, verbs in _ABOUT:
        if (said.props and set(said.props) <= props) or (said.verb in verbs and not said.props):
            return domain
    if said.unit == "degree":
        return "climate"
    if (said.colors or said.tones) and said.verb not in ("", "want"):
        return "light"
    if said.complaints and not said.verb:
        return _COMPLAINTS[said.complaints[0]][0]
    return None


def _complained(entity: Entity, said: Clause) -> Effect | None:
    if len(set(said.complaints)) > 1:
        return None
    domain, way = _COMPLAINTS[said.complaints[0]]
    return _step(entity, way) if entity.domain == domain else None


def _step(entity: Entity, way: int, by: float | None = None) -> Effect:
    intent, capability, size = {
        "light": ("AliciaLightStep", "brightness", BRIGHTNESS_STEP),
        "climate": ("AliciaClimateStep", "target_temperature", TEMPERATURE_STEP),
        "media_player": ("HassSetVolumeRelative", "volume", VOLUME_STEP),
        "fan": ("HassFanSetSpeed", "speed", _SPEED_STEP),
        "cover": ("AliciaCoverStep", "position", POSITION_STEP),
    }[entity.domain]
    return Effect(intent, capability, way * (size if by is None else by), relative=True)


def _switched(verb: str) -> Effect | None:
    if verb in _ON:
        return Effect("HassTurnOn", "power", value=True)
    if verb in _OFF:
        return Effect("HassTurnOff", "power", value=False)
    return None


def _measure(entity: Entity, said: Clause, intent: str, capability: str) -> Effect | None:
    """To a number, or by it; to the most or to a half; a bit more or less."""
    way = said.direction
    if said.numbers:
        if way and not said.aimed:
            return _step(entity, way, said.numbers[0])
        return Effect(intent, capability, said.numbers[0])
    for level in said.levels:
        if level in _LEVELS:
            return Effect(intent, capability, _LEVELS[level])
        return Effect(intent, capability, _DIMMEST) if capability == "brightness" else None
    return _step(entity, way) if way else None


def _light(entity: Entity, said: Clause, verb: str) -> Effect | None:
    if said.unit == "degree" or set(said.props) - {"brightness", "color", "mains"}:
        return None
    if said.colors or said.tones:
        return _colored(said, verb)
    if said.numbers or said.levels or said.direction:
        return _dimmed(entity, said, verb)
    if verb == "drop" and ("brightness" in said.props or said.marks & {"bit", "little"}):
        return _step(entity, -1)
    return _switched(verb) if "brightness" not in said.props else None


def _colored(said: Clause, verb: str) -> Effect | None:
    if said.numbers or said.levels or verb not in ("", "set", "want", "on", "start", "light_on"):
        return None
    if len(said.colors) + len(said.tones) > 1:
        return None
    if said.colors:
        return Effect("HassLightSet", "color", said.colors[0])
    return Effect("HassLightSet", "color_temperature", float(said.tones[0]))


def _dimmed(entity: Entity, said: Clause, verb: str) -> Effect | None:
    if verb in _OFF - {"drop"} or verb in ("open", "close", "lock", "unlock"):
        return None
    if verb == "drop" and not said.aimed:
        return None
    return _measure(entity, said, "HassLightSet", "brightness")


def _cover(entity: Entity, said: Clause, verb: str) -> Effect | None:
    if said.unit == "degree" or said.colors or said.tones or set(said.props) - {"mains"}:
        return None
    way = (verb in ("open", "start", "up")) - (verb in ("close", "shut", "down"))
    told = bool(said.numbers or said.levels or "little" in said.marks)
    if told and not entity.protected:
        return _partly(entity, said, verb, way)
    if told or not way:
        return None
    return _moved(way)


def _partly(entity: Entity, said: Clause, verb: str, way: int) -> Effect | None:
    """To a number or a half, to its end, or a bit."""
    found: Effect | None = None
    if said.numbers:
        by = verb in ("up", "down") and not said.aimed
        if not by and (way or verb == "set" or (not verb and said.unit)):
            found = Effect("HassSetPosition", "position", said.numbers[0])
    elif said.levels == ["half"]:
        if way or verb in ("", "set"):
            found = Effect("HassSetPosition", "position", 50.0)
    elif said.levels == ["max"]:
        if way or verb == "set":
            found = _moved(way or 1)
    elif way and not said.levels:
        found = _step(entity, way)
    return found


def _moved(way: int) -> Effect:
    if way > 0:
        return Effect("HassTurnOn", "position", 100.0)
    return Effect("HassTurnOff", "position", 0.0)


def _climate(entity: Entity, said: Clause, verb: str) -> Effect | None:
    if said.unit == "percent" or said.levels or said.colors or said.tones:
        return None
    if set(said.props) - {"temperature", "target", "mains"}:
        return None
    if said.numbers:
        told = verb == "set" or said.direction or said.aimed or verb in _ON
        if not told and not (said.unit == "degree" and (said.props or said.named)):
            return None
    elif not said.direction:
        return _switched(verb) if not set(said.props) - {"mains"} else None
    return _measure(entity, said, "HassClimateSetTemperature", "target_temperature")


def _fan(entity: Entity, said: Clause, verb: str) -> Effect | None:
    if said.unit == "degree" or set(said.props) - {"speed", "mains"} or said.colors or said.tones:
        return None
    if said.numbers or said.levels or said.direction:
        if verb in _OFF or verb in ("open", "close", "lock"):
            return None
        return _measure(entity, said, "HassFanSetSpeed", "speed")
    return _switched(verb) if "speed" not in said.props else None


def _switch(_entity: Entity, said: Clause, verb: str) -> Effect | None:
    plain = not (said.numbers or said.levels or said.colors or said.tones)
    return _switched(verb) if plain and not set(said.props) - {"mains"} else None


def _player(entity: Entity, said: Clause, verb: str) -> Effect | None:
    if said.unit == "degree" or set(said.props) - {"volume", "mains"} or said.colors or said.tones:
        return None
    if said.numbers or said.levels or said.direction:
        told = "volume" in said.props or said.direction or said.unit == "percent" or said.aimed
        if not (told or said.levels) or verb in _OFF or (said.numbers and verb == "play"):
            return None
        return _measure(entity, said, "HassSetVolume", "volume")
    return _played(verb, sound="volume" in said.props)


def _played(verb: str, *, sound: bool) -> Effect | None:
    on = verb in _ON or verb == "hang"
    if verb in ("mute", "unmute") or (sound and (on or verb in _OFF)):
        muted = verb == "mute" or verb in _OFF
        name = "HassMediaPlayerMute" if muted else "HassMediaPlayerUnmute"
        return Effect(name, "muted", muted)
    if on:
        return Effect("HassMediaUnpause", "playing", value=True)
    return Effect("HassMediaPause", "playing", value=False) if verb in _OFF else None


def _lock(_entity: Entity, said: Clause, verb: str) -> Effect | None:
    if said.numbers or said.levels or said.props or said.colors or said.tones:
        return None
    if verb == "lock" or (said.locking and verb in ("shut", "close", "hang")):
        return Effect("HassTurnOn", "locked", value=True)
    opened = verb == "open" and (said.locking or said.things)
    if verb == "unlock" or opened or (said.locking and verb in ("start", "free")):
        return Effect("HassTurnOff", "locked", value=False)
    return None


_BY_DOMAIN: dict[str, Callable[[Entity, Clause, str], Effect | None]] = {
    "light": _light,
    "cover": _cover,
    "climate": _climate,
    "fan": _fan,
    "switch": _switch,
    "media_player": _player,
    "lock": _lock,
}
