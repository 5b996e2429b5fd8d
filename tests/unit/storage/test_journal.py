from __future__ import annotations

from pathlib import Path

import pytest

from alicia.storage.journal import Entry, Journal


@pytest.fixture(params=["on disk", "in memory"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "journal.db" if request.param == "on disk" else None


def test_the_first_plan_of_an_id_counts(path: Path | None) -> None:
    journal = Journal(path)
    assert journal.begin("a", "first") == Entry("first")
    assert journal.begin("a", "second") == Entry("first")
    journal.close()


def test_the_outcome_is_kept_with_the_plan(path: Path | None) -> None:
    journal = Journal(path)
    journal.begin("a", "plan")
    journal.end("a", "done")
    assert journal.begin("a", "plan") == Entry("plan", "done")
    journal.close()


def test_only_the_newest_are_kept(path: Path | None) -> None:
    journal = Journal(path, keep=3)
    for number in range(5):
        journal.begin(str(number), "plan")
    assert journal.begin("2", "again").plan == "plan"
    assert journal.begin("1", "again").plan == "again"
    journal.close()


def test_the_next_process_finds_what_was_begun(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal.db")
    first.begin("a", "plan")
    # Not closed, as after a crash.
    second = Journal(tmp_path / "journal.db")
    assert second.begin("a", "another") == Entry("plan")
    second.close()
    first.close()
