"""Where a spoken text can be cut, so that its first words are heard while the rest is made."""

import itertools
import re

# A clause ends where a reader breathes: at sentence ends, and at commas and the like once it is
# long enough to sound natural alone. Not within numbers ("21.5", "1,000") or after "Dr.".
_SENTENCE_END = re.compile(r"""[.!?…]+["'”’)]*\s+|[。！？]+[」』”]*""")
_BREATH = re.compile(r"[,;:–—]\s+|[、，；：]")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|St|No|e\.g|i\.e|approx|bzw|z\.B|Nr)\.\s*$")
_MIN_CLAUSE_CHARS = 20


def clauses(text: str, *, min_chars: int = _MIN_CLAUSE_CHARS) -> list[str]:
    """The clauses of the text, in order; joined by spaces they say the same."""
    found: list[str] = []
    for sentence in _sentences(text):
        found.extend(_breaths(sentence, min_chars))
    return found


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    open_end = ""
    for piece in _cut(text, _SENTENCE_END):
        joined = f"{open_end} {piece}".strip()
        if _ABBREVIATION.search(joined):
            open_end = joined
            continue
        open_end = ""
        if joined:
            found.append(joined)
    return [*found, open_end] if open_end else found


def _breaths(sentence: str, min_chars: int) -> list[str]:
    """Cut at commas; each part has at least `min_chars`, a short one is spoken with the next."""
    found: list[str] = []
    begun = ""
    for piece in _cut(sentence, _BREATH):
        begun = f"{begun} {piece}".strip()
        if len(begun) >= min_chars:
            found.append(begun)
            begun = ""
    if begun and found:
        found[-1] = f"{found[-1]} {begun}"
    elif begun:
        found.append(begun)
    return found


def _cut(text: str, after: re.Pattern[str]) -> list[str]:
    """The pieces, each up to the end of a match."""
    ends = [match.end() for match in after.finditer(text)]
    bounds = [0, *ends, len(text)]
    return [text[start:end].strip() for start, end in itertools.pairwise(bounds)]


def settled(text: str, *, min_chars: int = _MIN_CLAUSE_CHARS) -> int:
    """Up to where a text is whole clauses that no further words change; the last may still grow."""
    signs = sum(len(clause.replace(" ", "")) for clause in clauses(text, min_chars=min_chars)[:-1])
    at = 0
    while signs or (at and text[at : at + 1].isspace()):
        signs -= not text[at].isspace()
        at += 1
    return at
