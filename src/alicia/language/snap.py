"""Snap: the nearest sentence that can be said in this home, for one that was misheard.

Whole sentences are compared first (fast, by letters and by sound), then the best few word by
word, where a word that carries meaning must have a likely counterpart. A sentence is accepted
above a threshold and with a margin over the nearest sentence of another meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from rapidfuzz import fuzz, process

from alicia.home.model import Home
from alicia.language.candidates import NUMBER, Candidate, candidates
from alicia.language.continuations import Continuations
from alicia.language.phonetics import KEYS
from alicia.language.tables import Tables

THRESHOLD = 0.88
"""Likeness of the whole sentence."""
MARGIN = 0.12
"""How much nearer than a sentence that does something else, in words."""
_TIE = 0.03
_SHORTLIST = 14
_WORD_FLOOR = 0.7
"""Below this likeness a word is another word."""
_LETTERS_FLOOR = 0.4
"""The same for its spelling alone, even where it sounds the same: sounds are rough."""
_JOINED_FLOOR = 0.8
"""The same for two words that may be one."""
_LIGHT = 0.15
"""Weight of a word that carries little meaning."""
_NEVER = float("inf")
_KEPT = 20_000
"""Costs of pairs of words that are remembered."""


@dataclass(frozen=True)
class Snapped:
    text: str
    """The sentence to parse, with what was heard as its number."""
    score: float
    candidate: Candidate


class Snap:
    """The candidates of one home in one language, ready to be compared with."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        rules: dict[str, Any] = tables.snap
        self._light = frozenset(rules.get("function_words", []))
        self._hanging = frozenset(rules.get("hanging", []))
        self._guards = frozenset(rules.get("guards", []))
        self._numbers = frozenset(rules.get("numbers", []))
        self._joiners = frozenset(rules.get("number_joiners", []))
        self._marks: dict[str, str] = rules.get("marks", {})
        self._key: Callable[[str], str] | None = KEYS.get(rules.get("phonetic", ""))
        self._costs: dict[tuple[str, ...], float] = {}
        self._plain: _Set = _Set([], self._sound)
        self._numbered: _Set = _Set([], self._sound)
        self._continuations = Continuations([])

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        every = candidates(self._tables, home) if self._tables.snap else []
        self._plain = _Set([c for c in every if NUMBER not in c.text], self._sound)
        self._numbered = _Set([c for c in every if NUMBER in c.text], self._sound)
        self._continuations = Continuations(every)

    def goes_on(self, text: str, entities: Sequence[str] | None) -> bool:
        """Whether more is likely to follow these words.

        `entities` are those of a whole sentence; None where the words are none yet.
        """
        words, _ = self._without_number(text.split())
        if not words:
            return False
        said = " ".join(words)
        if words[-1] in self._hanging:
            return True
        if entities is not None:
            return self._continuations.leads_elsewhere(said, entities)
        return bool(self._continuations.of(said)) or self._continuations.begun(said)

    def nearest(self, text: str) -> Snapped | None:
        """The one sentence that was probably said; None where it is unclear which, or none."""
        words, number = self._without_number(text.split())
        heard = " ".join(words)
        pool = self._numbered if number else self._plain
        if not heard or not pool.texts or words.count(NUMBER) > 1:
            return None
        scored = [
            (self._distance(words, candidate.text.split()), candidate)
            for candidate in pool.shortlist(heard, self._sound(words))
        ]
        top = min((distance for distance, _ in scored), default=_NEVER)
        if top == _NEVER:
            return None
        # Where only the spaces differ there is nothing to guess.
        near = [(d, c) for d, c in scored if d < top + (MARGIN if top else 1e-9)]
        # Of sentences that are all but as near, the one that moves least.
        as_near = [(d, c) for d, c in near if d <= top + _TIE]
        distance, best = min(as_near, key=lambda pair: (len(pair[1].targets), pair[0]))
        score = 1.0 - distance / sum(map(self._weight, best.text.split()))
        if (
            score < THRESHOLD
            or any(best.rivals(c) for _, c in near)
            or not self._guarded(words, best)
        ):
            return None
        return Snapped(best.text.replace(NUMBER, " ".join(number)), round(score, 3), best)

    def _guarded(self, words: Sequence[str], best: Candidate) -> bool:
        """No word that turns a meaning round was heard and would be dropped."""
        return self._guards.intersection(words) <= set(best.text.split())

    def _without_number(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """The words with each number as one mark, and the number's own words."""
        out: list[str] = []
        number: list[str] = []
        for index, word in enumerate(words):
            bare = word.rstrip("%°")
            parts = bare.split("-")
            is_number = bare.replace(".", "", 1).isdigit() or all(p in self._numbers for p in parts)
            follows = index + 1 < len(words) and words[index + 1] in self._numbers
            joins = word in self._joiners and out[-1:] == [NUMBER] and follows
            if not is_number and not joins:
                out.append(word)
                continue
            if out[-1:] != [NUMBER]:
                out.append(NUMBER)
            number.append(bare)
            if bare != word:
                out.append(self._marks.get(word[-1], word[-1]))
        return out, number

    def _distance(self, heard: Sequence[str], wanted: Sequence[str]) -> float:
        """Weighted edit distance in words; two may also be one ("bed room").

        Infinite where a word that matters has no counterpart.
        """
        row_of_nothing = [_NEVER] * (len(wanted) + 1)
        rows = [row_of_nothing.copy() for _ in range(len(heard) + 1)]
        rows[0][0] = 0.0
        for i, j in product(range(len(heard) + 1), range(len(wanted) + 1)):
            best = rows[i][j]
            if i:
                best = min(best, rows[i - 1][j] + self._weight(heard[i - 1]))
            if j:
                best = min(best, rows[i][j - 1] + self._missing(wanted[j - 1]))
            for di, dj in ((1, 1), (2, 1), (1, 2)):
                if i >= di and j >= dj and (before := rows[i - di][j - dj]) < best:
                    cost = self._cost(heard[i - di : i], wanted[j - dj : j])
                    best = min(best, before + cost)
            rows[i][j] = best
        return rows[-1][-1]

    def _weight(self, word: str) -> float:
        return _LIGHT if word in self._light else 1.0

    def _missing(self, word: str) -> float:
        return _LIGHT if word in self._light else _NEVER

    def _cost(self, heard: Sequence[str], wanted: Sequence[str]) -> float:
        """What it costs to hear this for that; candidates share most of their words."""
        key = (*heard, "", *wanted)
        if key not in self._costs:
            if len(self._costs) > _KEPT:
                self._costs.clear()
            self._costs[key] = self._new_cost(heard, wanted)
        return self._costs[key]

    def _new_cost(self, heard: Sequence[str], wanted: Sequence[str]) -> float:
        said, meant = "".join(heard), "".join(wanted)
        if said == meant:
            return 0.0
        weight = max(sum(map(self._weight, wanted)), sum(map(self._weight, heard)))
        joined = len(heard) + len(wanted) > 2
        if joined and not self._light.isdisjoint((*heard, *wanted)):
            return _NEVER
        alike = self._alike(said, meant, self._sound(heard), self._sound(wanted))
        if alike < (_JOINED_FLOOR if joined else _WORD_FLOOR):
            return _NEVER if weight >= 1.0 or joined else weight
        return weight * (1.0 - alike)

    def _alike(self, said: str, meant: str, one: str, two: str) -> float:
        if NUMBER in said or NUMBER in meant or _is_part(said, meant):
            return 0.0
        letters = fuzz.ratio(said, meant) / 100
        if letters < _LETTERS_FLOOR or not one or not two:
            return letters
        sound = fuzz.ratio(one, two) / 100
        if one == two and len(one) > 1:
            return 0.5 + 0.5 * letters
        return max(letters, (sound + letters) / 2)

    def _sound(self, words: Sequence[str]) -> str:
        return "".join(map(self._key, words)) if self._key else ""


def _is_part(one: str, two: str) -> bool:
    """Whether one is the other with more to it: a dishwasher is no washer."""
    short, long = sorted((one, two), key=len)
    return len(long) - len(short) > 2 and short in long


class _Set:
    """Candidates with their texts and sounds side by side."""

    def __init__(self, every: list[Candidate], sound: Callable[[Sequence[str]], str]) -> None:
        self.every = every
        self.texts = [c.text for c in every]
        self.sounds = [sound(c.text.split()) for c in every]

    def shortlist(self, heard: str, sound: str) -> list[Candidate]:
        """The best few by letters and the best few by sound."""
        found: dict[int, None] = {}
        for query, pool in ((heard, self.texts), (sound, self.sounds)):
            for _, _, index in process.extract(
                query, pool, scorer=fuzz.ratio, limit=_SHORTLIST, score_cutoff=55
            ):
                found[index] = None
        return [self.every[index] for index in found]
