from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alicia.errors import SetupError
from alicia.storage.database import Database

FIRST = ("CREATE TABLE thing (name TEXT PRIMARY KEY)",)
SECOND = ("ALTER TABLE thing ADD COLUMN size INTEGER", "UPDATE thing SET size = 1")


def names(database: Database) -> list[str]:
    with database.transaction() as rows:
        return [name for (name,) in rows.execute("SELECT name FROM thing ORDER BY name")]


def put(database: Database, *names: str) -> None:
    with database.transaction() as rows:
        for name in names:
            rows.execute("INSERT INTO thing (name) VALUES (?)", (name,))


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", (FIRST,)) as database:
        put(database, "lamp")
    with Database(tmp_path / "a.db", (FIRST,)) as database:
        assert names(database) == ["lamp"]


def test_an_older_schema_is_brought_up_to_date_once(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", (FIRST,)) as database:
        put(database, "lamp")
    for _ in range(2):
        with (
            Database(tmp_path / "a.db", (FIRST, SECOND)) as database,
            database.transaction() as rows,
        ):
            assert rows.execute("SELECT * FROM thing").fetchall() == [("lamp", 1)]


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", (FIRST,)):
        pass
    with pytest.raises(SetupError):
        Database(tmp_path / "a.db", (FIRST, (SECOND[0], "NONSENSE")))
    with Database(tmp_path / "a.db", (FIRST, SECOND)) as database:
        assert names(database) == []


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", (FIRST,)) as database:
        put(database, "lamp")
        with pytest.raises(SetupError):
            put(database, "fan", "lamp")
        assert names(database) == ["lamp"]


@pytest.mark.parametrize("wound", ["head", "middle"])
def test_a_damaged_file_is_an_error_that_leaves_it_as_it_is(tmp_path: Path, wound: str) -> None:
    path = tmp_path / "a.db"
    with Database(path, (FIRST,)) as database, database.transaction() as rows:
        things = [(f"thing {number}",) for number in range(2000)]
        rows.executemany("INSERT INTO thing VALUES (?)", things)
    damaged = bytearray(path.read_bytes())
    start = 0 if wound == "head" else len(damaged) // 2
    damaged[start : start + 4096] = b"\xff" * 4096
    path.write_bytes(damaged)
    with pytest.raises(SetupError, match="backup") as raised:
        Database(path, (FIRST,))
    assert raised.value.fields["file"] == str(path)
    assert path.read_bytes() == damaged


def test_a_file_of_a_newer_alicia_is_not_touched(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db", (FIRST, SECOND)):
        pass
    with pytest.raises(SetupError, match="newer"):
        Database(tmp_path / "a.db", (FIRST,))


def test_a_folder_that_can_not_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="disk"):
        Database(tmp_path / "nowhere" / "a.db", (FIRST,))


def test_a_killed_process_loses_nothing_it_had_finished(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    script = f"""
from pathlib import Path
from alicia.storage.database import Database
database = Database(Path({str(path)!r}), (({FIRST[0]!r},),))
number = 0
while True:
    with database.transaction() as rows:
        rows.execute("INSERT INTO thing VALUES (?)", (f"{{number:06}}",))
    print(number, flush=True)
    number += 1
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        acknowledged = [int(child.stdout.readline()) for _ in range(50)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout.read().split()]
    with Database(path, (FIRST,)) as database:
        found = names(database)
    assert found[: len(acknowledged)] == [f"{number:06}" for number in acknowledged]


def test_a_file_that_somebody_else_holds_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Database(path, (FIRST,)) as one, Database(path, (FIRST,)) as other:
        put(one, "lamp")
        put(other, "fan")
        assert names(one) == names(other) == ["fan", "lamp"]
