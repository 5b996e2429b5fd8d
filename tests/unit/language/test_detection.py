"""Which language a text is in: on the sentences that are held apart from our templates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicia.errors import UndetectedLanguageError, UnsupportedLanguageError
from alicia.language.detection import detect, is_long_enough, source_of, words_in
from alicia.language.tables import LANGUAGES

SENTENCES = Path(__file__).parents[2] / "eval" / "mind" / "sentences"
LEAST_SHARE = {"en": 0.98, "es": 0.94, "fr": 0.97, "de": 0.96, "it": 0.95, "pt": 0.93}
"""Of right answers on short commands (ADR 0093)."""


def sentences(language: str) -> list[str]:
    lines = (SENTENCES / f"{language}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines if line.strip()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_short_sentences_of_a_home_are_told_apart(language: str) -> None:
    said = sentences(language)
    right = sum(detect(text).language == language for text in said)
    assert right / len(said) >= LEAST_SHARE.get(language, 1.0)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("照明をつけて", "ja"),
        ("打开厨房的灯", "zh"),
        ("불 켜 줘", "ko"),
        ("TURN ON THE LIGHTS IN HERE", "en"),
        ("スマートホームの light", "ja"),
        ("Spiel die playlist in der Küche", "de"),
    ],
)
def test_the_script_goes_first_and_the_most_of_a_text_counts(text: str, language: str) -> None:
    assert detect(text).language == language


def test_only_those_asked_for_are_considered() -> None:
    found = detect("acende a luz", among=["pt", "ja"])
    assert (found.language, found.probability) == ("pt", 1.0)
    assert detect("la luz", among=["en", "es"]).language == "es"
    with pytest.raises(UndetectedLanguageError):
        detect("불 켜 줘", among=["en", "es"])
    with pytest.raises(UnsupportedLanguageError):
        detect("hallo", among=["nl"])


@pytest.mark.parametrize("text", ["", "12:30", "?!", "приве́т"])
def test_what_has_no_letters_of_the_nine_is_not_guessed(text: str) -> None:
    with pytest.raises(UndetectedLanguageError):
        detect(text)


def test_probabilities_add_up_and_the_likeliest_comes_first() -> None:
    likely = detect("che ore sono adesso").likely
    assert likely[0][0] == "it"
    assert sum(p for _, p in likely) == pytest.approx(1.0)
    assert [p for _, p in likely] == sorted((p for _, p in likely), reverse=True)


def test_a_word_is_in_the_language_of_who_asks() -> None:
    assert source_of("gift", "de", "en") == "en"
    assert source_of("good night", "fr", "en") == "en"
    assert source_of("gute Nacht", "ja", "de", household=["en", "pt"]) == "de"
    assert source_of("where is the train station please", "ja", "fr") == "en"
    assert source_of("おやすみ", "fr", "en") == "ja"
    assert source_of("wo ist denn hier der Bahnhof", "en", "en") == "de"


def test_a_word_of_nobody_known_is_rather_in_a_language_of_the_household() -> None:
    assert source_of("la luz", "fr") == "it"
    assert source_of("la luz", "fr", household=["es", "en"]) == "es"
    assert source_of("wo ist denn hier der Bahnhof", "fr", household=["es"]) == "de"


def test_a_text_for_a_language_is_hardly_in_it() -> None:
    assert source_of("la luz", "it", "es") == "es"
    assert source_of("where is the train station please", "en", "de") == "en"  # surely in it


def test_words_are_counted_where_no_space_parts_them() -> None:
    assert words_in("turn on light 4", "en") == 3
    assert words_in("打开厨房的灯", "zh") == 3
    assert not is_long_enough("turn it off", "en")
    assert is_long_enough("turn it off now", "en")
