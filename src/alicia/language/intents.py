"""What each intent does in a home: a reading of a sentence becomes a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alicia.contracts.devices import Entity, Value
from alicia.errors import NotCapableError, UnsupportedIntentError
from alicia.home.model import Home
from alicia.language import targets
from alicia.language.grammar import Reading
from alicia.language.plan import Plan, PlannedAction
from alicia.language.questions import QUESTIONS

BRIGHTNESS_STEP = 20.0
TEMPERATURE_STEP = 1.0
VOLUME_STEP = 10.0
POSITION_STEP = 20.0
SPEED_STEP = 20.0

_SWITCHED = ("light", "switch", "fan")

Actions = tuple[PlannedAction, ...]


def plan(reading: Reading, home: Home) -> Plan:
    """What this reading asks for in this home.

    Raises UnsupportedIntentError, MissingSlotError, UnknownEntityError or NotCapableError.
    """
    slots = {name: slot.text for name, slot in reading.slots.items() if slot.text}
    bare = Plan(intent=reading.intent, response=reading.response, slots=slots)
    if ask := QUESTIONS.get(reading.intent):
        return replace(bare, question=ask(reading, home))
    if reading.intent == "HassNevermind" or (
        reading.intent == "HassRespond" and reading.response == "hello"
    ):
        return bare
    do = _ACTIONS.get(reading.intent)
    if do is None:
        raise UnsupportedIntentError(intent=reading.intent)
    return replace(bare, actions=do(reading, home))


def touches_protected(made: Plan, home: Home) -> bool:
    """Whether it acts on a lock or a garage door."""
    return any(home.entity(e).protected for action in made.actions for e in action.entities)


_SHUTS = (("locked", True), ("position", 0.0))
"""What anybody may do to a lock or a garage door."""


def opens_protected(made: Plan, home: Home) -> bool:
    """Whether it unlocks a door or opens a garage."""
    return any(
        home.entity(e).protected and (action.capability, action.value) not in _SHUTS
        for action in made.actions
        for e in action.entities
    )


def _turn(reading: Reading, home: Home, *, on: bool) -> Actions:
    if entity := targets.named(reading, home):
        return _scene(entity, on=on) if entity.domain == "scene" else (_switch(entity, on=on),)
    if "scope" in reading.slots:
        return _everything(reading, home, on=on)
    domain = str(reading.slots["domain"].value) if "domain" in reading.slots else ""
    if domain == "cover" and "device_class" in reading.slots:
        found = targets.covers(reading, home, str(reading.slots["device_class"].value))
        return (PlannedAction(targets.ids(found), "position", 100.0 if on else 0.0),)
    if domain not in _SWITCHED:
        raise UnsupportedIntentError(intent=reading.intent)
    # A home with one fan has "the fan"; lights are too many for that.
    where = targets.here_or_only if domain == "fan" else targets.within
    found = where(reading, home, lambda e: e.domain == domain and targets.can(e, "power"))
    return (PlannedAction(targets.ids(found), "power", on),)


def _scene(scene: Entity, *, on: bool) -> Actions:
    """Everything that it sets, alike things together. There is no way back from a scene."""
    if not on or not scene.scene:
        raise NotCapableError(capability="scene", entity=scene.entity_id)
    alike: dict[tuple[str, Value], list[str]] = {}
    for value in scene.scene:
        alike.setdefault((value.capability, value.value), []).append(value.entity_id)
    return tuple(
        PlannedAction(tuple(entities), capability, value)
        for (capability, value), entities in alike.items()
    )


def _switch(entity: Entity, *, on: bool) -> PlannedAction:
    """On and off, in the sense of each kind of thing: "on" locks a lock and opens a cover."""
    wanted: tuple[str, Value]
    match entity.domain:
        case "cover":
            wanted = ("position", 100.0 if on else 0.0)
        case "lock":
            wanted = ("locked", on)
        case "media_player" if not targets.can(entity, "power"):
            wanted = ("playing", on)
        case _:
            wanted = ("power", on)
    return PlannedAction((entity.entity_id,), *wanted)


def _everything(reading: Reading, home: Home, *, on: bool) -> Actions:
    # Not the heating, which protects from frost; and nothing that opens or unlocks.
    switched = targets.within(
        reading,
        home,
        lambda e: (
            not e.protected
            and (
                (e.domain in _SWITCHED and targets.can(e, "power"))
                or (e.domain == "media_player" and targets.can(e, "playing"))
            )
        ),
    )
    players = [e for e in switched if e.domain == "media_player"]
    others = [e for e in switched if e.domain != "media_player"]
    actions = (
        PlannedAction(targets.ids(others), "power", on),
        PlannedAction(targets.ids(players), "playing", on),
    )
    return tuple(action for action in actions if action.entities)


def _set(
    reading: Reading,
    home: Home,
    value: Value,
    *,
    domain: str,
    capability: str,
    relative: bool = False,
    only: bool = False,
) -> Actions:
    """One value for the named thing, or for all in the room that can take it."""
    if entity := targets.named(reading, home):
        return (PlannedAction((entity.entity_id,), capability, value, relative),)
    where = targets.here_or_only if only else targets.within
    of_kind = where(reading, home, lambda e: e.domain == domain)
    able = [entity for entity in of_kind if targets.can(entity, capability)]
    if not able:
        raise NotCapableError(capability=capability, entity=of_kind[0].entity_id)
    return (PlannedAction(targets.ids(able), capability, value, relative),)


def _light_set(reading: Reading, home: Home) -> Actions:
    for slot, capability in (
        ("brightness", "brightness"),
        ("temperature", "color_temperature"),
        ("color", "color"),
    ):
        if slot in reading.slots:
            value = reading.slots[slot].value
            wanted: Value = str(value) if capability == "color" else float(value)
            return _set(reading, home, wanted, domain="light", capability=capability)
    raise UnsupportedIntentError(intent=reading.intent)


def _step(reading: Reading, usual: float, slot: str = "step") -> float:
    """Up or down by the `amount` that was said, or by as much as is usual."""
    amount = reading.slots.get("amount")
    size = abs(float(amount.value)) if amount else usual
    return size if reading.slots[slot].value == "up" else -size


def _light_step(reading: Reading, home: Home) -> Actions:
    step = _step(reading, BRIGHTNESS_STEP)
    actions = _set(reading, home, step, domain="light", capability="brightness", relative=True)
    if step > 0:
        return actions
    # What is off gets no darker, and would be turned on.
    return tuple(replace(action, entities=_lit(action.entities, home)) for action in actions)


def _lit(lights: tuple[str, ...], home: Home) -> tuple[str, ...]:
    """Those that are on; all of them where none is."""
    return tuple(e for e in lights if home.value(e, "power") is True) or lights


def _position(reading: Reading, home: Home) -> Actions:
    value = float(reading.slots["position"].value)
    if "device_class" in reading.slots and "name" not in reading.slots:
        found = targets.covers(reading, home, str(reading.slots["device_class"].value))
        return (PlannedAction(targets.ids(found), "position", value),)
    return _set(reading, home, value, domain="cover", capability="position")


def _position_step(reading: Reading, home: Home) -> Actions:
    """What is protected is opened or closed, never a bit."""
    step = _step(reading, POSITION_STEP)
    if "device_class" in reading.slots and "name" not in reading.slots:
        found = targets.covers(reading, home, str(reading.slots["device_class"].value))
        able = [e for e in found if not e.protected and targets.can(e, "position")]
        if not able:
            raise NotCapableError(capability="position", entity=found[0].entity_id)
        return (PlannedAction(targets.ids(able), "position", step, relative=True),)
    entity = targets.named(reading, home)
    if entity is None or entity.protected or not targets.can(entity, "position"):
        raise NotCapableError(capability="position", entity=entity.entity_id if entity else "")
    return (PlannedAction((entity.entity_id,), "position", step, relative=True),)


def _temperature(reading: Reading, home: Home) -> Actions:
    value = float(reading.slots["temperature"].value)
    return _set(reading, home, value, domain="climate", capability="target_temperature", only=True)


def _temperature_step(reading: Reading, home: Home) -> Actions:
    step = _step(reading, TEMPERATURE_STEP)
    return _set(
        reading,
        home,
        step,
        domain="climate",
        capability="target_temperature",
        relative=True,
        only=True,
    )


def _fan_speed(reading: Reading, home: Home) -> Actions:
    value = float(reading.slots["percentage"].value)
    return _set(reading, home, value, domain="fan", capability="speed", only=True)


def _fan_step(reading: Reading, home: Home) -> Actions:
    step = _step(reading, SPEED_STEP)
    return _set(reading, home, step, domain="fan", capability="speed", relative=True, only=True)


def _player(reading: Reading, home: Home, capability: str, value: Value) -> Actions:
    return _set(reading, home, value, domain="media_player", capability=capability, only=True)


def _volume_step(reading: Reading, home: Home) -> Actions:
    step = reading.slots["volume_step"].value
    spoken = step in ("up", "down")
    return _set(
        reading,
        home,
        _step(reading, VOLUME_STEP, "volume_step") if spoken else float(step),
        domain="media_player",
        capability="volume",
        relative=True,
        only=True,
    )


_ACTIONS: dict[str, Callable[[Reading, Home], Actions]] = {
    "HassTurnOn": lambda r, h: _turn(r, h, on=True),
    "HassTurnOff": lambda r, h: _turn(r, h, on=False),
    "HassLightSet": _light_set,
    "HassSetPosition": _position,
    "HassClimateSetTemperature": _temperature,
    "HassFanSetSpeed": _fan_speed,
    "HassMediaPause": lambda r, h: _player(r, h, "playing", value=False),
    "HassMediaUnpause": lambda r, h: _player(r, h, "playing", value=True),
    "HassMediaPlayerMute": lambda r, h: _player(r, h, "muted", value=True),
    "HassMediaPlayerUnmute": lambda r, h: _player(r, h, "muted", value=False),
    "HassSetVolume": lambda r, h: _player(r, h, "volume", float(r.slots["volume_level"].value)),
    "HassSetVolumeRelative": _volume_step,
    "AliciaLightStep": _light_step,
    "AliciaFanStep": _fan_step,
    "AliciaCoverStep": _position_step,
    "AliciaClimateStep": _temperature_step,
}
