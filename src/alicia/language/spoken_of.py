"""Spoken of: the things of a kind that a clause is about; there, here, or the only one."""

from __future__ import annotations

from collections.abc import Callable

from alicia.contracts.devices import Entity
from alicia.home.model import Home
from alicia.language.clause import Clause

DOMAINS = {
    "light": "light",
    "blind": "cover",
    "garage": "cover",
    "fan": "fan",
    "climate": "climate",
    "lock": "lock",
    "door": "lock",
    "player": "media_player",
    "music": "media_player",
}
"""By what it is called."""
_MANY = frozenset({"light", "cover"})
"""Kinds of which a room has several, so that none is meant outside of it."""


def of_kind(kind: str, said: Clause, home: Home, area_id: str | None) -> list[Entity]:
    """The things of a kind that are spoken of: there, here, or the only one."""
    domain = DOMAINS[kind]
    if kind == "door" and said.rooms:
        doors = placed(said, home, area_id, lambda e: e.domain == "cover" and e.protected)
        return doors if len(doors) == 1 else of_domain(domain, said, home, area_id)
    if kind == "garage":
        found = placed(said, home, area_id, lambda e: e.domain == domain and e.protected)
        return found if len(found) == 1 else []
    if kind == "blind":
        return placed(said, home, area_id, lambda e: e.domain == domain and not e.protected)
    return of_domain(domain, said, home, area_id)


def of_domain(domain: str, said: Clause, home: Home, area_id: str | None) -> list[Entity]:
    """Those of a domain; of what a home has one of here and there, one, or all that were said."""
    found = placed(said, home, area_id, lambda e: e.domain == domain)
    if domain in _MANY or said.rooms or said.floors:
        return found
    return found if len(found) == 1 or said.marks & {"all", "every", "home"} else []


def placed(
    said: Clause, home: Home, area_id: str | None, wanted: Callable[[Entity], bool]
) -> list[Entity]:
    """The wanted where it was said, or everywhere, or here; elsewhere, where it is the only one."""
    if said.rooms or said.floors:
        pools = [home.entities(area_id=room) for room in said.rooms]
        pools += [home.entities(floor=floor) for floor in said.floors]
        if said.rooms and said.floors:
            return []
        return [e for pool in pools for e in pool if wanted(e)]
    everywhere = [e for e in home.entities() if wanted(e)]
    if said.marks & {"every", "home"} and "here" not in said.marks:
        return everywhere
    here = [e for e in everywhere if area_id and e.area_id == area_id]
    if here:
        return here
    only = len(everywhere) == 1 or ("all" in said.marks and area_id is None)
    return everywhere if (only and "here" not in said.marks) or len(everywhere) == 1 else []
