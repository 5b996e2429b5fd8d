"""The ESPHome driver, with the simulator as the device and the test as the rest of the house."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from alicia.bus.hearing import Delivery
from alicia.contracts.voice import (
    OPEN_TURN,
    SPEECH,
    TURN_ENDED,
    UTTERANCE_ENDED,
    EndReason,
    OpenTurn,
    SpeechChunk,
    TurnOpened,
    TurnRecord,
    UtteranceEnded,
)
from alicia.peers.esphome.driver import DeviceAt, Esphome
from alicia.testing.esphome import EsphomeSimulator, Type
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S

LOUD = b"\0\x20" * 1600


class Rest:
    """Answers each turn: with speech, or with an error that nobody could speak."""

    def __init__(self, home: RunningHouse, *, spoken: bool) -> None:
        self._home, self._spoken = home, spoken
        self.opened: list[OpenTurn] = []
        self.answering: list[asyncio.Task[None]] = []

    async def open(self, delivery: Delivery[OpenTurn]) -> TurnOpened:
        self.opened.append(delivery.message)
        self.answering.append(asyncio.create_task(self._answer(delivery.message)))
        return TurnOpened(turn_id=delivery.message.turn_id)

    async def _answer(self, ask: OpenTurn) -> None:
        say = self._home.bus.say
        ended = UtteranceEnded(
            utterance_id=ask.utterance_id,
            reason=EndReason.ENDPOINT,
            speech_end_ms=10,
            ended_at=time.time(),
        )
        await say(UTTERANCE_ENDED, ended)
        for sequence, pcm in enumerate((LOUD, b"") if self._spoken else ()):
            chunk = SpeechChunk(
                turn_id=ask.turn_id,
                sequence=sequence,
                position=0,
                rate_hz=22_050,
                last=not pcm,
                pcm=pcm,
            )
            await say(SPEECH, chunk)
        record = TurnRecord(
            turn_id=ask.turn_id,
            satellite=ask.satellite,
            language=ask.language,
            trace_id="f" * 32,
            transcript="turn on the light",
            reply="The light is on." if self._spoken else None,
            error=None if self._spoken else "voice.no_speech",
            spoken=self._spoken,
            started_at=time.time(),
        )
        await say(TURN_ENDED, record)


async def run(folder: Path, *, spoken: bool) -> tuple[EsphomeSimulator, Rest]:
    async with house(folder=folder) as home, EsphomeSimulator(speaker=True).running() as device:
        rest = Rest(home, spoken=spoken)
        async with home.bus.serve(OPEN_TURN, rest.open):
            at = DeviceAt(host="127.0.0.1", port=device.port, name="box")
            await home.start(Esphome, devices=(at.model_dump(),))
            async with asyncio.timeout(PATIENCE_S):
                await device.subscribed.wait()
                device.speak(LOUD)
                await device.over.wait()
            await asyncio.gather(*rest.answering)
    return device, rest


async def test_a_device_is_told_each_step_and_plays_the_reply(tmp_path: Path) -> None:
    device, rest = await run(tmp_path, spoken=True)
    assert rest.opened[0].area_id == "kitchen"
    assert device.data[Type.VOICE_ASSISTANT_STT_END] == {"text": "turn on the light"}
    assert device.data[Type.VOICE_ASSISTANT_TTS_START] == {"text": "The light is on."}
    assert abs(len(device.played) - len(LOUD) * 16_000 / 22_050) < 8
    assert device.events[-1] is Type.VOICE_ASSISTANT_RUN_END


async def test_where_nothing_is_spoken_the_device_is_told_the_error(tmp_path: Path) -> None:
    device, _ = await run(tmp_path, spoken=False)
    assert device.data[Type.VOICE_ASSISTANT_ERROR]["code"] == "voice.no_speech"
    assert device.data[Type.VOICE_ASSISTANT_ERROR]["message"]
    assert device.played == b""
