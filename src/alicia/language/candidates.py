"""Every sentence that this home can be told, in the plain forms of `snap` in a language's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alicia.contracts.devices import Area, Entity
from alicia.home.model import Home
from alicia.language.tables import Tables

NUMBER = "#"
"""Stands for a number, which is never guessed: it is taken from what was heard."""


@dataclass(frozen=True)
class Candidate:
    text: str
    act: str
    targets: frozenset[str]
    """Entities, or a mark where it is about none. The same act and targets mean the same."""
    protected: bool = False
    """Acts on a lock or a garage door: only an exact sentence may."""
    unlikely: bool = False
    """Seldom said: nobody is waited for who may go on to say it."""

    def rivals(self, other: Candidate) -> bool:
        """Whether mistaking one for the other does something that was not asked for.

        "The kitchen light" and "the kitchen lights" don't rival: one is a part of the other.
        """
        if self.act != other.act:
            return True
        return not (self.targets <= other.targets or other.targets <= self.targets)


def candidates(tables: Tables, home: Home) -> list[Candidate]:
    snap = tables.snap
    found: dict[str, Candidate] = {}
    for candidate in (
        *_about_things(snap, tables, home),
        *_about_areas(snap, home),
        *_about_home(snap, home),
    ):
        found.setdefault(candidate.text, candidate)
    return list(found.values())


def _about_things(snap: dict[str, Any], tables: Tables, home: Home) -> Iterator[Candidate]:
    colors = [
        value["in"]
        for value in tables.intents["lists"].get("color", {}).get("values", [])
        if str(value["in"]).isalpha()
    ]
    for entry in snap.get("name", []):
        for entity in home.entities():
            if not _fits(entity, entry):
                continue
            seldom = bool(entry.get("unlikely", False))
            guarded = entity.protected and not entry["does"].startswith("is_")
            for name in (entity.name, *entity.aliases):
                for pattern in entry["say"]:
                    text = pattern.replace("{name}", name.lower()).replace("{number}", NUMBER)
                    if "{color}" not in text:
                        yield Candidate(
                            text, entry["does"], frozenset({entity.entity_id}), guarded, seldom
                        )
                        continue
                    for color in colors:
                        said, act = text.replace("{color}", color), f"{entry['does']} {color}"
                        yield Candidate(said, act, frozenset({entity.entity_id}), guarded)


def _about_areas(snap: dict[str, Any], home: Home) -> Iterator[Candidate]:
    for entry in snap.get("area", []):
        for area in home.areas():
            meant = _meant(home, area, entry)
            for name in (area.name, *area.aliases):
                for pattern in entry["say"] if meant else ():
                    text = pattern.replace("{area}", name.lower()).replace("{number}", NUMBER)
                    yield Candidate(text, entry["does"], meant)


def _about_home(snap: dict[str, Any], home: Home) -> Iterator[Candidate]:
    for target in ("home", "here"):
        for entry in snap.get(target, []):
            if "domain" in entry and not home.entities(domain=entry["domain"]):
                continue
            for text in entry["say"]:
                yield Candidate(text, entry["does"], frozenset({target}))


def _fits(entity: Entity, entry: dict[str, Any]) -> bool:
    capability = entry.get("capability")
    return entity.domain in entry["domains"] and (
        capability is None or any(c.name == capability for c in entity.capabilities)
    )


def _meant(home: Home, area: Area, entry: dict[str, Any]) -> frozenset[str]:
    return frozenset(
        entity.entity_id
        for entity in home.entities(
            area_id=area.area_id,
            domain=entry.get("domain"),
            device_class=entry.get("device_class"),
            capability=entry.get("capability"),
        )
    )
