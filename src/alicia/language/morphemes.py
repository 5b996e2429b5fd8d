"""Morphemes: a sentence of a language without spaces, cut into words that each mean one thing.

Chinese, Japanese and Korean say the same in many orders and with many particles. A sentence is
understood by its morphemes alone where every sign of it belongs to one: a negation, a condition or
a tense that is in no list leaves signs over, and then nothing was understood.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypeAlias

from alicia.contracts.devices import Area, Entity
from alicia.home.model import Home, names_of
from alicia.language.readings import simplified
from alicia.language.wording import han_number, hangul_number

_IGNORED = re.compile(r"""[\s、，。…~!！・'"「」『』-]|(?<!\d)[.,]|[.,](?!\d)""")
_ASKED = ("?", "？")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_HAN = re.compile("[〇零一二两三四五六七八九十百]+")
_HANGUL = re.compile("[영일이삼사오육칠팔구십백]+")
_NO_MORPHEMES = frozenset({"counted", "reasons"})
"""Of a table: what is no word by itself."""
_MARK_COST = 1.3
_MOST_SIGNS = 80
"""Of a sentence; nobody commands in more."""

Sense: TypeAlias = tuple[str, str]
"""What a morpheme is, and which: ("verb", "off"), ("thing", "light.hallway")."""


@dataclass(frozen=True)
class Morpheme:
    text: str
    senses: tuple[Sense, ...]
    number: float | None = None

    @property
    def cost(self) -> float:
        """Of two cuts the one with fewer words is meant, and with fewer that mean little."""
        return 1.0 if any(kind != "mark" for kind, _ in self.senses) else _MARK_COST

    def which(self, kind: str) -> str | None:
        """What it says of this kind; None where it says nothing of it."""
        return next((which for one, which in self.senses if one == kind), None)


class Morphemes:
    """The words of one language, and the names of one home."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.known: Mapping[str, Mapping[str, Sequence[str]]] = _table(language)
        self._general: dict[str, list[Sense]] = {}
        for kind, by_which in self.known.items():
            if kind in _NO_MORPHEMES:
                continue
            for which, words in by_which.items():
                for word in words:
                    self._general.setdefault(self.plain(word), []).append((kind, which))
        self._words: dict[str, list[Sense]] = {}
        self._longest = 0

    def __bool__(self) -> bool:
        return bool(self._general)

    def use(self, home: Home) -> None:
        """Takes up this home's names."""
        words = {word: list(senses) for word, senses in self._general.items()}
        for kind, name, which in self._names(home):
            senses = words.setdefault(self.plain(name), [])
            if not any(one in ("kind", "prop") for one, _ in senses):
                # A lamp that is called "the light" does not take the word away from the others.
                senses.append((kind, which))
        self._words = words
        self._longest = max(map(len, words), default=0)

    def _names(self, home: Home) -> Iterator[tuple[str, str, str]]:
        linked = [self.plain(word) for word in self.known.get("link", {}).get("of", ())]
        for area in home.areas():
            for name in self._own(area):
                yield "room", name, area.area_id
        for entity in home.entities():
            area = home.area(entity.area_id or "")
            rooms = [self.plain(name) for name in self._own(area)] if area else []
            for name in self._own(entity):
                yield "thing", name, entity.entity_id
                plain = self.plain(name)
                for room in rooms:
                    rest = plain.removeprefix(room)
                    for link in linked:
                        rest = rest.removeprefix(link)
                    if rest == plain or not rest:
                        continue
                    yield "short", rest, entity.entity_id
                    kinds = [which for one, which in self._general.get(rest, ()) if one == "kind"]
                    if area and kinds:
                        yield "whole", name, f"{area.area_id} {kinds[0]}"

    def _own(self, thing: Area | Entity) -> list[str]:
        own = thing.names.get(self._language)
        return list(own) if own else list(names_of(thing, self._language))

    def plain(self, text: str) -> str:
        """In small letters, without spaces and punctuation; simplified where it is Chinese."""
        text = unicodedata.normalize("NFKC", text.replace("º", "°")).lower().strip()
        if self._language == "zh":
            text = simplified(text)
        return _IGNORED.sub("", text).rstrip("?？")

    def asked(self, text: str) -> bool:
        """Whether a question mark ends it."""
        return text.rstrip(" 。.!！").endswith(_ASKED)

    def cut(self, text: str) -> list[Morpheme] | None:
        """The sentence in as few morphemes as can be; None where any sign is in none of them."""
        plain = self.plain(text)
        if not plain or len(plain) > _MOST_SIGNS:
            return None
        best: list[tuple[float, list[Morpheme]] | None] = [None] * (len(plain) + 1)
        best[0] = (0, [])
        for at in range(len(plain)):
            before = best[at]
            if before is None:
                continue
            for morpheme in self._at(plain, at):
                end = at + len(morpheme.text)
                cost = before[0] + morpheme.cost
                after = best[end]
                if after is None or cost < after[0]:
                    best[end] = (cost, [*before[1], morpheme])
        found = best[-1]
        return found[1] if found else None

    def _at(self, plain: str, at: int) -> Iterator[Morpheme]:
        """The morphemes that may begin here, the longest first."""
        if (number := self._number(plain, at)) is not None:
            yield number
        for size in range(min(self._longest, len(plain) - at), 0, -1):
            word = plain[at : at + size]
            if senses := self._words.get(word):
                yield Morpheme(word, tuple(senses))

    def _number(self, plain: str, at: int) -> Morpheme | None:
        if found := _DIGITS.match(plain, at):
            return Morpheme(found[0], (("number", ""),), float(found[0]))
        if self._language == "ko":
            found = _HANGUL.match(plain, at)
            units = self.known["unit"]
            after = plain[found.end() :] if found else ""
            if found and any(after.startswith(tuple(words)) for words in units.values()):
                return Morpheme(found[0], (("number", ""),), float(hangul_number(found[0])))
            counted = self.known.get("counted", {})
            for value, words in counted.items():
                for word in words:
                    if plain.startswith(word, at) and plain.startswith("도", at + len(word)):
                        return Morpheme(word, (("number", ""),), float(value))
            return None
        found = _HAN.match(plain, at)
        if found is None:
            return None
        return Morpheme(found[0], (("number", ""),), float(han_number(found[0])))


def _table(language: str) -> dict[str, dict[str, list[str]]]:
    """Which words say what; empty for a language that is not understood this way."""
    folder = resources.files("alicia.language").joinpath("data", "morphemes")
    source = folder.joinpath(f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8")) if source.is_file() else {}
