"""Sparing: "turn off all the lights except the kitchen light", from the two halves of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from alicia.home.model import Home, names_of
from alicia.language.plan import Plan
from alicia.language.tables import Tables
from alicia.language.wording import Wording


class Sparing:
    """What a language says "except" with, and the names of one home that may follow it."""

    def __init__(self, tables: Tables, wording: Wording) -> None:
        self._language = tables.language
        self._wording = wording
        self._patterns = [re.compile(p) for p in tables.say.get("except", [])]
        self._rest = [(re.compile(p), by) for p, by in tables.say.get("rest", [])]
        # "The lights in the kitchen" spares what "the kitchen" does.
        self._kinds = [self._bare(kind) for kind in tables.say.get("except_kinds", [])]
        self._spared: dict[str, frozenset[str]] = {}

    def use(self, home: Home) -> None:
        self._spared = {}
        for entity in home.entities():
            for name in names_of(entity, self._language):
                self._spared.setdefault(self._bare(name), frozenset({entity.entity_id}))
        for area in home.areas():
            there = frozenset(e.entity_id for e in home.entities(area_id=area.area_id))
            for name in names_of(area, self._language):
                self._spared.setdefault(self._bare(name), there)

    def halves(self, text: str) -> Iterator[tuple[str, str]]:
        """Each way to read it: the sentence without the exception, and the words for it."""
        for pattern in self._patterns:
            if found := pattern.fullmatch(text):
                every = found["all"].strip(" ,、，")
                for rest, by in self._rest:
                    every = rest.sub(by, every)
                yield every, found["but"].strip()

    def spared(self, text: str) -> frozenset[str] | None:
        """Who is spared by these words; None where they are no name."""
        bare = self._bare(text)
        if bare in self._spared:
            return self._spared[bare]
        gap = self._wording.gap
        for kind in self._kinds:
            for rest in (
                bare.removeprefix(kind + gap),
                bare.removesuffix(gap + kind),
                kind + gap + bare,  # "The one by the bed" is the light by the bed.
            ):
                if rest != bare and rest in self._spared:
                    return self._spared[rest]
        return None

    def _bare(self, text: str) -> str:
        return self._wording.bare(text).text


def without(plan: Plan, spared: frozenset[str]) -> Plan | None:
    """The plan for all but these; None where it is no plan for several, or spares nobody."""
    if plan.question is not None or spared.isdisjoint(plan.entities):
        return None
    actions = [
        replace(action, entities=tuple(e for e in action.entities if e not in spared))
        for action in plan.actions
    ]
    left = tuple(action for action in actions if action.entities)
    return replace(plan, actions=left) if left else None
