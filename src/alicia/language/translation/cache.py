"""What was translated lately, in memory alone: it is what somebody said."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cached:
    text: str
    by: str
    """Who translated it."""


class TranslationCache:
    """The latest translations, by text and pair; bounded in number and length."""

    def __init__(self, most: int, longest: int = 400) -> None:
        """`most` translations, of texts of at most `longest` characters; 0 keeps none."""
        self._most = most
        self._longest = longest
        self._kept: OrderedDict[tuple[str, str, str], Cached] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str, source: str, to: str) -> Cached | None:
        found = self._kept.get((text, source, to))
        if found is not None:
            self._kept.move_to_end((text, source, to))
        return found

    def put(self, text: str, source: str, to: str, translated: Cached) -> None:
        if self._most < 1 or max(len(text), len(translated.text)) > self._longest:
            return
        self._kept[text, source, to] = translated
        self._kept.move_to_end((text, source, to))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        self._kept.clear()
