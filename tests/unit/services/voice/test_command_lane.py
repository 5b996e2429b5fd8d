"""The command lane in a house: real recognizers, the real demo home, speech at its own pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from alicia.audio.formats import read
from alicia.contracts import devices
from alicia.contracts.devices import ENTITY, PatchEntity
from alicia.contracts.voice import (
    PREVIEW,
    SENTENCES,
    UNDERSTAND,
    GetSentences,
    Preview,
    Understand,
)
from alicia.peers.virtual_home import VirtualHomeAdapter
from alicia.services.core.device_registry import DeviceRegistry
from alicia.services.devices.device_control import DeviceControl
from alicia.services.voice.ai import Ai
from alicia.services.voice.stt import Stt
from alicia.speech.models import ModelStore
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, until

from .test_stt import FRAME, RATE_HZ, SPEECH, Microphone, microphone

LAMP = "light.kitchen"
HEARD = (
    "close_the_living_room_blinds.bm_george.flac",
    "set_the_bedroom_lamp_to_thirty_percent.bf_emma.flac",
    "turn_on_the_bathroom_light.am_adam.flac",
    "switch_off_the_bedside_lamp.af_nova.flac",
    "turn_off_the_coffee_machine.am_onyx.flac",
)
GUARDED = "close_the_garage_door.am_michael.flac"
LABELS = {
    row["file"]: row
    for row in map(json.loads, (SPEECH / "labels.jsonl").read_text("utf-8").splitlines())
}


@asynccontextmanager
async def described(folder: Path, **settings: dict[str, Any]) -> AsyncGenerator[RunningHouse, None]:
    kinds = (DeviceRegistry, VirtualHomeAdapter, DeviceControl)
    async with house(*kinds, folder=folder, settings=settings) as home:
        await home.until(devices.STATE, entity_id=LAMP)
        await home.until(ENTITY, entity_id=LAMP)
        await home.start(Ai)
        yield home


def engines(logged: StringIO) -> list[str]:
    lines = map(json.loads, filter(None, logged.getvalue().splitlines()))
    return [line["engine"] for line in lines if line["event"] == "heard"]


async def say(mic: Microphone, file: str) -> None:
    """As fast as a person: what is heard late is not waited for."""
    pcm, step = read(SPEECH / file, max_s=10).tobytes() + bytes(RATE_HZ * 2), FRAME * 2
    for number in range(len(pcm) // step):
        await mic.say(pcm[number * step : (number + 1) * step], first=number)
        await asyncio.sleep(FRAME / RATE_HZ)


async def heard(mic: Microphone, number: int, file: str) -> str:
    """The text of this recording."""
    asking = asyncio.create_task(mic.transcribe())
    await until(lambda: mic.listening == number + 1)
    saying = asyncio.create_task(say(mic, file))
    text = (await asking).text
    saying.cancel()
    return text


async def acted(mic: Microphone, number: int, file: str) -> list[tuple[str, str, Any]]:
    """What would be done for this recording."""
    text = await heard(mic, number, file)
    ask = Understand(turn_id="t", text=text, language="en", satellite="s1", dry_run=True)
    return [
        (action.entity, action.capability, action.value)
        for action in (await mic.home.bus.ask(UNDERSTAND, ask)).actions
    ]


async def test_commands_of_this_home_are_taken_from_the_lane_and_others_are_not(
    tmp_path: Path, recognizers: ModelStore, logged: StringIO
) -> None:
    pytest.importorskip("pocketsphinx", reason="needs alicia[grammar]")
    (tmp_path / "models").symlink_to(recognizers.folder)
    async with described(tmp_path, stt={"recognizers": "", "command_lane": "on"}) as home:
        await home.start(Stt)
        await until(lambda: "the command lane listens" in logged.getvalue(), within_s=20)
        async with microphone(home) as mic:
            for number, file in enumerate((*HEARD, GUARDED)):
                assert await acted(mic, number, file) == [
                    (e["entity"], e["capability"], e["value"]) for e in LABELS[file]["expect"]
                ]
            # What this home can't be told any more is no command for the lane either.
            gone = PatchEntity(entity_id="switch.coffee_machine", retired=True)
            await home.bus.ask(devices.PATCH_ENTITY, gone)
            await heard(mic, len(HEARD) + 1, HEARD[-1])
            await until(lambda: logged.getvalue().count("the command lane listens") > 1)
    found = engines(logged)
    assert found.pop() != "sphinx"
    assert found[-1] != "sphinx"  # The garage door is not for it.
    assert found[:-1].count("sphinx") >= len(HEARD) - 1


async def test_the_sentences_are_those_of_the_home_without_what_is_protected(
    tmp_path: Path,
) -> None:
    async with described(tmp_path) as home:
        told = await home.bus.ask(SENTENCES, GetSentences(language="en"))
        assert "turn on the kitchen light" in told.sentences
        assert "set the kitchen light to # percent" in told.sentences
        for text in ("open the garage door", "unlock the front door", "lock the front door"):
            assert text not in told.sentences
            assert text in told.others
        assert not {*told.sentences} & {*told.others}


async def test_a_preview_tells_when_names_have_changed(tmp_path: Path) -> None:
    preview = Preview(
        utterance_id="u", turn_id="t", text="turn on the kitchen light", language="en"
    )
    async with described(tmp_path) as home:
        before = await home.bus.ask(SENTENCES, GetSentences(language="en"))
        assert (await home.bus.ask(PREVIEW, preview)).revision == before.revision
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id=LAMP, names={"en": ["Moonbeam"]})
        )
        revision = before.revision
        async with asyncio.timeout(PATIENCE_S):
            while revision == before.revision:
                revision = (await home.bus.ask(PREVIEW, preview, deadline_s=PATIENCE_S)).revision
                await asyncio.sleep(0.01)
        after = await home.bus.ask(SENTENCES, GetSentences(language="en"))
        assert "turn on the moonbeam" in after.sentences
        assert after.revision == revision
