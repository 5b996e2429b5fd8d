"""Sentences without spaces: their phrases and numbers, and what is said with every table."""

from __future__ import annotations

from itertools import islice

import pytest

from alicia.language.concepts import concept_table
from alicia.language.cutting import Cutter, Phrase, cost_of

WORDS = ["把", "灯", "调", "调到", "到", "度", "一点", "点"]


def _cost(phrase: Phrase) -> float | None:
    word = "".join(phrase)
    return cost_of(empty=word == "把") if word in WORDS else None


def _cuts(language: str, text: str) -> list[tuple[str, tuple[float, ...]]]:
    cutter = Cutter(language, ["度", "%", "도"])
    cuts = islice(cutter.cuts(cutter.signs(text), _cost, 2), 4)
    return [(" ".join("".join(p) for p in cut.phrases), cut.numbers) for cut in cuts]


def test_of_all_ways_to_part_a_sentence_those_of_the_fewest_phrases_come_first() -> None:
    assert _cuts("zh", "把灯调到二十度")[:2] == [
        ("把 灯 调到 # 度", (20.0,)),
        ("把 灯 调 到 # 度", (20.0,)),
    ]


def test_a_sign_of_no_phrase_leaves_no_way() -> None:
    assert _cuts("zh", "别把灯调到二十度") == []
    assert _cuts("zh", "") == []
    assert _cuts("zh", "灯" * 81) == []


def test_a_sign_for_a_number_may_be_a_word() -> None:
    assert _cuts("zh", "一点")[0] == ("一点", ())


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("zh", "二十点五度", 20.5),
        ("zh", "21.5度", 21.5),
        ("ja", "十八度", 18.0),
        ("zh", "一百度", 100.0),
    ],
)
def test_a_number_is_read_as_it_is_written(language: str, text: str, number: float) -> None:
    assert _cuts(language, text)[0] == ("# 度", (number,))


def test_a_korean_syllable_is_a_number_only_before_what_is_counted() -> None:
    cutter = Cutter("ko", ["도"])

    def cost(phrase: Phrase) -> float | None:
        return 1.0 if "".join(phrase) in ("이", "불", "도") else None

    assert [c.numbers for c in cutter.cuts("이불", cost, 1)] == [()]
    assert next(cutter.cuts("이십일도", cost, 1)).numbers == (21.0,)
    assert next(cutter.cuts("두도", cost, 1)).numbers == (2.0,)


def test_signs_are_compared_without_spaces_and_in_one_writing() -> None:
    assert Cutter("zh", []).signs("幫我 把 Ａ 燈、打開。") == "帮我把a灯,打开"
    assert Cutter("ja", []).signs("電気 ついてる？") == "電気ついてる?"


@pytest.mark.parametrize("language", ["zh", "ja", "ko"])
def test_a_language_without_spaces_has_a_word_for_all_that_english_has(language: str) -> None:
    needed = {
        *("on", "off", "open", "close", "up", "down", "play", "pause", "mute", "unmute"),
        *("lock", "unlock", "brighter", "dimmer", "warmer", "cooler", "louder", "quieter"),
        *("faster", "slower", "half", "full", "least", "set", "to", "and", "all", "here", "house"),
        *("percent", "degree", "number", "asks", "what", "setto", "ask:time", "ask:date"),
        *("ask:warm", "ask:power", "ask:which", "ask:many", "ask:target", "attr:humidity"),
        *("kind:light", "kind:blind", "kind:fan", "kind:climate", "kind:door", "kind:window"),
        *("kind:music", "kind:speaker", "kind:someone", "kind:everything", "attr:brightness"),
        *("attr:temperature", "attr:volume", "attr:speed", "attr:color", "attr:power"),
    }
    said = {part for key in concept_table(language)["words"] for part in key.split("+")}

    assert needed - said == set()
    assert needed - {part for key in concept_table("en")["words"] for part in key.split("+")} <= {
        "house",
        "what",
    }
