"""Wording: a sentence in the bare form that sentences are compared in.

lower case, no accents, numbers as digits -> no units, articles and prepositions -> words, or, where
a language is written without spaces, signs
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from unicode_rbnf import RbnfEngine

from alicia.language.readings import GAP
from alicia.language.tables import Tables

NUMBER = "#"
"""Stands for a number, which is never guessed: it is taken from what was heard."""

_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_NOISE = re.compile(r"[^\w#.,]+|(?<!\d)[.,]|[.,](?!\d)|_")
_DOUBLED = re.compile(r"([a-z])\1+")
_HAN_NUMBER = re.compile("[〇零一二两三四五六七八九十百]+")
_HAN_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
_HAN_ALONE = frozenset("一两百")
"""Not numbers where they stand alone: "a bit", "both"."""
_HANGUL_NUMBER = "[영일이삼사오육칠팔구십백]+"
_HANGUL_DIGITS = {sign: value for value, sign in enumerate("영일이삼사오육칠팔구")}


@dataclass(frozen=True)
class Bare:
    text: str
    """With `#` for each number."""
    numbers: tuple[float, ...] = ()
    gapped: str = ""
    """With a mark where a particle was left out; only of a language without spaces."""

    @property
    def spoken(self) -> str:
        return self.gapped or self.text


class Wording:
    """The bare forms of one language."""

    def __init__(self, tables: Tables) -> None:
        say: dict[str, Any] = tables.say
        self.spaced: bool = say.get("spaced", True)
        self.gap = " " if self.spaced else ""
        self._language = tables.language
        fold = self._fold = _folded_once if say.get("doubled", True) else _folded
        same: dict[str, list[str]] = say.get("same", {})
        dropped: list[str] = say.get("dropped", [])
        one = {fold(form): fold(word) for word, forms in same.items() for form in forms}
        # A form may be a word that has forms itself: folded, "allumé" is "allume".
        self._same = {form: one.get(word, word) for form, word in one.items()}
        self.forms: dict[str, list[str]] = {}
        """By word: its forms, which are one with it in a bare form."""
        for form, word in self._same.items():
            self.forms.setdefault(word, []).append(form)
        fold = fold if self.spaced else str
        self._dropped = frozenset(map(fold, dropped))
        self._cut = re.compile("|".join(sorted(map(re.escape, dropped), key=len, reverse=True)))
        units = sorted(map(fold, say.get("units", [])), key=len, reverse=True)
        joined = "|".join(map(re.escape, units)) or "(?!)"
        if self.spaced:
            self._units = re.compile(rf"{NUMBER} (?:{joined})(?!\w)")
        else:
            self._units = re.compile(rf"{NUMBER}(?:{joined})")
            self._hangul = re.compile(rf"({_HANGUL_NUMBER})\s*(?={joined})")
        self._halves = [re.compile(rf"(\d+) {fold(half)}\b") for half in say.get("halves", [])]
        self._values = (
            {fold(w): v for w, v in _number_words(tables.language).items()} if self.spaced else {}
        )
        longest_first = sorted(self._values, key=len, reverse=True)
        self._number_words = re.compile(
            r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b" if longest_first else "(?!)"
        )

    @property
    def number_words(self) -> Mapping[str, int]:
        """The numbers from 2 to 100, written out; none of a language without spaces."""
        return self._values

    def drops(self, word: str) -> bool:
        """Whether a bare form is without this word."""
        return not self.bare(word).text

    def plain(self, text: str) -> str:
        """All its words, in small letters without accents; signs without spaces."""
        return self._fold(text) if self.spaced else _NOISE.sub("", text.replace(" ", ""))

    def letters(self, text: str) -> str:
        """The same with its doubled letters: "dass" is not "das"."""
        return _folded(text) if self.spaced else self.plain(text)

    def bare(self, text: str) -> Bare:
        """The bare form of a tidied sentence."""
        text = text.replace("%", " % ").replace("°", " ° ")
        return self._spaced(text) if self.spaced else self._unspaced(text)

    def counted(self, text: str) -> Bare:
        """Every word of a tidied sentence, its numbers taken out; where words stand apart."""
        text = self._fold(text.replace("%", " % ").replace("°", " ° "))
        text = self._number_words.sub(lambda m: str(self._values[m[0]]), text)
        for half in self._halves:
            text = half.sub(r"\1.5", text)
        return Bare(*_taken(text))

    def _spaced(self, text: str) -> Bare:
        text, numbers = (counted := self.counted(text)).text, counted.numbers
        text = self._units.sub(NUMBER, text)
        words = [self._same.get(word, word) for word in text.split()]
        return Bare(" ".join(w for w in words if w not in self._dropped), numbers)

    def _unspaced(self, text: str) -> Bare:
        if self._language == "ko":
            text = self._hangul.sub(lambda m: str(_value(m[1], _HANGUL_DIGITS)), text)
        else:
            text = _HAN_NUMBER.sub(_han_number, text)
        text, numbers = _taken(text)
        text = _NOISE.sub("", text.replace(" ", ""))
        text = self._units.sub(NUMBER, text)
        gapped = self._cut.sub(GAP, text) if self._dropped else text
        return Bare(gapped.replace(GAP, ""), numbers, gapped.strip(GAP))


def _taken(text: str) -> tuple[str, tuple[float, ...]]:
    """The text with a mark for each number, and the numbers."""
    numbers = tuple(float(found.replace(",", ".")) for found in _DIGITS.findall(text))
    return _DIGITS.sub(NUMBER, text), numbers


@lru_cache(maxsize=16384)
def _folded(text: str) -> str:
    """Lower case without accents and punctuation: "s'il te plaît" as "s il te plait"."""
    text = text.lower().replace("ß", "ss").replace("œ", "oe").replace("\u00ad", "")
    letters = unicodedata.normalize("NFD", text)
    text = "".join(sign for sign in letters if not unicodedata.combining(sign))
    # The percent and degree signs are units.
    text = text.replace("%", " percent ").replace("°", " degree ")
    return " ".join(_NOISE.sub(" ", text).split())


@lru_cache(maxsize=16384)
def _folded_once(text: str) -> str:
    """The same with doubled letters once: recognizers write "sbloca" for "sblocca"."""
    return _DOUBLED.sub(r"\1", _folded(text))


@lru_cache(maxsize=9)
def _number_words(language: str) -> dict[str, int]:
    """Every way that a number from 2 to 100 is written out. One is an article in most languages."""
    engine = RbnfEngine.for_language(language)
    found: dict[str, int] = {}
    for value in (0, *range(2, 101)):
        written = engine.format_number(value)
        for text in {written.text, *written.text_by_ruleset.values()}:
            word = _folded(text)
            if word.replace(" ", "").isalpha():
                found.setdefault(word, value)
    return found


def _han_number(match: re.Match[str]) -> str:
    sign = match[0]
    return sign if sign in _HAN_ALONE else str(_value(sign, _HAN_DIGITS))


def _value(signs: str, digits: dict[str, int]) -> int:
    """二十二 is 22, 二二 too."""
    total, last = 0, -1
    for sign in signs:
        if sign in "十십":
            total, last = total + 10 * (last if last > 0 else 1), -1
        elif sign in "百백":
            total, last = total + 100 * (last if last > 0 else 1), -1
        elif last >= 0:
            last = last * 10 + digits[sign]
        else:
            last = digits[sign]
    return total + max(last, 0)
