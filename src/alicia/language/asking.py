"""Asking: what the concepts of a question ask for, and of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alicia.contracts.devices import Entity
from alicia.errors import NotUnderstoodError
from alicia.language.acts import NAMED, PLACED, Act
from alicia.language.candidates import fits
from alicia.language.comparing import compared, which_of
from alicia.language.concepts import Concept
from alicia.language.grammar import Reading, Slot
from alicia.language.intents import plan as plan_of
from alicia.language.phrases import word
from alicia.language.plan import Plan
from alicia.language.whom import Scene, Target, only, targets

ASKING = frozenset({"asks", "what", "or", "tag"})
"""Concepts that make a question of a sentence, beside those that begin with `ask:`."""

_SWITCHED = {
    **dict.fromkeys(("on", "start", "running"), "is_on"),
    **dict.fromkeys(("off", "stop", "finished"), "is_off"),
}
_OPENED = {
    **dict.fromkeys(("open", "up", "raise", "above"), "is_open"),
    **dict.fromkeys(("close", "down", "lower", "shut", "below"), "is_closed"),
}
_STATES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("light", "switch", "fan", "climate"), _SWITCHED),
    **dict.fromkeys(("cover", "binary_sensor"), _OPENED),
    "lock": {"lock": "is_locked", "unlock": "is_unlocked"},
    "media_player": {"play": "is_playing", "on": "is_playing", "start": "is_playing"},
}
"""By kind of thing: the act (`acts.NAMED`) that asks for a state."""
_MEASURED: Mapping[str, tuple[str, str]] = {
    "ask:bright": ("light", "get_brightness"),
    "ask:loud": ("media_player", "get_volume"),
    "ask:fast": ("fan", "get_speed"),
    "ask:far": ("cover", "get_position"),
    "ask:power": ("switch", "get_power"),
    "ask:target": ("climate", "get_target"),
    "ask:color": ("light", "get_color"),
}
"""What is asked of one thing: of which kind, and by which act."""
_AIR: Mapping[str, tuple[str, str]] = {
    "ask:warm": ("get_temperature", "temperature"),
    "ask:humid": ("get_humidity", "humidity"),
}
"""What is asked of a room: by which act, and the capability that tells."""
_AIR_OF = {"temperature": "ask:warm", "humidity": "ask:humid"}
"""What is asked of a sensor, by its class, where only "how much" was said."""
_ASKED_FOR: Mapping[str, str] = {
    "attr:brightness": "ask:bright",
    "attr:volume": "ask:loud",
    "attr:speed": "ask:fast",
    "attr:position": "ask:far",
    "attr:temperature": "ask:warm",
    "attr:humidity": "ask:humid",
    "attr:power": "ask:power",
    "attr:color": "ask:color",
}
"""What a quality asks for after a "what"."""
MEASURED = frozenset(_ASKED_FOR)
"""Qualities that are asked of a thing with no other word."""
_OF: Mapping[str, str] = {
    "light": "ask:bright",
    "media_player": "ask:loud",
    "fan": "ask:fast",
    "cover": "ask:far",
    "climate": "ask:target",
}
"""What is asked of a thing where only "at" or "set to" was said."""
_BESIDE: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("ask:warm", "ask:humid"), frozenset({"up", "down", "above", "below"})),
    "ask:of": frozenset({"on", "up", "open"}),
    "ask:far": frozenset({"on", "up", "open", "down", "close", "raise", "lower"}),
    "ask:loud": frozenset({"on", "up", "open", "play", "start"}),
    "ask:bright": frozenset({"on"}),
    "ask:power": frozenset({"on", "start"}),
}
"""What may be said beside what is asked: "how loud does it play"."""
_LOCKED = {"lock": "close", "unlock": "open"}
"""Of "closed and locked", "locked" is asked."""
_STATE = frozenset(
    {"on", "off", "open", "close", "shut", "up", "down", "lock", "unlock", "play", "start", "stop"}
    | {"above", "below", "extended", "retracted"}
)
"""What a thing may be, said without a verb: "window shut"."""
_CLOSING = frozenset({"off", "stop", "finished", "close", "down", "lower", "shut", "below"})
_WONDERED = _STATE | {"nothing", "maybe", "state", "entity", "area", "floor", "here", "still"}
_PAIRS = ({"is_on", "is_off"}, {"is_open", "is_closed"}, {"is_locked", "is_unlocked"})
"""Of which "or" leaves open which it is."""
_SOMEONE = frozenset({"kind:someone", "nothing", "area", "floor", "here", "still", "any"})
"""All of a question whether anybody is there that has no verb."""
_BARE = frozenset({"attr:temperature", "attr:humidity"})
"""Qualities that nobody names of a room but to ask for them."""
_CLOCK = {"ask:time": "time", "ask:date": "date"}
_NEUTRAL = frozenset(
    {
        "nothing",
        "or",
        "tag",
        "set",
        "to",
        "at",
        "by",
        "cop",
        "wish",
        "asks",
        "what",
        "all",
        "any",
        "here",
    }
    | {"house", "entity", "area", "floor", "setto", "done", "maybe", "today", "plural", "told"}
    | {"two", "still", "near"}
    | {"state", "put", "too"}
)
"""Concepts that may be in any question."""


def asks(concepts: Sequence[Concept]) -> bool:
    """Whether it is a question: by a word that asks, or "bedroom temperature", and no more."""
    names = {concept.name for concept in concepts}
    if any(name in ASKING or name.startswith("ask:") for name in names):
        return True
    if "kind:someone" in names and names <= _SOMEONE:
        return True
    measured = len(names & _BARE) == 1 and "area" in names
    return measured and names <= _BARE | {"nothing", "area"}


def wondered(concepts: Sequence[Concept], scene: Scene, *, noun_first: bool) -> Plan | None:
    """The plan of a question by its mark alone, or of what can only be asked: "window shut".

    None where it makes none. Raises like `intents.plan`.
    """
    names = [c.name for c in concepts if c.name != "nothing"]
    state = _STATE & set(names)
    things = [at for at, n in enumerate(names) if n == "entity" or n.startswith("kind:")]
    told = {n for n in names if not n.startswith("kind:")} <= _WONDERED | {"cop"}
    if not state or not things or not told:
        return None
    last = min(names.index(one) for one in state) > things[-1]
    after = bool({"state", "cop"} & set(names)) if noun_first else last
    plain = scene.mark == "plain" or (scene.mark and "cop" in names)
    asking = plain or ("cop" not in names and _only_told(concepts, scene))
    if not (asking and last and after) or scene.language in ("zh", "ja", "ko"):
        return None
    return asked([*concepts, Concept("asks")], scene)


def _only_told(concepts: Sequence[Concept], scene: Scene) -> bool:
    """Whether what it names only tells how it is, and takes no orders."""
    ids = [
        i for c in concepts if c.name == "entity" and isinstance(c.value, tuple) for i in c.value
    ]
    kinds = {c.of for c in concepts if c.name.startswith("kind:")}
    sensors = all(scene.home.entity(i).domain == "binary_sensor" for i in ids)
    return sensors if ids else kinds == {"window"}


def doubted(concepts: Sequence[Concept], scene: Scene) -> Plan:
    """The plan of a complaint with a question mark: "too warm in the attic?".

    Raises NotUnderstoodError where it can't be told, and like `intents.plan`.
    """
    found = asked([*concepts, Concept("asks")], scene)
    if found is None:
        raise NotUnderstoodError
    return found


def asked(concepts: Sequence[Concept], scene: Scene) -> Plan | None:
    """The plan of a question; None where it makes none. Raises like `intents.plan`."""
    names = {concept.name for concept in concepts}
    if names & {"or", "tag"} or names <= _SOMEONE:
        names.add("asks")
    if sum(concept.name == "asks" for concept in concepts) > 1:
        names.add("or")  # "Is it on, is it off?"
    if (several := compared(concepts, scene) or which_of(concepts, scene)) is not None:
        return several
    if "and" in names or any(name.startswith(("color:", "tone:", "adj:")) for name in names - _HOW):
        return None
    rest = {n for n in names if n not in _NEUTRAL and not n.startswith(("kind:", "attr:", "ask:"))}
    for locked, opened in _LOCKED.items():
        if locked in rest:
            rest.discard(opened)
    about = _ask(names, rest)
    if about in _CLOCK:
        return _of(PLACED[_CLOCK[about]], None, scene) if not rest and _alone(names) else None
    # The only lock of a home needs no name.
    locks = bool(rest) and rest <= {"lock", "unlock"} and _alone(names)
    found = targets(concepts, scene, alone="lock" if locks else _alone_in(about))
    if not found or len(found) != 1:
        return None
    return _about(about, found[0], rest, names, scene)


def _about(
    about: str, target: Target, rest: set[str], names: set[str], scene: Scene
) -> Plan | None:
    """What is asked of this one."""
    if _playing(target, rest, names):
        return _of(PLACED["which_players"], target, scene, _anywhere(target))
    match about:
        case "ask:color":
            return _colored(target, rest, scene)
        case "ask:yes":
            return _yes_no(target, rest, names, scene)
        case "ask:which" if target.entity is not None and target.domain == "cover":
            return _measured("ask:far", target, rest, scene)  # "where is the blind at"
        case "ask:which" | "ask:many":
            act = _listed(about, target, rest)
            return _of(PLACED[act], target, scene, _anywhere(target)) if act else None
        case _:
            return _measured(about, target, rest, scene)


def _listed(about: str, target: Target, rest: set[str]) -> str | None:
    """The act that asks which of a kind are so, or how many; None where that can't be asked."""
    if target.entity is not None:
        return None
    if target.domain == "light" and rest == {"on"}:
        return "which_lights" if about == "ask:which" else "how_many_lights"
    states = {"on": "on", "off": "off", "is_open": "open", "is_closed": "closed"}
    state = states.get(_opened(rest) or "".join(rest))
    return _WHICH.get((target.kind, state)) if about == "ask:which" and state else None


_WHICH: Mapping[tuple[str, str], str] = {
    **{(kind, "off"): "which_lights_off" for kind in ("light", "lamp", "lamps")},
    ("blind", "open"): "which_blinds_open",
    ("blind", "closed"): "which_blinds_closed",
    ("window", "open"): "which_windows_open",
    ("window", "closed"): "which_windows_closed",
    ("everything", "on"): "what_is_on",
}
"""By noun and state: the act that asks which of a kind are so."""
_SHUTTING = frozenset({"kind:blind", "kind:window"})
_HOW = frozenset({"adj:cold", "adj:hot", "adj:warm"})


def _ask(names: set[str], rest: set[str]) -> str:
    """What it asks for: a concept `ask:…`; "" where that is unclear."""
    every = {name for name in names if name.startswith("ask:")}
    if not every and "what" in names and _lists(names, rest):
        return "ask:which"  # "tell me the lights that are on"
    if every:
        return _one_of(every, names)
    if {"what", "percent"} <= names:
        rest.discard("percent")
        return "ask:of"  # "what percent is the lamp at"
    qualities = {_ASKED_FOR[name] for name in names if name in _ASKED_FOR}
    if "asks" in names and not {"what", "setto"} <= names and (rest or len(qualities) != 1):
        how = names & _HOW
        rest -= how
        return "ask:yes" if not how else "" if rest else "ask:warm"
    # "Outside temperature" may be the name of a thermometer.
    alone = names <= {"nothing", "entity"}
    if alone or "setto" in names or (not qualities and names & {"to", "at"}):
        return "ask:of"
    return qualities.pop() if len(qualities) == 1 else ""


def _lists(names: set[str], rest: set[str]) -> bool:
    """Whether it names a kind of thing and how those are to be."""
    return (rest == {"on"} and "kind:light" in names) or bool(names & _SHUTTING and _opened(rest))


def _one_of(every: set[str], names: set[str]) -> str:
    if every == {"ask:warm"} and "setto" in names:
        return "ask:of"  # "how many degrees is it set to"
    if every == {"ask:warm", "ask:target"}:
        return "ask:target"  # "how many degrees is the target temperature"
    return next(iter(every)) if len(every) == 1 else ""


def _playing(target: Target, rest: set[str], names: set[str]) -> bool:
    """Whether it asks what plays: "what is playing"."""
    which = bool(names & {"ask:which", "what"})
    return which and rest in ({"play"}, {"start"}) and target.entity is None


def _colored(target: Target, rest: set[str], scene: Scene) -> Plan | None:
    """What colour a light has, or what white."""
    entity = only(target, scene) if target.domain == "light" else None
    if entity is None or rest - {"on"}:
        return None
    key = next((key for key in ("get_color", "get_tone") if fits(entity, NAMED[key])), None)
    return _of(NAMED[key], Target(target.place, entity, target.said), scene) if key else None


def _alone(names: set[str]) -> bool:
    return not any(n in ("entity", "area", "floor") or n.startswith("kind:") for n in names)


def _alone_in(about: str) -> str | None:
    """The kind that is meant where none is named."""
    return _MEASURED[about][0] if about in _MEASURED else None


def _measured(about: str, target: Target, rest: set[str], scene: Scene) -> Plan | None:
    # "It's cold, turn the heating up" asks nothing.
    air = about not in _AIR or (target.place.named and not target.kind)
    if rest and (rest - _BESIDE.get(about, frozenset()) or not air):
        return None
    if about in _AIR:
        return _air(*_AIR[about], target, scene)
    if about == "ask:of":
        sensed = _AIR_OF.get((target.entity and target.entity.device_class) or "")
        if sensed:
            return _air(*_AIR[sensed], target, scene)
        if not target.kind and target.entity is None and target.place.area is not None:
            return _air(*_AIR["ask:warm"], target, scene)
        about = _OF.get(target.domain, "")
    domain, key = _MEASURED.get(about, ("", ""))
    entity = only(target, scene) if domain and target.domain == domain else None
    if entity is None or not fits(entity, NAMED[key]):
        return None
    return _of(NAMED[key], Target(target.place, entity, target.said), scene)


def _air(key: str, capability: str, target: Target, scene: Scene) -> Plan | None:
    """How warm or humid it is by a thing that senses it, or in a room."""
    if target.entity is not None:
        senses = any(c.name == capability for c in target.entity.capabilities)
        return _of(PLACED[key], target, scene) if senses else None
    if target.kind not in ("", "temperature", "climate", "humidity") or target.place.home:
        return None
    return _of(PLACED[key], target, scene)


def _yes_no(target: Target, rest: set[str], names: set[str], scene: Scene) -> Plan | None:
    entity = target.entity
    if entity is None and "or" in names:
        rest = _one_way(rest)
    if "kind:someone" in names:
        return _of(PLACED["any_motion"], target, scene) if not rest and target.place.named else None
    if target.kind == "window":
        return _windows(target, rest, scene)
    lit = target.domain == "light" or (not target.kind and target.place.named)
    if entity is None and lit and rest <= {"on", "off"}:
        return _lights(target, rest, names, scene)
    if entity is None and target.domain:
        entity = only(target, scene)
    if entity is None:
        act = _any_of(target, rest, names)
        return _of(PLACED[act], target, scene, _anywhere(target)) if act else None
    if entity.domain == "lock" and rest & set(_OPENED):
        entity = _contact(entity, scene) or entity
    key = _state_asked(entity, rest, either="or" in names)
    if key is None or not fits(entity, NAMED[key]):
        return None
    return _of(NAMED[key], Target(target.place, entity, target.said), scene)


def _state_asked(entity: Entity, rest: set[str], *, either: bool) -> str | None:
    """The act that asks for a state of this thing; None where there is none."""
    states = _STATES.get(entity.domain, {})
    if entity.device_class == "awning":
        states = {**states, "extended": "is_open", "retracted": "is_closed"}
    keys = {states.get(word) for word in rest}
    if either and keys in _PAIRS:
        return "which_state"
    return keys.pop() if len(keys) == 1 else None


def _one_way(rest: set[str]) -> set[str]:
    """Of "on or off" and "open or closed", on and open."""
    ways = {_STATES["light"].get(n, _OPENED.get(n)) for n in rest}
    return rest - _CLOSING if ways in _PAIRS else rest


def _windows(target: Target, rest: set[str], scene: Scene) -> Plan | None:
    act = {"is_open": "any_window", "is_closed": "all_windows"}.get(_opened(rest))
    return _of(PLACED[act], target, scene, _anywhere(target)) if act else None


def _any_of(target: Target, rest: set[str], names: set[str]) -> str | None:
    """The act that asks whether any of several is so; None where that can't be asked."""
    if rest == {"on"} and not target.place.named and "any" in names and not target.domain:
        return "what_is_on"  # "Did I leave anything on?"
    if target.kind == "everything" and rest == {"off"}:
        return "everything_is_off"
    if target.domain == "media_player" and rest == {"play"}:
        return "any_music"
    if target.kind == "blind" and _opened(rest):
        return "any_blind" if _opened(rest) == "is_open" else "all_blinds"
    return None


def _opened(rest: set[str]) -> str:
    """Whether it asks for what is open or what is closed; "" for neither, or both."""
    ways = {_OPENED.get(word, "") for word in rest}
    return ways.pop() if len(ways) == 1 else ""


def _lights(target: Target, rest: set[str], names: set[str], scene: Scene) -> Plan | None:
    place = _anywhere(target) if "any" in names else None
    if rest == {"on"}:
        return _of(PLACED["any_light"], target, scene, place)
    if rest == {"off"}:
        return _of(PLACED["all_lights_are_off"], target, scene, place)
    return None


def _anywhere(target: Target) -> dict[str, Slot] | None:
    """No slots, so the whole home, unless a place was said."""
    return None if target.place.named or target.place.here else {}


def _contact(lock: Entity, scene: Scene) -> Entity | None:
    """What says whether the door of a lock stands open."""
    near = scene.home.entities(area_id=lock.area_id) if lock.area_id else []
    found = [e for e in near if e.domain == "binary_sensor" and e.device_class == "door"]
    return found[0] if len(found) == 1 else None


def _of(
    act: Act, target: Target | None, scene: Scene, place: Mapping[str, Slot] | None = None
) -> Plan:
    slots = {
        name: Slot(fixed, word(f"state.{fixed}", scene.language) if name == "state" else "")
        for name, fixed in act.slots.items()
    }
    if target is not None and target.entity is not None:
        slots["name"] = Slot(target.entity.entity_id, target.said)
    elif target is not None:
        slots |= target.place.slots(scene) if place is None else place
    return plan_of(Reading(act.intent, act.response, slots, 0, 0), scene.home)
