import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.speech.spoken import spoken


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
    ("language", "expected"),
    [
        ("de", "21,5 Grad"), ("fr", "21,5 degrés"), ("es", "21,5 grados"), ("it", "21,5 gradi"),
        ("pt", "21,5 graus"), ("zh", "21,5 度"), ("ja", "21,5 度"), ("ko", "21,5 도"),
    ],
)  # fmt: skip
def test_other_languages_get_their_units(language: str, expected: str) -> None:
    assert spoken("21,5 °C", language) == expected


@given(st.text(), st.sampled_from(["en", "de", "ja", "xx"]))
def test_any_text_can_be_given(text: str, language: str) -> None:
    spoken(text, language)


@given(st.integers(0, 10**14))
def test_no_digit_is_left_in_english(number: int) -> None:
    assert not any(character.isdigit() for character in spoken(str(number), "en"))
