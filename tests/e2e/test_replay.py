"""A turn that was kept with consent is said again to the real house, as a dry run."""

from __future__ import annotations

from pathlib import Path

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
from alicia.peers.satellite import played
from alicia.testing.live import live_house

LAMP = "light.kitchen"
FILE = Path(__file__).parent.parent / "data" / "speech" / "turn_on_the_kitchen_light.af_heart.flac"


async def test_the_same_recording_to_the_same_home_comes_to_the_same_and_moves_nothing(
    tmp_path: Path,
) -> None:
    async with live_house(tmp_path, settings={"ALICIA_ROUTER__RECORD": "*"}) as house:
        heard = await house.satellite.turn(played(read(FILE, max_s=10).tobytes()))
        assert heard.record is not None
        assert heard.record.error is None
        await house.until(LAMP, "power", value=True)
        applied = house.adapters[LAMP].applied

        recording = await house.console.ask(GET_RECORDING, GetRecording(turn_id=heard.turn_id))
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
        assert list(tmp_path.rglob("*.flac")) == []  # noqa: ASYNC240 - a test waits
