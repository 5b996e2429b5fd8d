"""Others: a thing that is called by how it differs from the one that was spoken of.

    the left bedside lamp, then "the right one"  -> the right bedside lamp
    the chandelier, then "the other lamp"        -> the only other light of that room

The words are replaced by the thing's name, so that the sentence is read like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alicia.contracts.conversation import Topic
from alicia.contracts.devices import Entity
from alicia.home.model import Home, names_of


class Others:
    """One language's: `other` is a pattern, and `ones` say `{}` in place of what tells apart."""

    def __init__(self, own: Mapping[str, Any], language: str, *, spaced: bool) -> None:
        self._other = re.compile(own["other"], re.VERBOSE) if "other" in own else None
        self._ones: Sequence[str] = own.get("ones", ["{}"])
        self._language = language
        self._spaced = spaced

    def named(self, text: str, topic: Topic, home: Home) -> Iterator[str]:
        """The sentence with the name of the thing that is meant, for each that may be."""
        ids = [i for action in topic.actions for i in action.entities]
        ids += topic.question.entities if topic.question else []
        this = home.find(ids[0]) if len(set(ids)) == 1 else None
        if this is None or this.protected:
            return
        alike = [
            e
            for e in home.entities()
            if e.domain == this.domain and e.entity_id != this.entity_id and not e.protected
        ]
        there = [e for e in alike if e.area_id == this.area_id and this.area_id]
        one = self._likest(this, there)
        if self._other and one and (found := self._other.search(text)):
            yield self._replaced(text, found, one)
        for entity in alike:
            if found := self._told_apart(text, this, entity, home):
                yield self._replaced(text, found, entity)

    def of_its_room(self, found: Sequence[Entity], topic: Topic, home: Home) -> list[Entity]:
        """After one thing the one that is called after its room: "and the one in the bedroom"."""
        if len({i for action in topic.actions for i in action.entities}) != 1 or len(found) == 1:
            return list(found)
        named = [entity for entity in found if self._says_room(entity, home)]
        return named if len(named) == 1 else []

    def _says_room(self, entity: Entity, home: Home) -> bool:
        area = home.area(entity.area_id or "")
        rooms = [n.lower() for n in names_of(area, self._language)] if area else []
        rooms += [room.rpartition(" ")[2] for room in rooms] if self._spaced else []
        names = [name.lower() for name in names_of(entity, self._language)]
        return any(room in name for room in rooms for name in names)

    def _likest(self, this: Entity, there: Sequence[Entity]) -> Entity | None:
        """The only one, or the one that is called most like this one."""
        if len(there) <= 1:
            return there[0] if there else None
        mine = names_of(this, self._language)[0].lower()
        shared = {e.entity_id: self._shares(mine, e) for e in there}
        most = max(shared.values())
        found = [e for e in there if shared[e.entity_id] == most]
        return found[0] if most and len(found) == 1 else None

    def _shares(self, name: str, other: Entity) -> int:
        """Words, or signs, that both names begin and end with."""
        its = names_of(other, self._language)[0].lower()
        mine, _ = self._apart(name, its)
        return self._size(name) - self._size(mine) if mine else 0

    def _size(self, name: str) -> int:
        return len(name.split()) if self._spaced else len(name)

    def _replaced(self, text: str, found: re.Match[str], entity: Entity) -> str:
        name = names_of(entity, self._language)[0].lower()
        gap = " " if self._spaced else ""
        parts = (text[: found.start()].strip(), name, text[found.end() :].strip())
        return gap.join(filter(None, parts))

    def _told_apart(
        self, text: str, this: Entity, other: Entity, home: Home
    ) -> re.Match[str] | None:
        """Where a word stands that tells another from this one, and none of this one's."""
        rooms = {n.lower() for area in home.areas() for n in names_of(area, self._language)}
        for one in names_of(this, self._language):
            for name in names_of(other, self._language):
                mine, its = self._apart(one.lower(), name.lower())
                if not its or not mine or its in rooms or self._found(mine, text):
                    continue
                if found := self._found(its, text):
                    return found
        return None

    def _found(self, word: str, text: str) -> re.Match[str] | None:
        for one in self._ones:
            pattern = one.replace("{}", re.escape(word))
            pattern = rf"(?<!\w)(?:{pattern})(?!\w)" if self._spaced else pattern
            if found := re.search(pattern, text):
                return found
        return None

    def _apart(self, this: str, other: str) -> tuple[str, str]:
        """What two names do not share in one place of them; nothing where they share nothing."""
        gap = " " if self._spaced else ""
        a, b = (name.split() if self._spaced else list(name) for name in (this, other))
        least = min(len(a), len(b))
        begin = next((n for n in range(least) if a[n] != b[n]), least)
        rest = least - begin
        end = next((n for n in range(rest) if a[-1 - n] != b[-1 - n]), rest)
        if not begin + end:
            return "", ""
        return gap.join(a[begin : len(a) - end]), gap.join(b[begin : len(b) - end])
