"""Finding out whether a house is up, and what a service said last."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alicia.cli.house import one_house, phases_of
from alicia.cli.memory import Memory
from alicia.cli.visiting import alive, keeper, last_words, require_house
from alicia.contracts.system import Phase, Presence
from alicia.errors import NotReadyError, SetupError
from alicia.runtime.house import Address
from alicia.runtime.settings import Folder
from alicia.testing.waiting import Stopwatch


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def presence(phase: Phase, *, at: float = 0.0, reason: str | None = None) -> Presence:
    return Presence(
        service="stt",
        instance=f"stt-{at}",
        phase=phase,
        version="1",
        pid=1,
        host="here",
        reason=reason,
        started_at=at,
    )


async def test_where_no_house_was_ever_started_one_is_told_how(folder: Folder) -> None:
    with pytest.raises(NotReadyError, match="alicia up"):
        await require_house(folder)


async def test_a_house_that_has_ended_is_told_at_once(folder: Folder) -> None:
    Address("mqtts://127.0.0.1:1", None).write(folder)
    started = Stopwatch()
    with pytest.raises(NotReadyError, match="No house is up here"):
        await require_house(folder)
    assert started.seconds < 1


async def test_a_house_that_is_just_starting_is_waited_for(folder: Folder) -> None:
    with one_house(folder):
        assert keeper(folder) == os.getpid()
        await require_house(folder)
    assert keeper(folder) is None


def test_two_houses_in_one_folder_are_refused_with_the_first_ones_pid(folder: Folder) -> None:
    with (
        one_house(folder),
        pytest.raises(SetupError, match="runs here already") as refused,
        one_house(folder),
    ):
        pass
    assert refused.value.fields["pid"] == str(os.getpid())


def test_those_who_left_are_not_there() -> None:
    there = alive([presence(Phase.LOST), presence(Phase.STOPPED, at=1), presence(Phase.READY)])
    assert [p.phase for p in there["stt"]] == [Phase.READY]


def test_a_service_is_as_ready_as_its_best_instance() -> None:
    seen = [presence(Phase.DRAINING, at=1), presence(Phase.READY, at=2), presence(Phase.LOST, at=3)]
    assert phases_of(seen) == {"stt": Phase.READY}
    assert phases_of(seen, started_after=2.5) == {}


def test_the_last_word_of_a_service_is_the_reason_it_gave(folder: Folder) -> None:
    seen = [presence(Phase.STOPPED, at=1, reason="old"), presence(Phase.STOPPED, at=2, reason="x")]
    assert last_words(folder, "stt", seen) == "x"


def test_without_a_reason_it_is_the_last_line_of_its_log(folder: Folder) -> None:
    log = folder.root / "logs" / "stt.log"
    log.parent.mkdir()
    said = {"event": "loading", "level": "info", "timestamp": "now", "model": "whisper"}
    log.write_text("nonsense\n" + json.dumps(said) + "\n\n", "utf-8")
    assert last_words(folder, "stt") == "loading (model=whisper)"
    assert last_words(folder, "tts") is None


def test_of_an_exception_in_a_log_its_last_line_is_told(folder: Folder) -> None:
    log = folder.root / "logs" / "stt.log"
    log.parent.mkdir()
    said = {"event": "ended by an error", "exception": "Traceback…\n  File x\nOSError: no disk"}
    log.write_text(json.dumps(said) + "\n", "utf-8")
    assert last_words(folder, "stt") == "ended by an error: OSError: no disk"


def test_the_memory_of_a_process_holds_that_of_its_helpers() -> None:
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("this system does not tell")
    memory = Memory.read()
    mine = memory.of(os.getpid())
    assert mine is not None
    assert mine > 1
    assert (memory.below(os.getppid()) or mine) >= mine
    assert memory.of(2**22 + 1) is None
