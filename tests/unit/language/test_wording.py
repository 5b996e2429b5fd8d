"""Bare forms and readings: what two ways to say or write the same have in common."""

from __future__ import annotations

import pytest

from alicia.language.readings import japanese, korean, mandarin, simplified
from alicia.language.tables import load_tables
from alicia.language.wording import Wording

SAME = [
    ("de", "stelle die Lampe auf dreißig Prozent", "stell lampe auf 30%"),
    ("de", "zweiundzwanzig Grad", "22°"),
    ("es", "treinta y cinco por ciento", "35 %"),
    ("es", "veintidós grados", "22 grados"),
    ("fr", "règle à vingt-deux degrés", "regle 22"),
    ("fr", "quatre-vingt-dix-neuf", "99"),
    ("it", "sbloca la porta", "sblocca porta"),
    ("it", "trentacinque gradi", "35 gradi"),
    ("pt", "vinte e cinco graus", "25"),
    ("zh", "把温度调到二十二度", "温度调到22度"),
    ("ja", "温度を二十二度にして", "温度22度にして"),
    ("ko", "온도를 이십이 도로 맞춰 줘", "온도 22도로 맞춰주세요"),
]


@pytest.mark.parametrize(("language", "one", "other"), SAME)
def test_two_ways_to_write_it_have_one_bare_form(language: str, one: str, other: str) -> None:
    wording = Wording(load_tables(language))
    assert wording.bare(one).text == wording.bare(other).text
    assert wording.bare(one).numbers == wording.bare(other).numbers


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "mach das Licht an", "mach das Licht aus"),
        ("es", "no enciendas la luz", "enciende la luz"),
        ("fr", "n'allume pas", "allume"),
        ("ja", "つけて", "つけないで"),
        ("ko", "불 켜 줘", "불 꺼 줘"),
        ("zh", "开灯", "关灯"),
    ],
)
def test_what_turns_a_meaning_round_stays_in_the_bare_form(
    language: str, one: str, other: str
) -> None:
    wording = Wording(load_tables(language))
    assert wording.bare(one).text != wording.bare(other).text


def test_half_a_degree_is_a_number() -> None:
    assert Wording(load_tables("es")).bare("veintiún grados y medio").numbers == (21.0,)
    assert Wording(load_tables("es")).bare("21 y medio").numbers == (21.5,)
    assert Wording(load_tables("de")).bare("21,5 grad").numbers == (21.5,)


def test_more_than_one_number_is_kept_as_more_than_one() -> None:
    assert Wording(load_tables("zh")).bare("调到1%60%").numbers == (1.0, 60.0)


def test_signs_that_sound_alike_have_one_reading() -> None:
    assert mandarin("我是", {}) == mandarin("卧室", {})
    assert japanese("新室", {}) == japanese("寝室", {})
    assert japanese("キッチン", {}) == japanese("きっちん", {})
    assert korean("켜", {}) != korean("꺼", {})


def test_a_kanji_alone_is_read_as_a_word() -> None:
    assert japanese("窓", {}) == "mado"
    assert japanese("寝室", {}) == "shinshitsu"
    assert japanese("消して", {"消し": "けし"}) == "keshite"


def test_traditional_characters_become_simplified_ones() -> None:
    assert simplified("打開廚房的燈") == "打开厨房的灯"
    assert simplified("厨房") == "厨房"
