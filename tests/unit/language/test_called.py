"""Things by half of a compound, colours, wishes and the room that several commands are for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from tests.eval.mind.__main__ import COMMITTED

from alicia.errors import AliciaError
from alicia.home import demo
from alicia.home.model import Home
from alicia.language.plan import Plan
from alicia.language.understanding import Understanding


@lru_cache(maxsize=4)
def understood(language: str) -> Understanding:
    return Understanding(language)


@lru_cache(maxsize=4)
def home_of(name: str) -> Home:
    path: Path | None = None if name == "demo" else COMMITTED / name / "home.toml"
    return demo.load(path).picture()


def done(language: str, home: str, text: str, area: str | None = None) -> set[tuple[str, str]]:
    """Each thing that is told something, and what: `power` or its value."""
    plan: Plan = understood(language).recognize(text, home=home_of(home), area_id=area)
    return {(e, f"{a.capability} {a.value}") for a in plan.actions for e in a.entities}


@pytest.mark.parametrize(
    ("home", "text", "entity", "what"),
    [
        ("demo", "Schreibtisch aus", "light.office_desk", "power False"),
        ("demo", "ich hätte gern Licht am Schreibtisch", "light.office_desk", "power True"),
        ("house", "Aquarium in Blau", "light.aquarium", "color blue"),
        ("house", "Spots auf vierzig", "light.ceiling_spots", "brightness 40.0"),
        ("house", "an der linken Nachttischlampe bitte Licht", "light.bedside_left", "power True"),
        ("demo", "blaues Licht im Wohnzimmer", "light.living_room_lamp", "color blue"),
        ("demo", "im Garten bitte Festbeleuchtung", "light.garden", "power True"),
        ("demo", "mach das Bad dunkel", "light.bathroom", "power False"),
        ("demo", "im Flur brauch ich Licht", "light.hallway", "power True"),
    ],
)
def test_a_thing_is_known_by_half_of_its_name(home: str, text: str, entity: str, what: str) -> None:
    assert done("de", home, text) == {(entity, what)}


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("de", "Stehlampe auf Blau und vierzig Prozent", {"light.living_room_lamp"}),
        ("de", "mach die Stehlampe blau und nicht so hell", {"light.living_room_lamp"}),
        ("de", "Küchenlautsprecher an und leiser", {"media_player.kitchen_speaker"}),
        (
            "de",
            "Ich geh in die Küche, schalt schon mal beide Lampen dort ein",
            {"light.kitchen", "light.kitchen_counter"},
        ),
        ("de", "beide Jalousien zu", {"cover.bedroom_blinds", "cover.living_room_blinds"}),
        (
            "de",
            "Stehlampe auf dreißig Prozent Deckenlampe aus",
            {"light.living_room_lamp", "light.living_room_ceiling"},
        ),
        ("en", "turn the kitchen speaker on and make it quieter", {"media_player.kitchen_speaker"}),
        (
            "de",
            "im Schlafzimmer Rollos runter und Licht aus",
            {"cover.bedroom_blinds", "light.bedroom_lamp", "light.bedside_lamp"},
        ),
    ],
)
def test_what_is_said_after_a_thing_is_said_of_it(language: str, text: str, told: set[str]) -> None:
    assert {entity for entity, _ in done(language, "demo", text, "living_room")} == told


@pytest.mark.parametrize(
    "text",
    [
        "Gartenlicht blau", "Stehlampe auf", "Musik auf", "Licht an im", "mach das Licht",
        "Bad dunkel", "eine Lampe bitte", "am Schreibtisch liegt der Brief", "schön warm hier",
        "beide Lampen oben aus", "stell die Heizung auf", "draußen ist es dunkel",
        "mach die rote Lampe an", "Musik halb so laut",
    ],
)  # fmt: skip
def test_half_a_sentence_and_talk_move_nothing(text: str) -> None:
    with pytest.raises(AliciaError):
        done("de", "demo", text, "living_room")


def test_what_is_left_on_is_not_turned_on() -> None:
    text = "alle Lichter aus nur die Stehlampe anlassen"
    assert "light.living_room_lamp" not in {entity for entity, _ in done("de", "demo", text)}
