"""Spelling: a sentence that can be said, written the way a misheard one was.

What was heard keeps its articles, particles and politeness; only what differs from the sentence
is replaced. A recognizer finds such a text likelier than one in bare form, if it was said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from alicia.language.wording import NUMBER, Wording

_TOKEN = re.compile(r"\w+['’](?=\w)|\S+")
_ENDS = " ,.!?;:、。，！？¿¡…"
_REPLACED, _LEFT_OUT, _ADDED = 1.2, 0.7, 0.9
"""What it costs, in words, to take one for another, to leave a heard one out, to add one."""
_JOINED = 0.1
"""What it costs more to take two words for one."""
_SMALL = 0.2
"""What it costs more to take an article or the like for another word."""
_BESIDE = 3
"""Letters that a word may have been heard with too many."""
_LONGEST = 1.8
"""How much longer than a word the signs may be that were heard for it."""
_GAP = 6
"""Signs that may be left out between two parts."""
_NEVER = 99.0


class _Word(NamedTuple):
    text: str
    bare: str
    """Empty for an article and the like."""


class Spelt(NamedTuple):
    text: str
    left_out: int
    """Letters that were heard, or that their signs are read as, and have no place in it."""
    unlike: float
    """What was replaced of it: 0 for none, about 1 for each word."""


class _Aligned(NamedTuple):
    spans: list[tuple[int, int]]
    """What each part of the sentence was heard as."""
    cost: float


class WordSpelling:
    """Of a language whose words stand apart."""

    def __init__(self, wording: Wording) -> None:
        self._word = lru_cache(maxsize=8192)(lambda text: _Word(text, wording.bare(text).text))

    def words(self, text: str) -> list[_Word]:
        return [self._word(token) for token in _TOKEN.findall(text)]

    def spelt(
        self, heard: Sequence[_Word], wanted: Sequence[_Word], room: AbstractSet[str]
    ) -> Spelt | None:
        """The wanted sentence in the words of what was heard; None where they can't be aligned.

        The room that the thing is in may be said too.
        """
        meant = [(at, word) for at, word in enumerate(wanted) if word.bare]
        found = self._aligned(heard, [word for _, word in meant])
        if found is None:
            return None
        out: list[_Word] = []
        left_out = 0
        start = last = 0
        for (begin, end), (at, word) in zip(found.spans, meant, strict=True):
            said = sum(len(h.bare) for h in heard[begin:end])
            left_out += max(0, said - len(word.bare) - _BESIDE)
            small = [h for h in heard[start:begin] if not h.bare or h.bare in room]
            left_out += sum(len(h.bare) for h in heard[start:begin] if h.bare not in room)
            out.extend(small or wanted[last:at])
            same = end - begin == 1 and heard[begin].bare == word.bare
            out.append(heard[begin] if same else word)
            start, last = max(start, end), at + 1
        small = [h for h in heard[start:] if not h.bare or h.bare in room]
        out.extend(small or wanted[last:])
        left_out += sum(len(h.bare) for h in heard[start:] if h.bare not in room)
        return Spelt(_joined(out), left_out, found.cost / max(1, len(meant)))

    def _aligned(self, heard: Sequence[_Word], meant: Sequence[_Word]) -> _Aligned | None:
        """Which heard words each meant one is taken from: none, one or two of them."""
        rows: list[list[tuple[float, int, int]]] = []
        for i in range(len(heard) + 1):
            row: list[tuple[float, int, int]] = []
            for j in range(len(meant) + 1):
                ways = [(0.0, 0, 0)] if i == j == 0 else []
                if i:
                    skipped = _LEFT_OUT if heard[i - 1].bare else 0.0
                    ways.append((rows[i - 1][j][0] + skipped, 1, 0))
                if j:
                    ways.append((row[j - 1][0] + _ADDED, 0, 1))
                for di in (1, 2):
                    if j and i >= di:
                        cost = _replacing(heard[i - di : i], meant[j - 1])
                        ways.append((rows[i - di][j - 1][0] + cost, di, 1))
                row.append(min(ways))
            rows.append(row)
        i, j = len(heard), len(meant)
        if rows[i][j][0] >= _NEVER:
            return None
        found: list[tuple[int, int]] = []
        while i or j:
            _, di, dj = rows[i][j]
            if dj:
                found.append((i - di, i))
            i, j = i - di, j - dj
        return _Aligned(found[::-1], rows[-1][-1][0])


@lru_cache(maxsize=20_000)
def _alike(one: str, other: str) -> float:
    return fuzz.ratio(one, other) / 100


def _replacing(heard: Sequence[_Word], word: _Word) -> float:
    if len(heard) == 1 and heard[0].bare == word.bare:
        return 0.0
    if NUMBER in (word.bare, *(h.bare for h in heard)):
        return _NEVER
    said = "".join(h.bare or h.text.strip(_ENDS).lower() for h in heard)
    cost = _REPLACED * (1.0 - _alike(said, word.bare)) + _JOINED * (len(heard) - 1)
    # An article is most likely one.
    return cost + _SMALL * sum(not h.bare for h in heard)


def _joined(words: Sequence[_Word]) -> str:
    text = ""
    for word in words:
        text += ("" if not text or text[-1] in "'’" else " ") + word.text
    return text


class SignSpelling:
    """Of a language without spaces: signs are compared by how they are read."""

    def __init__(self, wording: Wording, read: Callable[[str], str], linking: str) -> None:
        self._drops = lru_cache(maxsize=8192)(lambda text: not wording.bare(text).text)
        self._bare = lru_cache(maxsize=8192)(lambda text: wording.bare(text).text)
        self._read = read
        self._linking = linking

    def spelt(self, heard: str, parts: Sequence[str], rooms: Sequence[str]) -> Spelt | None:
        """The sentence of these parts, each where its sounds were heard, with what is between."""
        found = self._aligned(heard, parts)
        if found is None:
            return None
        sounds = {self._read(room) for room in rooms}
        out, start, left_out = "", 0, 0
        for (begin, end), part in zip(found.spans, parts, strict=True):
            small = self._small(heard[start:begin], sounds)
            left_out += 0 if small else len(self._read(heard[start:begin]))
            same = self._bare(heard[begin:end]) == self._bare(part)
            out += small + (heard[begin:end] if same else self._linked(part, end - begin, rooms))
            start = end
        small = self._small(heard[start:], sounds)
        left_out += 0 if small else len(self._read(heard[start:]))
        letters = sum(len(self._read(part)) for part in parts)
        return Spelt(out + small, left_out, found.cost / max(1, letters))

    def _small(self, between: str, rooms: AbstractSet[str]) -> str:
        """What may stay between the parts: particles, and the room that a thing is in."""
        if not between or self._drops(between):
            return between
        return between if self._read(between.removesuffix(self._linking)) in rooms else ""

    def _linked(self, part: str, signs: int, rooms: Sequence[str]) -> str:
        """With the particle after a room, if as many signs were heard as there are then."""
        if signs == len(part) + 1 and self._linking not in part:
            for room in rooms:
                if part.startswith(room) and part != room:
                    return room + self._linking + part[len(room) :]
        return part

    def _aligned(self, heard: str, parts: Sequence[str]) -> _Aligned | None:
        """The stretch of signs that each part was heard as."""
        size = len(heard)
        costs = [self._between(heard, 0, at) for at in range(size + 1)]
        back: list[list[tuple[int, int]]] = []
        for part in parts:
            ended, froms = self._ends(heard, part, costs)
            costs = [_NEVER] * (size + 1)
            chosen = [(0, 0)] * (size + 1)
            for end in range(size + 1):
                for after in range(end, min(size, end + _GAP) + 1):
                    cost = ended[end] + self._between(heard, end, after)
                    if cost < costs[after]:
                        costs[after], chosen[after] = cost, froms[end]
            back.append(chosen)
        if costs[size] >= _NEVER:
            return None
        found: list[tuple[int, int]] = []
        at = size
        for chosen in reversed(back):
            found.append(chosen[at])
            at = chosen[at][0]
        return _Aligned(found[::-1], costs[size])

    def _ends(
        self, heard: str, part: str, costs: Sequence[float]
    ) -> tuple[list[float], list[tuple[int, int]]]:
        """For each sign, what it costs at best to have heard the part until there, and as what."""
        size, sound = len(heard), self._read(part)
        most = int(len(part) * _LONGEST) + 2
        ended = [_NEVER] * (size + 1)
        froms = [(0, 0)] * (size + 1)
        for begin in (at for at in range(size + 1) if costs[at] < _NEVER):
            for end in range(begin, min(size, begin + most) + 1):
                cost = costs[begin] + _letters(self._read(heard[begin:end]), sound)
                if cost < ended[end]:
                    ended[end], froms[end] = cost, (begin, end)
        return ended, froms

    def _between(self, heard: str, begin: int, end: int) -> float:
        """What it costs to leave these signs out."""
        text = heard[begin:end]
        if not text:
            return 0.0
        return 0.01 if self._drops(text) else 1.0 * len(self._read(text))


@lru_cache(maxsize=50_000)
def _letters(one: str, other: str) -> int:
    return Levenshtein.distance(one, other)
