"""Database: one SQLite file, brought up to its schema when it is opened.

Blocking: a room calls it off the loop. What a finished transaction wrote survives the death of the
process; with `durable` also the loss of power.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

from alicia.errors import SetupError

BUSY_S = 5.0
"""How long another process may hold the file."""

Migration = Sequence[str]
"""Statements that lead from one version of a schema to the next, all or none."""


class Database:
    """Safe to share between threads: transactions follow one another."""

    def __init__(
        self, path: Path | None, migrations: Sequence[Migration], *, durable: bool = True
    ) -> None:
        """Without a path it lives in memory.

        Raises SetupError where the file can't be read or a newer Alicia wrote it; the file stays
        as it is.
        """
        self._path = path
        self._lock = threading.Lock()
        with self._explained("opened"):
            if path is not None and path.exists():
                _examine(path)
            self._connection = sqlite3.connect(
                path or ":memory:", timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        try:
            self._migrate(migrations)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """All that is done inside, or nothing of it. Raises SetupError (a full disk)."""
        with self._lock, self._explained("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.transaction() as rows:
            rows.execute(
                "CREATE TABLE IF NOT EXISTS migration"
                " (version INTEGER PRIMARY KEY, applied_at REAL NOT NULL)"
            )
            (version,) = rows.execute("SELECT ifnull(max(version), 0) FROM migration").fetchone()
            if version > len(migrations):
                raise SetupError(
                    "A newer Alicia has written this database. Run that one, or restore a backup;"
                    " the file has not been changed.",
                    file=str(self._path),
                    version=version,
                    known=len(migrations),
                )
            for number, statements in enumerate(migrations[version:], version + 1):
                for statement in statements:
                    rows.execute(statement)
                rows.execute("INSERT INTO migration VALUES (?, ?)", (number, time.time()))

    @contextmanager
    def _explained(self, done: str) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SetupError(
                f"A database can't be {done}. Check the disk and who owns the file, or restore a"
                " backup; moving the file away starts afresh.",
                file=str(self._path),
                reason=str(error),
            ) from error


def _examine(path: Path) -> None:
    """Raises sqlite3.DatabaseError where the file is damaged; changes nothing in it."""
    reader = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_S)
    try:
        (verdict,) = reader.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        reader.close()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
