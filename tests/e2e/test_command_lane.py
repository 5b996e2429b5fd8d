"""A house without Moonshine, whose English commands are also listened for by a closed grammar."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from alicia.audio.formats import read
from alicia.peers.satellite import played
from alicia.testing.live import live_house

SPEECH = Path(__file__).parent.parent / "data" / "speech"
OF_THE_LANE = "set the bedroom lamp to thirty percent"
"""Whisper writes a capital letter and `30%`."""
_TURNS = 6
"""On a machine with other work the lane may be too late for one, and Whisper's words are taken."""
SETTINGS = {"ALICIA_STT__COMMAND_LANE": "on", "ALICIA_STT__RECOGNIZERS": ""}


@pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="needs pocketsphinx")
async def test_a_sentence_of_this_home_is_heard_by_the_lane_and_done(tmp_path: Path) -> None:
    pcm = read(SPEECH / "set_the_bedroom_lamp_to_thirty_percent.bf_emma.flac", max_s=10).tobytes()
    other = read(SPEECH / "turn_on_the_coffee_machine.bf_emma.flac", max_s=10).tobytes()
    async with live_house(tmp_path, settings=SETTINGS) as house:
        heard = await house.satellite.turn(played(other))  # Meanwhile the lane learns the home.
        assert heard.record is not None
        assert heard.record.error is None
        for _ in range(_TURNS):
            heard = await house.satellite.turn(played(pcm))
            assert heard.record is not None
            await house.until("light.bedroom_lamp", "brightness", value=30.0)
            if heard.record.transcript == OF_THE_LANE:
                return
        pytest.fail(f"the lane was not heard: {heard.record.transcript}")
