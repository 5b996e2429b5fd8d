"""Scenes: by their name in nine languages, and what is said of what became of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alicia.contracts.devices import OutcomeKind, Result
from alicia.errors import NotUnderstoodError
from alicia.home.model import Home
from alicia.language.answers import answer
from alicia.language.follow_ups import topic_of
from alicia.language.plan import Plan
from alicia.language.understanding import Understanding

MOVIE = {
    ("light.living_room_ceiling", "power", False),
    ("light.living_room_lamp", "brightness", 20.0),
    ("cover.living_room_blinds", "position", 0.0),
}
SAID = {
    "en": (["Movie night!", "activate movie mode", "it's movie time"], "good night"),
    "es": (["noche de cine", "activa el modo cine"], "buenas noches"),
    "fr": (["soirée cinéma", "lance la soirée film"], "bonne nuit"),
    "de": (["Filmabend", "Schalte den Kinomodus ein"], "gute Nacht"),
    "it": (["serata film", "avvia la modalità cinema"], "buonanotte"),
    "pt": (["noite de cinema", "ativa o modo cinema"], "boa noite"),
    "zh": (["打开观影模式", "切换到电影模式"], "晚安"),
    "ja": (["映画モードにして", "シアターモードをつけて"], "おやすみ"),
    "ko": (["영화 모드 켜 줘", "영화 모드로 해 줘"], "잘 자"),
}


def changes(plan: Plan) -> set[tuple[str, str, object]]:
    return {(e, a.capability, a.value) for a in plan.actions for e in a.entities}


def results(plan: Plan, *unreachable: str) -> list[Result]:
    return [
        Result(
            entity_id=entity,
            capability=capability,
            value=value,  # type: ignore[arg-type]
            outcome=(OutcomeKind.UNREACHABLE if entity in unreachable else OutcomeKind.CONFIRMED),
        )
        for entity, capability, value in changes(plan)
    ]


@pytest.mark.parametrize("language", SAID)
def test_a_scene_sets_all_that_belongs_to_it(
    understandings: Callable[[str], Understanding], home: Home, language: str
) -> None:
    movie, night = SAID[language]
    for text in movie:
        assert changes(understandings(language).recognize(text, home=home)) == MOVIE, text
    plan = understandings(language).recognize(night, home=home)
    assert ("lock.front_door", "locked", True) in changes(plan)
    assert ("light.hallway", "power", False) in changes(plan)


@pytest.mark.parametrize(
    "text", ["turn off movie night", "it was a good night", "was movie night good", "movie knight"]
)
def test_nothing_else_is_one(english: Understanding, home: Home, text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        english.recognize(text, home=home)


def test_a_home_without_it_has_no_good_night(english: Understanding, home: Home) -> None:
    without = Home()
    for area in home.areas():
        without.put_area(area)
    for entity in home.entities():
        if not entity.scene:
            without.put_entity(entity)
    with pytest.raises(NotUnderstoodError):
        english.recognize("good night", home=without)


def test_what_did_not_come_true_is_said(english: Understanding, home: Home) -> None:
    plan = english.recognize("movie night", home=home)
    assert answer(plan, results(plan), home, "en") == "Movie Night is set."
    told = answer(plan, results(plan, "cover.living_room_blinds"), home, "en")
    assert told == "Two lights are set; the living room blinds didn't answer."


def test_it_is_nothing_of_a_scene(english: Understanding, home: Home) -> None:
    assert topic_of(english.recognize("good night", home=home)) is None
