"""Conditions: "when the front door opens", as a state of this home that is waited for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alicia.contracts.devices import Area, Entity
from alicia.contracts.schedules import Becomes
from alicia.errors import IdleError, NoMeterError, UnknownEntityError
from alicia.home.model import Home, names_of
from alicia.language.tables import Tables
from alicia.language.time_phrases import Timed, TimePhrases, groups_of, spans_of
from alicia.language.written_numbers import lettered

_CLOSED_PCT = 0.0
DONE_BELOW_W = 10.0
"""A machine that has done its work draws less: it stands by."""
DONE_FOR_S = 120.0
"""For so long, because one that soaks or turns back draws little for a while too."""


@dataclass(frozen=True)
class Condition:
    """What a sentence waits for."""

    rest: Timed
    """The sentence without it."""
    becomes: Becomes
    key: str
    """How it is told when it has come: `open`, `below`, `done`."""
    name: str
    """Of what it was said."""
    number: float | None = None


class Conditions:
    """One language's."""

    def __init__(self, tables: Tables, phrases: TimePhrases) -> None:
        self._language = tables.language
        self._phrases = phrases
        self._articles = frozenset(map(lettered, tables.articles))
        table = phrases.table
        self._known: list[tuple[re.Pattern[str], dict[str, Any]]] = [
            (phrases.compiled(pattern), entry)
            for entry in table.get("conditions", [])
            for pattern in entry["say"]
        ]
        again = table["words"].get("again")
        self._again = phrases.compiled(again) if again else None

    def find(self, whole: Timed, home: Home) -> Condition | None:
        """What the sentence waits for; None where it waits for nothing.

        Raises UnknownEntityError where nothing here can tell it, NoMeterError where it would take
        a meter of power, IdleError where a machine whose end is waited for is not at work.
        """
        found = [(match, entry) for p, entry in self._known for match in p.finditer(whole.key)]
        # With a name, and the shortest: what a thing is called does not reach into the command.
        found.sort(key=lambda one: ("x" not in spans_of(one[0]), len(one[0].group())))
        for match, entry in found:
            for name, end in self._names_at(match, whole):
                if not (entities := self._telling(name, entry, home)):
                    continue
                rest = self._phrases.without(whole, match.start(), end)
                again = self._again is not None and bool(self._again.search(match.group()))
                becomes = self._becomes(entities, entry, match, again=again)
                called = self._called(name, entities, home)
                if entry.get("done"):
                    _require_at_work(entities, called, home)
                return Condition(rest, becomes, _key(entry), called, becomes.below or becomes.above)
        if found:
            raise UnknownEntityError
        return None

    def _called(self, name: str | None, entities: Sequence[Entity], home: Home) -> str:
        """As it was said, but as a thing is called that does something: "der Rollladen"."""
        if name is None:
            return names_of(entities[0], self._language)[0]
        if self._language != "de":
            return name
        said = self._bare(name)
        own = (n for e in home.entities() for n in names_of(e, self._language))
        return next((one for one in own if self._bare(one) == said), name)

    def _names_at(self, match: re.Match[str], whole: Timed) -> list[tuple[str | None, int]]:
        """What the thing may be called, and where its condition ends; the longest first."""
        span = spans_of(match).get("x")
        if span is None:
            return [(None, match.end())]
        start, end = span
        if end != match.end():
            return [(whole.said(start, end), match.end())]
        goes_on = re.compile(r"[^,，、]*").match(whole.key, start)
        until = goes_on.end() if goes_on else end
        ends = [at for at in range(end, until + 1) if self._phrases.may_end(whole, at)]
        return [(whole.said(start, at), at) for at in reversed(ends)]

    def _becomes(
        self,
        entities: Sequence[Entity],
        entry: dict[str, Any],
        match: re.Match[str],
        *,
        again: bool,
    ) -> Becomes:
        ids = [entity.entity_id for entity in entities]
        if entry.get("done"):
            return Becomes(
                entities=ids,
                capability=entry["capability"],
                below=DONE_BELOW_W,
                for_s=DONE_FOR_S,
                repeat=again,
            )
        if "n" in groups_of(match):
            number = self._phrases.number(groups_of(match)["n"])
            below = number if entry.get("below") else None
            above = number if entry.get("above") else None
            return Becomes(
                entities=ids, capability=entry["capability"], below=below, above=above, repeat=again
            )
        capability = entry["capability"]
        if capability == "open" and not any(_has(entity, "open") for entity in entities):
            # A blind that opens is above 0; one that closes is below 1.
            opens: bool = entry["value"]
            above, below = (_CLOSED_PCT, None) if opens else (None, _CLOSED_PCT + 1)
            return Becomes(
                entities=ids, capability="position", above=above, below=below, repeat=again
            )
        return Becomes(entities=ids, capability=capability, value=entry["value"], repeat=again)

    def _telling(self, name: str | None, entry: dict[str, Any], home: Home) -> list[Entity]:
        """The things of that name, or else in the room of that name, that tell such a state."""
        capability: str = entry["capability"]
        telling = [e for e in home.entities() if _has(e, capability)]
        if capability == "open":
            telling = telling or [e for e in home.entities() if _has(e, "position")]
            telling += [e for e in home.entities() if _has(e, "position") and e not in telling]
        if name is None:
            return telling if len(telling) == 1 else []
        said = self._bare(name)
        if exact := [e for e in telling if said in self._names(e)]:
            return exact
        if close := [e for e in telling if any(said in n for n in self._names(e))]:
            return close if len(close) == 1 else []
        if entry.get("done"):
            for entity in home.entities():
                if said in self._names(entity):
                    raise NoMeterError(entity=entity.entity_id, name=name)
            return []
        rooms = [a.area_id for a in home.areas() if said in self._names(a)]
        if rooms:
            return [e for e in telling if e.area_id in rooms and not _has(e, "position")]
        # "The front door" is called so by its lock; its contact hangs on the same door.
        beside = {
            e.area_id for e in home.entities() if e.domain == "lock" and said in self._names(e)
        }
        doors = [e for e in telling if e.area_id in beside and e.device_class == "door"]
        return doors if len(doors) == 1 else []

    def _names(self, thing: Area | Entity) -> set[str]:
        return {self._bare(name) for name in names_of(thing, self._language)}

    def _bare(self, name: str) -> str:
        """Without its article."""
        words = lettered(name).replace("'", "' ").split()
        while len(words) > 1 and (words[0] in self._articles or words[0].strip("'") in _SMALL):
            words = words[1:]
        return " ".join(words)


_SMALL = frozenset(
    ("the", "my", "our", "in", "at", "on", "der", "die", "das", "den", "dem", "im", "la", "le")
) | frozenset(("les", "el", "los", "il", "lo", "l", "o", "a", "os", "as"))
"""Words before a name that are none of it."""


def _key(entry: dict[str, Any]) -> str:
    """How the table calls it when it has come."""
    for key in ("done", "below", "above"):
        if entry.get(key):
            return key
    sides = {"open": ("closed", "open"), "power": ("off", "on")}
    return sides.get(entry["capability"], ("motion", "motion"))[bool(entry["value"])]


def _require_at_work(entities: Sequence[Entity], called: str, home: Home) -> None:
    """Raises IdleError where it is known that none of them draws power."""
    drawn = [home.value(entity.entity_id, "power_w") for entity in entities]
    if all(isinstance(watts, float) and watts < DONE_BELOW_W for watts in drawn):
        raise IdleError(entity=entities[0].entity_id, name=called)


def _has(entity: Entity, capability: str) -> bool:
    return any(c.name == capability for c in entity.capabilities)
