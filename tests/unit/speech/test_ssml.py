"""SSML: what is understood, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.errors import MarkupError
from alicia.speech.speaking import Clause
from alicia.speech.ssml import MOST_CHARS, MOST_PAUSE_S, parse
from alicia.speech.synthesizer import PLAIN, Style


def said(markup: str, language: str = "en") -> list[str]:
    return [clause.said for clause in parse(f"<speak>{markup}</speak>", language) if clause.said]


def styles(markup: str) -> list[Style]:
    return [clause.style for clause in parse(f"<speak>{markup}</speak>", "en") if clause.said]


def pauses(markup: str) -> list[float]:
    return [c.pause_s for c in parse(f"<speak>{markup}</speak>", "en") if c.pause_s]


def test_plain_text_in_speak_is_said() -> None:
    assert parse("<speak>It is 21 degrees.</speak>", "en") == [
        Clause("It is 21 degrees.", "It is twenty one degrees.", "en")
    ]


@pytest.mark.parametrize(
    ("language", "markup", "expected"),
    [
        ("en", '<say-as interpret-as="cardinal">1200</say-as>', "one thousand two hundred"),
        ("en", '<say-as interpret-as="ordinal">3</say-as>', "third"),
        ("en", '<say-as interpret-as="characters">a1b</say-as>', "A, one, B"),
        (
            "en",
            '<say-as interpret-as="date" format="dmy">24/11/2026</say-as>',
            "November twenty fourth, twenty twenty six",
        ),
        ("en", '<say-as interpret-as="date" format="md">5/4</say-as>', "May fourth"),
        ("en", '<say-as interpret-as="time">7:05</say-as>', "seven oh five"),
        (
            "en",
            '<say-as interpret-as="telephone">+49 30 12</say-as>',
            "plus four nine, three zero, one two",
        ),
        ("de", '<say-as interpret-as="ordinal">3</say-as>', "dritter"),
        ("de", '<say-as interpret-as="time">7:05</say-as>', "sieben Uhr fünf"),
        (
            "fr",
            '<say-as interpret-as="date">1/11/2026</say-as>',
            "premier novembre deux mille vingt-six",
        ),
        ("es", '<say-as interpret-as="telephone">112</say-as>', "uno uno dos"),
        ("zh", '<say-as interpret-as="telephone">110</say-as>', "一一零"),
        ("ko", '<say-as interpret-as="time">7:30</say-as>', "일곱 시 삼십 분"),
        ("en", '<sub alias="World Wide Web Consortium">W3C</sub>', "World Wide Web Consortium"),
    ],
)
def test_say_as_and_sub_are_read_as_asked(language: str, markup: str, expected: str) -> None:
    assert " ".join(said(markup, language)) == expected


def test_prosody_changes_rate_pitch_and_volume_and_nests() -> None:
    markup = (
        '<prosody rate="slow" pitch="+2st" volume="-6dB">low '
        '<prosody rate="150%">inner</prosody></prosody> out'
    )
    low, inner, out = styles(markup)
    assert low == Style(0.8, 2 ** (2 / 12), -6.0)
    assert inner.rate == pytest.approx(1.2)
    assert inner.volume_db == -6.0
    assert out == PLAIN


def test_emphasis_is_slower_and_louder() -> None:
    [style] = styles('<emphasis level="strong">now</emphasis>')
    assert style.rate < 1
    assert style.volume_db > 0


def test_styles_stay_within_what_can_be_understood() -> None:
    [style] = styles('<prosody rate="900%" pitch="+90st" volume="+99dB">x</prosody>')
    assert style == style.bounded()
    assert style.rate == 2.0


def test_breaks_sentences_and_paragraphs_are_pauses() -> None:
    assert pauses('<break time="250ms"/><break time="1.5s"/><break strength="none"/>') == [
        0.25,
        1.5,
    ]
    assert pauses("<p><s>One.</s><s>Two.</s></p>") == [0.2, 0.2, 0.5]
    assert pauses('<break time="999999s"/>') == [MOST_PAUSE_S]


def test_another_language_is_spoken_by_another_voice() -> None:
    found = parse('<speak>Say <lang xml:lang="fr-FR">bonjour</lang> to 2 people</speak>', "en")
    assert [(clause.language, clause.said) for clause in found] == [
        ("en", "Say"), ("fr", "bonjour"), ("en", "to two people"),
    ]  # fmt: skip
    assert parse('<speak xml:lang="de">Ja</speak>', "en")[0].language == "de"
    assert parse('<speak><voice xml:lang="it">Sì</voice></speak>', "en")[0].language == "it"


BOMB = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {c} "{f"&{p};" * 10}">' for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><speak>&i;</speak>"
)


@pytest.mark.parametrize(
    "markup",
    [
        BOMB,
        '<!DOCTYPE s SYSTEM "file:///etc/passwd"><speak>x</speak>',
        '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><speak>&x;</speak>',
        '<?xml-stylesheet href="x"?><speak>x</speak>',
        "<speak>&nbsp;</speak>",
        "<speak>not closed",
        "<speak><p>crossed</speak></p>",
        "plain text",
        "",
        "<p>no speak</p>",
        "<speak><speak>two</speak></speak>",
        '<speak><audio src="http://x"/></speak>',
        "<speak><script>alert(1)</script></speak>",
        '<speak><say-as interpret-as="swearing">x</say-as></speak>',
        '<speak><break time="soon"/></speak>',
        '<speak><prosody rate="like the wind">x</prosody></speak>',
        '<speak><emphasis level="very">x</emphasis></speak>',
        '<speak><lang xml:lang="tlh">Qapla</lang></speak>',
        "<speak><sub>x</sub></speak>",
        "<speak>" + "<p>" * 40 + "</p>" * 40 + "</speak>",
        "<speak>" + "x" * MOST_CHARS + "</speak>",
    ],
)
def test_what_is_hostile_or_not_understood_is_refused(markup: str) -> None:
    with pytest.raises(MarkupError):
        parse(markup, "en")


@given(st.text(max_size=300))
def test_any_input_is_clauses_or_a_refusal(markup: str) -> None:
    for candidate in (markup, f"<speak>{markup}</speak>"):
        try:
            found = parse(candidate, "en")
        except MarkupError:
            continue
        assert not any(re.search(r"[<>]", clause.said) for clause in found)
