"""The voice bench's own judgement: where speech ends, how far texts differ, what labels say."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from tests.bench.voice import report
from tests.bench.voice.home import HomeControl
from tests.bench.voice.labels import Change, Label, Recording, UnusableSetError, evenly, load
from tests.bench.voice.playing import Player
from tests.bench.voice.speech_end import bounds_s
from tests.bench.voice.turns import TurnResult
from tests.bench.voice.wording import compare

from alicia.audio.formats import RATE_HZ, write_wav
from alicia.bus.bus import Bus
from alicia.home import demo
from alicia.home.virtual import VirtualHome
from alicia.testing.live import LiveHouse

ROOM = 0.0005


def speech(*stretches: tuple[float, float], lasts_s: float = 3.0) -> np.ndarray:
    """A tone where somebody would speak, in a room that is not silent."""
    rng = np.random.default_rng(1)
    audio = rng.normal(0, ROOM, int(lasts_s * RATE_HZ))
    for start, end in stretches:
        first, last = int(start * RATE_HZ), int(end * RATE_HZ)
        audio[first:last] += 0.3 * np.sin(np.arange(last - first) * 0.3)
    return np.round(audio * 32_767).astype(np.int16)


def test_speech_ends_after_its_last_stretch() -> None:
    start, end = bounds_s(speech((0.5, 1.0), (1.6, 2.2)))
    assert start == pytest.approx(0.5, abs=0.011)
    assert end == pytest.approx(2.2, abs=0.011)


def test_a_click_after_the_speech_does_not_move_its_end() -> None:
    audio = speech((0.5, 1.5))
    audio[int(2.5 * RATE_HZ) : int(2.5 * RATE_HZ) + 60] = 20_000
    assert bounds_s(audio)[1] == pytest.approx(1.5, abs=0.011)


def test_a_silent_recording_has_no_speech() -> None:
    assert bounds_s(np.zeros(RATE_HZ, np.int16)) == (0.0, 0.0)
    assert bounds_s(np.zeros(0, np.int16)) == (0.0, 0.0)


def test_an_end_that_somebody_marked_goes_before_the_measured_one() -> None:
    label = Label(file="a.wav", speech_end_ms=1234)
    assert Player(Recording(label, speech((0.5, 2.0)))).speech_end_s == 1.234


def test_case_and_punctuation_are_no_errors() -> None:
    errors = compare(["Turn on the kitchen light."], "turn on, the Kitchen light", "en")
    assert errors is not None
    assert (errors.word_errors, errors.words, errors.character_errors) == (0, 5, 0)


def test_the_nearest_spelling_counts() -> None:
    errors = compare(["to thirty percent", "to 30%"], "to 30 %", "en")
    assert errors is not None
    assert errors.word_errors == 0


def test_words_of_unspaced_languages_are_their_characters() -> None:
    errors = compare(["打开厨房的灯。"], "打开厨房灯", "zh")
    assert errors is not None
    assert (errors.words, errors.word_errors) == (6, 1)


def test_a_lost_tail_is_told_from_a_lost_middle() -> None:
    tail = compare(["turn on the kitchen light"], "turn on the", "en")
    middle = compare(["turn on the kitchen light"], "turn on light", "en")
    assert tail is not None
    assert middle is not None
    assert tail.tail_lost
    assert not middle.tail_lost


def test_nothing_is_compared_where_nobody_says_what_was_said() -> None:
    assert compare([], "anything", "en") is None


def write_set(folder: Path, *rows: object) -> None:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "labels.jsonl").write_text("\n".join(lines), "utf-8")


def test_a_broken_line_and_a_missing_file_are_told_and_the_rest_is_used(tmp_path: Path) -> None:
    write_wav(tmp_path / "good.wav", speech((0.5, 1.0)))
    write_set(
        tmp_path,
        "{not json",
        {"language": "en"},
        {"file": "missing.wav"},
        {"file": "good.wav", "kind": "grandmother", "expect": []},
    )
    found = load(tmp_path)
    assert [one.label.kind for one in found.recordings] == ["grandmother"]
    assert [one["file"] for one in found.skipped] == [
        "labels.jsonl line 1",
        "labels.jsonl line 2",
        "missing.wav",
    ]


def test_a_folder_without_labels_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(UnusableSetError, match=r"labels\.jsonl.*turn on|Turn on"):
        load(tmp_path)


def test_a_limit_counts_for_each_language_and_kind_and_spreads_evenly(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", speech((0.5, 1.0)))
    rows = [{"file": "a.wav", "language": lang, "text": str(n)} for lang in "xy" for n in range(6)]
    write_set(tmp_path, *rows)
    found = load(tmp_path, limit=3)
    assert [one.label.text for one in found.recordings] == ["0", "2", "4"] * 2
    assert evenly(3, 10) == [0, 1, 2]


def turn(felt_ms: float | None, way: str = "house", file: str = "a", **more: object) -> TurnResult:
    result = TurnResult(file=file, language="en", kind="human", way=way, said=None, felt_ms=felt_ms)
    for name, value in more.items():
        setattr(result, name, value)
    return result


def test_a_failed_turn_counts_as_wrong_and_its_spoken_error_as_an_answer() -> None:
    good = turn(400.0, right=True, expected="command")
    bad = turn(800.0, right=False, expected="command", error="intent.not_understood")
    row = report.figures([good, bad])
    assert row["command_accuracy"] == 0.5
    assert row["felt_p50_ms"] == 600.0
    assert row["failures"] == {"intent.not_understood": 1}


def test_what_must_be_refused_is_timed_apart() -> None:
    row = report.figures(
        [turn(200.0, expected="command"), turn(1200.0, right=True, expected="reject")]
    )
    assert (row["felt_p95_ms"], row["felt_turns"]) == (200.0, 1)
    assert (row["refused"]["felt_p50_ms"], row["refused"]["turns"]) == (1200.0, 1)
    assert row["all"]["felt_p50_ms"] == 700.0
    assert report.figures([turn(200.0)])["refused"] is None


def test_what_was_not_measured_is_none_and_never_zero() -> None:
    row = report.figures([turn(None)])
    assert row["felt_p50_ms"] is None
    assert row["wer"] is None
    assert row["command_accuracy"] is None


def test_the_ratio_is_of_recordings_that_went_through_both() -> None:
    ours = [turn(400.0, file="a"), turn(9000.0, file="b")]
    found = report.ratios(ours, [turn(2000.0, "stock", "a"), turn(None, "stock", "b")])
    assert found["en"]["human"]["pairs"] == 1
    assert found["en"]["human"]["felt_p50"] == 5.0


@pytest.mark.parametrize(
    ("done", "missing", "unwanted"),
    [
        ([], ["fan.bedroom speed"], []),
        ([("fan.bedroom", "speed", 60)], [], []),
        ([("fan.bedroom", "speed", 10)], ["fan.bedroom speed"], ["fan.bedroom speed is 10.0"]),
        (
            [("light.kitchen", "power", True)],
            ["fan.bedroom speed"],
            ["light.kitchen: 1 commands"],
        ),
    ],
    ids=["nothing was done", "the right thing", "the wrong value", "another device"],
)
def test_what_was_left_undone_is_missing_and_only_what_was_done_is_unwanted(
    done: list[tuple[str, str, bool | int]], missing: list[str], unwanted: list[str]
) -> None:
    described = demo.load()
    devices = VirtualHome(described.entities, described.initial)
    adapters = {e.entity_id: devices.state(e.entity_id) for e in described.entities}
    # Of a live house only what its devices report is looked at.
    house = cast("LiveHouse", SimpleNamespace(adapters=adapters))
    control = HomeControl(house, cast("Bus", None))
    before = control.snapshot()
    for number, (entity, capability, value) in enumerate(done):
        devices.apply(entity, capability, value, f"c{number}", now=0.0)
    devices.advance(1.0)
    adapters.update({e.entity_id: devices.state(e.entity_id) for e in described.entities})
    label = Label(file="a.wav", expect=[Change(entity="fan.bedroom", capability="speed", value=60)])
    verdict = control._verdict(label, before, control.snapshot())
    assert (verdict.missing, verdict.unwanted) == (missing, unwanted)
    assert verdict.right == (not missing and not unwanted)
