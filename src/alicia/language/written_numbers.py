"""Written numbers: digits or words in a text, as a pattern that finds them and as values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from unicode_rbnf import RbnfEngine
from unicode_rbnf.engine import FormatPurpose

from alicia.language.wording import written_numbers

_DIGITS = r"\d+(?:[.,]\d+)?"
_DAYS, _HOURS, _MINUTES = 31, 24, 59


def lettered(text: str) -> str:
    """Small letters without accents, one for each letter of a text that is in the form NFKC."""
    return "".join(map(_letter, text))


def _letter(sign: str) -> str:
    lower = sign.lower()
    if len(lower) != 1:
        return sign
    base = unicodedata.normalize("NFD", lower)[0]
    return base if base.isascii() else lower


class Numbers:
    """The numbers of one language, from 0 to 100, and the days of a month."""

    def __init__(
        self,
        language: str,
        one: Iterable[str] = (),
        *,
        one_hour: Iterable[str] = (),
        first: Iterable[str] = (),
    ) -> None:
        """`one`, `one_hour`: how it is said before a unit, by a clock; `first`: of the month."""
        known = {unicodedata.normalize("NFC", w): v for w, v in written_numbers(language).items()}
        hours = {**known, **dict.fromkeys(map(lettered, one_hour), 1)}
        words = {**hours, **dict.fromkeys(map(lettered, one), 1)}
        self._values: Mapping[str, float] = words
        self._days: Mapping[str, int] = {
            **_ordinals(language),
            **dict.fromkeys(map(lettered, first), 1),
        }
        self.pattern = f"(?:{_DIGITS}|{_any(words)})"
        self.hour_pattern = f"(?:{_DIGITS}|{_any(_upto(hours, _HOURS))})"
        self.minute_pattern = f"(?:{_DIGITS}|{_any(_upto(hours, _MINUTES))})"
        self.day_pattern = f"(?:{_DIGITS}|{_any({*_upto(words, _DAYS), *self._days})})"

    def value(self, text: str) -> float:
        """Of what one of the patterns matched. Raises KeyError."""
        if text[0].isdigit():
            return float(text.replace(",", "."))
        word = " ".join(text.replace("ß", "ss").replace("-", " ").split())
        return self._values[word] if word in self._values else self._days[word]


def _upto(words: Mapping[str, float], most: int) -> list[str]:
    return [word for word, value in words.items() if value <= most]


def _any(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    escaped = (re.escape(word).replace(r"\ ", "[ -]") for word in longest_first)
    return "|".join(word.replace("ss", "(?:ss|ß)") for word in escaped)


def _ordinals(language: str) -> dict[str, int]:
    if language in ("zh", "ja", "ko"):
        return {}
    engine = RbnfEngine.for_language(language)
    found: dict[str, int] = {}
    for day in range(1, _DAYS + 1):
        written = engine.format_number(day, FormatPurpose.ORDINAL)
        for text in written.text_by_ruleset.values():
            plain = lettered(text.replace("\u00ad", "")).replace("ß", "ss").replace("-", " ")
            found.setdefault(" ".join(plain.split()), day)
    return found
