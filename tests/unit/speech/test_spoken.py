from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.speech.spoken import spoken

WORDS = ["en", "es", "fr", "de", "it", "pt", "zh", "ko"]
NINE = [*WORDS, "ja"]
"""Japanese keeps its digits: its engine reads them with their counters."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21.5 °C", "twenty one point five degrees"),
        ("It is 70°F outside.", "It is seventy degrees outside."),
        ("1 °C", "one degree"),
        ("21 °C", "twenty one degrees"),
        ("-3.05°C", "minus three point zero five degrees"),
        ("The lamp is at 30%.", "The lamp is at thirty percent."),
        ("It is 7:05.", "It is seven oh five."),
        ("It is 12:00.", "It is twelve o'clock."),
        ("It is 18:30.", "It is eighteen thirty."),
        ("1,234 kWh", "one thousand two hundred and thirty four kilowatt hours"),
        ("100 W", "one hundred watts"),
        ("1,000,001", "one million and one"),
        ("115", "one hundred and fifteen"),
        ("Agent 007", "Agent zero zero seven"),
        ("mp3 player", "mp3 player"),
        ("**Done.** `ok`", "Done. ok"),
    ],
)
def test_english_is_spelt_out(text: str, expected: str) -> None:
    assert spoken(text, "en") == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "21,5 °C", "einundzwanzig Komma fünf Grad"),
        ("de", "um 7:30 Uhr, 1 kWh", "um sieben Uhr dreißig, eine Kilowattstunde"),
        ("de", "am 24.11.2026", "am vierundzwanzigsten November zweitausendsechsundzwanzig"),
        ("de", "z. B. 1.250 W", "zum Beispiel eintausendzweihundertfünfzig Watt"),
        ("de", "am 3. Mai", "am dritten Mai"),
        ("fr", "1 °C, 21,5 °C", "un degré, vingt-et-un virgule cinq degrés"),
        ("fr", "à 1:00, le 01/11/2026", "à une heure, le premier novembre deux mille vingt-six"),
        ("fr", "la 1re et le 3e", "la première et le troisième"),
        ("es", "1 °C, 45 %", "un grado, cuarenta y cinco por ciento"),
        ("es", "a las 7:30", "a las siete y treinta"),
        ("es", "el 24/11/2026", "el veinticuatro de noviembre de dos mil veintiséis"),
        ("it", "1 °C, 1.250 W", "un grado, milleduecentocinquanta watt"),
        ("it", "il 3º piano", "il terzo piano"),
        ("pt", "às 2:30, 50 %", "às duas e trinta, cinquenta por cento"),
        ("zh", "气温-5.5°C，湿度45%", "气温负五点五摄氏度，湿度百分之四十五"),
        ("zh", "2026-11-24，2:05，2个灯", "二零二六年十一月二十四日，两点零五分，两个灯"),
        ("ja", "21.5 °C、45%、7:30", "21.5度、45パーセント、7時30分"),
        ("ko", "-3°C, 7:30, 조명 2개", "영하 삼 도, 일곱 시 삼십 분, 조명 두 개"),
    ],
)
def test_every_language_has_its_own_words(language: str, text: str, expected: str) -> None:
    assert spoken(text, language) == expected


@given(st.text(), st.sampled_from([*NINE, "xx"]))
def test_any_text_can_be_given(text: str, language: str) -> None:
    spoken(text, language)


@given(st.integers(-(10**14), 10**14), st.sampled_from(WORDS))
def test_no_digit_is_left(number: int, language: str) -> None:
    said = spoken(f"{number}", language)
    assert said
    assert not any(character.isdigit() for character in said)


@given(
    st.decimals(-999, 999, places=1, allow_nan=False),
    st.sampled_from(["°C", "%", "kWh", "W", "€"]),
    st.sampled_from(WORDS),
)
def test_no_sign_is_left_of_a_measurement(value: Decimal, unit: str, language: str) -> None:
    mark = "." if language in ("en", "zh", "ko") else ","
    said = spoken(f"{value} {unit}".replace(".", mark), language)
    assert not set(said) & set("0123456789°%€,")
    assert said[0] != "-"


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from(WORDS))
def test_every_time_is_said_in_words(hour: int, minute: int, language: str) -> None:
    said = spoken(f"{hour}:{minute:02}", language)
    assert not any(character.isdigit() or character == ":" for character in said)


@given(st.dates(date(1000, 1, 1)), st.sampled_from(WORDS))
def test_every_date_is_said_in_words(day: date, language: str) -> None:
    assert not any(character.isdigit() for character in spoken(day.isoformat(), language))


@given(st.integers(0, 10**12), st.sampled_from(WORDS))
def test_what_was_said_in_words_stays_as_it_is(number: int, language: str) -> None:
    said = spoken(str(number), language)
    assert spoken(said, language) == said
