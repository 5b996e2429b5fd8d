"""A real tts process is killed while it renders phrases early: what it kept is whole.

Others in the house go on with it; its engine, stopped or not, dies with it.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

from alicia.contracts.voice import PREPARE, Prepare
from alicia.speech.phrase_cache import PhraseCache
from alicia.testing.live import live_house
from alicia.testing.waiting import until

pytestmark = [
    pytest.mark.timeout(400),  # Rendering has the lowest priority: a busy machine lets it wait.
    pytest.mark.skipif(
        importlib.util.find_spec("py_nanotts") is None, reason="needs alicia[pico]: py_nanotts"
    ),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
SETTINGS = {
    "ALICIA_TTS__ENGINES": "pico",
    "ALICIA_TTS__VOICES": "",
    "ALICIA_TTS__WARM_AFTER_S": "0",
}
SERVICES = ("device_registry", "virtual_home", "tts")


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= {int(child) for child in (task / "children").read_text().split()}
    return found


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


def _phrases(folder: Path) -> list[Path]:
    return list(folder.glob("*/*/*.phrase"))


async def test_a_killed_tts_leaves_whole_phrases_and_no_engine(tmp_path: Path) -> None:
    async with live_house(tmp_path, settings=SETTINGS, services=SERVICES) as house:
        phrases = house.folder.state("tts") / "phrases"
        await until(lambda: len(_phrases(phrases)) >= 5, within_s=150)
        pid = await house.pid("tts")
        assert pid is not None
        engines = _children(pid)
        assert engines
        for engine in engines:
            os.kill(engine, signal.SIGSTOP)  # As it is while somebody is spoken to.
        os.kill(pid, signal.SIGKILL)
        await house.back("tts", pid)
        await until(lambda: not any(_alive(engine) for engine in engines))
        before = len(_phrases(phrases))
        await until(lambda: len(_phrases(phrases)) >= before + 5, within_s=150)
        prepared = await house.console.ask(
            PREPARE, Prepare(turn_id="t1", text="Turned on the kitchen light.", language="en")
        )
        assert prepared.ready
    cache = PhraseCache(phrases, limit_bytes=10**9)
    assert len(_phrases(phrases)) >= before
    for path in _phrases(phrases):
        assert cache.whole(path), path
