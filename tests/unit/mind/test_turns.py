from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from alicia.contracts.system import Span
from alicia.contracts.voice import OpenTurn, Stage, Transcript, TurnRecord
from alicia.mind.course import Stopwatch
from alicia.mind.turns import OPEN_S, TRACES, Journal, OpenEntry, Traces, told, waterfall


def entry(turn_id: str = "t1", *, age_s: float = 0, text: str | None = None) -> OpenEntry:
    return OpenEntry(
        open=OpenTurn(turn_id=turn_id, utterance_id="u1", satellite="s1"),
        trace_id="f" * 32,
        started_at=time.time() - age_s,
        transcript=Transcript(utterance_id="u1", text=text, language="en", confidence=1)
        if text
        else None,
    )


def record(
    turn_id: str = "t1", *, trace: str | None = None, reply: str | None = None
) -> TurnRecord:
    return TurnRecord(
        turn_id=turn_id,
        satellite="s1",
        language="en",
        trace_id=trace or f"trace of {turn_id}",
        reply=reply,
        started_at=100.0,
    )


def span(
    name: str,
    *,
    trace: str = "trace of t1",
    parent: str | None = None,
    start: float = 100.0,
    duration_ms: float = 5.04,
    at: str = "router",
) -> Span:
    return Span(
        trace_id=trace,
        span_id=name,
        parent_id=parent,
        service=at,
        instance=f"{at}-1",
        name=name,
        start=start,
        duration_ms=duration_ms,
    )


# ---- open turns ---------------------------------------------------------------------------------


def test_open_turns_are_found_again_as_they_were(tmp_path: Path) -> None:
    first, second = entry("t1"), entry("t2", text="turn on the light")
    journal = Journal(tmp_path)
    for one in (first, second):
        journal.write(one)
    assert Journal(tmp_path).open_entries() == [first, second]
    journal.remove("t1")
    journal.remove("never there")
    assert Journal(tmp_path).open_entries() == [second]


def test_what_is_written_again_replaces_what_was_known(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(entry())
    known = entry(text="turn on the light")
    journal.write(known)
    assert journal.open_entries() == [known]


def test_nobody_waits_for_a_turn_that_is_old() -> None:
    assert entry(age_s=OPEN_S - 1).is_awaited
    assert not entry(age_s=OPEN_S + 1).is_awaited
    assert entry(age_s=-5).is_awaited, "a clock that was set back loses no turn"


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff\xfe", b"[1]", b"null"])
def test_what_can_not_be_read_is_removed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t1.json").write_bytes(content)
    (tmp_path / "t2.new").write_bytes(content)
    assert Journal(tmp_path).open_entries() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("turn_id", ["../../outside", "a/b", "..", "\0", "é" * 300])
def test_an_id_never_leads_out_of_the_folder(tmp_path: Path, turn_id: str) -> None:
    folder = tmp_path / "open"
    journal = Journal(folder)
    journal.write(entry(turn_id))
    assert [path.parent for path in tmp_path.rglob("*.json")] == [folder]
    assert [found.open.turn_id for found in journal.open_entries()] == [turn_id]
    journal.remove(turn_id)
    assert journal.open_entries() == []


def test_open_turns_are_for_their_owner_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o077 == 0


# ---- traces -------------------------------------------------------------------------------------


def test_spans_that_came_before_and_after_the_end_belong_to_the_turn(tmp_path: Path) -> None:
    traces = Traces(tmp_path, keep=5)
    traces.add([span("turn")])
    traces.put(record(), record())
    traces.add([span("late", parent="turn", start=101)])
    found = traces.get("t1")
    assert found is not None
    assert [(s.name, s.depth, s.start_ms) for s in found.spans] == [
        ("turn", 0, 0),
        ("late", 1, 1000),
    ]
    assert Traces(tmp_path, keep=5).get("t1") == found


def test_the_disk_gets_only_what_it_is_given(tmp_path: Path) -> None:
    traces = Traces(tmp_path, keep=5)
    shown = record(reply="Your secret is safe.")
    traces.put(record(), shown)
    traces.add([span("late")])
    assert traces.get("t1") is not None
    assert traces.record("t1") == shown
    again = Traces(tmp_path, keep=5)
    kept = again.get("t1")
    assert kept is not None
    assert kept.record == record()
    assert again.record("t1") is None
    assert again.has("t1")
    assert not again.has("t2")
    assert b"secret is safe" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_the_last_turn_is_told_where_none_is_named(tmp_path: Path) -> None:
    traces = Traces(tmp_path, keep=5)
    assert traces.get(None) is None
    for number, name in enumerate(("t2", "t1", "t3")):
        traces.put(record(name), record(name))
        os.utime(tmp_path / f"{name}.json", (number, number))
    for known in (traces, Traces(tmp_path, keep=5)):
        found = known.get(None)
        assert found is not None
        assert found.record.turn_id == "t3"


def test_the_oldest_turns_are_forgotten_and_their_late_spans_with_them(tmp_path: Path) -> None:
    traces = Traces(tmp_path, keep=2)
    for number in range(4):
        name = f"t{number}"
        traces.put(record(name), record(name))
        os.utime(tmp_path / f"{name}.json", (number, number))
    traces.add([span("late", trace="trace of t0")])
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == ["t2", "t3"]


def test_memory_is_bounded(tmp_path: Path) -> None:
    traces = Traces(tmp_path, keep=3)
    for number in range(TRACES + 5):
        name = f"t{number}"
        traces.put(record(name), record(name))
        traces.add([span("x", trace=f"other {number}")])
    assert traces.record("t4") is None
    assert traces.record("t5") is not None
    assert len(traces._spans) == TRACES
    assert len(traces._stored) == TRACES


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'{"record": 1, "spans": []}'])
def test_a_stored_turn_that_can_not_be_read_is_as_good_as_none(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "t1.json").write_bytes(content)
    assert Traces(tmp_path, keep=5).get("t1") is None
    assert Traces(tmp_path, keep=5).get(None) is None


def test_a_waterfall_is_a_tree_in_order_of_time() -> None:
    rows = waterfall(
        record(),
        [
            span("c", parent="a", start=103),
            span("orphan", parent="somewhere else", start=104),
            span("b", parent="a", start=102),
            span("d", parent="b", start=102.5),
            span("a", start=101),
        ],
    )
    assert [(row.name, row.depth) for row in rows] == [
        ("a", 0),
        ("b", 1),
        ("d", 2),
        ("c", 1),
        ("orphan", 0),
    ]
    assert [row.start_ms for row in rows] == [0, 1000, 1500, 2000, 3000]
    assert rows[0].duration_ms == 5.0
    assert waterfall(record(), []) == []


@pytest.mark.parametrize("off", [-30.0, 30.0])
def test_a_clock_that_is_wrong_moves_no_span_and_is_told(off: float) -> None:
    """The satellite's clock is off; it asks the router, is told by it, and asks tts as well."""
    spans = [
        span("turn at the satellite", start=100 + off, duration_ms=4000, at="satellite"),
        span("open", parent="turn at the satellite", start=100.01, duration_ms=20, at="router"),
        span("turn", parent="open", start=100.02, duration_ms=3900, at="router"),
        span("transcribe", parent="turn", start=100.05, duration_ms=2000, at="stt"),
        span("analyse", parent="transcribe", start=102.1, duration_ms=300, at="advanced_voice"),
        span(
            "play", parent="turn at the satellite", start=103 + off, duration_ms=900, at="satellite"
        ),
    ]
    found = told(record(), spans)
    assert found.clocks_ahead_ms == {"satellite-1": pytest.approx(off * 1000, abs=60)}
    starts = {row.name: row.start_ms for row in found.spans}
    assert all(0 <= start < 4100 for start in starts.values()), starts
    assert starts["turn at the satellite"] <= starts["open"] <= starts["turn"]
    assert starts["play"] - starts["turn at the satellite"] == pytest.approx(3000)


def test_what_comes_a_little_after_its_cause_is_no_wrong_clock() -> None:
    spans = [
        span("turn", duration_ms=1000, at="router"),
        span("late", parent="turn", start=101.6, duration_ms=900, at="advanced_voice"),
        span("early", parent="turn", start=99.9, duration_ms=10, at="stt"),
    ]
    assert told(record(), spans).clocks_ahead_ms == {}


@pytest.mark.parametrize("off", [-30.0, 30.0])
def test_a_moment_of_a_wrong_clock_divides_no_stage(off: float) -> None:
    stages: list[Stage] = []
    with Stopwatch(stages, "listen", "recognize") as watch:
        watch.split(time.time() + off)
    with Stopwatch(stages, "first audio", "speak") as watch:
        watch.split(time.time())
    names = [stage.stage for stage in stages]
    assert names == ["listen and recognize", "first audio", "speak"]
    assert all(stage.ms >= 0 for stage in stages)


def test_an_event_that_is_heard_long_after_its_cause_is_no_wrong_clock() -> None:
    opened = span("open", start=100.0, duration_ms=5, at="router")
    heard = span("hear voice/router/ended", parent="open", start=104.0, duration_ms=1, at="ai")
    asked = span("serve voice/ai/understand", parent="open", start=104.0, duration_ms=1, at="ai")
    before = span("hear voice/router/ended", parent="open", start=90.0, duration_ms=1, at="ai")
    assert told(record(), [opened, heard]).clocks_ahead_ms == {}
    assert told(record(), [opened, asked]).clocks_ahead_ms != {}
    assert told(record(), [opened, before]).clocks_ahead_ms != {}
