"""Schedules on disk: what waits, what was begun, and what came of it.

A run is written before it is carried out, together with what its schedule is from then on: whoever
comes after a crash finds it begun, and neither forgets nor repeats it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from alicia.contracts.schedules import Run, RunOutcome, Schedule
from alicia.errors import SetupError
from alicia.storage.database import Database

M = TypeVar("M", bound=BaseModel)

_MIGRATIONS = (
    (
        """CREATE TABLE schedule (
            schedule_id TEXT PRIMARY KEY, phase TEXT NOT NULL, changed_at REAL NOT NULL,
            told TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE run (
            run_id TEXT PRIMARY KEY, schedule_id TEXT NOT NULL, due_at REAL NOT NULL,
            outcome TEXT NOT NULL, told TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX run_by_time ON run (due_at)",
        """CREATE TABLE watched (
            schedule_id TEXT NOT NULL, entity_id TEXT NOT NULL, held INTEGER NOT NULL,
            PRIMARY KEY (schedule_id, entity_id)
        ) STRICT""",
        "CREATE TABLE adjustment (adjustment_id TEXT PRIMARY KEY, at REAL NOT NULL) STRICT",
    ),
)
_OVER = ("done", "cancelled")
KEPT_S = 7 * 86400.0
"""How long what is over is kept."""
KEPT_RUNS = 5000


class ScheduleStore:
    """Blocking."""

    def __init__(self, path: Path | None) -> None:
        """Without a path it lives in memory. Raises SetupError."""
        self._path = path
        self._database = Database(path, _MIGRATIONS)

    # ---- reading ----

    def schedules(self, *, over: bool = False) -> list[Schedule]:
        """Those that wait, are paused or ring; with `over` the others too. Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT told FROM schedule WHERE ?1 OR phase NOT IN (?2, ?3)", (over, *_OVER)
            ).fetchall()
        return [self._read(Schedule, told) for (told,) in found]

    def get(self, schedule_id: str) -> Schedule | None:
        """Over or not. Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT told FROM schedule WHERE schedule_id = ?", (schedule_id,)
            ).fetchone()
        return None if found is None else self._read(Schedule, found[0])

    def unfinished(self) -> list[tuple[Schedule, Run]]:
        """What was begun and has not ended. Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT schedule.told, run.told FROM run JOIN schedule USING (schedule_id)"
                " WHERE run.outcome = ? ORDER BY run.due_at",
                (RunOutcome.BEGUN.value,),
            ).fetchall()
        return [(self._read(Schedule, one), self._read(Run, other)) for one, other in found]

    def runs(
        self,
        schedule_id: str | None = None,
        *,
        missed: bool = False,
        since: float = 0,
        limit: int = 50,
    ) -> list[Run]:
        """The newest first. Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute(
                "SELECT told FROM run WHERE (?1 IS NULL OR schedule_id = ?1)"
                " AND (NOT ?2 OR outcome = ?3) AND due_at >= ?4"
                " ORDER BY due_at DESC, rowid DESC LIMIT ?5",
                (schedule_id, missed, RunOutcome.MISSED.value, since, limit),
            ).fetchall()
        return [self._read(Run, told) for (told,) in found]

    def watched(self) -> dict[tuple[str, str], bool]:
        """By schedule and entity: whether it held when it was last seen. Raises SetupError."""
        with self._database.transaction() as rows:
            found = rows.execute("SELECT schedule_id, entity_id, held FROM watched").fetchall()
        return {(schedule_id, entity_id): bool(held) for schedule_id, entity_id, held in found}

    # ---- writing ----

    def put(self, schedules: Iterable[Schedule], now: float) -> None:
        """All of them or none. Raises SetupError."""
        with self._database.transaction() as rows:
            self._put(rows, schedules, now)

    def adjust(self, adjustment_id: str, schedule: Schedule, now: float) -> bool:
        """False, and nothing is changed, where this adjustment was made before.

        Raises SetupError.
        """
        with self._database.transaction() as rows:
            if adjustment_id:
                new = rows.execute(
                    "INSERT OR IGNORE INTO adjustment VALUES (?, ?)", (adjustment_id, now)
                ).rowcount
                if not new:
                    return False
            self._put(rows, [schedule], now)
        return True

    def begin(
        self,
        schedule: Schedule,
        runs: Iterable[Run],
        now: float,
        held: tuple[str, bool] | None = None,
    ) -> list[Run]:
        """What the schedule is from now on, and its runs; those of them that are new.

        held: an entity, and whether it is what is waited for. Raises SetupError.
        """
        with self._database.transaction() as rows:
            self._put(rows, [schedule], now)
            if held is not None:
                self._hold(rows, schedule.schedule_id, *held)
            return [run for run in runs if self._run(rows, run, "IGNORE")]

    def end(self, run: Run, schedule: Schedule | None, now: float) -> None:
        """What came of a run, and of its schedule where that changes. Raises SetupError."""
        with self._database.transaction() as rows:
            self._run(rows, run, "REPLACE")
            if schedule is not None:
                self._put(rows, [schedule], now)

    def hold(self, schedule_id: str, entity_id: str, held: bool) -> None:
        """Raises SetupError."""
        with self._database.transaction() as rows:
            self._hold(rows, schedule_id, entity_id, held)

    def prune(self, now: float) -> None:
        """Forget what has been over for long. Raises SetupError."""
        with self._database.transaction() as rows:
            rows.execute(
                "DELETE FROM schedule WHERE phase IN (?, ?) AND changed_at < ?"
                " AND schedule_id NOT IN (SELECT schedule_id FROM run WHERE outcome = ?)",
                (*_OVER, now - KEPT_S, RunOutcome.BEGUN.value),
            )
            rows.execute(
                "DELETE FROM watched WHERE schedule_id NOT IN"
                " (SELECT schedule_id FROM schedule WHERE phase NOT IN (?, ?))",
                _OVER,
            )
            rows.execute("DELETE FROM adjustment WHERE at < ?", (now - KEPT_S,))
            rows.execute(
                "DELETE FROM run WHERE outcome <> ? AND rowid <= (SELECT max(rowid) FROM run) - ?",
                (RunOutcome.BEGUN.value, KEPT_RUNS),
            )

    def close(self) -> None:
        self._database.close()

    # ---- rows ----

    def _put(self, rows: sqlite3.Connection, schedules: Iterable[Schedule], now: float) -> None:
        rows.executemany(
            "INSERT OR REPLACE INTO schedule VALUES (?, ?, ?, ?)",
            [(s.schedule_id, s.phase.value, now, s.model_dump_json()) for s in schedules],
        )

    def _run(self, rows: sqlite3.Connection, run: Run, conflict: str) -> bool:
        return bool(
            rows.execute(
                f"INSERT OR {conflict} INTO run VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - two words of ours
                (
                    run.run_id,
                    run.schedule_id,
                    run.due_at,
                    run.outcome.value,
                    run.model_dump_json(),
                ),
            ).rowcount
        )

    def _hold(
        self,
        rows: sqlite3.Connection,
        schedule_id: str,
        entity_id: str,
        held: bool,
    ) -> None:
        rows.execute(
            "INSERT OR REPLACE INTO watched VALUES (?, ?, ?)", (schedule_id, entity_id, held)
        )

    def _read(self, kind: type[M], told: str) -> M:
        try:
            return kind.model_validate_json(told)
        except ValidationError as error:
            raise SetupError(
                "The schedules can't be read. Restore a backup; the file has not been changed.",
                file=str(self._path),
                reason=type(error).__name__,
            ) from error
