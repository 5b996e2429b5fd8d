"""Continuations: how the words so far may go on, among the sentences that this home can be told."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz, process

from alicia.language.candidates import Candidate
from alicia.language.wording import NUMBER

_BEGUN = 88
"""Likeness in percent from which misheard words are taken for the beginning of a sentence."""
_PLAINLY = 8
"""How much more they must be like it than like any whole sentence: to wait costs a second."""
_MANY = 400
"""Continuations looked at: the beginning "turn" has thousands."""


class Continuations:
    """The beginnings of a set of sentences, `gap` standing between their words."""

    def __init__(self, by_text: Mapping[str, Candidate], gap: str) -> None:
        self._gap = gap
        self._by_text = by_text
        self._texts = sorted(self._by_text)
        self._beginnings = list(dict.fromkeys(b for text in self._texts for b in self._cut(text)))

    def of(self, text: str) -> list[Candidate]:
        """The longer sentences that begin with all these words."""
        start = text + self._gap
        at = bisect_left(self._texts, start)
        found: list[Candidate] = []
        for longer in self._texts[at : at + _MANY]:
            if not longer.startswith(start):
                break
            if not self._by_text[longer].unlikely:
                found.append(self._by_text[longer])
        return found

    def leads_elsewhere(self, text: str, entities: Sequence[str]) -> bool:
        """Whether a whole sentence, which is about these entities, begins one that does more.

        "Forty" begins "forty percent", which does the same; "dim the lamp" begins "dim the lamp
        to forty percent", which does not.
        """
        this = self._by_text.get(text)
        for longer in self.of(text):
            if this is not None and (this.does, this.targets) == (longer.does, longer.targets):
                continue
            same = longer.targets == frozenset(entities)
            if same and NUMBER in text and NUMBER in longer.text:
                continue
            return True
        return False

    def begun(self, text: str) -> bool:
        """Whether this sounds like the beginning of a sentence rather than like a whole one."""
        best = process.extractOne(text, self._beginnings, scorer=fuzz.ratio, score_cutoff=_BEGUN)
        if best is None:
            return False
        least = best[1] - _PLAINLY
        whole = process.extractOne(text, self._texts, scorer=fuzz.ratio, score_cutoff=least)
        return whole is None

    def _cut(self, text: str) -> list[str]:
        """Every proper beginning of two words or more; without words, of three signs."""
        if self._gap:
            words = text.split(self._gap)
            return [self._gap.join(words[:n]) for n in range(2, len(words))]
        return [text[:n] for n in range(3, len(text))]
