"""Who lives in a house that a test runs, written as the command line writes it."""

from __future__ import annotations

from pathlib import Path

from alicia.runtime.settings import Folder
from alicia.security.people import People
from alicia.security.permissions import Person, Role, Rule
from alicia.security.pins import hash_pin


def lives_here(
    folder: Path, name: str, role: Role, *, pin: str | None = None, rules: tuple[Rule, ...] = ()
) -> Person:
    """Somebody of this home from now on; services that run take it up."""
    person = Person(
        person_id=name.lower(),
        name=name,
        role=role,
        rules=rules,
        pin=None if pin is None else hash_pin(pin),
    )
    people = kept_people(folder)
    people.put(people.record().with_person(person))
    return person


def kept_people(folder: Path) -> People:
    """The file of a house's people."""
    return People(Folder(folder).state("device_control"))
