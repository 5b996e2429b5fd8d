"""Recorded speech in the other eight languages; device state out, through the real house.

Out of the default run until each language's understanding is in: pytest -m languages tests/e2e
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bench.voice.home import home_control
from tests.bench.voice.labels import Recording, load
from tests.bench.voice.turns import HouseTurns

from alicia.testing.live import LiveHouse

SPEECH = Path(__file__).parent.parent / "data" / "speech"
LANGUAGES = ("es", "fr", "de", "it", "pt", "zh", "ja", "ko")

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.languages]


def recordings() -> list[Recording]:
    return load(SPEECH, languages=LANGUAGES).recordings


@pytest.mark.parametrize("recording", recordings(), ids=lambda one: one.label.file)
async def test_a_command_in_its_language_does_the_right_thing_and_no_other(
    house: LiveHouse, recording: Recording
) -> None:
    async with home_control(house) as control:
        turn = await HouseTurns(house, control).play(recording)
    assert turn.right, f"heard {turn.heard!r}; missing {turn.missing}; unwanted {turn.unwanted}"
    assert turn.reply
