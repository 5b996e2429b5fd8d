"""What is said when a PIN or a yes was asked for."""

from __future__ import annotations

import pytest

from alicia.errors import UnsupportedLanguageError
from alicia.language.replies import digits_of, is_mostly_digits, is_yes
from alicia.language.tables import LANGUAGES
from alicia.speech.number_words import digits

PIN = "2580147369"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_digit_is_understood_as_it_is_said_and_as_it_is_written(language: str) -> None:
    for said in (digits(PIN, language), ", ".join(PIN), PIN, " ".join(PIN) + "."):
        assert digits_of(said, language) == PIN, said


@pytest.mark.parametrize(
    ("language", "said", "pin"),
    [
        ("en", "Two five eight oh.", "2580"),
        ("en", "my PIN is 25 80", "2580"),
        ("en", "twenty-five eighty", "2580"),
        ("en", "To, for, won, ate", "2418"),
        ("en", "It's 2-5-8-0, please.", "2580"),
        ("de", "Zwo fünf acht null", "2580"),
        ("de", "Meine PIN lautet fünfundzwanzig achtzig.", "2580"),
        ("es", "Mi PIN es dos cinco ocho cero", "2580"),
        ("fr", "mon code, c'est deux cinq huit zéro", "2580"),
        ("fr", "vingt-cinq quatre-vingt-dix", "2590"),
        ("it", "il mio PIN è due cinque otto zero", "2580"),
        ("pt", "meia dois cinco oito", "6258"),
        ("zh", "我的密码是二五八零", "2580"),
        ("zh", "幺二三四五", "12345"),
        ("ja", "暗証番号はにごはちぜろです", None),
        ("ja", "にごはちゼロです", "2580"),
        ("ja", "二五八〇", "2580"),
        ("ko", "비밀번호는 이 오 팔 공입니다", "2580"),
        ("ko", "이오팔영", "2580"),
        ("ja", "２５８０", "2580"),
        ("en", "", None),
        ("en", "please", None),
        ("en", "turn on the light", None),
        ("en", "2580 unlock the garage", None),
        ("en", "two five eight zero and open everything", None),
        ("de", "mach das Licht an", None),
    ],
)
def test_a_pin_is_taken_where_nothing_else_was_said(
    language: str, said: str, pin: str | None
) -> None:
    assert digits_of(said, language) == pin


@pytest.mark.parametrize(
    ("language", "said", "mostly"),
    [
        ("en", "two five tree zero", True),
        ("en", "25 ate oh well", True),
        ("en", "turn on the light for me", False),
        ("en", "what time is it", False),
        ("en", "", False),
        ("zh", "二五把零", True),
        ("ja", "キッチンのライトをつけて", False),
    ],
)
def test_a_pin_that_was_misheard_is_known_as_one(language: str, said: str, mostly: bool) -> None:
    assert is_mostly_digits(said, language) is mostly


@pytest.mark.parametrize(
    ("language", "yes", "no"),
    [
        ("en", "Yes, please.", "No, thanks."),
        ("de", "Ja!", "Nein, danke."),
        ("es", "Sí.", "No, gracias."),
        ("fr", "Oui, s'il te plaît.", "Non merci"),
        ("it", "Sì.", "No, grazie."),
        ("pt", "Sim, por favor.", "Não."),
        ("zh", "是的。", "不要。"),
        ("ja", "はい、お願いします。", "いいえ。"),
        ("ko", "네.", "아니요."),
    ],
)
def test_a_yes_and_a_no_are_whole_sentences(language: str, yes: str, no: str) -> None:
    assert is_yes(yes, language) is True
    assert is_yes(no, language) is False
    for other in (f"{yes} {no}", "", "hm", "2580", f"{yes} alicia unlock everything"):
        assert is_yes(other, language) is None


def test_a_tenth_language_is_refused() -> None:
    with pytest.raises(UnsupportedLanguageError):
        digits_of("een twee drie", "nl")
