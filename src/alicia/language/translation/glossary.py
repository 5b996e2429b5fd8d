"""A home's own names in a translation: kept as they are, or as they are called in that language.

    "tell Eva that the Sonos is on" -> "tell [1] that the [2] is on" -> translated -> names put back

What translates never sees a name, so none can be translated, and none leaves this home.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alicia.errors import UntranslatedError

_MARK = re.compile(r"[\[［【]\s?(\d{1,3})\s?[\]］】]")
_SPACED = frozenset({"en", "es", "fr", "de", "it", "pt", "ko"})
_ARTICLES = {
    "en": r"(?:the|an?)\s",
    "es": r"(?:el|la|los|las|una?)\s",
    "fr": r"(?:(?:le|la|les|une?)\s|l')",
    "de": r"(?:der|die|das|den|dem|des|eine?[nmr]?)\s",
    "it": r"(?:(?:il|lo|la|i|gli|le|una?)\s|l')",
    "pt": r"(?:os?|as?|uma?)\s",
}
LEAST = 2
"""Letters of a name that is looked for."""


@dataclass(frozen=True, slots=True)
class Name:
    """A thing, a room or a person of this home."""

    called: Mapping[str, tuple[str, ...]]
    """By language; what it is called in any other under ""."""

    def in_language(self, language: str) -> str | None:
        """What it is called there; None where it has no name of its own there."""
        return next(iter(self.called.get(language, ())), None)


@dataclass(frozen=True, slots=True)
class Masked:
    text: str
    kept: tuple[str, ...]
    """What stands for each mark, the first for `[1]`."""

    def restored(self, translated: str) -> str:
        """Raises UntranslatedError where a mark is lost, or one came up that nobody set."""
        marks = [int(found) for found in _MARK.findall(translated)]
        if sorted(marks) != list(range(1, len(self.kept) + 1)):
            raise UntranslatedError(reason="names of this home are lost")
        return _MARK.sub(lambda found: self.kept[int(found[1]) - 1], translated)


class Glossary:
    """The names of a home, to be masked in a text."""

    def __init__(self, names: Iterable[Name] = ()) -> None:
        self._names = tuple(names)

    def mask(self, text: str, source: str, to: str) -> Masked:
        """The text with its names as marks.

        A name that is called something in `to` is found however it is written. One that is not is
        kept only where it is written as it was given, or the kitchen of every sentence would stay
        a "Kitchen" in Japanese.
        """
        if _MARK.search(text):
            raise UntranslatedError(reason="the text has marks of its own")
        spans: list[tuple[int, int, str]] = []
        for written, kept, exactly in self._looked_for(source, to):
            flags = re.NOFLAG if exactly else re.IGNORECASE
            expression = re.escape(written)
            # "The lamp" is "die Lampe" as a whole.
            if _has_article(kept, to) and source in _ARTICLES:
                expression = f"(?:{_ARTICLES[source]})?{expression}"
            if source in _SPACED:
                expression = rf"(?<!\w){expression}" + ("" if source == "ko" else r"(?!\w)")
            for found in re.finditer(expression, text.replace("’", "'"), flags):
                start, end = found.span()
                if all(end <= s or start >= e for s, e, _ in spans):
                    spans.append((start, end, kept))
        spans.sort()
        masked, kept_names, at = "", [], 0
        for number, (start, end, kept) in enumerate(spans, 1):
            masked += f"{text[at:start]}[{number}]"
            kept_names.append(kept)
            at = end
        return Masked(masked + text[at:], tuple(kept_names))

    def _looked_for(self, source: str, to: str) -> list[tuple[str, str, bool]]:
        """What is written, what is kept of it, and whether it must be written exactly so.

        The longest first: "kitchen counter" before "kitchen".
        """
        found: dict[str, tuple[str, bool]] = {}
        for name in self._names:
            there = name.in_language(to)
            for written in (*name.called.get(source, ()), *name.called.get("", ())):
                if len(written) >= LEAST:
                    found.setdefault(written, (there or written, there is None))
        ordered = sorted(found.items(), key=lambda one: -len(one[0]))
        return [(written, kept, exactly) for written, (kept, exactly) in ordered]


def _has_article(name: str, language: str) -> bool:
    article = _ARTICLES.get(language)
    return article is not None and bool(re.match(article, name, re.IGNORECASE))
