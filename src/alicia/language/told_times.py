"""Told times: a time that is told of beside a command makes no command of later.

"the guests stay tonight, turn on the guest room light"   -> now
"open the garage, I'm five seconds away"                  -> now
"in the evening, turn on the porch light"                 -> in the evening

What is told need not be understood for that, but then nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from alicia.errors import TimeNotUnderstoodError
from alicia.language.asides import asides_of
from alicia.language.grammar import tidy
from alicia.language.tables import Tables
from alicia.language.time_phrases import TimePhrase, TimePhrases

_PAUSE = re.compile(r"\s*[,;.、，。]\s*")
_MOST_PARTS = 4
_MOST = 12
"""Ways to part a sentence that are looked at."""
_LEAST_WORDS = 2
_LEAST_SIGNS = 2
"""What else must be told beside a command than the time."""


class ToldTimes:
    """One language's."""

    def __init__(self, tables: Tables, phrases: TimePhrases) -> None:
        self._tables = tables
        self._phrases = phrases
        self._spaced = bool(tables.say.get("spaced", True))
        self._asides = asides_of(tables.language, spaced=self._spaced)

    def commands(self, text: str) -> Iterator[str]:
        """The commands that may be meant where only what is told beside them has a time."""
        for split in islice(self._asides.splits(self._tidied(text)), _MOST):
            rest = self._timeless(split.aside)
            if rest is None or self._timeless(split.command) != split.command:
                continue
            enough = self._says_more(rest) or self._asides.tells_the_time(rest)
            if rest != split.aside and enough:
                yield split.command

    def parts(self, text: str) -> Iterator[tuple[str, str]]:
        """What stands beside a pause from a time, and what is said with the time besides it."""
        parts = [part for part in _PAUSE.split(self._tidied(text)) if part]
        for at, part in enumerate(parts if 1 < len(parts) <= _MOST_PARTS else ()):
            rest = self._timeless(part)
            others = ", ".join((*parts[:at], *parts[at + 1 :]))
            if rest in (None, part) or not self._says_more(rest):
                continue
            if self._timeless(others) == others:
                yield others, rest

    def _says_more(self, rest: str) -> bool:
        """Whether it is more than a word that goes with a time."""
        left = len(rest.split()) if self._spaced else len(rest.replace(" ", ""))
        return left >= (_LEAST_WORDS if self._spaced else _LEAST_SIGNS)

    def _tidied(self, text: str) -> str:
        """With a comma for each space where no words are parted by one."""
        tidied = tidy(text, self._tables)
        if self._spaced or " " in tidied or len(text.split()) <= 1:
            return tidied
        return ",".join(filter(None, (tidy(part, self._tables) for part in text.split())))

    def _timeless(self, text: str) -> str | None:
        """The words without those of time; the same text where there are none."""
        whole = self._phrases.read(text)
        try:
            rest, said = self._phrases.without_times(whole)
        except TimeNotUnderstoodError:
            return None
        for mark in whole.durations:
            if (at := rest.key.find(mark)) >= 0:
                rest = self._phrases.without(rest, at, at + 1)
        changed = said != TimePhrase() or bool(whole.durations)
        return rest.said() if changed else text
