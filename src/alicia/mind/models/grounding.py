"""Grounding: the part of the home that a sentence may be about, and no more of it.

What is named comes first, then what is in a named room or on a named floor. Where no name was
said whole and no place, what is where it was said comes too; and the rest only where all that is
nothing. What is protected (locks, garage doors, alarms) is never part of it: neither its state nor
its existence leaves the home.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from alicia.contracts.devices import Area, Entity, Value
from alicia.home.model import Home, names_of
from alicia.home.protection import is_protected
from alicia.mind.models.tokens import at_most

_ALIKE = 85
"""Per cent of likeness from which a word that was heard is a word of a name."""
_COMMON = 0.2
"""A word in more than this share of names ("light") names nothing by itself."""
_NAME = 60
"""Characters of a name that are told."""
_MENTION = 3
"""Tokens that an entity costs in a tool's list besides its id."""
_TOOL = 125
"""Tokens of a tool without the entities in its list, as `at_most` counts them."""


@dataclass(frozen=True)
class Grounding:
    """What a model is told of the home."""

    entities: tuple[Entity, ...]
    text: str
    left_out: int
    """Things that might have been meant, and did not fit the budget."""
    tokens: int
    """Of the text and the tools, at most."""

    def find(self, entity_id: str) -> Entity | None:
        return next((e for e in self.entities if e.entity_id == entity_id), None)


def ground(home: Home, text: str, *, language: str, area_id: str | None, budget: int) -> Grounding:
    """`budget`: tokens that the description and the tools may have together."""
    rooms = ", ".join(_name(area, language) for area in home.areas())
    here = home.area(area_id) if area_id else None
    lines = [f"Rooms: {rooms}"]
    if here is not None:
        lines.append(f"Said in: {_name(here, language)}")
    tokens = sum(map(at_most, lines)) + _TOOL
    taken: list[Entity] = []
    tools: set[str] = set()
    left_out = 0
    for entity in _wanted(home, text, language, area_id):
        line = _line(home, entity, language)
        writable = {c.name for c in entity.capabilities if c.writable}
        cost = at_most(line) + len(writable - tools) * _TOOL
        cost += (len(writable) + 1) * (at_most(entity.entity_id) + _MENTION)
        if tokens + cost > budget:
            left_out += 1
            continue
        tokens += cost
        tools |= writable
        taken.append(entity)
        lines.append(line)
    if left_out:
        lines.append(f"{left_out} more things are not listed.")
    return Grounding(tuple(taken), "\n".join(lines), left_out, tokens)


def state_of(home: Home, entity: Entity) -> dict[str, Value]:
    """What is confirmed of it; empty where nothing is, or it can't be reached."""
    state = home.state(entity.entity_id)
    if state is None or not state.available:
        return {}
    known = {capability.name for capability in entity.capabilities}
    return {name: value for name, value in state.values.items() if name in known}


# ---- which ------------------------------------------------------------------------------------


def _wanted(home: Home, text: str, language: str, area_id: str | None) -> Iterator[Entity]:
    """The nearest to the sentence first, each once."""
    open_to_models = [e for e in home.entities() if e.capabilities and not is_protected(e)]
    said = _Said(text, [name for e in open_to_models for name in names_of(e, language)])
    named = said.shares([(entity, names_of(entity, language)) for entity in open_to_models])
    found = [e for share, e in sorted(named, key=lambda pair: -pair[0]) if share > 0]
    places = {area.area_id for area in home.areas() if _place_is_said(area, language, said)}
    found += [e for e in open_to_models if e.area_id in places]
    whole = any(share >= 1 for share, _ in named)
    if area_id is not None and not whole and not places:
        found += [e for e in open_to_models if e.area_id == area_id]
    if not found:
        # Things that can be changed before those that only measure.
        found = sorted(open_to_models, key=lambda e: not any(c.writable for c in e.capabilities))
    seen: set[str] = set()
    for entity in found:
        if entity.entity_id not in seen:
            seen.add(entity.entity_id)
            yield entity


def _place_is_said(area: Area, language: str, said: _Said) -> bool:
    floor = [area.floor] if area.floor else []
    return any(said.has(name) for name in (*names_of(area, language), *floor))


class _Said:
    """A sentence, and what of a name is in it."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self._text = _plain(text)
        self._joined = self._text.replace(" ", "")
        self._words = self._text.split()
        counted = Counter(word for name in names for word in set(_plain(name).split()))
        most = max(1.0, _COMMON * len(names))
        self._common = {word for word, count in counted.items() if count > most}

    def has(self, name: str) -> bool:
        """The whole name; where words stand together, as signs do."""
        plain = _plain(name)
        if not plain:
            return False
        if plain.isascii():
            return f" {plain} " in f" {self._text} " or self._near(plain)
        return plain.replace(" ", "") in self._joined

    def shares(self, things: Sequence[tuple[Entity, list[str]]]) -> list[tuple[float, Entity]]:
        """How much of the best of each one's names was said: 1 all of it, 0 nothing that tells.

        A word of a name that was said whole tells of no other: "the coffee machine" is no washing
        machine.
        """
        whole = [name for _, names in things for name in names if self.has(name)]
        used = {word for name in whole for word in _plain(name).split()}
        return [
            (
                max((1.0 if n in whole else self._part(n, used) for n in names), default=0.0),
                entity,
            )
            for entity, names in things
        ]

    def _part(self, name: str, used: set[str]) -> float:
        words = _plain(name).split()
        told = {word for word in words if word not in self._common | used and len(word) > 2}
        said = [word for word in told if self._near(word)]
        return 0.9 * len(said) / len(words) if said else 0.0

    def _near(self, name: str) -> bool:
        """As many words as the name has, nearly it: "kichen"."""
        count = name.count(" ") + 1
        windows = (
            " ".join(self._words[at : at + count]) for at in range(len(self._words) - count + 1)
        )
        return len(name) > 3 and any(fuzz.ratio(name, window) >= _ALIKE for window in windows)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w']+", " ", folded).split())


# ---- how it is told ----------------------------------------------------------------------------


def _line(home: Home, entity: Entity, language: str) -> str:
    """`light.kitchen "Kitchen Light" in "Kitchen": power=false brightness=40%`."""
    area = home.area(entity.area_id or "")
    where = f" in {_name(area, language)}" if area else ""
    units = {c.name: c.unit or "" for c in entity.capabilities}
    values = [
        f"{name}={_value(value)}{units[name]}" for name, value in state_of(home, entity).items()
    ]
    return f"{entity.entity_id} {_name(entity, language)}{where}: {' '.join(values) or 'unknown'}"


def _name(thing: Area | Entity, language: str) -> str:
    """Quoted, so that a name that reads like an instruction is seen to be a name."""
    name = " ".join(names_of(thing, language)[0].split())
    return json.dumps(name[:_NAME], ensure_ascii=False)


def _value(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value[:_NAME], ensure_ascii=False)
    return f"{value:g}" if not isinstance(value, bool) else str(value).lower()
