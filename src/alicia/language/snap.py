"""Snap: the sentence that can be said in this home, for what was heard.

The same sentence, in its bare form, is taken as it is. For one that was misheard the nearest is,
above a threshold and with a margin over the nearest sentence of another meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from alicia.home.model import Home
from alicia.language.acts import OPPOSITE
from alicia.language.candidates import Candidate, candidates
from alicia.language.continuations import Continuations
from alicia.language.matching import NEVER, Entry, Matcher
from alicia.language.readings import reading_of
from alicia.language.signs import SignMatcher
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER, Wording
from alicia.language.words import WordMatcher

_LIKELY_FROM = 0.5
"""Likeness from which a sentence may have been said instead."""
_LIKELY_LENGTHS = (0.65, 1.5)
"""How much of what was heard it may leave out or add."""
_NAMELESS = 0.05
"""How much more alike a sentence without a name must be: it is shorter, and so weighs less."""
_CLOSES = frozenset({"lock", "close"})
"""What may be done to a lock or a garage door though it was misheard, where the audio agrees."""


@dataclass(frozen=True)
class Snapped:
    candidate: Candidate
    number: float | None
    """What was heard as its number."""
    score: float
    """1 for the same sentence."""
    exact: bool

    @property
    def text(self) -> str:
        """The sentence to parse, with its number."""
        if self.number is None:
            return self.candidate.text
        return self.candidate.text.replace(NUMBER, f"{self.number:g}")


class Snap:
    """The candidates of one home in one language, ready to be compared with."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        rules: dict[str, Any] = tables.say
        self.wording = Wording(tables)
        guards: list[str] = rules.get("guards", [])
        # "I turned it off" may be "turn it off", misheard: that is for the recording to tell.
        past: list[str] = rules.get("past", [])
        # A colour is no other word that was misheard: "garden light blau" is not "aus".
        shades = [w for words in rules.get("color", {}).values() for w in words if " " not in w]
        shades = shades if self.wording.spaced else []
        self._guards = frozenset(map(self.wording.plain, (*guards, *past, *shades)))
        self._spelt_guards = frozenset(map(self.wording.letters, guards))
        colors: dict[str, list[str]] = rules.get("color") or {}
        self._colors = frozenset(self.wording.plain(w) for words in colors.values() for w in words)
        self._closing = tuple(rules.get("closing", []))
        """After one of these nothing follows."""
        self._hanging = tuple(rules.get("hanging", []))
        self._matchers: list[Matcher]
        if self.wording.spaced:
            # Words run together or fall apart in what recognizers write: then letters tell.
            self._matchers = [
                WordMatcher(rules, self.wording.forms),
                SignMatcher(rules.get("letters", {}), str),
            ]
        else:
            read = reading_of(tables.language, rules.get("readings", {}))
            self._matchers = [SignMatcher(rules, read)]
        self._by_bare: dict[str, Candidate] = {}
        self._does: dict[tuple[str, frozenset[str]], list[Candidate]] = {}
        self._twins: set[str] = set()
        """Sentences about a name that several things have: which is meant, others must find out."""
        self._pools: list[tuple[Matcher, _Pool, _Pool]] = []
        """How to compare, and what with: sentences without a number, and with one."""
        self._continuations = Continuations({}, self.wording.gap)
        self._bare_of = lru_cache(maxsize=None)(lambda text: self.wording.bare(text).text)
        self._segments = lru_cache(maxsize=None)(
            lambda text: tuple(
                bare for part in text.split() if (bare := self.wording.bare(part).spoken)
            )
        )

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._by_bare = {}
        self._twins = set()
        for candidate in candidates(self._tables, home):
            bare = self._joined(candidate.parts)
            known = self._by_bare.setdefault(bare, candidate)
            named = "name" in known.slots and "name" in candidate.slots
            if named and known.does == candidate.does and known.targets != candidate.targets:
                self._twins.add(bare)
        told = [(b, c) for b, c in self._by_bare.items() if not c.foreign]
        self._does = {}
        for _, candidate in told:
            self._does.setdefault((candidate.does, candidate.targets), []).append(candidate)
        self._pools = [
            (
                matcher,
                self._pool(matcher, [pair for pair in told if NUMBER not in pair[0]]),
                self._pool(matcher, [pair for pair in told if NUMBER in pair[0]]),
            )
            for matcher in self._matchers
        ]
        self._continuations = Continuations(dict(told), self.wording.gap)

    def exact(self, text: str) -> Snapped | None:
        """The sentence that these are the words of, but for articles and the like."""
        bare = self.wording.bare(text)
        candidate = self._by_bare.get(bare.text)
        if candidate is None or len(bare.numbers) > 1 or bare.text in self._twins:
            return None
        return Snapped(candidate, next(iter(bare.numbers), None), 1.0, exact=True)

    def unfinished(self, text: str) -> bool:
        """Whether it ends in a word that is left out of bare forms, such as an article."""
        text = text.strip()
        if not self.wording.spaced:
            return any(
                text.endswith(word) and self.wording.drops(word)
                for word in self._hanging
                if not text.endswith(self._closing)
            )
        last = text.split(" ")[-1]
        return last in self._hanging and self.wording.drops(last)

    def breaks_off(self, text: str, found: Snapped) -> bool:
        """Whether it ends in a word after which more follows, and that was not meant: "on the"."""
        said, meant = (one.strip().split(" ")[-1] for one in (text, found.text))
        return self.wording.spaced and said != meant and said in self._hanging

    def garbled(self, text: str) -> bool:
        """Whether there are more numbers in it than anything takes that can be said here."""
        return not self.wording.spaced and len(self.wording.bare(text).numbers) > 1

    def nearest(self, text: str) -> Snapped | None:
        """The one sentence that was probably said; None where it is unclear which, or none."""
        bare = self.wording.bare(text)
        if not bare.text or len(bare.numbers) > 1:
            return None
        number = next(iter(bare.numbers), None)
        for matcher, plain, numbered in self._pools:
            pool = plain if number is None else numbered
            found = self._nearest_by(matcher, pool, bare.spoken)
            if found and self._guarded(text, found[0]):
                return Snapped(found[0], number, round(found[1], 3), exact=False)
        return None

    def likely(self, text: str, *, most: int) -> list[Snapped]:
        """Sentences that may have been said instead, however unlike, the likeliest first.

        Of what is protected none opens it, and one that closes it is nearer than any that opens.
        """
        bare = self.wording.bare(text)
        if not bare.text or len(bare.numbers) > 1:
            return []
        number = next(iter(bare.numbers), None)
        found: dict[str, Snapped] = {}
        for matcher, plain, numbered in self._pools:
            pool = plain if number is None else numbered
            if not pool.every:
                continue
            for score, at in matcher.alike(bare.spoken, pool.index, most=3 * most):
                candidate, entry = pool.every[at], pool.entries[at]
                lengths = len(entry.text) / len(bare.spoken)
                if (
                    score >= _LIKELY_FROM
                    and _LIKELY_LENGTHS[0] <= lengths <= _LIKELY_LENGTHS[1]
                    and entry.text not in self._twins
                    and self._guarded(text, candidate, as_spelt=True)
                ):
                    sentence = Snapped(candidate, number, round(score, 3), exact=False)
                    found.setdefault(entry.text, sentence)
        every = sorted(found.values(), key=lambda sentence: -sentence.score)
        opening = max((s.score for s in every if _opens(s.candidate)), default=0.0)
        named: dict[str, float] = {}
        for sentence in every:
            if not sentence.candidate.here:
                named.setdefault(sentence.candidate.does, sentence.score)
        return [
            s
            for s in every
            if (not s.candidate.protected or s.score > opening)
            and (
                not s.candidate.here
                or s.candidate.does not in ("on", "off")
                or s.score > named.get(s.candidate.does, 0.0) + _NAMELESS
            )
        ][:most]

    def opposite(self, of: Snapped) -> Snapped | None:
        """The sentence that undoes it, by the same name; None where nothing does."""
        undoes = OPPOSITE.get(of.candidate.does)
        others = self._does.get((undoes, of.candidate.targets), []) if undoes else []
        named = [one for one in others if _slot_texts(one) == _slot_texts(of.candidate)]
        best = min(named or others, key=lambda one: one.unlikely, default=None)
        return Snapped(best, None, of.score, exact=False) if best else None

    def _nearest_by(
        self, matcher: Matcher, pool: _Pool, heard: str
    ) -> tuple[Candidate, float] | None:
        scored = [
            (near.distance, pool.every[near.at], pool.entries[near.at])
            for near in (matcher.near(heard, pool.entries, pool.index) if pool.every else ())
            if near.distance < NEVER
        ]
        if not scored:
            return None
        top = min(distance for distance, _, _ in scored)
        # Where only the spaces differ there is nothing to guess.
        within = top + (matcher.margin if top else 1e-9)
        near = [found for found in scored if found[0] < within]
        # Of sentences that are all but as near, the one that moves least.
        as_near = [found for found in near if found[0] <= top + matcher.tie]
        distance, best, entry = min(as_near, key=lambda found: (len(found[1].targets), found[0]))
        score = 1.0 - distance / entry.weight if entry.weight else 0.0
        unclear = entry.text in self._twins or any(best.rivals(other) for _, other, _ in near)
        return None if unclear or score < matcher.threshold else (best, score)

    def goes_on(self, text: str, entities: Sequence[str] | None) -> bool:
        """Whether more is likely to follow these words.

        `entities` are those of a whole sentence; None where the words are none yet.
        """
        bare = self.wording.bare(text)
        if entities is not None and bare.text in self._by_bare:
            ended = text.strip().endswith(self._closing)
            return not ended and self._continuations.leads_elsewhere(bare.text, entities)
        if self._hangs(text):
            return True
        if not bare.text:
            return False
        if entities is not None:
            return self._continuations.leads_elsewhere(bare.text, entities)
        return bool(self._continuations.of(bare.text)) or self._continuations.begun(bare.text)

    def shown(self, found: Snapped) -> str:
        """The sentence as it is written."""
        text = " ".join(found.text.split())
        return text if self._tables.language not in ("zh", "ja") else text.replace(" ", "")

    def _hangs(self, text: str) -> bool:
        text = text.strip()
        if self.wording.spaced:
            return text.split(" ")[-1] in self._hanging
        return text.endswith(self._hanging)

    def _guarded(self, text: str, best: Candidate, *, as_spelt: bool = False) -> bool:
        """No word that turns a meaning round was heard and would be dropped.

        `as_spelt` tells "das" from "dass"; what nobody weighs is held back by either.
        """
        guards = self._spelt_guards if as_spelt else self._guards
        plain = self.wording.letters if as_spelt else self.wording.plain
        heard, meant = plain(text), plain(best.text)
        if self.wording.spaced:
            if best.act.takes != "color" and self._colors & set(heard.split()) - set(meant.split()):
                return False  # "Turn off the blue lamp" is no lamp whose name is as near.
            return guards.intersection(heard.split()) <= set(meant.split())
        return all(guard in meant for guard in guards if guard in heard)

    def _pool(self, matcher: Matcher, told: Sequence[tuple[str, Candidate]]) -> _Pool:
        entries = [
            matcher.prepared(bare, [s for part in candidate.parts for s in self._segments(part)])
            for bare, candidate in told
        ]
        return _Pool([candidate for _, candidate in told], entries)

    def _joined(self, parts: Sequence[str]) -> str:
        """The bare form of a sentence of these parts: names and frames are bared once each."""
        return self.wording.gap.join(filter(None, map(self._bare_of, parts)))


def _opens(candidate: Candidate) -> bool:
    """Whether it opens or unlocks what is protected."""
    return candidate.protected and candidate.does not in _CLOSES


def _slot_texts(candidate: Candidate) -> list[str]:
    return [slot.text for slot in candidate.slots.values() if slot.text]


class _Pool:
    """Candidates, and their texts and sounds side by side."""

    def __init__(self, every: list[Candidate], entries: list[Entry]) -> None:
        self.every = every
        self.entries = entries
        self.index = {"texts": [e.text for e in entries], "sounds": [e.sound for e in entries]}
