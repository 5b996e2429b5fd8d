"""Cutting: a sentence of a language without spaces, in phrases; as few of them as can be.

    "把灯调到二十度" -> 把 | 灯 | 调到 | # | 度, and 20

Chinese, Japanese and Korean are read sign by sign: what a Korean speaker parts by spaces, a
recognizer parts as it likes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from alicia.language.readings import simplified
from alicia.language.wording import NUMBER, han_number, hangul_number

_IGNORED = re.compile(r"""[\s。…~!・'"「」『』:;-]|(?<!\d)\.|\.(?!\d)""")
_COMMAS = re.compile(r"[,，、]")
_ASKED = "?"
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_HAN = re.compile("([〇零一二两三四五六七八九十百]+)(?:点([〇零一二三四五六七八九]+))?")
_HANGUL = re.compile("([영일이삼사오육칠팔구십백]+)(?:점([영공일이삼사오육칠팔구]+))?")
_COUNTED = {"한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5}
_MOST_SIGNS = 80
"""Of a sentence; nobody commands in more."""
_EMPTY_COST = 1.3
"""Of two cuts the one with fewer phrases is meant, and with fewer that mean nothing."""

Phrase: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Cut:
    """One way to part a sentence."""

    phrases: tuple[Phrase, ...]
    numbers: tuple[float, ...]
    """Of each phrase that is a number, in their order."""


class Cutter:
    """One language's."""

    def __init__(self, language: str, units: Sequence[str]) -> None:
        self._language = language
        self._unit = re.compile("|".join(map(re.escape, units)) or "(?!)")

    def signs(self, text: str) -> str:
        """In small letters, without spaces and full stops; commas and a question's mark stay."""
        text = unicodedata.normalize("NFKC", text.replace("º", "°")).lower().strip()
        if self._language == "zh":
            text = simplified(text)
        text = _IGNORED.sub("", _COMMAS.sub(",", text.replace("？", _ASKED))).strip(",")
        return text.rstrip(",?") + _ASKED if text.endswith(_ASKED) else text

    def phrase(self, text: str) -> Phrase:
        """A word or a name as `cuts` knows it."""
        return tuple(self.signs(text).replace(",", ""))

    def cuts(
        self, text: str, cost: Callable[[Phrase], float | None], longest: int
    ) -> Iterator[Cut]:
        """Each way to part the signs into known phrases, those of the fewest first.

        `cost` is None for what is no phrase.
        """
        signs = text.replace(",", "")
        if not signs or len(signs) > _MOST_SIGNS or NUMBER in signs:
            return
        steps = [list(self._steps(signs, at, cost, longest)) for at in range(len(signs))]
        left = [float("inf")] * len(signs) + [0.0]
        for at in range(len(signs) - 1, -1, -1):
            left[at] = min((one + left[end] for end, one, _, _ in steps[at]), default=float("inf"))
        order = count()
        open_ = [(left[0], next(order), 0.0, 0, Cut((), ()))] if left[0] < float("inf") else []
        while open_:
            _, _, so_far, at, cut = heappop(open_)
            if at == len(signs):
                yield cut
                continue
            for end, one, phrase, number in steps[at]:
                if left[end] < float("inf"):
                    numbers = cut.numbers if number is None else (*cut.numbers, number)
                    longer = Cut((*cut.phrases, phrase), numbers)
                    total = so_far + one
                    heappush(open_, (total + left[end], next(order), total, end, longer))

    def _steps(
        self, signs: str, at: int, cost: Callable[[Phrase], float | None], longest: int
    ) -> Iterator[tuple[int, float, Phrase, float | None]]:
        """What may begin here: where it ends, what it costs, and the number that it is."""
        if (number := self._number(signs, at)) is not None:
            yield at + len(number[0]), 1.0, (NUMBER,), number[1]
        for size in range(min(longest, len(signs) - at), 0, -1):
            phrase = tuple(signs[at : at + size])
            if (one := cost(phrase)) is not None:
                yield at + size, one, phrase, None

    def _number(self, signs: str, at: int) -> tuple[str, float] | None:
        """The number that begins here and how it is written."""
        if found := _DIGITS.match(signs, at):
            return found[0], float(found[0])
        if self._language != "ko":
            found = _HAN.match(signs, at)
            return (found[0], _value(found, han_number)) if found else None
        # A syllable is a number only where something is counted: 이 is "this", 일 is "work".
        found = _HANGUL.match(signs, at)
        if found and self._unit.match(signs, found.end()):
            return found[0], _value(found, hangul_number)
        for word, value in _COUNTED.items():
            if signs.startswith(word, at) and self._unit.match(signs, at + len(word)):
                return word, float(value)
        return None


def cost_of(*, empty: bool) -> float:
    """Of a phrase; less where it means something."""
    return _EMPTY_COST if empty else 1.0


def _value(found: re.Match[str], whole: Callable[[str], int]) -> float:
    if not found[2]:
        return float(whole(found[1]))
    digits = "".join(str(whole(sign)) for sign in found[2])
    return float(f"{whole(found[1])}.{digits}")
