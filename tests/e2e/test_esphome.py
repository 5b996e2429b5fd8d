"""An ESPHome voice device, simulated at its native API, driven by the real house.

The simulator is ours, built from aioesphomeapi's messages: this proves the driver's protocol, not a
device.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from tests.e2e.conftest import SPEECH

from alicia.audio.formats import read
from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.peers.esphome.driver import Esphome
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.testing.esphome import EsphomeSimulator, Type
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

KITCHEN = "turn_on_the_kitchen_light.bf_emma.flac"


@asynccontextmanager
async def driving(house: LiveHouse, port: int) -> AsyncGenerator[Esphome, None]:
    at = [{"host": "127.0.0.1", "port": port, "name": "box"}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALICIA_ESPHOME__DEVICES", json.dumps(at))
        patch.setenv("ALICIA_ESPHOME__RETRY_FIRST_S", "0.2")
        async with joined(Esphome, MqttHouse(house.folder), house.folder) as driver:
            yield driver


async def off(house: LiveHouse) -> None:
    text = "turn off the kitchen light"
    await house.console.ask(
        SAY_TEXT, SayText(turn_id=secrets.token_hex(8), satellite="test", text=text)
    )
    await house.until("light.kitchen", "power", value=False)


@pytest.mark.parametrize("speaker", [True, False], ids=["speaker", "media player"])
async def test_a_command_at_the_device_moves_the_lamp_and_is_answered_there(
    house: LiveHouse, *, speaker: bool
) -> None:
    await off(house)
    async with (
        EsphomeSimulator(speaker=speaker).running() as device,
        driving(house, device.port),
        asyncio.timeout(PATIENCE_S),
    ):
        await device.subscribed.wait()
        device.speak(read(SPEECH / KITCHEN, max_s=30).tobytes())
        await device.over.wait()
    await house.until("light.kitchen", "power", value=True)
    told = [
        Type.VOICE_ASSISTANT_RUN_START,
        Type.VOICE_ASSISTANT_STT_START,
        Type.VOICE_ASSISTANT_STT_VAD_START,
        Type.VOICE_ASSISTANT_STT_VAD_END,
        Type.VOICE_ASSISTANT_STT_END,
        Type.VOICE_ASSISTANT_INTENT_START,
        Type.VOICE_ASSISTANT_INTENT_END,
        Type.VOICE_ASSISTANT_TTS_START,
        Type.VOICE_ASSISTANT_TTS_END,
    ]
    stream = [Type.VOICE_ASSISTANT_TTS_STREAM_START, Type.VOICE_ASSISTANT_TTS_STREAM_END]
    assert device.events == [
        *told,
        *(stream if speaker else []),
        Type.VOICE_ASSISTANT_RUN_END,
    ]
    assert "kitchen" in device.data[Type.VOICE_ASSISTANT_STT_END]["text"].lower()
    assert device.data[Type.VOICE_ASSISTANT_TTS_START]["text"]
    pcm = device.played
    if not speaker:
        with wave.open(io.BytesIO(device.played)) as file:
            pcm = file.readframes(file.getnframes())
    reply = np.frombuffer(pcm, np.int16)
    assert len(reply) > 8000
    assert np.abs(reply).max() > 3000


async def test_silence_is_answered_and_the_device_can_begin_again(house: LiveHouse) -> None:
    async with (
        EsphomeSimulator(speaker=True).running() as device,
        driving(house, device.port) as driver,
        asyncio.timeout(PATIENCE_S),
    ):
        await device.subscribed.wait()
        device.speak(b"")
        await device.over.wait()
        assert device.played or Type.VOICE_ASSISTANT_ERROR in device.events
        device.speak(read(SPEECH / KITCHEN, max_s=30).tobytes())
        await device.over.wait()
        assert driver.devices["box"].turns == 2


async def test_a_device_that_goes_away_in_mid_turn_is_found_again(house: LiveHouse) -> None:
    async with (
        EsphomeSimulator(speaker=True).running() as device,
        driving(house, device.port) as driver,
        asyncio.timeout(PATIENCE_S),
    ):
        await device.subscribed.wait()
        device.speak(bytes(64_000))
        await asyncio.sleep(0.3)
        device.vanish()
        while driver.devices["box"].connected:  # noqa: ASYNC110 - its end has no event
            await asyncio.sleep(0.05)
        await device.subscribed.wait()
