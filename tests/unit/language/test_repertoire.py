"""What is likely to be said here."""

import itertools

import pytest

from alicia.home.demo import load
from alicia.home.model import Home
from alicia.language.repertoire import repertoire

NINE = ["en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko"]


@pytest.fixture(scope="module")
def small() -> Home:
    """Two lights, a lock and a thermometer."""
    home = Home()
    demo = load()
    for area in demo.areas:
        home.put_area(area)
    wanted = {
        "light.kitchen",
        "light.bedroom_lamp",
        "lock.front_door",
        "sensor.bedroom_temperature",
    }
    for entity in demo.entities:
        if entity.entity_id in wanted:
            home.put_entity(entity)
    return home


@pytest.fixture(scope="module")
def said(small: Home) -> list[str]:
    return list(repertoire(small, "en"))


def test_confirmations_come_first_and_each_text_once(said: list[str]) -> None:
    assert "Turned on the kitchen light." in said[:5]
    assert len(said) == len(set(said))
    assert all(text.strip() for text in said)


def test_it_holds_answers_excuses_and_numbers(said: list[str]) -> None:
    for text in (
        "Turned off the bedroom lamp.",
        "Sorry, I didn't understand that.",
        "The kitchen light didn't answer.",
    ):
        assert text in said
    assert any("50 percent" in text for text in said)
    assert any("21.5 degrees" in text for text in said)


def test_it_names_nothing_that_is_not_here(said: list[str]) -> None:
    assert not any("washing machine" in text.lower() for text in said)


@pytest.mark.parametrize("language", NINE)
def test_every_language_has_its_excuses_even_in_an_empty_home(language: str) -> None:
    found = list(itertools.islice(repertoire(Home(), language), 100))
    assert len(found) > 25
