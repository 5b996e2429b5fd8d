"""Time phrases: where a sentence speaks of time, what it says there, and the sentence without it.

text -> durations become marks -> phrases of time are cut out, the longest first -> what they say
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from importlib import resources
from typing import Any

from alicia.errors import TimeNotUnderstoodError
from alicia.language.readings import simplified
from alicia.language.tables import Tables
from alicia.language.written_numbers import Numbers, lettered

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FIRST_MARK = 0xE000
_MARK = "[\ue000-\uf8ff]"
_CUT = "\uf8ff"
_NESTED = 5
"""How deep a macro of a table may stand in others."""
_HOURS, _MINUTES = 24, 59
_EDGES = " ,.;、，。"


@dataclass(frozen=True)
class TimePhrase:
    """What a sentence says of time, before it is known what moment that is."""

    after_s: float | None = None
    clock: int | None = None
    """Minutes of the day, as they were said: "seven" is 420, be it in the evening."""
    exact: bool | None = None
    """The clock is of 24 hours: there is no other half of the day."""
    part: str | None = None
    """am, pm, morning, noon, afternoon, evening, night"""
    day: int | None = None
    """Days from today."""
    weekday: int | None = None
    date: tuple[int, int] | None = None
    """Month and day."""
    every: str | None = None
    """`*` for each day, or days as in a recurrence rule: MO,TU"""
    interval_s: float | None = None
    sun: str | None = None
    """sunrise, sunset"""
    offset_s: float | None = None
    period_s: float | None = None
    """For how long."""
    weak: bool | None = None
    """It may be a number that has nothing to do with time: "at 20"."""

    def __or__(self, other: TimePhrase) -> TimePhrase:
        """Both. Raises TimeNotUnderstoodError where they contradict each other."""
        mine, theirs = _said(self), _said(other)
        if any(theirs.get(name, value) != value for name, value in mine.items()):
            raise TimeNotUnderstoodError
        return TimePhrase(**{**mine, **theirs})

    @property
    def dated(self) -> bool:
        """It names a day."""
        return any(x is not None for x in (self.day, self.weekday, self.date))

    @property
    def when(self) -> bool:
        """It says when, and not only for how long."""
        return any(name not in ("period_s", "weak") for name in _said(self))


def _said(phrase: TimePhrase) -> dict[str, Any]:
    found = {f.name: getattr(phrase, f.name) for f in fields(phrase)}
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Timed:
    """A sentence whose durations are marks."""

    text: str
    """As it was said, for names and reminders."""
    key: str
    """In small letters without accents, of the same length."""
    durations: Mapping[str, float] = field(default_factory=dict[str, float])
    """Seconds, by mark."""
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    """What stood where a mark is."""

    def said(self, start: int = 0, end: int | None = None) -> str:
        """Words as they were said."""
        text = self.text[start:end]
        return "".join(self.words.get(sign, sign) for sign in text).strip(_EDGES)

    def marked(self, start: int, end: int, mark: str, seconds: float | None = None) -> Timed:
        """With a mark in place of these letters."""
        words = {**self.words, mark: "".join(self.words.get(c, c) for c in self.text[start:end])}
        durations = {**self.durations, mark: seconds} if seconds is not None else self.durations
        return Timed(
            self.text[:start] + mark + self.text[end:],
            self.key[:start] + mark + self.key[end:],
            durations,
            words,
        )


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    phrase: TimePhrase


class TimePhrases:
    """One language's."""

    def __init__(self, tables: Tables) -> None:
        self.table = time_table(tables.language)
        self._spaced = tables.say.get("spaced", True) and tables.language != "ko"
        self._gap = "" if tables.language in ("zh", "ja") else " "
        self._language = tables.language
        self._fillers = tuple(
            sorted(map(lettered, (*tables.tidy.fillers, *self.table.get("fillers", []))), key=len)
        )[::-1]
        ones = {key: self.table.get(key, []) for key in ("one", "one_hour", "first")}
        self._numbers = Numbers(tables.language, **ones)
        self._weekdays: list[str] = [lettered(day) for day in self.table["weekdays"]]
        self._weekday = [re.compile(day) for day in self._weekdays]
        self._months: list[str] = [lettered(month) for month in self.table["months"]]
        self._durations = list(self._duration_patterns())
        self._hours = [
            (self.compiled(entry["say"]), entry.get("only"))
            for entry in self.table.get("hours", [])
        ]
        self._join = re.compile(self.table["join"])
        self._times = [
            (self.compiled(pattern), entry)
            for entry in self.table["times"]
            for pattern in entry["say"]
        ]
        self._suspicious = self.compiled(self.table["suspicious"])
        amounts = self.table.get("amounts")
        half = r"(?:(?:halb|half|demi|medi|mezz|mei)\w*(?: an?| de)? )?"
        self._amount = re.compile(rf" ?{half}(?:{amounts})") if amounts else None

    # ---- patterns ----

    def compiled(self, pattern: str) -> re.Pattern[str]:
        """A pattern of the table, with what stands for numbers, days and durations."""
        for _ in range(_NESTED):
            for name, meaning in self.table.get("macros", {}).items():
                pattern = pattern.replace("{" + name + "}", f"(?:{meaning})")
        numbers = self._numbers
        weekday = f"(?:{'|'.join(self._weekdays)})"
        for sign, meaning in {
            "{at}": self.table.get("at", ""),
            "{n}": f"(?P<n>{numbers.pattern})",
            "{h}": f"(?P<h>{numbers.hour_pattern})",
            "{m}": f"(?P<m>{numbers.minute_pattern})",
            "{mm}": r"(?P<m>[0-5]\d)",
            "{d}": f"(?P<d>{numbers.day_pattern})",
            "{mo}": f"(?P<mo>{'|'.join(self._months)})",
            "{wds}": f"(?P<wds>{weekday}(?:{self.table['join']}{weekday})*)",
            "§": f"(?P<mark>{_MARK})",
        }.items():
            pattern = pattern.replace(sign, meaning)
        pattern = _numbered(lettered_pattern(pattern))
        return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)" if self._spaced else pattern)

    def _duration_patterns(self) -> Iterator[tuple[re.Pattern[str], float, float]]:
        """With what a number counts, and what comes to it."""
        for unit, said in self.table["units"].items():
            seconds = _SECONDS[unit]
            yield self.compiled("{n}[ -]?(?:" + said + ")"), seconds, 0
            for half in self.table.get("halves", []):
                yield self.compiled(half.replace("{u}", f"(?:{said})")), seconds, seconds / 2
        for entry in self.table.get("durations", []):
            for pattern in entry["say"]:
                yield self.compiled(pattern), entry.get("each", 0), entry.get("plus", 0)

    # ---- a sentence ----

    def read(self, text: str) -> Timed:
        """The sentence without politeness, its durations marked."""
        plain = unicodedata.normalize("NFKC", text.replace("º", "°")).replace("’", "'")
        plain = plain.strip(" .!?¿¡。！？…,、;:")
        if self._language == "zh":
            plain = simplified(plain)
        timed = Timed(plain, lettered(plain))
        timed = self._without_fillers(timed)
        for number, (start, end, seconds) in enumerate(reversed(self._found_durations(timed.key))):
            timed = timed.marked(start, end, chr(_FIRST_MARK + number), seconds)
        return timed

    def without_times(self, timed: Timed, weak: bool = True) -> tuple[Timed, TimePhrase]:
        """The sentence with its times cut out, and what they say.

        A number that may be none of time is left where `weak` is false.
        Raises TimeNotUnderstoodError where they contradict each other.
        """
        said = TimePhrase()
        for found in sorted(self._found_times(timed, weak), key=lambda f: -f.start):
            said = said | found.phrase
            timed = timed.marked(found.start, found.end, _CUT)
        return _closed(timed, self._gap), said

    def times_in(self, timed: Timed) -> int:
        """How often it speaks of a time, or of how long."""
        found = self._found_times(timed, weak=True)
        inside = {sign for one in found for sign in timed.key[one.start : one.end]}
        return len(found) + sum(sign in timed.durations for sign in timed.key if sign not in inside)

    def begins_with_a_time(self, timed: Timed) -> bool:
        """Whether its first words say at what time, after how long or how often."""
        first = (f.phrase for f in self._found_times(timed, weak=True) if f.start == 0)
        return any(
            x is not None
            for said in first
            for x in (said.after_s, said.clock, said.every, said.interval_s, said.sun)
        )

    def without(self, timed: Timed, start: int, end: int) -> Timed:
        """The sentence without these letters."""
        return _closed(timed.marked(start, end, _CUT), self._gap)

    def may_end(self, timed: Timed, at: int) -> bool:
        """Whether a word may end there."""
        return not self._spaced or _ends(timed.key, at, len(timed.key))

    def number(self, text: str) -> float:
        """The value of a number that a pattern found."""
        return self._numbers.value(text)

    def suspicious(self, timed: Timed) -> bool:
        """Whether words of time are left in it."""
        return bool(timed.durations.keys() & set(timed.key)) or bool(
            self._suspicious.search(timed.key)
        )

    def _without_fillers(self, timed: Timed) -> Timed:
        start, end, key = 0, len(timed.key), timed.key
        while True:
            before = start, end
            for filler in self._fillers:
                if key.startswith(filler, start, end) and _ends(key, start + len(filler), end):
                    start += len(filler)
                if key.endswith(filler, start, end) and _ends(key, end - len(filler) - 1, end):
                    end -= len(filler)
                while start < end and key[start] in _EDGES:
                    start += 1
                while start < end and key[end - 1] in _EDGES:
                    end -= 1
            if (start, end) == before:
                return Timed(timed.text[start:end], key[start:end])

    def _found_durations(self, key: str) -> list[tuple[int, int, float]]:
        """Start, end and seconds of each, in their order: "an hour and ten minutes" is one."""
        clocks = [
            match.span()
            for p, only in self._hours
            if self._has(only, key)
            for match in p.finditer(key)
        ]
        single = [
            (match.start(), match.end(), self._value(match) * each + plus)
            for pattern, each, plus in self._durations
            for match in pattern.finditer(key)
            if not any(begin < match.end() and match.start() < end for begin, end in clocks)
        ]
        found: list[tuple[int, int, float]] = []
        for start, end, seconds in sorted(_longest(single)):
            if found and self._join.fullmatch(key, found[-1][1], start) and found[-1][2] > seconds:
                begun, _, more = found.pop()
                found.append((begun, end, more + seconds))
            else:
                found.append((start, end, seconds))
        return found

    def _has(self, word: str | None, key: str) -> bool:
        """Whether a sentence has this word of the table, where one is demanded."""
        return word is None or bool(re.search(lettered_pattern(self.table["words"][word]), key))

    def _value(self, match: re.Match[str]) -> float:
        said = groups_of(match).get("n")
        return self._numbers.value(said) if said else 0

    def _found_times(self, timed: Timed, weak: bool) -> list[_Found]:
        found: list[tuple[int, int, TimePhrase]] = []
        for pattern, entry in self._times:
            if entry.get("weak") and not weak:
                continue
            if not self._has(entry.get("only"), timed.key):
                continue
            for match in pattern.finditer(timed.key):
                if self._amount and self._amount.match(timed.key, match.end()):
                    continue  # "um 20 Prozent", "um ein halbes Grad"
                phrase = self._phrase(match, entry, timed)
                if phrase is not None and match.group():
                    found.append((match.start(), match.end(), phrase))
        return [_Found(*one) for one in _longest(found)]

    def _phrase(
        self, match: re.Match[str], entry: Mapping[str, Any], timed: Timed
    ) -> TimePhrase | None:
        """What a match says; None where there is no such time."""
        groups = groups_of(match)
        seconds = timed.durations.get(groups.get("mark", ""))
        if "mark" in groups and seconds is None:
            return None
        said = TimePhrase(
            part=entry.get("part"),
            day=entry.get("day"),
            every=entry.get("every"),
            sun=entry.get("sun"),
            weak=entry.get("weak"),
        )
        match entry.get("is"):
            case "after":
                said = replace(said, after_s=seconds)
            case "period":
                said = replace(said, period_s=seconds)
            case "interval":
                said = replace(said, interval_s=seconds or entry.get("each"))
            case _ if "sun" in entry and seconds is not None:
                said = replace(said, offset_s=seconds * entry.get("sign", 1))
            case _:
                pass
        if "wds" in groups:
            days = [d for d, day in enumerate(self._weekday) if day.search(groups["wds"])]
            names = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
            if entry.get("is") == "every":
                said = replace(said, every=",".join(names[day] for day in days))
            elif len(days) == 1:
                said = replace(said, weekday=days[0])
            else:
                return None
        if "mo" in groups:
            said = replace(said, date=(self._month(groups["mo"]), self._whole(groups["d"])))
        return self._with_clock(said, groups, entry)

    def _with_clock(
        self, said: TimePhrase, groups: Mapping[str, str], entry: Mapping[str, Any]
    ) -> TimePhrase | None:
        if "clock" in entry:
            return replace(said, clock=entry["clock"], exact=True)
        if "h" not in groups:
            return said
        hour, minute = self._whole(groups["h"]), self._whole(groups.get("m", "0"))
        if not (0 <= hour <= _HOURS and 0 <= minute <= _MINUTES):
            return None
        clock = hour * 60 + entry.get("sign", 1) * minute + entry.get("plus", 0)
        exact = hour == 0 or hour > 12 or groups["h"].startswith("0")
        for part in ("am", "pm"):
            if part in groups:
                said = replace(said, part=part)
        return replace(said, clock=clock % 1440 if clock < 0 else clock, exact=exact or None)

    def _whole(self, text: str) -> int:
        """-1 for what is no whole number."""
        value = self._numbers.value(text)
        return int(value) if value == int(value) else -1

    def _month(self, text: str) -> int:
        known = (n for n, month in enumerate(self._months, 1) if re.fullmatch(month, text))
        return next(known, 0)


def _longest(found: Sequence[tuple[int, int, Any]]) -> list[tuple[int, int, Any]]:
    """Those that don't overlap a longer one."""
    kept: list[tuple[int, int, Any]] = []
    for one in sorted(found, key=lambda f: (f[0] - f[1], f[0])):
        if all(one[1] <= start or end <= one[0] for start, end, _ in kept):
            kept.append(one)
    return kept


def _ends(key: str, at: int, end: int) -> bool:
    """Whether no word goes on there."""
    return not 0 <= at < end or key[at] in _EDGES


def _closed(timed: Timed, gap: str) -> Timed:
    """Without the marks of what was cut out, and without the gaps that they leave."""
    parts: list[tuple[str, str]] = [("", "")]
    for text, key in zip(timed.text.split(_CUT), timed.key.split(_CUT), strict=True):
        begin = len(key) - len(key.lstrip(_EDGES))
        end = len(key.rstrip(_EDGES))
        if begin < end:
            parts.append((text[begin:end], key[begin:end]))
    parts = parts[1:]
    return replace(
        timed, text=gap.join(text for text, _ in parts), key=gap.join(key for _, key in parts)
    )


def groups_of(match: re.Match[str]) -> dict[str, str]:
    """What was said in each group."""
    return {name.partition("__")[0]: text for name, text in match.groupdict().items() if text}


def spans_of(match: re.Match[str]) -> dict[str, tuple[int, int]]:
    """Where it was said."""
    spans = {name: match.span(name) for name in match.groupdict()}
    return {name.partition("__")[0]: span for name, span in spans.items() if span[0] >= 0}


def _numbered(pattern: str) -> str:
    """With a number behind each name of a group: one may stand in several alternatives."""
    count = iter(range(len(pattern)))
    return re.sub(r"\(\?P<([a-z]+)>", lambda found: f"(?P<{found[1]}__{next(count)}>", pattern)


def lettered_pattern(pattern: str) -> str:
    """A pattern without accents; its escapes stay as they are."""
    return "".join(
        sign if at and pattern[at - 1] == "\\" else _plain(sign) for at, sign in enumerate(pattern)
    )


def _plain(sign: str) -> str:
    return lettered(sign) if not sign.isascii() else sign


@lru_cache(maxsize=9)
def time_table(language: str) -> dict[str, Any]:
    """How a language speaks of time."""
    source = resources.files("alicia.language").joinpath("data", "times", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8"))
