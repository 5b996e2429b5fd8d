"""How `say-as` has a text read: as a number, letter by letter, as a date, a time, a telephone."""

import re
from collections.abc import Callable

from alicia.speech.number_words import LARGEST, digits, ordinal
from alicia.speech.spoken import said_date, said_number, said_time, spoken

_WHOLE = re.compile(r"-?\d{1,12}")
_TIME = re.compile(r"(\d{1,2})[:.h](\d{2})(?::\d{2})?")
_NUMBERS = re.compile(r"\d+")
_GROUPS = re.compile(r"[\s()./-]+")

_Reading = Callable[[str, str | None, str], str]


def as_said(text: str, kind: str, layout: str | None, language: str) -> str:
    """The text in words; what does not look like its kind is read as any text is."""
    return READINGS[kind](text, layout, language)


def _cardinal(text: str, _layout: str | None, language: str) -> str:
    compact = text.replace(" ", "")
    return (
        said_number(compact, language)
        if re.fullmatch(r"-?\d[\d.,]*", compact)
        else _any(text, language)
    )


def _ordinal(text: str, _layout: str | None, language: str) -> str:
    found = _WHOLE.match(text)
    if found is None or not 0 < int(found[0]) < LARGEST:
        return _any(text, language)
    return ordinal(int(found[0]), language, "r" if language == "de" else "masculine")


def _characters(text: str, _layout: str | None, language: str) -> str:
    return ", ".join(
        digits(c, language) if c.isascii() and c.isdecimal() else c.upper()
        for c in text
        if not c.isspace()
    )


def _date(text: str, layout: str | None, language: str) -> str:
    """`layout`: the order of the numbers (ymd, dmy, mdy, md, dm); a year in front tells itself."""
    numbers = [int(number) for number in _NUMBERS.findall(text)]
    order = layout or _order(text, len(numbers), language)
    if not order or len(numbers) != len(order) or set(order) - set("ymd"):
        return _any(text, language)
    part = dict(zip(order, numbers, strict=True))
    if "m" not in part or "d" not in part:
        return _any(text, language)
    return said_date(part["d"], part["m"], part.get("y"), language)


def _order(text: str, count: int, language: str) -> str:
    if count == 2:
        return "md" if language in ("en", "zh", "ja", "ko") else "dm"
    if re.match(r"\d{4}", text) or language in ("zh", "ja", "ko"):
        return "ymd"
    return "mdy" if language == "en" else "dmy"


def _time(text: str, _layout: str | None, language: str) -> str:
    found = _TIME.match(text)
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        return _any(text, language)
    rest = text[found.end() :].strip()
    said = said_time(int(found[1]) % 24, int(found[2]), language)
    return f"{said} {rest}".strip()


def _telephone(text: str, _layout: str | None, language: str) -> str:
    groups = [group for group in _GROUPS.split(text.strip()) if group]
    plus = {"de": "plus", "fr": "plus", "es": "más", "it": "più", "pt": "mais", "zh": "加",
            "ja": "プラス", "ko": "더하기"}.get(language, "plus")  # fmt: skip
    return ", ".join(
        (f"{plus} " if group.startswith("+") else "") + digits(group.lstrip("+"), language)
        for group in groups
    )


def _any(text: str, language: str) -> str:
    return spoken(text, language)


READINGS: dict[str, _Reading] = {
    "cardinal": _cardinal,
    "number": _cardinal,
    "ordinal": _ordinal,
    "characters": _characters,
    "spell-out": _characters,
    "digits": lambda text, _layout, language: digits(text, language),
    "date": _date,
    "time": _time,
    "telephone": _telephone,
}
