"""Journal: what was begun under an id, and what became of it.

Written before the deed, so that whoever comes after a crash carries on with the same plan instead
of making another one. Kept against the death of the process, not against the loss of power: the
one who asked has lost it then too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alicia.storage.database import Database

_MIGRATIONS = (
    (
        """CREATE TABLE entry (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, outcome TEXT
        ) STRICT""",
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    plan: str
    outcome: str | None = None
    """None while it is being carried out."""


class Journal:
    """The newest `keep` entries. Blocking."""

    def __init__(self, path: Path | None, *, keep: int = 2000) -> None:
        """Without a path it lives in memory. Raises SetupError."""
        self._keep = keep
        self._database = Database(path, _MIGRATIONS, durable=False)

    def begin(self, entry_id: str, plan: str) -> Entry:
        """Begins with this plan, or gives the entry that has begun under this id before.

        Raises SetupError.
        """
        with self._database.transaction() as rows:
            known = rows.execute(
                "SELECT plan, outcome FROM entry WHERE id = ?", (entry_id,)
            ).fetchone()
            if known is not None:
                return Entry(*known)
            number = rows.execute(
                "INSERT INTO entry (id, plan) VALUES (?, ?)", (entry_id, plan)
            ).lastrowid
            rows.execute("DELETE FROM entry WHERE number <= ?", ((number or 0) - self._keep,))
        return Entry(plan)

    def end(self, entry_id: str, outcome: str) -> None:
        """Raises SetupError."""
        with self._database.transaction() as rows:
            rows.execute("UPDATE entry SET outcome = ? WHERE id = ?", (outcome, entry_id))

    def close(self) -> None:
        self._database.close()
