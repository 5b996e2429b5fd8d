"""Choosing: of all readings of a sentence, the plan that this home can carry out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alicia.contracts.devices import Entity
from alicia.errors import (
    AliciaError,
    AmbiguousError,
    UnknownEntityError,
    UnsupportedIntentError,
)
from alicia.home.model import Home, names_of
from alicia.language.follow_ups import topic_of
from alicia.language.grammar import Reading
from alicia.language.intents import plan
from alicia.language.plan import Plan


@dataclass(frozen=True)
class _Readings:
    """What became of the readings of one sentence: plans, or the reason why there is none."""

    plans: list[tuple[Reading, Plan]]
    error: AliciaError | None


def best_of(
    readings: Sequence[Reading], home: Home, area_id: str | None, language: str
) -> Plan | None:
    """The best plan of these readings; None where there is no reading.

    Raises AmbiguousError, or why none of them can be carried out.
    """
    tried = _try_each(readings, home)
    if tried.plans:
        return _choose(tried.plans, home, area_id, language)
    if tried.error is not None:
        raise tried.error
    return None


def _try_each(readings: Sequence[Reading], home: Home) -> _Readings:
    plans: list[tuple[Reading, Plan]] = []
    errors: list[AliciaError] = []
    for reading in readings:
        # Words that fit a template are better evidence than words that fit anything.
        if plans and reading.wildcards > plans[0][0].wildcards:
            break
        try:
            plans.append((reading, plan(reading, home)))
        except AliciaError as error:
            errors.append(error)
    specific = [
        e for e in errors if not isinstance(e, (UnsupportedIntentError, UnknownEntityError))
    ]
    return _Readings(plans, next(iter([*specific, *errors]), None))


def _choose(
    plans: Sequence[tuple[Reading, Plan]], home: Home, area_id: str | None, language: str
) -> Plan:
    """The best plan; between things of one name the one here. Raises AmbiguousError."""
    first, best = plans[0]
    name = first.slots.get("name")
    rivals = [
        p
        for reading, p in plans
        if p.does != best.does
        and name is not None
        and "name" in reading.slots
        and reading.slots["name"].text == name.text
        and reading.intent == first.intent
    ]
    if not rivals:
        return best
    same_name = [best, *rivals]
    here = [p for p in same_name if area_id and _area_of(p, home) == area_id]
    if len(here) == 1:
        return here[0]
    topic = topic_of(*same_name)
    raise AmbiguousError(
        choices=[_in_full(p, home, language) for p in same_name],
        topic=topic.model_dump(mode="json") if topic else None,
    )


def _in_full(p: Plan, home: Home, language: str) -> str:
    """A thing's room and name: "Kitchen Spot"."""
    entity = home.entity(p.entities[0])
    area = home.area(entity.area_id or "")
    name = names_of(entity, language)[0]
    return f"{names_of(area, language)[0]} {name}" if area else name


def _area_of(p: Plan, home: Home) -> str | None:
    found: Entity | None = home.find(p.entities[0]) if p.entities else None
    return found.area_id if found else None
