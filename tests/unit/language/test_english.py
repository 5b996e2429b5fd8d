"""English sentences to the demo house, as they are said and as they are misheard."""

from __future__ import annotations

import pytest

from alicia.contracts.devices import Value
from alicia.errors import NotUnderstoodError
from alicia.home.model import Home
from alicia.language.plan import Plan, QuestionKind
from alicia.language.understanding import Understanding

KITCHEN = ("light.kitchen", "light.kitchen_counter")
BEDROOM = ("light.bedroom_lamp", "light.bedside_lamp")
LIVING = ("light.living_room_lamp", "light.living_room_ceiling")
UPSTAIRS = (*BEDROOM, "light.bathroom", "light.office_desk")
DOWNSTAIRS = (*KITCHEN, *LIVING, "light.hallway")
LIGHTS = (*DOWNSTAIRS[:4], *BEDROOM, "light.hallway", "light.bathroom", "light.office_desk")
EVERY_LIGHT = (*LIGHTS, "light.garden")
BLINDS = ("cover.bedroom_blinds", "cover.living_room_blinds")
COFFEE = "switch.coffee_machine"


def acts(plan: Plan) -> list[tuple[tuple[str, ...], str, Value]]:
    return [(action.entities, action.capability, action.value) for action in plan.actions]


# Said in the kitchen. Sentence, entities, capability, value.
EXACT: list[tuple[str, str | tuple[str, ...], str, Value]] = [
    ("turn on the kitchen light", "light.kitchen", "power", True),
    ("Turn on the kitchen light.", "light.kitchen", "power", True),
    ("switch the kitchen light on please", "light.kitchen", "power", True),
    ("Could you turn on the coffee machine?", COFFEE, "power", True),
    ("Hey Alicia, turn on the coffee maker", COFFEE, "power", True),
    ("Turn on the coffee, machine.", COFFEE, "power", True),
    ("activate the coffee machine", COFFEE, "power", True),
    ("Turn off the living room lamp.", "light.living_room_lamp", "power", False),
    ("bedroom lamp off", "light.bedroom_lamp", "power", False),
    ("turn off the kitchen counter light", "light.kitchen_counter", "power", False),
    ("turn off the hall light", "light.hallway", "power", False),
    ("turn on the light", KITCHEN, "power", True),
    ("turn off the lights", KITCHEN, "power", False),
    ("turn off all the lights in the bedroom", BEDROOM, "power", False),
    ("turn on both kitchen lights", KITCHEN, "power", True),
    ("turn on the bedroom lights", BEDROOM, "power", True),
    ("turn on the lights in the lounge", LIVING, "power", True),
    ("turn off the lights upstairs", UPSTAIRS, "power", False),
    ("turn on the downstairs lights", DOWNSTAIRS, "power", True),
    ("turn off all the lights", EVERY_LIGHT, "power", False),
    ("turn on all the lights", EVERY_LIGHT, "power", True),
    ("turn on the bedroom fan", "fan.bedroom", "power", True),
    ("turn on the thermostat", "climate.thermostat", "power", True),
    ("set the bedroom lamp to thirty percent", "light.bedroom_lamp", "brightness", 30.0),
    ("Set the bedroom lamp to 30%.", "light.bedroom_lamp", "brightness", 30.0),
    ("set the bedroom lamp brightness to 30 per cent", "light.bedroom_lamp", "brightness", 30.0),
    ("dim the bedroom lamp to twenty five percent", "light.bedroom_lamp", "brightness", 25.0),
    ("set the brightness to 50 percent", KITCHEN, "brightness", 50.0),
    ("set the living room lights to forty percent", LIVING, "brightness", 40.0),
    ("make the living room lamp blue", "light.living_room_lamp", "color", "blue"),
    ("set the bedside lamp to red", "light.bedside_lamp", "color", "red"),
    ("make the living room lights green", "light.living_room_lamp", "color", "green"),
    (
        "set the living room lamp temperature to 2700 kelvin",
        "light.living_room_lamp",
        "color_temperature",
        2700.0,
    ),
    ("close the living room blinds", "cover.living_room_blinds", "position", 0.0),
    ("open the bedroom blinds", "cover.bedroom_blinds", "position", 100.0),
    ("open the blinds in the bedroom", "cover.bedroom_blinds", "position", 100.0),
    ("close the curtains in the living room", "cover.living_room_blinds", "position", 0.0),
    ("open all the blinds", BLINDS, "position", 100.0),
    ("set the bedroom blinds to 50%", "cover.bedroom_blinds", "position", 50.0),
    ("close the garage door", "cover.garage_door", "position", 0.0),
    ("open the garage door", "cover.garage_door", "position", 100.0),
    ("lock the front door", "lock.front_door", "locked", True),
    ("unlock the front door", "lock.front_door", "locked", False),
    (
        "set the thermostat to twenty two degrees",
        "climate.thermostat",
        "target_temperature",
        22.0,
    ),
    ("Set the thermostat to 22°C.", "climate.thermostat", "target_temperature", 22.0),
    ("set the thermostat to 22 degrees celsius", "climate.thermostat", "target_temperature", 22.0),
    (
        "set the thermostat to twenty one and a half degrees",
        "climate.thermostat",
        "target_temperature",
        21.5,
    ),
    ("set the temperature to 19 degrees", "climate.thermostat", "target_temperature", 19.0),
    ("set the bedroom fan to 60 percent", "fan.bedroom", "speed", 60.0),
    ("set the kitchen light to full brightness", "light.kitchen", "brightness", 100.0),
    ("set the kitchen light to maximum", "light.kitchen", "brightness", 100.0),
    (
        "set the bedroom lamp to warm white",
        "light.bedroom_lamp",
        "color_temperature",
        2700.0,
    ),
    ("open the bedroom blinds halfway", "cover.bedroom_blinds", "position", 50.0),
    ("shut off the kitchen light", "light.kitchen", "power", False),
    ("put on the coffee machine", COFFEE, "power", True),
    ("kill the lights", KITCHEN, "power", False),
    ("turn the fan on", "fan.bedroom", "power", True),
    ("pause the music", "media_player.kitchen_speaker", "playing", False),
    ("play the music in the living room", "media_player.living_room_speaker", "playing", True),
    ("set the volume to 40 percent", "media_player.kitchen_speaker", "volume", 40.0),
    ("mute the living room speaker", "media_player.living_room_speaker", "muted", True),
]

RELATIVE: list[tuple[str, str, str, Value]] = [
    ("turn the volume up", "media_player.kitchen_speaker", "volume", 10.0),
    ("turn down the volume", "media_player.kitchen_speaker", "volume", -10.0),
    ("dim the bedroom lamp", "light.bedroom_lamp", "brightness", -20.0),
    ("brighten the bedside lamp", "light.bedside_lamp", "brightness", 20.0),
    ("make it a bit warmer", "climate.thermostat", "target_temperature", 1.0),
]

MISHEARD: list[tuple[str, str | tuple[str, ...], str, Value]] = [
    ("turn on the kitchen lied", "light.kitchen", "power", True),
    ("turn on the kitchen late.", "light.kitchen", "power", True),
    ("Turned on the kitchen light", "light.kitchen", "power", True),
    ("turnon the kitchen light", "light.kitchen", "power", True),
    ("turn on the bedsite lamp", "light.bedside_lamp", "power", True),
    ("turn off the whole way light", "light.hallway", "power", False),
    ("turn on the cofee machine", COFFEE, "power", True),
    ("Turn off the kitchen countalight.", "light.kitchen_counter", "power", False),
    ("open the bedroom blends", "cover.bedroom_blinds", "position", 100.0),
    ("close the living room blinks", "cover.living_room_blinds", "position", 0.0),
    ("turn off all the lights in the bed room", BEDROOM, "power", False),
    ("set the bed room lamp to thirty percent", "light.bedroom_lamp", "brightness", 30.0),
    ("set the bedroom lump to 30%", "light.bedroom_lamp", "brightness", 30.0),
    ("make the living room lamp blew", "light.living_room_lamp", "color", "blue"),
    ("set the thermal stat to 22 degrees", "climate.thermostat", "target_temperature", 22.0),
]

QUESTIONS: list[tuple[str, QuestionKind, str | None, Value | None, int]] = [
    ("is the front door locked", QuestionKind.IS, "locked", True, 1),
    ("Is the kitchen light on?", QuestionKind.IS, "power", True, 1),
    ("are the bedroom blinds closed", QuestionKind.IS, "position", False, 1),
    ("is the garage door open", QuestionKind.IS, "position", True, 1),
    ("is the kitchen window open", QuestionKind.IS, "open", True, 1),
    ("is there motion in the hallway", QuestionKind.ANY, "motion", True, 1),
    ("are any windows open", QuestionKind.ANY, "open", True, 1),
    ("are all the lights off", QuestionKind.ALL, "power", False, 10),
    ("which lights are on", QuestionKind.WHICH, "power", True, 10),
    ("how many lights are on upstairs", QuestionKind.COUNT, "power", True, 4),
    ("what is the temperature in the bedroom?", QuestionKind.VALUE, "temperature", None, 1),
    ("how warm is it in the bathroom", QuestionKind.VALUE, "temperature", None, 1),
    ("what's the temperature", QuestionKind.VALUE, "temperature", None, 1),
    ("what is the humidity in the bathroom", QuestionKind.VALUE, "humidity", None, 1),
    ("what is the thermostat set to", QuestionKind.VALUE, "target_temperature", None, 1),
    ("how much power does the washing machine use", QuestionKind.VALUE, "power_w", None, 1),
    ("what time is it", QuestionKind.TIME, None, None, 0),
    ("what's the date", QuestionKind.DATE, None, None, 0),
]

OUT_OF_DOMAIN = [
    "the weather is nice on the boat",
    "thank you",
    "Thanks for watching!",
    "you",
    "",
    "...",
    "tell me a joke about lamps",
    "I like the kitchen light",
    "the kitchen light is broken",
    "don't turn on the kitchen light",
    "do not turn off the heating",
    "I turned on the kitchen light yesterday",
    "she opened the bedroom blinds",
    "if you turn on the kitchen light",
    "should I turn on the kitchen light",
    "the lamp in the living room is very nice",
    "turn the page",
    "turn on the charm",
    "turn on the dishwasher",
    "turn on the radio",
    "turn on the coffee grinder",
    "turn on the lights in the basement",
    "what is the temperature in the attic",
    "set the oven to 200 degrees",
    "turn on the kitchen",
    "turn left at the light",
    "turn on the light in your heart",
    "turn in the kitchen light bill",
    "open the book",
    "open the kitchen light",
    "close the door behind you",
    "he closed the deal in the living room",
    "set the table for two",
    "set the kitchen on fire",
    "what is the meaning of life",
    "what is the temperature of the sun",
    "how do I cook pasta",
    "is the kitchen clean",
    "is the kitchen light good",
    "make the living room great again",
    "lights camera action",
    "kitchen light",
    "the thermostat",
    "turn on the",
    "set the bedroom lamp to",
    "set the bedroom lamp to thirty forty percent and two",
    "call the garage",
]

NEVER_GUESSED = [
    "look the front door",
    "unlocked the front door",
    "lock the front store",
    "unlock the frond door",
    "lock the fund door",
    "close the garish door",
    "open the garage tour",
    "opened the garage door",
    "open the carriage door",
]


@pytest.mark.parametrize(("said", "entities", "capability", "value"), EXACT)
def test_a_sentence_does_exactly_what_it_says(
    english: Understanding,
    home: Home,
    said: str,
    entities: str | tuple[str, ...],
    capability: str,
    value: Value,
) -> None:
    plan = english.recognize(said, home=home, area_id="kitchen")
    expected = (entities,) if isinstance(entities, str) else entities
    assert acts(plan) == [(expected, capability, value)]
    assert not plan.actions[0].relative
    assert (plan.snapped, plan.score, plan.heard) == (False, 1.0, said)


@pytest.mark.parametrize(("said", "entity", "capability", "value"), RELATIVE)
def test_more_and_less_are_relative(
    english: Understanding, home: Home, said: str, entity: str, capability: str, value: Value
) -> None:
    plan = english.recognize(said, home=home, area_id="kitchen")
    assert acts(plan) == [((entity,), capability, value)]
    assert plan.actions[0].relative


@pytest.mark.parametrize(("said", "entities", "capability", "value"), MISHEARD)
def test_a_misheard_sentence_snaps_to_what_this_home_can_be_told(
    english: Understanding,
    home: Home,
    said: str,
    entities: str | tuple[str, ...],
    capability: str,
    value: Value,
) -> None:
    plan = english.recognize(said, home=home, area_id="kitchen")
    expected = (entities,) if isinstance(entities, str) else entities
    assert acts(plan) == [(expected, capability, value)]
    assert plan.snapped
    assert 0.88 <= plan.score <= 1.0
    assert plan.heard != said


@pytest.mark.parametrize(("said", "kind", "capability", "wanted", "count"), QUESTIONS)
def test_a_question_asks_and_changes_nothing(
    english: Understanding,
    home: Home,
    said: str,
    kind: QuestionKind,
    capability: str | None,
    wanted: Value | None,
    count: int,
) -> None:
    plan = english.recognize(said, home=home, area_id="hallway")
    assert plan.actions == ()
    assert plan.question is not None
    assert (plan.question.kind, plan.question.capability) == (kind, capability)
    assert plan.question.wanted == wanted
    assert len(plan.question.entities) == count


@pytest.mark.parametrize("said", OUT_OF_DOMAIN)
def test_what_is_not_for_this_home_is_rejected(
    english: Understanding, home: Home, said: str
) -> None:
    with pytest.raises(NotUnderstoodError):
        english.recognize(said, home=home, area_id="kitchen")


@pytest.mark.parametrize("said", NEVER_GUESSED)
def test_a_lock_and_a_garage_door_are_never_guessed(
    english: Understanding, home: Home, said: str
) -> None:
    with pytest.raises(NotUnderstoodError):
        english.recognize(said, home=home, area_id="garage")
