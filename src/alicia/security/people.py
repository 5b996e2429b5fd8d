"""People: who belongs to this home, what each may do, and the hash of their PIN. One file.

Written by the command line of whoever owns the file, and never over the bus: no message can make an
owner of a guest. Read by who carries commands out, again whenever it has changed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alicia.errors import InvalidValueError, SetupError
from alicia.security.files import write_private
from alicia.security.permissions import DEFAULTS, Person, Role, Rule, with_rule

FILE = "people.json"


class Record(BaseModel):
    """What stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: tuple[Person, ...] = ()
    roles: dict[Role, tuple[Rule, ...]] = Field(default_factory=dict[Role, tuple[Rule, ...]])
    """What this home has changed of the roles, the newest rule first."""

    def find(self, person_id: str | None) -> Person | None:
        return next((one for one in self.people if one.person_id == person_id), None)

    def rules_of(self, person: Person | None) -> tuple[Rule, ...]:
        """In the order in which they count; without a person those of nobody in particular."""
        role = Role.UNKNOWN if person is None else person.role
        own = () if person is None else person.rules
        return (*own, *self.roles.get(role, ()), *DEFAULTS[role])

    def with_person(self, person: Person) -> Record:
        others = [one for one in self.people if one.person_id != person.person_id]
        return self.model_copy(
            update={"people": tuple(sorted([*others, person], key=lambda one: one.person_id))}
        )

    def without(self, person_id: str) -> Record:
        kept = tuple(one for one in self.people if one.person_id != person_id)
        return self.model_copy(update={"people": kept})

    def with_rule(self, whose: Person | Role, rule: Rule) -> Record:
        """For a person, or for all of a role."""
        if isinstance(whose, Person):
            rules = with_rule(whose.rules, rule)
            return self.with_person(whose.model_copy(update={"rules": rules}))
        rules = with_rule(self.roles.get(whose, ()), rule)
        return self.model_copy(update={"roles": {**self.roles, whose: rules}})


class People:
    """The file. Blocking."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._seen: tuple[int, ...] | None = None
        self._record = Record()

    def record(self) -> Record:
        """What stands in it now. Raises SetupError where it can't be read; it is left as it is."""
        seen = self._stamp()
        if seen != self._seen:
            self._record = self._read() if seen else Record()
            self._seen = seen
        return self._record

    def put(self, record: Record) -> None:
        """Raises SetupError."""
        write_private(self.path, record.model_dump_json(exclude_none=True, indent=1).encode())

    def person(self, person_id: str) -> Person:
        """Raises InvalidValueError where nobody is called that."""
        found = self.record().find(person_id)
        if found is None:
            raise InvalidValueError(
                f"Nobody is called {person_id!r} here. `alicia people role NAME ROLE` adds"
                " somebody.",
                valid=[one.person_id for one in self.record().people],
            )
        return found

    def _stamp(self) -> tuple[int, ...]:
        """Something that changes with the file; empty where there is none."""
        try:
            now: os.stat_result = self.path.stat()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unreadable(error.strerror) from error
        return now.st_ino, now.st_mtime_ns, now.st_size

    def _read(self) -> Record:
        try:
            return Record.model_validate_json(self.path.read_bytes())
        except OSError as error:
            raise self._unreadable(error.strerror) from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._unreadable(f"{where}: {first['msg']}") from error

    def _unreadable(self, reason: Any) -> SetupError:  # noqa: ANN401 - whatever the system says
        return SetupError(
            "The file of who may do what can't be read. Correct it, or restore a backup; until then"
            " nothing protected is opened.",
            file=str(self.path),
            reason=str(reason),
        )
