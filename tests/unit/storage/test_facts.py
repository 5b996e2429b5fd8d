from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from alicia.errors import MemoryFullError, SetupError, UnknownFactError
from alicia.storage import facts
from alicia.storage.facts import FactStore

SECRET = "my daughter's name is Ana"


def test_what_is_kept_is_there_again_and_nobody_else_reads_it(tmp_path: Path) -> None:
    kept = FactStore(tmp_path, clock=lambda: 5.0).put(SECRET, "en", "maria")
    assert FactStore(tmp_path).all("maria") == [kept]
    assert kept.told_at == 5.0
    assert FactStore(tmp_path).all("bob", "") == []
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert b"Ana" not in path.read_bytes()


def test_the_same_words_again_are_one_fact(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    assert store.put(SECRET, "en", "maria") == store.put(SECRET.upper(), "en", "maria")
    store.put(SECRET, "en", "bob")
    assert len(store.all()) == 2


def test_what_is_forgotten_is_gone_though_somebody_kept_the_old_file(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    gone, kept = store.put(SECRET, "en", "maria"), store.put("bins on Tuesday", "en")
    shutil.copy(tmp_path / "memory", tmp_path / "old")
    assert store.forget([gone.fact_id, "unknown"]) == 1
    assert FactStore(tmp_path).all() == [kept]
    assert store.forget([gone.fact_id]) == 0
    (tmp_path / "old").rename(tmp_path / "memory")
    with pytest.raises(SetupError):
        FactStore(tmp_path).all()


def test_with_the_last_fact_the_file_and_its_key_are_gone(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.put(SECRET, "en", "maria")
    assert store.forget(person_id="maria") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["memory.lock"]
    assert store.all() == []


def test_other_words_leave_no_trace_of_the_old_ones(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    fact = store.put(SECRET, "en", "maria")
    before = (tmp_path / "memory.key").read_bytes()
    changed = store.put("my daughter's name is Anna", "en", fact_id=fact.fact_id)
    assert FactStore(tmp_path).all("maria") == [changed]
    assert (changed.told_at, changed.person_id) == (fact.told_at, "maria")
    assert (tmp_path / "memory.key").read_bytes() != before
    with pytest.raises(UnknownFactError):
        store.put("x", "en", fact_id="nobody")


def test_two_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = FactStore(tmp_path), FactStore(tmp_path)
    one.put("a", "en", "maria")
    other.put("b", "en", "maria")
    one.put("c", "en", "maria")
    assert [fact.text for fact in other.all()] == ["a", "b", "c"]


def test_there_is_an_end_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST", 2)
    store = FactStore(tmp_path)
    for text in "ab":
        store.put(text, "en", "maria")
    with pytest.raises(MemoryFullError):
        store.put("c", "en", "maria")
    store.put("c", "en", "bob")
