"""Snap: the sentence that can be said in this home, for what was heard.

The same sentence, in its bare form, is taken as it is. For one that was misheard the nearest is,
above a threshold and with a margin over the nearest sentence of another meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alicia.home.model import Home
from alicia.language.candidates import Candidate, candidates
from alicia.language.continuations import Continuations
from alicia.language.matching import NEVER, Entry, Matcher
from alicia.language.readings import reading_of
from alicia.language.signs import SignMatcher
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER, Bare, Wording
from alicia.language.words import WordMatcher


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
        self._guards = tuple(rules.get("guards", []))
        self._hanging = tuple(rules.get("hanging", []))
        self._matcher: Matcher
        if self.wording.spaced:
            self._matcher = WordMatcher(rules)
        else:
            read = reading_of(tables.language, rules.get("readings", {}))
            self._matcher = SignMatcher(rules, read)
        self._by_bare: dict[str, Candidate] = {}
        self._twins: set[str] = set()
        """Sentences about a name that several things have: which is meant, others must find out."""
        self._plain = _Pool([], [])
        self._numbered = _Pool([], [])
        self._continuations = Continuations({}, self.wording.gap)

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        self._by_bare = {}
        self._twins = set()
        for candidate in candidates(self._tables, home):
            bare = self._bare_of(candidate.text)
            known = self._by_bare.setdefault(bare, candidate)
            if "name" in known.slots and "name" in candidate.slots and known.rivals(candidate):
                self._twins.add(bare)
        plain: list[tuple[Candidate, Entry]] = []
        numbered: list[tuple[Candidate, Entry]] = []
        for bare, candidate in self._by_bare.items():
            if candidate.foreign:
                continue
            segments = [] if self.wording.spaced else self._segments(candidate.text)
            entry = self._matcher.prepared(bare, segments)
            (numbered if NUMBER in bare else plain).append((candidate, entry))
        self._plain = _Pool([c for c, _ in plain], [e for _, e in plain])
        self._numbered = _Pool([c for c, _ in numbered], [e for _, e in numbered])
        self._continuations = Continuations(self._by_bare, self.wording.gap)

    def exact(self, text: str) -> Snapped | None:
        """The sentence that these are the words of, but for articles and the like."""
        bare = self.wording.bare(text)
        candidate = self._by_bare.get(bare.text)
        if candidate is None or len(bare.numbers) > 1 or bare.text in self._twins:
            return None
        return Snapped(candidate, next(iter(bare.numbers), None), 1.0, exact=True)

    def nearest(self, text: str) -> Snapped | None:
        """The one sentence that was probably said; None where it is unclear which, or none."""
        bare = self.wording.bare(text)
        pool = self._numbered if bare.numbers else self._plain
        if not bare.text or not pool.every or len(bare.numbers) > 1:
            return None
        scored = [
            (near.distance, pool.every[near.at], pool.entries[near.at])
            for near in self._matcher.near(bare.text, pool.entries, pool.index)
            if near.distance < NEVER
        ]
        if not scored:
            return None
        top = min(distance for distance, _, _ in scored)
        # Where only the spaces differ there is nothing to guess.
        within = top + (self._matcher.margin if top else 1e-9)
        near = [found for found in scored if found[0] < within]
        # Of sentences that are all but as near, the one that moves least.
        as_near = [found for found in near if found[0] <= top + self._matcher.tie]
        distance, best, entry = min(as_near, key=lambda found: (len(found[1].targets), found[0]))
        score = 1.0 - distance / entry.weight if entry.weight else 0.0
        if (
            score < self._matcher.threshold
            or entry.text in self._twins
            or any(best.rivals(other) for _, other, _ in near)
            or not self._guarded(bare, entry)
        ):
            return None
        return Snapped(best, next(iter(bare.numbers), None), round(score, 3), exact=False)

    def goes_on(self, text: str, entities: Sequence[str] | None) -> bool:
        """Whether more is likely to follow these words.

        `entities` are those of a whole sentence; None where the words are none yet.
        """
        bare = self.wording.bare(text)
        if not bare.text:
            return False
        if self._hangs(text):
            return True
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

    def _guarded(self, bare: Bare, best: Entry) -> bool:
        """No word that turns a meaning round was heard and would be dropped."""
        if self.wording.spaced:
            return set(self._guards).intersection(bare.words) <= set(best.text.split(" "))
        return all(guard in best.text for guard in self._guards if guard in bare.text)

    def _bare_of(self, text: str) -> str:
        return self.wording.bare(text).text

    def _segments(self, text: str) -> list[str]:
        return [bare for part in text.split() if (bare := self._bare_of(part))]


class _Pool:
    """Candidates, and their texts and sounds side by side."""

    def __init__(self, every: list[Candidate], entries: list[Entry]) -> None:
        self.every = every
        self.entries = entries
        self.index = {"texts": [e.text for e in entries], "sounds": [e.sound for e in entries]}
