"""A client's audio as utterances, with the test as the recognizer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.endpointing import Endpoint, Endpointer, EndpointSettings
from alicia.audio.formats import read
from alicia.bus.hearing import Delivery
from alicia.contracts.voice import (
    AUDIO,
    LISTENING,
    TRANSCRIBE,
    UTTERANCE_ENDED,
    EndReason,
    Listening,
    Transcribe,
    Transcript,
    UtteranceEnded,
)
from alicia.errors import AudioLostError, UtteranceTooLongError
from alicia.peers.wyoming.hearing import Stream, transcribe
from alicia.peers.wyoming.server import WyomingServer
from alicia.runtime.service import Service
from alicia.runtime.settings import Settings
from alicia.testing.running import RunningHouse, house

SPEECH = Path(__file__).parents[3] / "data" / "speech"
SPOKEN = read(SPEECH / "turn_on_the_kitchen_light.bf_emma.flac", max_s=30).tobytes()
PAUSE = bytes(16_000 * 2)


class Client(Service[Settings]):
    name = "client"
    says = WyomingServer.says
    hears = WyomingServer.hears
    asks = WyomingServer.asks


class Recognizer:
    """Takes what comes to the end of its utterance; a text for each, or an error."""

    def __init__(self, home: RunningHouse, answers: list[str | Exception]) -> None:
        self._home, self._answers = home, answers
        self.heard: list[bytes] = []

    async def serve(self, delivery: Delivery[Transcribe]) -> Transcript:
        uid, answer = delivery.message.utterance_id, self._answers.pop(0)
        pcm = b""
        async with self._home.bus.hear(AUDIO, limit=2048, utterance_id=uid) as chunks:
            await self._home.bus.say(LISTENING, Listening(utterance_id=uid))
            async for chunk in chunks:
                pcm += chunk.message.pcm
                if chunk.message.last or speech_end_ms(pcm) < len(pcm) / 32:
                    break
        self.heard.append(pcm)
        if isinstance(answer, Exception):
            raise answer
        ended = UtteranceEnded(
            utterance_id=uid,
            reason=EndReason.ENDPOINT,
            speech_end_ms=speech_end_ms(pcm),
            ended_at=time.time(),
        )
        await self._home.bus.say(UTTERANCE_ENDED, ended)
        await asyncio.sleep(0.02)  # as decoding takes
        return Transcript(
            utterance_id=uid,
            text=answer,
            language="en",
            confidence=1,
            speech_end_ms=speech_end_ms(pcm),
        )


def speech_end_ms(pcm: bytes) -> float:
    """Where the house's own endpointing sees the end; far away before there is one."""
    for cue in Endpointer(EndpointSettings(no_speech_s=60)).feed(np.frombuffer(pcm, np.int16)):
        if isinstance(cue, Endpoint):
            return cue.end / 16
    return 10_000


@asynccontextmanager
async def listening(
    folder: Path, answers: list[str | Exception]
) -> AsyncGenerator[tuple[Client, Recognizer], None]:
    async with house(folder=folder) as home:
        client = await home.start(Client)
        recognizer = Recognizer(home, answers)
        async with home.bus.serve(TRANSCRIBE, recognizer.serve):
            yield client, recognizer


def stream(*pieces: bytes) -> Stream:
    made = Stream(60)
    for piece in pieces:
        made.feed(piece)
    made.close()
    return made


async def test_silence_asks_nobody(tmp_path: Path) -> None:
    async with listening(tmp_path, []) as (client, _):
        assert await transcribe(client, stream(PAUSE, PAUSE), "en") == []


async def test_each_utterance_is_told_when_it_is_settled(tmp_path: Path) -> None:
    told: list[str] = []
    async with listening(tmp_path, ["one", "two"]) as (client, recognizer):
        whole = stream(PAUSE, SPOKEN, PAUSE, PAUSE, SPOKEN, PAUSE)
        found = await transcribe(client, whole, "en", told.append)
    assert [transcript.text for transcript in found] == told == ["one", "two"]
    # The word's first sound is in what each was given, with some of the silence before.
    for pcm in recognizer.heard:
        loud = np.abs(np.frombuffer(pcm, np.int16).astype(int)) > 500
        assert 0 < np.argmax(loud) < 16_000


async def test_audio_that_was_lost_is_heard_again_from_the_first_sample(tmp_path: Path) -> None:
    answers: list[str | Exception] = [AudioLostError(), "one"]
    async with listening(tmp_path, answers) as (client, recognizer):
        found = await transcribe(client, stream(SPOKEN, PAUSE), "en")
    assert [transcript.text for transcript in found] == ["one"]
    first, again = recognizer.heard
    assert first[:16_000] == again[:16_000]


async def test_audio_that_never_arrives_is_an_error(tmp_path: Path) -> None:
    answers: list[str | Exception] = [AudioLostError(), AudioLostError(), AudioLostError()]
    async with listening(tmp_path, answers) as (client, _):
        with pytest.raises(AudioLostError):
            await transcribe(client, stream(SPOKEN, PAUSE), "en")


def test_more_audio_than_is_allowed_is_refused() -> None:
    limited = Stream(1.0)
    limited.feed(PAUSE)
    with pytest.raises(UtteranceTooLongError):
        limited.feed(bytes(2))
