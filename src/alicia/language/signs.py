"""Signs: how far a heard sentence is from one that can be said, where words don't stand apart.

The readings of whole sentences are compared letter by letter, and each difference is charged to
the part of the sentence that it falls into: a name, a verb or a particle. A part that carries
meaning must be mostly there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from alicia.language.matching import NEVER, Entry, Near
from alicia.language.readings import Reading
from alicia.language.wording import NUMBER

_SHORTLIST = 14
_SHORTLIST_FROM = 55
_PART_FLOOR = 0.6
"""Share of a part's letters that must be there."""
_EXTRA = 0.5
"""What a letter costs more that was heard and is in no part."""
_LIGHT = 0.3
"""Weight of a letter of a part that carries little meaning."""


class SignMatcher:
    """Sentences of signs, compared by their readings."""

    margin = 1.0
    """How much nearer than a sentence that does something else, in letters."""
    tie = 0.4
    threshold = 0.8
    """Likeness of the whole sentence."""

    def __init__(self, rules: dict[str, Any], read: Reading) -> None:
        self._read = read
        self._light = frozenset(rules.get("function_words", []))
        self._floor: float = rules.get("part_floor", _PART_FLOOR)
        self.threshold = rules.get("threshold", self.threshold)
        self.margin = rules.get("margin", self.margin)

    def prepared(self, bare: str, segments: Sequence[str]) -> Entry:
        readings = [self._read(segment) for segment in segments]
        marked = tuple(
            # A light part is marked by a capital: readings are small letters.
            ("L" if segment in self._light else "M") + reading
            for segment, reading in zip(segments, readings, strict=True)
        )
        sound = "".join(readings)
        return Entry(bare, sound, marked, sum(_weight(p) * (len(p) - 1) for p in marked))

    def near(self, heard: str, pool: Sequence[Entry], index: dict[str, list[str]]) -> list[Near]:
        sound = self._read(heard.replace(" ", ""))
        best = process.extract(
            sound,
            index["sounds"],
            scorer=fuzz.ratio,
            limit=_SHORTLIST,
            score_cutoff=_SHORTLIST_FROM,
        )
        return [Near(self._distance(sound, pool[at]), at) for _, _, at in best]

    def alike(
        self, heard: str, index: dict[str, list[str]], *, most: int
    ) -> list[tuple[float, int]]:
        sound = self._read(heard.replace(" ", ""))
        best = process.extract(sound, index["sounds"], scorer=fuzz.ratio, limit=most)
        return [(score / 100, at) for _, score, at in best]

    def _distance(self, heard: str, wanted: Entry) -> float:
        """In letters; infinite where a part that matters is not there."""
        if heard == wanted.sound:
            return 0.0
        owner = [at for at, part in enumerate(wanted.parts) for _ in part[1:]]
        wrong = [0.0] * len(wanted.parts)
        extra = 0.0
        for change in Levenshtein.editops(heard, wanted.sound):
            source, target = change.src_pos, change.dest_pos
            if NUMBER in (heard[source : source + 1], wanted.sound[target : target + 1]):
                return NEVER
            wrong[owner[min(target, len(owner) - 1)]] += 1.0
            extra += change.tag == "delete"
        total = extra * _EXTRA
        for part, errors in zip(wanted.parts, wrong, strict=True):
            weight, size = _weight(part), len(part) - 1
            if weight == 1.0 and size and errors > (1.0 - self._floor) * size:
                return NEVER
            total += weight * errors
        return total


def _weight(part: str) -> float:
    return _LIGHT if part[0] == "L" else 1.0
