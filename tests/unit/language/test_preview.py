"""What the words so far come to, while somebody is still speaking."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.home.model import Home
from alicia.language.understanding import Understanding

OVER = [
    "turn on the kitchen light",
    "Turn off the living room lamp.",
    "turn off the lights in the bedroom",
    "set the bedroom lamp to forty",
    "set the bedroom lamp to forty percent",
    "dim the bedroom lamp to 20%",
    "make the living room lamp blue",
    "set the thermostat to 22 degrees",
    "what time is it",
    "lock the front door",
    "pause the music",
    "open the bedroom blinds",
]
"""Whole commands that nothing likely follows."""

MORE = [
    "turn",
    "turn on",
    "turn on the",
    "turn on the kitchen",
    "turn on the living room",
    "turn on the leaving room",
    "turn off the lights in",
    "turn off the light in the",
    "set the bedroom lamp to",
    "set the bedroom lamp",
    "make the living room lamp",
    "turn off everything except",
    "lock the",
]
"""Beginnings."""


@pytest.mark.parametrize("said", OVER)
def test_a_whole_command_is_over(english: Understanding, home: Home, said: str) -> None:
    preview = english.preview(said, home=home, area_id="kitchen")
    assert (preview.complete, preview.open, preview.score) == (True, False, 1.0)
    assert preview.plan == english.recognize(said, home=home, area_id="kitchen")


@pytest.mark.parametrize("said", MORE)
def test_the_beginning_of_a_command_is_open(english: Understanding, home: Home, said: str) -> None:
    preview = english.preview(said, home=home, area_id="kitchen")
    assert preview.open
    assert not preview.complete


@pytest.mark.parametrize("said", ["dim the bedroom lamp", "turn off the lights"])
def test_a_command_that_begins_another_is_both(
    english: Understanding, home: Home, said: str
) -> None:
    preview = english.preview(said, home=home, area_id="kitchen")
    assert preview.complete
    assert preview.open
    assert preview.plan is not None


def test_a_misheard_command_has_a_plan_and_is_not_complete(
    english: Understanding, home: Home
) -> None:
    preview = english.preview("turn on the kitchen lied", home=home, area_id="kitchen")
    assert preview.plan is not None
    assert preview.plan.entities == ("light.kitchen",)
    assert (preview.complete, preview.open) == (False, False)
    assert 0.88 <= preview.score < 1.0


@pytest.mark.parametrize("said", ["", "...", "the weather is nice", "what is the meaning of life"])
def test_other_talk_has_no_plan(english: Understanding, home: Home, said: str) -> None:
    preview = english.preview(said, home=home, area_id="kitchen")
    assert (preview.complete, preview.plan, preview.score) == (False, None, 0.0)


def test_a_preview_raises_nothing(english: Understanding, home: Home) -> None:
    for said in ("turn on the light", "set a timer for five minutes", "make the lights red"):
        assert not english.preview(said, home=home).complete


HALVES = [
    ("es", "enciende la luz de la", "enciende la luz de la cocina"),
    ("fr", "éteins la lampe du", "éteins la lampe du salon"),
    ("de", "mach die Wohnzimmerlampe", "mach die Wohnzimmerlampe aus"),
    ("it", "accendi la luce della", "accendi la luce della cucina"),
    ("pt", "apague o abajur da", "apague o abajur da sala"),
    ("zh", "把客厅的", "把客厅的台灯关掉"),
    ("ja", "リビングのランプを", "リビングのランプを消して"),
    ("ko", "거실 램프를", "거실 램프를 꺼 줘"),
]


@pytest.mark.parametrize(("language", "half", "whole"), HALVES)
def test_every_language_tells_a_half_from_a_whole(
    understandings: Callable[[str], Understanding],
    home: Home,
    language: str,
    half: str,
    whole: str,
) -> None:
    understanding = understandings(language)
    before = understanding.preview(half, home=home, area_id="kitchen")
    assert (before.complete, before.open) == (False, True)
    after = understanding.preview(whole, home=home, area_id="kitchen")
    assert (after.complete, after.open) == (True, False)
    assert understanding.complete(whole, home=home, area_id="kitchen")
    assert not understanding.complete(half, home=home, area_id="kitchen")


def test_a_command_has_its_plural_where_that_does_something_else(
    english: Understanding, home: Home
) -> None:
    found = english.twins("Turn on the kitchen light.", home=home)
    assert [text for text, _ in found] == ["Turn on the kitchen lights."]
    found = english.twins("turn on the kitchen lights", home=home)
    assert [text for text, _ in found] == ["turn on the kitchen light"]


@pytest.mark.parametrize(
    "text",
    [
        "Turn on the hallway light.",  # There is one.
        "lock the front door",  # Never guessed at.
        "what time is it",
        "turn on the",
    ],
)
def test_most_commands_have_none(text: str, english: Understanding, home: Home) -> None:
    assert english.twins(text, home=home) == []


def test_what_a_small_recognizer_makes_of_set_is_understood(
    english: Understanding, home: Home
) -> None:
    heard = english.recognize("It's at the bedroom lamp to 50%.", home=home)
    said = english.recognize("Set the bedroom lamp to 50%.", home=home)
    assert heard.does == said.does


def test_a_mere_guess_opens_no_door(english: Understanding, home: Home) -> None:
    said = "unlock the front door"
    assert english.preview(said, home=home).complete
    guessed = english.preview(said, home=home, guessed=True)
    assert (guessed.complete, guessed.plan) == (False, None)
    assert english.preview("turn on the kitchen light", home=home, guessed=True).complete
