"""A plan that was asked for in one language, to be answered in another.

What was said stands in its slots: "the red lamp". An answer in another language needs the words of
that language for it, and for what has none there no words at all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from alicia.home.model import Home, names_of
from alicia.language.plan import Plan
from alicia.language.tables import base_language, load_tables


def related(plan: Plan, home: Home, heard_in: str, answered_in: str) -> Plan:
    """The plan with its slots in the language of the answer. Raises UnsupportedLanguageError."""
    source, to = base_language(heard_in), base_language(answered_in)
    if source == to:
        return plan
    return replace(
        plan,
        slots=_slots(plan, home, source, to),
        parts=tuple(related(part, home, source, to) for part in plan.parts),
    )


def _slots(plan: Plan, home: Home, source: str, to: str) -> dict[str, str]:
    slots = dict(plan.slots)
    if "name" in slots:
        slots["name"] = _name(plan, home, to) or slots["name"]
    if "area" in slots:
        slots["area"] = _area(slots["area"], home, source, to)
    if "color" in slots:
        values = [action.value for action in plan.actions if action.capability == "color"]
        slots["color"] = _color(str(values[0]), to) if values else slots["color"]
    return slots


def _name(plan: Plan, home: Home, to: str) -> str | None:
    entity = home.find(plan.entities[0]) if plan.entities else None
    return names_of(entity, to)[0] if entity else None


def _area(said: str, home: Home, source: str, to: str) -> str:
    bare = said.casefold()
    for area in home.areas():
        if any(name.casefold() in bare for name in names_of(area, source)):
            return names_of(area, to)[0]
    return said


def _color(value: str, to: str) -> str:
    """What a colour is called; the value itself where this language has no word for it."""
    for one in load_tables(to).intents["lists"]["color"]["values"]:
        if isinstance(one, dict) and str(one.get("out")) == value:
            return re.sub(r"[\[\](){}]", "", str(one["in"]).partition("|")[0]).strip() or value
    return value
