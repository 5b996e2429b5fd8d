"""A satellite whose clock is half a minute off, at the real house: the turn does not mind.

The satellite and the console run in this process, the house in its own: the clock of this process
is moved, which is what a wrong clock is.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.e2e.conftest import SPEECH

from alicia.audio.formats import read
from alicia.cli.turns import waterfall
from alicia.contracts.voice import GET_TRACE, STOP_TURN, CancelReason, GetTrace, StopTurn, TurnTrace
from alicia.peers.satellite import played
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S, Stopwatch

pytestmark = pytest.mark.asyncio(loop_scope="session")
FILE = SPEECH / "turn_on_the_kitchen_light.af_heart.flac"


@pytest.fixture(params=[-30.0, 30.0], ids=["half a minute behind", "half a minute ahead"])
def off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    real, moved = time.time, float(request.param)
    monkeypatch.setattr(time, "time", lambda: real() + moved)
    return moved


async def _trace(house: LiveHouse, turn_id: str) -> TurnTrace:
    """The turn's trace, once the satellite's own span is in it: spans come in batches."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await house.console.ask(GET_TRACE, GetTrace(turn_id=turn_id))
            if any(span.service == "satellite" for span in found.spans):
                return found
            await asyncio.sleep(0.1)


async def test_a_turn_of_a_satellite_with_a_wrong_clock_is_a_turn_like_any(
    house: LiveHouse, off: float
) -> None:
    began = time.monotonic()
    heard = await house.satellite.turn(played(read(FILE, max_s=10).tobytes()))
    took_ms = (time.monotonic() - began) * 1000
    record = heard.record
    assert heard.error is None
    assert record is not None
    assert record.error is None
    assert record.spoken
    assert heard.complete.is_set()
    assert not heard.own_voice
    assert heard.felt_ms is not None
    assert heard.processing_ms is not None
    assert 0 <= heard.processing_ms <= heard.felt_ms + 1000 < took_ms + 1000
    assert all(0 <= stage.ms < took_ms for stage in record.stages)
    assert sum(stage.ms for stage in record.stages) < took_ms

    trace = await _trace(house, heard.turn_id)
    instance = house.satellite.instance
    assert trace.clocks_ahead_ms == {instance: pytest.approx(off * 1000, abs=500)}
    ends = [span.start_ms + span.duration_ms for span in trace.spans]
    assert all(span.start_ms >= 0 for span in trace.spans)
    assert max(ends) < took_ms + 5000, "no half minute is in it"
    assert instance in str(waterfall(trace).caption)


async def test_a_turn_that_is_stopped_ends_cleanly_by_a_wrong_clock(
    house: LiveHouse, off: float
) -> None:
    del off

    async def silence_then_stop() -> None:
        await asyncio.sleep(0.7)
        await house.satellite.ask(STOP_TURN, StopTurn(satellite=house.satellite.called))

    stopping = asyncio.create_task(silence_then_stop())
    began = Stopwatch()
    heard = await house.satellite.turn(played(b""))
    await stopping
    assert heard.cancelled is CancelReason.STOP
    assert began.seconds < 5
    assert not heard.own_voice
