"""Personas on disk: every version of each, and for whom they answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from alicia.contracts.personas import (
    Assignment,
    AssignmentScope,
    Persona,
    PersonaVersion,
    Verbosity,
)
from alicia.errors import SetupError
from alicia.storage.database import Database

_MIGRATIONS = (
    (
        """CREATE TABLE version (
            persona_id TEXT NOT NULL, version INTEGER NOT NULL, at REAL NOT NULL,
            by TEXT NOT NULL, persona TEXT, PRIMARY KEY (persona_id, version)
        ) STRICT""",
        """CREATE TABLE assignment (
            scope TEXT NOT NULL, who TEXT NOT NULL, persona_id TEXT NOT NULL,
            at REAL NOT NULL, by TEXT NOT NULL, PRIMARY KEY (scope, who)
        ) STRICT""",
    ),
    (
        """CREATE TABLE verbosity (
            scope TEXT NOT NULL, who TEXT NOT NULL, verbosity REAL NOT NULL,
            at REAL NOT NULL, by TEXT NOT NULL, PRIMARY KEY (scope, who)
        ) STRICT""",
    ),
)
KEPT_VERSIONS = 100
"""Of each persona; the oldest go first."""


class PersonaStore:
    """Blocking."""

    def __init__(self, path: Path) -> None:
        """Raises SetupError."""
        self._path = path
        self._database = Database(path, _MIGRATIONS)

    def versions(self, persona_id: str | None = None) -> list[PersonaVersion]:
        """Of one persona, or of all: by id, the oldest first. Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT persona_id, version, at, by, persona FROM version"
                " WHERE ?1 IS NULL OR persona_id = ?1 ORDER BY persona_id, version",
                (persona_id,),
            ).fetchall()
        try:
            return [
                PersonaVersion(
                    persona_id=key,
                    version=version,
                    at=at,
                    by=by,
                    persona=None if text is None else Persona.model_validate_json(text),
                )
                for key, version, at, by, text in found
            ]
        except ValidationError as error:
            raise SetupError(
                "The personas can't be read. Restore a backup; the file has not been changed.",
                file=str(self._path),
                reason=type(error).__name__,
            ) from error

    def put(self, persona_id: str, persona: Persona | None, by: str) -> PersonaVersion:
        """The next version of a persona; None: it is deleted. Raises SetupError."""
        now = time.time()
        text = None if persona is None else persona.model_dump_json()
        with self._database.transaction() as rows:
            (last,) = rows.execute(
                "SELECT ifnull(max(version), 0) FROM version WHERE persona_id = ?", (persona_id,)
            ).fetchone()
            rows.execute(
                "INSERT INTO version VALUES (?, ?, ?, ?, ?)", (persona_id, last + 1, now, by, text)
            )
            rows.execute(
                "DELETE FROM version WHERE persona_id = ? AND version <= ?",
                (persona_id, last + 1 - KEPT_VERSIONS),
            )
        return PersonaVersion(
            persona_id=persona_id, version=last + 1, at=now, by=by, persona=persona
        )

    def assignments(self) -> list[Assignment]:
        """Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT scope, who, persona_id FROM assignment ORDER BY scope, who"
            ).fetchall()
        return [
            Assignment(scope=AssignmentScope(scope), who=who, persona_id=persona_id)
            for scope, who, persona_id in found
        ]

    def assign(self, scope: AssignmentScope, who: str, persona_id: str | None, by: str) -> None:
        """None: nobody in particular. Raises SetupError."""
        with self._database.transaction() as rows:
            if persona_id is None:
                rows.execute("DELETE FROM assignment WHERE scope = ? AND who = ?", (scope, who))
            else:
                rows.execute(
                    "INSERT OR REPLACE INTO assignment VALUES (?, ?, ?, ?, ?)",
                    (scope, who, persona_id, time.time(), by),
                )

    def verbosities(self) -> list[Verbosity]:
        """Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT scope, who, verbosity FROM verbosity ORDER BY scope, who"
            ).fetchall()
        return [
            Verbosity(scope=AssignmentScope(scope), who=who, verbosity=verbosity)
            for scope, who, verbosity in found
        ]

    def choose(self, scope: AssignmentScope, who: str, verbosity: float | None, by: str) -> None:
        """How much is said there; None: as the persona has it. Raises SetupError."""
        with self._database.transaction() as rows:
            if verbosity is None:
                rows.execute("DELETE FROM verbosity WHERE scope = ? AND who = ?", (scope, who))
            else:
                rows.execute(
                    "INSERT OR REPLACE INTO verbosity VALUES (?, ?, ?, ?, ?)",
                    (scope, who, verbosity, time.time(), by),
                )

    def take_over(
        self,
        histories: Iterable[PersonaVersion],
        updates: Iterable[Persona],
        assignments: Iterable[Assignment],
        verbosities: Iterable[Verbosity],
        by: str,
    ) -> None:
        """Versions as they were elsewhere, new versions of what is here, who answers whom, and how.

        All of it or nothing. Raises SetupError.
        """
        now = time.time()
        with self._database.transaction() as rows:
            rows.executemany(
                "INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        one.persona_id,
                        one.version,
                        one.at,
                        one.by,
                        None if one.persona is None else one.persona.model_dump_json(),
                    )
                    for one in histories
                ],
            )
            rows.executemany(
                "INSERT INTO version SELECT ?1, ifnull(max(version), 0) + 1, ?2, ?3, ?4"
                " FROM version WHERE persona_id = ?1",
                [(one.persona_id, now, by, one.model_dump_json()) for one in updates],
            )
            rows.executemany(
                "INSERT OR REPLACE INTO assignment VALUES (?, ?, ?, ?, ?)",
                [(a.scope, a.who, a.persona_id, now, by) for a in assignments],
            )
            rows.executemany(
                "INSERT OR REPLACE INTO verbosity VALUES (?, ?, ?, ?, ?)",
                [(v.scope, v.who, v.verbosity, now, by) for v in verbosities],
            )

    def close(self) -> None:
        self._database.close()
