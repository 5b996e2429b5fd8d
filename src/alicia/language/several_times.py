"""Several times in one sentence: "at seven and off at ten", "five minutes and another for ten".

a sentence -> cut at "and" and the like -> of each part the ways in which it may be meant: as it is,
or with words, and the unit of its duration, that it shares with the first or the last
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from alicia.errors import TimeNotUnderstoodError
from alicia.language.several import Several
from alicia.language.tables import Tables
from alicia.language.time_phrases import Timed, TimePhrases, lettered_pattern
from alicia.language.written_numbers import lettered

_SHARED = 5
"""Words, or four times as many signs, that a part may share."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a part may be said by itself."""

    text: str
    shares: bool = False
    """It is put together of so much that only a timer and the like may be meant."""


class SeveralTimes:
    """One language's."""

    def __init__(self, tables: Tables, phrases: TimePhrases) -> None:
        self._spaced = bool(tables.say.get("spaced", True)) and tables.language not in ("zh", "ja")
        self._cut = Several(tables.language, spaced=self._spaced)
        self._phrases = phrases
        table = phrases.table
        self._another = re.compile(lettered_pattern(table["another"]))
        self._units = [
            re.compile(lettered_pattern(f"(?:{unit})")) for unit in table["units"].values()
        ]

    def ways(self, whole: Timed) -> Iterator[list[list[Way]]]:
        """For each way to cut it, its parts; of each part the ways to say it by itself.

        None where it does not speak of time twice.
        """
        if self._phrases.times_in(whole) < 2 and not self._another.search(whole.key):
            return
        for parts in self._cut.ways(whole.said()):
            yield [self._meant(at, parts, whole) for at in range(len(parts))]

    def _meant(self, at: int, parts: list[str], whole: Timed) -> list[Way]:
        part, first, last = parts[at], parts[0], parts[-1]
        if at == 0:
            return [Way(part), *(Way(part + end, shares=True) for end in self._ends(last))]
        bare = self._without_another(part)
        first = self._timeless(first)
        units = [f"{bare}{self._gap}{unit}" for unit in self._unit(whole)]
        own = [Way(one) for one in dict.fromkeys([part, bare])]
        starts = self._starts(first)
        begun = [Way(start + bare) for start in starts]
        shared = [
            Way(start + one + end, shares=True)
            for one in (bare, *units)
            for start in ((*starts, "") if self._spaced else ("", *starts))
            for end in ("", *self._ends(first))
            if start or end
        ]
        return [*own, *begun, *shared]

    def _timeless(self, text: str) -> str:
        """Without the times that are its own."""
        try:
            rest, _ = self._phrases.without_times(self._phrases.read(text))
        except TimeNotUnderstoodError:
            return text
        for sign in rest.durations:
            if (at := rest.key.find(sign)) >= 0:
                rest = self._phrases.without(rest, at, at + 1)
        return rest.said()

    @property
    def _gap(self) -> str:
        return " " if self._spaced else ""

    def _without_another(self, part: str) -> str:
        """What is for another: "another for ten" is "for ten"."""
        found = self._another.match(lettered(part))
        return part[found.end() :].strip() if found else part

    def _unit(self, whole: Timed) -> list[str]:
        """The unit of the first duration, as it was said."""
        for sign in whole.key:
            if sign not in whole.durations:
                continue
            words = whole.words[sign]
            for unit in self._units:
                if found := unit.search(lettered(words)):
                    return [words[slice(*found.span())]]
        return []

    def _starts(self, text: str) -> list[str]:
        if not self._spaced:
            return [text[:count] for count in range(min(4 * _SHARED, len(text) - 1), 0, -1)]
        words = text.split(" ")
        return [" ".join(words[:n]) + " " for n in range(min(_SHARED, len(words)), 0, -1)]

    def _ends(self, text: str) -> list[str]:
        """The shortest first: what is shared at the end is a word or two."""
        if not self._spaced:
            return [text[-count:] for count in range(1, min(2 * _SHARED, len(text)))]
        words = text.split(" ")
        return [" " + " ".join(words[-n:]) for n in range(1, min(4, len(words)))]
