"""Words: how far a heard sentence is from one that can be said, where words stand apart.

Whole sentences are compared first (fast, by letters and by sound), then the best few word by
word, where a word that carries meaning must have a likely counterpart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from rapidfuzz import fuzz, process

from alicia.language.matching import NEVER, Entry, Near
from alicia.language.phonetics import KEYS
from alicia.language.wording import NUMBER

_SHORTLIST = 14
_SHORTLIST_FROM = 55
_WORD_FLOOR = 0.72
"""Below this likeness a word is another word."""
_LETTERS_FLOOR = 0.4
"""The same for its spelling alone, even where it sounds the same: sounds are rough."""
_SURE = 3
"""Sounds that two words must share to be taken for each other whatever their letters."""
_SOUND_SHARE = 1 / 3
"""What sounds count beside letters: vowels are no part of them, and outside English they tell."""
_JOINED_FLOOR = 0.8
"""The same for two words that may be one."""
_LONG_FORM = 5
"""Letters from which a form of a word may be misheard too: short ones are near to much."""
_LIGHT = 0.15
"""Weight of a word that carries little meaning."""
_KEPT = 20_000
"""Costs of pairs of words that are remembered."""


class WordMatcher:
    """Sentences of words."""

    margin = 0.12
    """How much nearer than a sentence that does something else, in words."""
    tie = 0.03
    threshold = 0.88
    """Likeness of the whole sentence."""

    def __init__(self, rules: dict[str, Any], forms: Mapping[str, Sequence[str]]) -> None:
        self._forms = {
            word: [form for form in every if len(form) >= _LONG_FORM]
            for word, every in forms.items()
        }
        self._light = frozenset(rules.get("function_words", []))
        self._key: Callable[[str], str] | None = KEYS.get(rules.get("phonetic", ""))
        self._floor: float = rules.get("word_floor", _WORD_FLOOR)
        self._sure: int = rules.get("sure_sounds", _SURE)
        self._share: float = rules.get("sound_share", _SOUND_SHARE)
        self._costs: dict[tuple[str, ...], float] = {}

    def prepared(self, bare: str, segments: Sequence[str]) -> Entry:  # noqa: ARG002 - for signs
        words = bare.split(" ")
        return Entry(bare, self._sound(words), tuple(words), sum(map(self._weight, words)))

    def near(self, heard: str, pool: Sequence[Entry], index: dict[str, list[str]]) -> list[Near]:
        """The best few of the pool, with their distances in words."""
        words = heard.split(" ")
        sound = self._sound(words)
        found: dict[int, None] = {}
        for query, texts in ((heard, index["texts"]), (sound, index["sounds"])):
            for _, _, at in process.extract(
                query, texts, scorer=fuzz.ratio, limit=_SHORTLIST, score_cutoff=_SHORTLIST_FROM
            ):
                found[at] = None
        return [Near(self._distance(words, pool[at].parts), at) for at in found]

    def alike(
        self, heard: str, index: dict[str, list[str]], *, most: int
    ) -> list[tuple[float, int]]:
        sound = self._sound(heard.split(" "))
        best: dict[int, float] = {}
        for query, texts in ((heard, index["texts"]), (sound, index["sounds"])):
            for _, score, at in process.extract(query, texts, scorer=fuzz.ratio, limit=most):
                best[at] = max(best.get(at, 0.0), score / 100)
        return sorted(((score, at) for at, score in best.items()), reverse=True)[:most]

    def _distance(self, heard: Sequence[str], wanted: Sequence[str]) -> float:
        """Weighted edit distance in words; two may also be one ("bed room").

        Infinite where a word that matters has no counterpart.
        """
        rows = [[NEVER] * (len(wanted) + 1) for _ in range(len(heard) + 1)]
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
        return _LIGHT if word in self._light else NEVER

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
            return NEVER
        alike = self._alike(said, meant, self._sound(heard), self._sound(wanted))
        for form in () if joined else self._forms.get(meant, ()):
            alike = max(alike, self._alike(said, form, self._sound(heard), self._sound((form,))))
        if joined and self._nearer_alone(heard, wanted, alike):
            return NEVER
        if alike < (_JOINED_FLOOR if joined else self._floor):
            return NEVER if weight >= 1.0 or joined else weight
        return weight * (1.0 - alike)

    def _nearer_alone(self, heard: Sequence[str], wanted: Sequence[str], alike: float) -> bool:
        """Whether one of the two words was not said at all: "the lamp" is not "the lamp on"."""
        return any(fuzz.ratio(one, other) / 100 >= alike for one in heard for other in wanted)

    def _alike(self, said: str, meant: str, one: str, two: str) -> float:
        if NUMBER in said or NUMBER in meant or _is_part(said, meant):
            return 0.0
        letters = fuzz.ratio(said, meant) / 100
        if letters < _LETTERS_FLOOR or not one or not two:
            return letters
        sound = fuzz.ratio(one, two) / 100
        if one == two and len(one) >= self._sure:
            return 0.5 + 0.5 * letters
        return max(letters, self._share * sound + (1.0 - self._share) * letters)

    def _sound(self, words: Sequence[str]) -> str:
        return "".join(map(self._key, words)) if self._key else ""


def _is_part(one: str, two: str) -> bool:
    """Whether one is the other with more to it: a dishwasher is no washer."""
    short, long = sorted((one, two), key=len)
    return len(long) - len(short) > 2 and short in long
