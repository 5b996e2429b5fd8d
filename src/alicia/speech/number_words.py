"""Numbers in words, in nine languages, by the rules of Unicode's CLDR (unicode-rbnf, MIT)."""

from functools import cache

from unicode_rbnf import FormatPurpose, RbnfEngine

from alicia.speech.english_numbers import ONES, TENS

LARGEST = 10**12
"""Longer numbers are said digit by digit, as a person would."""
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"))
_CHINESE_DIGITS = "零一二三四五六七八九"
_KOREAN_DIGITS = "공일이삼사오육칠팔구"


def cardinal(number: int, language: str, form: str | None = None) -> str:
    """`form`: "masculine", "feminine", "native-attributive", where the language has it."""
    if language == "en":
        return ("minus " if number < 0 else "") + _english(abs(number))
    result = _engine(language).format_number(number, FormatPurpose.CARDINAL)
    by_form = result.text_by_ruleset
    text = (by_form.get(f"spellout-cardinal-{form}") if form else None) or by_form.get(
        "spellout-numbering", result.text
    )
    return _plain(text, language)


def ordinal(number: int, language: str, form: str | None = None) -> str:
    """`form`: "masculine", "feminine"; in German the ending: "r", "n"."""
    result = _engine(language).format_number(number, FormatPurpose.ORDINAL)
    text = (result.text_by_ruleset.get(f"spellout-ordinal-{form}") if form else None) or next(
        iter(result.text_by_ruleset.values())
    )
    return _plain(text, language)


def year(number: int, language: str) -> str:
    if language == "zh":
        return digits(str(number), language)
    if language == "en":
        return _plain(_engine(language).format_number(number, FormatPurpose.YEAR).text, language)
    return cardinal(number, language)


def digits(text: str, language: str) -> str:
    """One digit after the other; what is no digit stays as it is."""
    if language == "zh":
        return "".join(_CHINESE_DIGITS[int(c)] if c.isdecimal() else c for c in text)
    if language == "ko":
        return " ".join(_KOREAN_DIGITS[int(c)] if c.isdecimal() else c for c in text)
    return " ".join(cardinal(int(c), language) if c.isdecimal() else c for c in text)


def _english(number: int) -> str:
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens - 2] + (f" {ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{ONES[hundreds]} hundred" + (f" and {_english(rest)}" if rest else "")
    size, name = next(scale for scale in _SCALES if number >= scale[0])
    count, rest = divmod(number, size)
    joint = " and " if 0 < rest < 100 else " "
    return f"{_english(count)} {name}" + (f"{joint}{_english(rest)}" if rest else "")


def _plain(text: str, language: str) -> str:
    """Without soft hyphens and signs that voices stumble over."""
    text = text.replace("\u00ad", "").replace("\u2212", "")
    if language == "en":
        return text.replace("-", " ")
    return text.replace("〇", "零") if language == "zh" else text


@cache
def _engine(language: str) -> RbnfEngine:
    return RbnfEngine.for_language(language)
