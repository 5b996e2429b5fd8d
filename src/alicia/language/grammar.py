"""Grammar: every reading of a sentence that the language's templates and a home's names allow.

The only module that knows hassil.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hassil.intents import Intents, SlotList, TextSlotList
from hassil.recognize import RecognizeResult, recognize_all

from alicia.contracts.devices import Area, Entity
from alicia.home.model import Home, names_of
from alicia.language.lexicon import Lexicon, wildcards
from alicia.language.readings import simplified
from alicia.language.tables import Tables
from alicia.language.wording import NUMBER, written_numbers

_AFTER_FILLER = " ,.!、，。"
HERE_UNKNOWN = "*"
"""The area of a sentence that was said nowhere in particular."""


@dataclass(frozen=True)
class Slot:
    value: Any
    text: str
    """As it was said; empty where the context gave it."""


@dataclass(frozen=True)
class Reading:
    """One way to read a sentence."""

    intent: str
    response: str
    slots: dict[str, Slot]
    literal: int
    """Characters of the template that were said."""
    wildcards: int
    """Slots that would take any words."""

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """Lower is better: no wildcards, the longest name of a thing, a room that was said."""
        name, area = self.slots.get("name"), self.slots.get("area")
        return (
            self.wildcards,
            -len(name.text) if name else 0,
            -len(area.text) if area else 0,
            -self.literal,
        )


class Grammar:
    """A language's templates, parsed once, with the names of one home."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._intents = Intents.from_dict(tables.intents)
        for intent in self._intents.intents.values():
            for data in intent.data:
                _ = data.sentences  # parsed on first use, which must not be a person's sentence
        # Of a language without spaces nobody can tell the words.
        spaced = tables.say.get("spaced", True)
        self._lexicon = Lexicon(self._intents, written_numbers(tables.language)) if spaced else None
        self._open = _open_only(self._intents)
        self._lists: dict[str, SlotList] = {}
        self._home: Home | None = None
        self._revision = -1
        self._told: tuple[list[Area], list[Entity]] | None = None
        # Read once for templates and again for those with a place for any words.
        self._last: tuple[tuple[str, str | None, int] | None, list[Reading]] = (None, [])

    def use(self, home: Home) -> bool:
        """Takes up this home's names. Whether they are others than before."""
        if home is self._home and home.revision == self._revision:
            return False
        self._home, self._revision = home, home.revision
        told = (home.areas(), home.entities())
        if told == self._told:
            return False
        self._told = told
        self._last = (None, [])
        self._lists = {
            "name": _list(
                "name",
                (
                    (text, e.entity_id, {"domain": e.domain, "device_class": e.device_class})
                    for e in home.entities()
                    for text in self._called(e)
                ),
            ),
            "area": _list(
                "area",
                ((text, a.area_id, {}) for a in home.areas() for text in self._called(a)),
            ),
            "floor": _list("floor", ((floor, floor, {}) for floor in home.floors())),
        }
        if self._lexicon is not None:
            self._lexicon.use(self._lists)
        return True

    def _called(self, thing: Area | Entity) -> Iterator[str]:
        """Each name, and without its article where it has one: templates bring their own."""
        for name in names_of(thing, self.tables.language):
            yield name
            article, gap, rest = name.partition("'" if "'" in name.split(" ")[0] else " ")
            if rest and (article + gap).strip().lower() in self.tables.articles:
                yield rest

    def readings(self, text: str, area_id: str | None) -> list[Reading]:
        """Every reading of the whole text, the best first; empty where there is none."""
        if self._last[0] != (text, area_id, self._revision):
            self._last = (text, area_id, self._revision), self._read(text, area_id)
        return self._last[1]

    def _read(self, text: str, area_id: str | None) -> list[Reading]:
        found: dict[tuple[Any, ...], Reading] = {}
        known = self._lexicon is None or self._lexicon.knows(text)
        for result in recognize_all(
            text,
            self._intents if known else self._open,
            slot_lists=self._lists,
            intent_context={"area": {"value": area_id or HERE_UNKNOWN, "text": ""}},
        ):
            reading = _reading(result)
            if not reading.literal:
                continue  # a name alone asks for nothing
            key = (
                reading.intent,
                reading.response,
                tuple(sorted((k, str(s.value), s.text) for k, s in reading.slots.items())),
            )
            if key not in found or reading.rank < found[key].rank:
                found[key] = reading
        return sorted(found.values(), key=lambda reading: reading.rank)


def _open_only(intents: Intents) -> Intents:
    """Of the templates those with a place for any words."""
    kept = {
        name: replace(intent, data=[data for data in intent.data if wildcards(data, intents)])
        for name, intent in intents.intents.items()
    }
    return replace(intents, intents={name: one for name, one in kept.items() if one.data})


def tidy(text: str, tables: Tables) -> str:
    """A recognizer's or a person's text in the spelling of the templates."""
    # The sign that stands for any number is nobody's word.
    tidied = unicodedata.normalize("NFKC", text.replace("º", "°")).replace(NUMBER, " ")
    tidied = tidied.lower().strip()
    if tables.language == "zh":
        tidied = simplified(tidied)
    asked = tables.tidy.asked if tidied.endswith(("?", "？")) else ()
    tidied = tidied.replace("’", "'").strip(" .!?¿¡。！？…,、;:")
    rules = (*tables.tidy.replace, *asked)
    whole = _replaced(tidied, rules)
    core = _without_fillers(whole, tables.tidy.fillers)
    # A rule may begin or end where a filler stood.
    return core if core == whole else _without_fillers(_replaced(core, rules), tables.tidy.fillers)


def _replaced(text: str, rules: Iterable[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _without_fillers(text: str, fillers: tuple[str, ...]) -> str:
    while True:
        before = text
        for filler in fillers:
            if text == filler:
                return ""
            if text.startswith(filler) and text[len(filler)] in _AFTER_FILLER:
                text = text[len(filler) :].lstrip(_AFTER_FILLER)
            if text.endswith(filler) and text[-len(filler) - 1] in _AFTER_FILLER:
                text = text[: -len(filler)].rstrip(_AFTER_FILLER)
        if text == before:
            return text


def _list(name: str, values: Iterable[tuple[str, str, dict[str, Any]]]) -> TextSlotList:
    tuples = [
        (unicodedata.normalize("NFKC", text).lower(), value, context)
        for text, value, context in values
    ]
    return TextSlotList.from_tuples(tuples, allow_template=False, name=name)


def _reading(result: RecognizeResult) -> Reading:
    return Reading(
        intent=result.intent.name,
        response=result.response or "default",
        slots={
            name: Slot(entity.value, (entity.text or "").strip())
            for name, entity in result.entities.items()
        },
        literal=result.text_chunks_matched,
        wildcards=sum(1 for entity in result.entities_list if entity.is_wildcard),
    )
