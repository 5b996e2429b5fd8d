"""Every error has a sentence, in every language."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from alicia.errors import (
    AmbiguousError,
    InvalidValueError,
    MissingSlotError,
    UnavailableError,
    UnsupportedLanguageError,
    all_codes,
)
from alicia.language.phrases import listing, number, phrase, phrase_for, word
from alicia.language.tables import LANGUAGES

MET_BY_PEOPLE = ("voice.", "intent.", "device.", "bus.", "setup.", "security.", "upstream.")


def table(language: str) -> dict[str, str]:
    source = resources.files("alicia.language").joinpath("data", "phrases", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language: str) -> None:
    own = table(language)
    for code in all_codes():
        said = phrase(code, language)
        assert said, code
        assert "{" not in said
        assert code.partition(".")[0] in own, f"family of {code}"
        assert not re.search(r"[a-z]+\.[a-z_]+", said), f"{code} is read aloud"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_codes_that_people_meet_are_said_alike(language: str) -> None:
    own = table(language)
    met = [code for code in all_codes() if code.startswith(MET_BY_PEOPLE) and code in own]
    assert len({own[code] for code in met}) == len(met)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_have_the_same_phrases_with_the_same_fields(language: str) -> None:
    english, own = table("en"), table(language)
    assert own.keys() == english.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", own[key])) == set(re.findall(r"\{(\w+)\}", text)), key


def test_no_two_languages_share_a_sentence() -> None:
    for key in table("en"):
        if key.startswith(("unit.", "answer.and", "answer.or")):
            continue  # "{value} kelvin" is the same word in several languages
        said = [table(language)[key] for language in LANGUAGES]
        assert len(set(said)) == len(said), key


def test_an_unknown_code_is_said_as_its_family() -> None:
    assert phrase("device.on_fire", "en") == phrase("device", "en")
    assert phrase("upstream.weather.stale", "de") == phrase("upstream", "de")
    assert phrase("nonsense", "fr") == phrase("alicia", "fr")


def test_what_is_known_about_an_error_is_said() -> None:
    assert phrase("device.unavailable", "en", name="the lamp") == "The lamp didn't answer."
    assert phrase_for(MissingSlotError(slot="area"), "en") == "Which room do you mean?"
    assert phrase_for(MissingSlotError(slot="color"), "en") == phrase("intent.missing_slot", "en")
    assert (
        phrase_for(AmbiguousError(choices=["Kitchen Spot", "Office Spot"]), "en")
        == "Which one do you mean: Kitchen Spot or Office Spot?"
    )
    assert (
        phrase_for(InvalidValueError(minimum=5.0, maximum=30.5), "de")
        == "Der Wert muss zwischen 5 und 30,5 liegen."
    )
    assert phrase_for(UnavailableError(entity="light.x"), "en") == "I can't reach the device."


def test_lists_and_numbers_are_said_as_the_language_does() -> None:
    assert listing(["a", "b", "c"], "en") == "a, b and c"
    assert listing(["甲", "乙", "丙"], "zh") == "甲、乙和丙"
    assert listing(["a"], "fr") == "a"
    assert number(21.0, "en") == "21"
    assert number(21.46, "fr") == "21,5"
    assert word("unit.percent", "zh", value="30") == "百分之30"


def test_a_tenth_language_is_refused() -> None:
    with pytest.raises(UnsupportedLanguageError):
        phrase("device", "nl")
    assert phrase("device", "pt-BR") == phrase("device", "pt")
