"""Plurals: sentences that differ in the last sound of one word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence


def plurals(text: str, nouns: Sequence[str]) -> Iterator[str]:
    """The text with each of these nouns in the other number, one at a time.

    >>> list(plurals("Turn on the kitchen lights.", ["light"]))
    ['Turn on the kitchen light.']
    """
    for noun in nouns:
        for found in re.finditer(rf"\b({re.escape(noun)})(s?)\b", text, re.IGNORECASE):
            ending = "" if found[2] else "s"
            yield f"{text[: found.start()]}{found[1]}{ending}{text[found.end() :]}"
