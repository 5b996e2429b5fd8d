"""Patterns: `(turn|switch) on [the] {name}`, and every text that one stands for."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=8192)
def expand(pattern: str) -> tuple[str, ...]:
    """Every text of a pattern, each once, spaces tidied. Raises ValueError for an open bracket."""
    texts, rest = _sequence(pattern, 0)
    if rest != len(pattern):
        raise ValueError(f"a bracket is closed that was not opened: {pattern!r}")
    return tuple(dict.fromkeys(" ".join(text.split()) for text in texts))


def _choices(pattern: str, at: int, closing: str) -> tuple[list[str], int]:
    found: list[str] = []
    while True:
        texts, at = _sequence(pattern, at)
        found.extend(texts)
        if at >= len(pattern):
            raise ValueError(f"a bracket is not closed: {pattern!r}")
        if pattern[at] == closing:
            return found, at + 1
        at += 1  # past the bar


def _sequence(pattern: str, at: int) -> tuple[list[str], int]:
    texts = [""]
    while at < len(pattern) and pattern[at] not in "|)]":
        if pattern[at] in "([":
            optional = pattern[at] == "["
            chosen, at = _choices(pattern, at + 1, "]" if optional else ")")
            if optional:
                chosen = ["", *chosen]
            texts = [text + choice for text in texts for choice in chosen]
        else:
            texts = [text + pattern[at] for text in texts]
            at += 1
    return texts, at
