"""Concepts: what each word of a sentence says, in whatever order they come.

tidied words -> names, rooms and floors of the home, numbers, and the phrases of `data/gist`

A sentence with any word that says nothing known has none: what is not understood is not guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from alicia.home.model import Home, names_of
from alicia.language.patterns import expand
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER, Wording

_FIRST = "^"
"""Before a phrase: only at the start of a sentence."""
_SPARE = "spare"
_UNITS = ("percent", "degree", "kelvin")
_BY = "by"
_TO = "to"


@dataclass(frozen=True)
class Concept:
    kind: str
    value: Any = None
    text: str = ""
    at: int = 0
    """Its place among the words."""


@dataclass(frozen=True)
class Amount:
    """A number with what was said around it."""

    value: float
    unit: str = ""
    mode: str = ""
    """`by` or `to` where either was said."""


@dataclass
class Concepts:
    """Those of one sentence, by kind."""

    found: dict[str, list[Concept]] = field(default_factory=dict[str, list[Concept]])

    def add(self, concept: Concept) -> None:
        self.found.setdefault(concept.kind, []).append(concept)

    def __contains__(self, kind: str) -> bool:
        return kind in self.found

    def among(self, kinds: Sequence[str]) -> list[str]:
        return [kind for kind in kinds if kind in self.found]

    def of(self, kind: str) -> list[Concept]:
        return self.found.get(kind, [])

    def last(self, kinds: Sequence[str]) -> int:
        """The place of the last of these; -1 where there is none."""
        return max((c.at for kind in kinds for c in self.of(kind)), default=-1)


@dataclass(frozen=True)
class _Phrase:
    words: tuple[str, ...]
    kind: str
    value: Any = None
    first: bool = False
    linked: bool = False
    """Articles and prepositions may stand between its words."""


@lru_cache(maxsize=9)
def lexicon(language: str) -> Mapping[str, Any] | None:
    """The phrases of a language; None where it has no such table."""
    source = resources.files("alicia.language").joinpath("data", "gist", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8")) if source.is_file() else None


class Reader:
    """One language's words, with the names of one home. Raises KeyError without a lexicon."""

    def __init__(self, tables: Tables, wording: Wording, words: Mapping[str, Any]) -> None:
        self._language = tables.language
        self._wording = wording
        phrases: Mapping[str, list[str]] = words["phrases"]
        self._link = frozenset(map(wording.plain, words["link"]))
        self._by = frozenset(map(wording.plain, words["by"]))
        self._to = frozenset(map(wording.plain, words["to"]))
        self._clock = frozenset(map(wording.plain, words["clock"]))
        self._between = self._link - self._by - self._to - self._clock
        self._never = [re.compile(pattern) for pattern in words.get("never", [])]
        self._replace = [(re.compile(a), b) for a, b in words.get("replace", [])]
        self._floors: Mapping[str, list[str]] = words.get("floors", {})
        self._own: dict[str, list[_Phrase]] = {}
        for kind, patterns in phrases.items():
            for pattern in patterns:
                self._take(self._own, pattern, kind)
        for kind in ("color", "tone"):
            for value, texts in tables.say.get(kind, {}).items():
                for text in texts:
                    self._take(self._own, text, kind, value)
        self._home: dict[str, list[_Phrase]] = {}

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._home = {}
        called: dict[tuple[str, str], list[str]] = {}
        for entity in home.entities():
            for name in names_of(entity, self._language):
                called.setdefault(("name", name.lower()), []).append(entity.entity_id)
        for area in home.areas():
            for name in names_of(area, self._language):
                called.setdefault(("area", name.lower()), []).append(area.area_id)
        for floor in home.floors():
            for name in (floor, *self._floors.get(floor.lower(), [])):
                called.setdefault(("floor", name.lower()), []).append(floor)
        for (kind, name), values in called.items():
            words = [w for w in self._wording.plain(name).split() if w not in self._link]
            if words:
                phrase = _Phrase(tuple(words), kind, tuple(dict.fromkeys(values)), linked=True)
                self._home.setdefault(words[0], []).append(phrase)

    def concepts(self, tidied: str) -> Concepts | None:
        """What a tidied sentence is made of; None where any word of it is unknown."""
        if any(pattern.search(tidied) for pattern in self._never):
            return None
        for pattern, by in self._replace:
            tidied = pattern.sub(by, tidied)
        counted = self._wording.counted(tidied)
        words = counted.text.split()
        numbers = iter(counted.numbers)
        found = Concepts()
        at = 0
        while at < len(words):
            if words[at] == NUMBER:
                amount, used = self._amount(words, at, next(numbers))
                if amount is None:
                    return None
                found.add(Concept("number", amount, at=at))
                at += used
                continue
            phrase, used = self._longest(words, at)
            if phrase is None:
                if words[at] not in self._link and not self._leads(words, at):
                    return None
                at += 1
                continue
            if phrase.kind != _SPARE:
                text = " ".join(words[at : at + used])
                found.add(Concept(phrase.kind, phrase.value, text, at))
            at += used
        return found

    def _leads(self, words: Sequence[str], at: int) -> bool:
        """Whether it is a word before a number, such as "to"."""
        after = next((w for w in words[at + 1 :] if w not in self._between), "")
        return after == NUMBER and words[at] in self._by | self._to

    def named_so(self, word: str, name: str) -> bool:
        """Whether this is a word of the name."""
        return word in self._wording.plain(name).split()

    def named_by(self, kind: str, name: str) -> bool:
        """Whether a word of the name is one for this kind of thing."""
        words = self._wording.plain(name).split()
        return any(p.kind == kind and p.words == (w,) for w in words for p in self._own.get(w, []))

    def _amount(self, words: Sequence[str], at: int, number: float) -> tuple[Amount | None, int]:
        back = at - 1
        # "Up to the forty" is "up to forty".
        while back > 0 and words[back] in self._between:
            back -= 1
        before = words[back] if back >= 0 else ""
        if before in self._clock:
            return None, 0
        mode = _BY if before in self._by else _TO if before in self._to else ""
        for unit in _UNITS:
            for phrase in self._own.get(words[at + 1], []) if at + 1 < len(words) else []:
                if phrase.kind == unit and (used := _fits(phrase, words, at + 1, self._link)):
                    return Amount(number, unit, mode), used + 1
        return Amount(number, mode=mode), 1

    def _longest(self, words: Sequence[str], at: int) -> tuple[_Phrase | None, int]:
        best: tuple[_Phrase | None, int] = (None, 0)
        for phrases in (self._home, self._own):
            for phrase in phrases.get(words[at], ()):
                if phrase.first and at:
                    continue
                used = _fits(phrase, words, at, self._link)
                if used > best[1]:
                    best = (phrase, used)
        return best

    def _take(
        self, into: dict[str, list[_Phrase]], pattern: str, kind: str, value: object = None
    ) -> None:
        first = pattern.startswith(_FIRST)
        for text in _texts(pattern.removeprefix(_FIRST)):
            words = tuple(self._wording.plain(text).split())
            if words:
                # Folded, "rossa" is "rosa": of colours the last is meant, of all else the first.
                known = into.setdefault(words[0], [])
                same = [p for p in known if p.words == words and p.first == first]
                if value is not None:
                    into[words[0]] = [p for p in known if p not in same]
                if value is not None or not same:
                    into[words[0]].append(_Phrase(words, kind, value, first))


def _texts(pattern: str) -> Iterator[str]:
    yield from expand(pattern)


def _fits(phrase: _Phrase, words: Sequence[str], at: int, link: frozenset[str]) -> int:
    """How many words from `at` on the phrase is; 0 where it is not there."""
    end = at
    for place, word in enumerate(phrase.words):
        while phrase.linked and place and end < len(words) and words[end] in link:
            end += 1
        if end >= len(words) or words[end] != word:
            return 0
        end += 1
    return end - at
