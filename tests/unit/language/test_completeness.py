"""All that can be said is said in nine languages: nothing is missing, nothing is left English."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import pytest

from alicia.errors import UndetectedLanguageError, all_codes
from alicia.language.detection import detect, is_long_enough
from alicia.language.naming import languages_table
from alicia.language.phrases import phrase
from alicia.language.tables import LANGUAGES, load_tables

OTHERS = [language for language in LANGUAGES if language != "en"]
SURE = 0.6
"""Below it the detector tells nothing of a sentence of four words."""
THE_SAME = re.compile(
    r"Alicia|kelvins?|watts?|percent|[\d\W_]+|PIN|OK|Okay|Ok",
)
"""What is no word of English alone."""

SAME_ON_THE_PAGE = {"fr": {"code", "capability_position"}, "de": {"code"}}
"""Keys of words that are written alike."""


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a table, with where it stands."""
    match value:
        case str():
            yield key, value
        case dict():
            for name, one in value.items():
                yield from leaves(one, f"{key}.{name}")
        case list():
            for number, one in enumerate(value):
                yield from leaves(one, f"{key}[{number}]")
        case _:
            return


@cache
def tables(kind: str, language: str) -> dict[str, str]:
    """The texts of one kind: the phrases, the words of answers, the manners of personas."""
    if kind == "words":
        found: Any = load_tables(language).words
    else:
        source = resources.files("alicia.language").joinpath("data", kind, f"{language}.toml")
        found = tomllib.loads(source.read_text("utf-8"))
    return {
        key: text
        for key, text in leaves(found)
        # Patterns that look for words are not said.
        if ".replace" not in key and ".plural" not in key
    }


@cache
def page() -> dict[str, dict[str, str]]:
    """What the page with a microphone says, by language and key."""
    text = resources.files("alicia.peers.browser").joinpath("static", "words.js").read_text("utf-8")
    blocks = re.split(r"^  (\w\w): \{$", text, flags=re.MULTILINE)[1:]
    return {
        language: dict(re.findall(r'(\w+): "((?:[^"\\]|\\.)*)"', block.partition("\n  },")[0]))
        for language, block in zip(blocks[::2], blocks[1::2], strict=True)
    }


def plain(text: str) -> str:
    """Without fields and markup."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{[^}]*\}|<[^>]*>", " ", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["phrases", "words", "manners"])
def test_every_sentence_is_in_its_language(kind: str, language: str) -> None:
    judged, foreign = 0, []
    for key, text in tables(kind, language).items():
        if not is_long_enough(said := plain(text), language):
            continue
        judged += 1
        found = detect(said)
        if found.language != language and found.probability >= SURE:
            foreign.append((key, text, found.language))
    assert foreign == []
    assert judged >= {"phrases": 80}.get(kind, 1)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("kind", ["phrases", "words", "manners"])
def test_no_sentence_is_the_english_one(kind: str, language: str) -> None:
    english = tables(kind, "en")
    same = [
        (key, text)
        for key, text in tables(kind, language).items()
        if english.get(key) == text and THE_SAME.sub("", plain(text))
    ]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_that_there_is_can_be_told(language: str) -> None:
    for code in all_codes():
        said = phrase(code, language)
        try:
            found = detect(said)
        except UndetectedLanguageError:
            pytest.fail(f"{code}: {said!r} has no words")
        if is_long_enough(said, language) and found.probability >= SURE:
            assert found.language == language, code


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_asks_for_the_same_things(language: str) -> None:
    english, own = languages_table("en"), languages_table(language)
    assert own.keys() == english.keys()
    assert own["names"].keys() == set(LANGUAGES)
    assert own["patterns"].keys() == english["patterns"].keys()
    for kind, patterns in english["patterns"].items():
        fields = set(re.findall(r"\{(\w+)\}", " ".join(patterns)))
        said = set(re.findall(r"\{(\w+)\}", " ".join(own["patterns"][kind])))
        assert said == fields, kind


def test_one_english_sentence_among_french_ones_would_be_found() -> None:
    left = "The device did not confirm that it was switched on."
    assert is_long_enough(left, "fr")
    assert detect(left).language == "en"


@pytest.mark.parametrize("language", OTHERS)
def test_the_page_says_everything_too(language: str) -> None:
    english, own = page()["en"], page()[language]
    assert len(english) > 10
    assert own.keys() == english.keys()
    same = [key for key, said in own.items() if said == english[key] and THE_SAME.sub("", said)]
    assert set(same) <= SAME_ON_THE_PAGE.get(language, set())
    for key, said in own.items():
        # What a person types is English in all of them.
        if is_long_enough(text := re.sub("“[^”]*”|„[^“]*“|«[^»]*»|「[^」]*」", "", said), language):
            found = detect(text)
            assert found.language == language or found.probability < SURE, (key, said)
