"""Mending: "turn on the hall light, no, I mean the bathroom one" as it was meant in the end.

What is said after such words (`mends` in a language's table of concepts) takes the place of the end
of what was said before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MOST_DROPPED = 5
"""Words that are taken back."""


class Mending:
    """One language's; without a table nobody corrects himself."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        marks = "|".join(own.get("mends", [])) or "(?!)"
        self._mark = re.compile(rf"[ ,.…]+(?:{marks})(?:[ ,]+(?:{marks}))*[ ,]+")
        self._first = re.compile(rf"^(?:(?:{marks})[ ,]+)+")
        self._last = re.compile(rf"[ ,]+(?:{marks})$")
        taken: list[str] = own.get("mended", [])
        self._taken = re.compile(rf"^(?:{'|'.join(taken) or '(?!)'}) ")

    def ways(self, text: str) -> Iterator[str]:
        """Each sentence that may have been meant, with fewest words taken back first."""
        text = self._last.sub("", text)
        marks = list(self._mark.finditer(text))
        if not marks:
            return
        said, meant = text[: marks[-1].start()].strip(" ,."), text[marks[-1].end() :].strip(" ,.")
        yield meant
        words = said.split()
        for dropped in range(1, min(_MOST_DROPPED, len(words) - 1) + 1):
            for end in dict.fromkeys((meant, self._taken.sub("", meant))):
                yield " ".join((*words[:-dropped], end))

    def answer(self, text: str) -> str:
        """The same without such words at its beginning: "no, make it twenty"."""
        return self._first.sub("", text)
