"""How far what was heard is from what was said: word and character error rates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

UNSPACED = frozenset({"zh", "ja"})
"""Written without spaces: what is counted as words are characters."""
_KEPT_MARKS = frozenset("'’°%+")


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one utterance, against the nearest of its spellings."""

    words: int
    """Length of the spelling."""
    word_errors: int
    characters: int
    character_errors: int
    tail_lost: bool
    """The end of the sentence has no counterpart in what was heard."""


def compare(spellings: Sequence[str], heard: str, language: str) -> Errors | None:
    """None where nobody says what was said."""
    found = [_compare(spelling, heard, language) for spelling in spellings]
    return min(found, key=lambda e: e.character_errors / max(e.characters, 1), default=None)


def _compare(said: str, heard: str, language: str) -> Errors:
    want, got = words(said, language), words(heard, language)
    letters, heard_letters = list("".join(want)), list("".join(got))
    cost, matched = _align(want, got)
    letter_cost, letters_matched = _align(letters, heard_letters)
    tail = len(letters) - (max(letters_matched) + 1) if letters_matched else len(letters)
    return Errors(
        words=len(want),
        word_errors=cost,
        characters=len(letters),
        character_errors=letter_cost,
        tail_lost=bool(want)
        and tail >= max(3, 0.2 * len(letters))
        and len(want) - 1 not in matched,
    )


def words(text: str, language: str) -> list[str]:
    """The words as they are compared: no case, no punctuation; characters where unspaced."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    kept = "".join(c if c.isalnum() or c in _KEPT_MARKS else " " for c in folded)
    kept = re.sub(r"(?<=\d)\s*%", " %", kept)
    if language in UNSPACED:
        return [c for c in kept if not c.isspace()]
    return kept.split()


def _align(want: Sequence[str], got: Sequence[str]) -> tuple[int, set[int]]:
    """Edit distance, and the positions of `want` that have an equal in `got`."""
    rows, columns = len(want) + 1, len(got) + 1
    cost = [[0] * columns for _ in range(rows)]
    for i in range(rows):
        cost[i][0] = i
    for j in range(columns):
        cost[0][j] = j
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i][j] = min(
                cost[i - 1][j] + 1,
                cost[i][j - 1] + 1,
                cost[i - 1][j - 1] + (want[i - 1] != got[j - 1]),
            )
    matched: set[int] = set()
    i, j = rows - 1, columns - 1
    while i and j:
        equal = want[i - 1] == got[j - 1]
        if cost[i][j] == cost[i - 1][j - 1] + (not equal):
            if equal:
                matched.add(i - 1)
            i, j = i - 1, j - 1
        elif cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return cost[-1][-1], matched
