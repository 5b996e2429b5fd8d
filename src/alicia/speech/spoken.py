"""Text as it is said: what a synthesizer would stumble over, in words.

Piper and eSpeak read numbers in every language by their own rules; units and signs are what they
get wrong. English numbers are spelt out here too, so that every English engine says the same.
"""

import re

_UNITS: dict[str, dict[str, str]] = {
    "en": {"°": "degrees", "%": "percent", "kWh": "kilowatt hours", "W": "watts", "€": "euros"},
    "es": {"°": "grados", "%": "por ciento"},
    "fr": {"°": "degrés", "%": "pour cent"},
    "de": {"°": "Grad", "%": "Prozent"},
    "it": {"°": "gradi", "%": "per cento"},
    "pt": {"°": "graus", "%": "por cento"},
    "zh": {"°": "度"},
    "ja": {"°": "度", "%": "パーセント"},
    "ko": {"°": "도", "%": "퍼센트"},
}
_SCALE_LETTER = re.compile(r"°\s*[CF]\b|℃|℉")
_COUNTED = frozenset({"degrees", "kilowatt hours", "watts", "euros", "grados", "degrés", "graus"})
"""Units that lose their s after the number one."""
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"))
_LIMIT = 1_000_000_000_000

_MARKUP = re.compile(r"[*_`#|<>]+")
_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
_NUMBER = re.compile(r"(?<![\w.])(-|−)?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?(?![\w])")


def spoken(text: str, language: str) -> str:
    """The text without signs that a voice can't pronounce."""
    text = _SCALE_LETTER.sub("°", _MARKUP.sub(" ", text))
    text = _units(text, _UNITS.get(language, {}))
    if language == "en":
        text = _CLOCK.sub(_english_clock, text)
        text = _NUMBER.sub(_english_number, text)
    return " ".join(text.split())


def _units(text: str, names: dict[str, str]) -> str:
    for sign, name in names.items():
        unit = rf"\s*{re.escape(sign)}" + (r"(?!\w)" if sign[-1].isalpha() else "")
        if name.endswith("s") and name in _COUNTED:
            text = re.sub(rf"(?<![\d.,])1{unit}", f"1 {name[:-1]}", text)
        text = re.sub(rf"(?<=\d){unit}", f" {name}", text)
    return text


def _english_clock(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    if minute == 0:
        return f"{_whole(hour)} o'clock" if 0 < hour <= 12 else f"{_whole(hour)} hundred"
    return f"{_whole(hour)} {'oh ' if minute < 10 else ''}{_whole(minute)}"


def _english_number(match: re.Match[str]) -> str:
    sign, whole, fraction = match[1], match[2].replace(",", ""), match[3]
    if int(whole) >= _LIMIT or (len(whole) > 1 and whole[0] == "0"):
        return " ".join(_ONES[int(digit)] for digit in whole + (fraction or ""))
    words = ("minus " if sign else "") + _whole(int(whole))
    if fraction:
        words += " point " + " ".join(_ONES[int(digit)] for digit in fraction)
    return words


def _whole(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" and {_whole(rest)}" if rest else "")
    size, name = next(scale for scale in _SCALES if number >= scale[0])
    count, rest = divmod(number, size)
    joint = " and " if 0 < rest < 100 else " "
    return f"{_whole(count)} {name}" + (f"{joint}{_whole(rest)}" if rest else "")
