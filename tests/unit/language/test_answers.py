"""What is said about what became of a plan."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alicia.contracts.devices import EntityState, OutcomeKind, Result
from alicia.home import demo
from alicia.home.model import Home, names_of
from alicia.language.answers import answer
from alicia.language.plan import Plan
from alicia.language.tables import LANGUAGES
from alicia.language.understanding import Understanding

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def outcomes(plan: Plan, **failed: OutcomeKind) -> list[Result]:
    """Every change of the plan as confirmed, but for those (`light_kitchen=...`)."""
    return [
        Result(
            entity_id=entity,
            capability=action.capability,
            value=action.value,
            outcome=failed.get(entity.replace(".", "_"), OutcomeKind.CONFIRMED),
        )
        for action in plan.actions
        for entity in action.entities
    ]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("turn on the kitchen light", "Turned on the kitchen light."),
        ("turn off the hall light", "Turned off the hall light."),
        ("turn of the living room lamp", "Turned off the living room lamp."),
        ("turn on the lights in the bedroom", "Turned on the lights."),
        ("turn off all the lights", "Turned off all of the lights."),
        ("turn off everything", "Everything is off."),
        ("close the bedroom blinds", "Closed the bedroom blinds."),
        ("open the blinds in the bedroom", "Opened the blinds."),
        ("lock the front door", "Locked the front door."),
        ("unlock the front door", "Unlocked the front door."),
        ("set the bedroom lamp to thirty percent", "Brightness set to 30 percent."),
        ("make the living room lamp blue", "Color set to blue."),
        ("set the thermostat to twenty two degrees", "Temperature set to 22 degrees."),
        ("set the thermostat to 21.5 degrees", "Temperature set to 21.5 degrees."),
        ("set the bedroom blinds to 40%", "The bedroom blinds are at 40 percent."),
        ("set the volume to 20 percent", "Volume set to 20 percent."),
        ("dim the bedroom lamp", "Brightness set."),
        ("pause the music", "Paused."),
        ("never mind", "Okay."),
        ("hello", "Hello."),
    ],
)
def test_a_confirmed_command_is_said_to_be_done(
    english: Understanding, home: Home, said: str, reply: str
) -> None:
    plan = english.recognize(said, home=home, area_id="kitchen")
    assert answer(plan, outcomes(plan), home, "en") == reply


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("is the hallway light on", "Yes, the hallway light is on."),
        ("is the kitchen light on", "No, the kitchen light is off."),
        ("is the front door locked", "Yes, the front door is locked."),
        ("are the bedroom blinds closed", "No, the bedroom blinds are open."),
        ("is the kitchen window open", "No, the kitchen window is closed."),
        ("which lights are on", "Hallway light."),
        ("how many lights are on", "1."),
        ("are all the lights off", "No, hallway light is not off."),
        ("what's the state of the coffee machine", "The coffee machine is off."),
        ("what is the temperature in the bedroom", "18.5 degrees."),
        ("what is the thermostat set to", "20 degrees."),
        ("what is the humidity in the bathroom", "58 percent."),
        ("how much power does the washing machine use", "410 watts."),
        ("what time is it", "2:05 PM."),
        ("what's the date", "November 23rd, 2026."),
    ],
)
def test_a_question_is_answered_from_what_is_known(
    english: Understanding, home: Home, said: str, reply: str
) -> None:
    plan = english.recognize(said, home=home, area_id="kitchen")
    assert answer(plan, [], home, "en", now=NOW) == reply


def test_what_worked_and_what_did_not_are_both_said(english: Understanding, home: Home) -> None:
    plan = english.recognize("turn on all the lights", home=home)
    results = outcomes(plan, light_bedroom_lamp=OutcomeKind.UNREACHABLE)
    assert (
        answer(plan, results, home, "en") == "Nine lights are on; the bedroom lamp didn't answer."
    )
    plan = english.recognize("turn off the lights in the living room", home=home)
    results = outcomes(plan, light_living_room_lamp=OutcomeKind.TIMED_OUT)
    assert (
        answer(plan, results, home, "en")
        == "The living room ceiling light is off; the living room lamp didn't confirm it."
    )


def test_mixed_kinds_are_called_devices(english: Understanding, home: Home) -> None:
    plan = english.recognize("turn off everything in the kitchen", home=home)
    results = outcomes(plan, media_player_kitchen_speaker=OutcomeKind.UNREACHABLE)
    assert (
        answer(plan, results, home, "en")
        == "Three devices are off; the kitchen speaker didn't answer."
    )


@pytest.mark.parametrize(
    ("outcome", "reply"),
    [
        (OutcomeKind.UNREACHABLE, "The kitchen light didn't answer."),
        (OutcomeKind.REFUSED, "The kitchen light can't do that."),
        (OutcomeKind.TIMED_OUT, "The kitchen light didn't confirm it."),
    ],
)
def test_a_failure_says_which_and_why(
    english: Understanding, home: Home, outcome: OutcomeKind, reply: str
) -> None:
    plan = english.recognize("turn on the kitchen light", home=home)
    assert answer(plan, outcomes(plan, light_kitchen=outcome), home, "en") == reply


def test_the_device_s_own_reason_is_said(english: Understanding, home: Home) -> None:
    plan = english.recognize("set the thermostat to 22", home=home)
    result = outcomes(plan, climate_thermostat=OutcomeKind.REFUSED)[0]
    result = result.model_copy(update={"error": "device.invalid_value"})
    assert answer(plan, [result], home, "en") == "The thermostat doesn't accept that setting."
    result = result.model_copy(update={"error": "bus.deadline"})
    assert answer(plan, [result], home, "en") == "The thermostat can't do that."


def test_several_that_fail_alike_are_said_together(english: Understanding, home: Home) -> None:
    plan = english.recognize("turn on the lights", home=home, area_id="kitchen")
    down = OutcomeKind.UNREACHABLE
    results = outcomes(plan, light_kitchen=down, light_kitchen_counter=down)
    assert (
        answer(plan, results, home, "en")
        == "The kitchen light and the kitchen counter light didn't answer."
    )


def test_without_a_state_the_answer_is_that_it_is_not_known(english: Understanding) -> None:
    house = demo.load()
    bare = Home()
    for area in house.areas:
        bare.put_area(area)
    for entity in house.entities:
        bare.put_entity(entity)
    plan = english.recognize("is the front door locked", home=bare)
    assert answer(plan, [], bare, "en") == "I don't know that about the front door."
    plan = english.recognize("which lights are on", home=bare)
    assert answer(plan, [], bare, "en") == "I don't know."


def test_a_device_that_is_away_is_said_to_be(english: Understanding, home: Home) -> None:
    home.put_state(
        EntityState(
            entity_id="lock.front_door", available=False, values={"locked": True}, changed_at=0
        )
    )
    plan = english.recognize("is the front door locked", home=home)
    assert answer(plan, [], home, "en") == "The front door didn't answer."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_success_failure_and_state(
    english: Understanding, home: Home, language: str
) -> None:
    plan = english.recognize("turn on all the lights", home=home)
    done = answer(plan, outcomes(plan), home, language)
    partly = answer(
        plan, outcomes(plan, light_bedroom_lamp=OutcomeKind.UNREACHABLE), home, language
    )
    replies = [done, partly]
    for said in ("is the kitchen light on", "what is the temperature in the bedroom"):
        asked = english.recognize(said, home=home)
        replies.append(answer(asked, [], home, language, now=NOW))
    assert len(set(replies)) == len(replies)
    for reply in replies:
        assert reply[-1] in ".。!！"
        assert "{" not in reply
        assert "device." not in reply
    lamp = names_of(home.entity("light.bedroom_lamp"), language)[0]
    assert lamp.lower() in partly.lower()
