"""English families of ways to say the same, and what looks like them and is none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from alicia.errors import NotUnderstoodError
from alicia.home import demo
from alicia.home.model import Home
from alicia.language.plan import Plan
from alicia.language.schedules import Schedules
from alicia.language.tables import load_tables
from alicia.language.time_phrases import TimePhrases
from alicia.language.told_times import ToldTimes
from alicia.language.understanding import Understanding

FLAT = Path(__file__).parents[2] / "eval" / "mind" / "sentences" / "flat" / "home.toml"
LAMP, CEILING = "light.living_room_lamp", "light.living_room_ceiling"
HALL, DESK, COUNTER = "light.hallway", "light.office_desk", "light.kitchen_counter"
HEATING, BLINDS, LOCK = "climate.thermostat", "cover.living_room_blinds", "lock.front_door"
FAN, SPEAKER, COFFEE = "fan.bedroom", "media_player.living_room_speaker", "switch.coffee_machine"
KIDS = ("light.kids_ceiling", "light.night_light")
KITCHEN_LIGHT = "light.kitchen"
KITCHEN = (KITCHEN_LIGHT, COUNTER)
LIVING = (LAMP, CEILING)

NOW = datetime(2026, 3, 5, 14, 30)  # noqa: DTZ001 - the home's clock

Done = set[tuple[str, str, object]]

# Said in the living room.
SAID: list[tuple[str, Done]] = [
    ("hall light needs switching off", {(HALL, "power", False)}),
    ("get the hall light", {(HALL, "power", True)}),
    ("have the hall light switched off please", {(HALL, "power", False)}),
    ("we don't need the hall light anymore", {(HALL, "power", False)}),
    ("can you make sure the hall light is off", {(HALL, "power", False)}),
    ("give me some light over the counter", {(COUNTER, "power", True)}),
    ("put the big light on", {(CEILING, "power", True)}),
    ("turn the lamp and the ceiling light off", {(light, "power", False) for light in LIVING}),
    ("make it dark in here", {(light, "power", False) for light in LIVING}),
    ("dark in here", {(light, "power", True) for light in LIVING}),
    ("red and 40 percent for the lamp", {(LAMP, "color", "red"), (LAMP, "brightness", 40.0)}),
    ("knock the thermostat back a couple of degrees", {(HEATING, "target_temperature", -2.0)}),
    ("drop it two degrees", {(HEATING, "target_temperature", -2.0)}),
    ("knock a degree off the heating", {(HEATING, "target_temperature", -1.0)}),
    ("draw the blinds back", {(BLINDS, "position", 100.0)}),
    ("blinds closed please", {(BLINDS, "position", 0.0)}),
    ("pull the blinds down a bit", {(BLINDS, "position", -20.0)}),
    ("keep the sun out", {(BLINDS, "position", 0.0)}),
    ("put the fan on low", {(FAN, "speed", 25.0)}),
    ("turn of the hall light", {(HALL, "power", False)}),
    ("can we have a warmer light on the living room lamp", {(LAMP, "color_temperature", 2000.0)}),
    ("halve the hall light", {(HALL, "brightness", 20.0)}),
    ("it's too hot up here", {(HEATING, "target_temperature", -1.0)}),
    ("turn of the hallwaylight", {(HALL, "power", False)}),
    ("shut the speaker up", {(SPEAKER, "muted", True)}),
    ("close the blinds three quarters", {(BLINDS, "position", 25.0)}),
    ("lower the blinds to a quarter", {(BLINDS, "position", 25.0)}),
    ("nudge the blinds down", {(BLINDS, "position", -20.0)}),
    ("pull the plug on the coffee machine", {(COFFEE, "power", False)}),
    ("instead of the ceiling light turn on the lamp", {(LAMP, "power", True)}),
    ("turn on the lamp but leave the ceiling light off", {(LAMP, "power", True)}),
    (
        "turn off the hall light turn on the lamp",
        {(HALL, "power", False), (LAMP, "power", True)},
    ),
    ("my feet are cold, put the heater on", {("switch.office_heater", "power", True)}),
    ("I'm done with the coffee machine so turn it off", {(COFFEE, "power", False)}),
    ("lock up", {(LOCK, "locked", True)}),
    ("brew me some coffee", {(COFFEE, "power", True)}),
    ("I love this song, turn it up", {(SPEAKER, "volume", 10.0)}),
    ("I'm off to the office so pop a light on up there", {(DESK, "power", True)}),
    ("why is the hall light still on, turn it off", {(HALL, "power", False)}),
    ("nobody's in the kitchen so the lights can go off", {(k, "power", False) for k in KITCHEN}),
    ("all the lights in the kitchen off, leave the counter one", {(KITCHEN_LIGHT, "power", False)}),
    (
        "leave the counter light on, turn the rest off in the kitchen",
        {(KITCHEN_LIGHT, "power", False)},
    ),
]

NOTHING = [
    "do I need to turn the heater off",
    "everything else off",
    "the lamp needs a new bulb",
    "the hall light needs fixing",
    "it's dark outside",
    "my phone is on mute",
    "have the lights ever failed",
    "his bedroom is so dark",
    "no one turned the heating on",
]


def _done(understanding: Understanding, text: str, home: Home, area: str | None) -> Done:
    plan = understanding.recognize(text, home=home, area_id=area)
    return {(e, a.capability, a.value) for a in plan.actions for e in a.entities}


@pytest.mark.parametrize(("text", "wanted"), SAID, ids=lambda value: str(value)[:60])
def test_it_is_understood_however_it_is_said(
    text: str, wanted: Done, english: Understanding, home: Home
) -> None:
    assert _done(english, text, home, "living_room") == wanted


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_sounds_like_a_command_does_nothing(
    text: str, english: Understanding, home: Home
) -> None:
    with pytest.raises(NotUnderstoodError):
        english.recognize(text, home=home, area_id="living_room")


@pytest.mark.parametrize("text", ["heating on or off", "blinds open or closed", "blinds closed?"])
def test_a_choice_asks(text: str, english: Understanding, home: Home) -> None:
    plan = english.recognize(text, home=home, area_id="living_room")
    assert plan.question is not None
    assert not plan.actions


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kids' blind down", {("cover.kids_blind", "position", 0.0)}),
        ("kids light off", {("light.kids_ceiling", "power", False)}),
        ("kids lights off", {(light, "power", False) for light in KIDS}),
    ],
)
def test_a_room_is_called_by_its_first_word_with_a_noun(text: str, wanted: Done) -> None:
    assert _done(Understanding("en"), text, demo.load(FLAT).picture(), None) == wanted


def test_a_heater_at_a_plug_is_told_where_there_is_no_other() -> None:
    house = demo.load(FLAT.parents[1] / "house" / "home.toml").picture()
    wanted = {("switch.terrace_heater", "power", True)}
    assert _done(Understanding("en"), "heater on", house, "terrace") == wanted


@pytest.mark.parametrize(
    "text", ["I wonder if the front door is open", "do you know if the front door is open"]
)
def test_who_wonders_asks_now_and_waits_for_nothing(
    text: str, english: Understanding, home: Home
) -> None:
    def recognize(said: str) -> Plan:
        return english.recognize(said, home=home)

    assert Schedules("en").request(text, recognize, home, NOW) is None
    assert recognize(text).question is not None


def test_who_says_what_time_it_is_means_now() -> None:
    tables = load_tables("en")
    told = ToldTimes(tables, TimePhrases(tables))
    assert list(told.commands("it's gone eleven o'clock, turn the lamp off")) == [
        "turn the lamp off"
    ]
    assert not list(told.commands("at eleven o'clock, turn the lamp off"))
