"""Lexicon: whether the words of a sentence can be in any of a language's templates at all.

A word that no template, name or list has shows without a parse that there is none to be found;
a parse takes up to a hundred times as long. Templates with a place for any words are others'.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from hassil.expression import Expression, Group, ListReference, Sentence, TextChunk
from hassil.intents import IntentData, Intents, SlotList, TextSlotList, WildcardSlotList

_TOKEN = re.compile(r"[^\s\-_.,;:!?'\"’()%°/]+")
_DIGIT = re.compile(r"\d")
_MORE_NUMBERS = (
    *(
        "hundred",
        "thousand",
        "point",
        "and",
        "a",
        "half",
        "minus",
        "hundert",
        "tausend",
        "komma",
        "ein",
    ),
    *(
        "eins",
        "eine",
        "und",
        "cent",
        "mille",
        "virgule",
        "un",
        "une",
        "et",
        "moins",
        "cien",
        "ciento",
    ),
    *(
        "mil",
        "coma",
        "uno",
        "una",
        "y",
        "menos",
        "cento",
        "virgola",
        "meno",
        "um",
        "uma",
        "virgula",
        "one",
    ),
)
"""Words of numbers beside those from 2 to 100."""


def wildcards(data: IntentData, intents: Intents) -> bool:
    """Whether a template among these has a place for any words."""
    names = {name for s in data.sentences for name in _lists(s.expression, intents, data, ())}
    lists = {**intents.slot_lists, **data.slot_lists}
    return any(isinstance(lists.get(name), WildcardSlotList) for name in names)


def _lists(
    part: Expression, intents: Intents, data: IntentData, seen: tuple[str, ...]
) -> Iterator[str]:
    if isinstance(part, ListReference):
        yield part.list_name
    elif isinstance(part, Group):
        for item in part.items:
            yield from _lists(item, intents, data, seen)
    elif (name := getattr(part, "rule_name", None)) and name not in seen:
        rule = {**intents.expansion_rules, **data.expansion_rules}.get(name)
        if rule is not None:
            yield from _lists(rule.expression, intents, data, (*seen, name))


class Lexicon:
    """The fragments that templates are made of, and the names of a home."""

    def __init__(self, intents: Intents, numbers: Iterable[str]) -> None:
        every: list[Sentence] = [*intents.expansion_rules.values()]
        lists: list[SlotList] = [*intents.slot_lists.values()]
        for intent in intents.intents.values():
            for data in intent.data:
                every += [*data.sentences, *data.expansion_rules.values()]
                lists += data.slot_lists.values()
        found = {f for sentence in every for f in _fragments(sentence.expression)}
        found |= {f for one in lists for f in _listed(one)}
        for text in (*numbers, *_MORE_NUMBERS, *intents.skip_words):
            found |= set(_TOKEN.findall(_plain(text)))
        self._own = frozenset(found)
        self._known = self._own
        self._covered = lru_cache(maxsize=4096)(self._made_of)

    def use(self, lists: Mapping[str, SlotList]) -> None:
        """Takes up the names of a home."""
        self._known = self._own | {f for one in lists.values() for f in _listed(one)}
        self._covered.cache_clear()

    def knows(self, text: str) -> bool:
        """Whether each word may be one of a template."""
        return all(self._covered(word) for word in _TOKEN.findall(_plain(text)))

    def _made_of(self, word: str) -> bool:
        """Whether it can be put together of fragments: templates are cut within words."""
        word = _DIGIT.sub("", word)
        ends = {0}
        for end in range(1, len(word) + 1):
            if any(word[start:end] in self._known for start in ends):
                ends.add(end)
        return len(word) in ends


def _plain(text: str) -> str:
    """Without accents: number words are told so."""
    letters = unicodedata.normalize("NFD", text.lower().replace("ß", "ss"))
    return "".join(sign for sign in letters if not unicodedata.combining(sign))


def _fragments(part: Expression) -> Iterator[str]:
    if isinstance(part, TextChunk):
        yield from _TOKEN.findall(_plain(part.text))
    elif isinstance(part, Group):
        for item in part.items:
            yield from _fragments(item)
    elif isinstance(part, ListReference):
        for text in (part.prefix, part.suffix):
            yield from _TOKEN.findall(_plain(text or ""))


def _listed(one: SlotList) -> Iterator[str]:
    if isinstance(one, TextSlotList):
        for value in one.values:
            yield from _fragments(value.text_in)
