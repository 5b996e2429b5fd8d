"""A turn that was kept with consent is said again to the real house, as a dry run."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from alicia.audio.formats import read
from alicia.cli.recordings import again
from alicia.contracts.satellites import (
    FORGET_RECORDINGS,
    GET_RECORDING,
    LIST_RECORDINGS,
    ForgetRecordings,
    GetRecording,
    ListRecordings,
)
from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.peers.satellite import played
from alicia.runtime.house import Address
from alicia.testing.live import LiveHouse, live_house

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAMP = "light.kitchen"
FILE = Path(__file__).parent.parent / "data" / "speech" / "turn_on_the_kitchen_light.af_heart.flac"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def keeping(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LiveHouse, None]:
    """A house that keeps what is said."""
    folder = tmp_path_factory.mktemp("recording")
    async with live_house(folder, settings={"ALICIA_ROUTER__RECORD": "*"}) as house:
        yield house


async def test_the_same_recording_to_the_same_home_comes_to_the_same_and_moves_nothing(
    keeping: LiveHouse,
) -> None:
    house = keeping
    heard = await house.satellite.turn(played(read(FILE, max_s=10).tobytes()))
    assert heard.record is not None
    assert heard.record.error is None
    await house.until(LAMP, "power", value=True)
    applied = house.adapters[LAMP].applied

    recording = await house.console.ask(GET_RECORDING, GetRecording(turn_id=heard.turn_id))
    assert recording.home is not None
    assert recording.home.taken_at > heard.started
    [was] = [state for state in recording.home.states if state.entity_id == LAMP]
    assert was.values["power"] is False, "as it was before the turn"
    results = [await again(house.satellite, recording, dry_run=True) for _ in range(2)]
    for result in results:
        assert result["same"], result["differs"]
        assert result["dry_run"]
    assert results[0]["now"]["actions"] == results[1]["now"]["actions"] != []
    assert house.adapters[LAMP].applied == applied, "no device was told"

    kept = await house.console.ask(LIST_RECORDINGS, ListRecordings())
    assert len(kept.recordings) == 3
    forgotten = await house.console.ask(FORGET_RECORDINGS, ForgetRecordings())
    assert forgotten.count == 3
    folder = house.folder.root / "state" / "router" / "recordings"
    assert list(folder.iterdir()) == [], "nor is anything left of the home"


async def _replay(house: LiveHouse, *arguments: str) -> tuple[int | None, dict[str, Any]]:
    """`alicia replay` as a person runs it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alicia", "replay", *arguments, "--json"),
        *("--home", str(house.folder.root)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert said, complained.decode()
    return process.returncode, json.loads(said)


def _address(house: LiveHouse) -> str:
    """What the owner of that house would be given to reach it."""
    at = Address.read(house.folder)
    known = json.loads((house.folder.identities / "satellite.json").read_text("utf-8"))
    parts = urlsplit(at.url)
    return f"mqtts://{known['username']}:{known['password']}@{parts.netloc}?ca={at.ca}"


async def test_a_turn_is_replayed_against_another_house_and_the_differences_are_shown(
    keeping: LiveHouse, tmp_path: Path
) -> None:
    """The other house has another home: there the kitchen's light is a lamp of another id."""
    house = keeping
    demo = resources.files("alicia.home").joinpath("demo_home.toml").read_text("utf-8")
    other_home = tmp_path / "other.toml"
    other_home.write_text(demo.replace('"light.kitchen"', '"light.galley"'), "utf-8")
    off = SayText(turn_id="off", satellite="test", text="turn off the kitchen light")
    await house.console.ask(SAY_TEXT, off)
    await house.until(LAMP, "power", value=False)
    settings = {"ALICIA_VIRTUAL_HOME__FILE": str(other_home)}
    async with live_house(tmp_path / "two", settings=settings) as other:
        heard = await house.satellite.turn(played(read(FILE, max_s=10).tobytes()))
        assert heard.record is not None
        assert heard.record.error is None
        untouched = {name: adapter.applied for name, adapter in other.adapters.items()}
        assert "light.galley" in untouched

        code, then = await _replay(house, heard.turn_id, "--against", _address(other))
        assert (code, then["same"], then["as_of"]) == (0, True, "then"), then["differs"]
        assert then["now"]["actions"] == [[LAMP, "power", True]]

        code, now = await _replay(
            house, heard.turn_id, "--against", _address(other), "--as-of", "now"
        )
        assert (code, now["differs"], now["as_of"]) == (1, ["actions"], "now")
        assert now["before"]["actions"] == [[LAMP, "power", True]]
        assert now["now"]["actions"] == [["light.galley", "power", True]]
        assert {n: a.applied for n, a in other.adapters.items()} == untouched, "nobody was told"
