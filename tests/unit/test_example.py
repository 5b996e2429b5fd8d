"""The example of `docs/writing-a-service.md`, at work among real services."""

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alicia.contracts import devices, voice
from alicia.contracts.devices import EntityState
from alicia.contracts.voice import Speak, Spoken
from alicia.errors import SettingsError
from alicia.runtime.service import Service, Settings, serves
from alicia.testing.running import house
from alicia.testing.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("doorbell", ROOT / "examples" / "doorbell.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["doorbell"] = module
    spec.loader.exec_module(module)
    return module


example: Any = _example()


class Visitor(Service[Settings]):
    """Presses the button, and hears it ring."""

    name = "visitor"
    hears = (example.RANG,)
    asks = (example.PRESS,)


class Voice(Service[Settings]):
    """Speaks, in place of the real voice."""

    name = "voice"

    def __init__(self) -> None:
        self.said: list[str] = []

    @serves(voice.SPEAK)
    async def speak(self, ask: Speak) -> Spoken:
        self.said.append(ask.text)
        values: dict[str, Any] = {"duration_ms": 0, "rate_hz": 16000, "first_audio_at": 0}
        return Spoken.model_validate({"turn_id": ask.turn_id, "voice": "none", **values})


def button(*, pressed: bool) -> EntityState:
    return EntityState(
        entity_id="binary_sensor.doorbell",
        available=True,
        values={"open": pressed},
        changed_at=0,
    )


async def test_a_press_rings_and_is_spoken(tmp_path: Path) -> None:
    async with house(example.Doorbell, folder=tmp_path) as home:
        speaker = await home.start(Voice)
        visitor = await home.start(Visitor)
        async with visitor.hear(example.RANG, door="front") as rings:
            rang = await visitor.ask(example.PRESS, example.Press(door="front"))
            assert await anext(rings) == rang
        assert rang.visitor == 1
        assert speaker.said == ["Somebody is at the door."]


async def test_it_rings_where_nobody_speaks(tmp_path: Path) -> None:
    async with house(example.Doorbell, Visitor, folder=tmp_path) as home:
        visitor = await home.start(Visitor)
        rang = await visitor.ask(example.PRESS, example.Press(door="back"))
        assert rang.door == "back"


async def test_a_confirmed_button_rings_once_each_time_it_is_pressed(tmp_path: Path) -> None:
    async with house(example.Doorbell, folder=tmp_path) as home:
        visitor = await home.start(Visitor)
        async with visitor.hear(example.RANG) as rings, asyncio.timeout(PATIENCE_S):
            for pressed in (True, False, True, True):
                await home.bus.say(devices.STATE, button(pressed=pressed))
            assert (await anext(rings)).visitor == 1
            await visitor.ask(example.PRESS, example.Press(door="front"))
            assert (await anext(rings)).visitor == 2


async def test_visitors_are_counted_across_restarts(tmp_path: Path) -> None:
    async with house(example.Doorbell, folder=tmp_path) as home:
        visitor = await home.start(Visitor)
        await visitor.ask(example.PRESS, example.Press(door="front"))
        await home.stop(example.Doorbell)
        await home.start(example.Doorbell)
        rang = await visitor.ask(example.PRESS, example.Press(door="front"))
        assert rang.visitor == 2


async def test_its_sentence_is_a_setting(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        speaker = await home.start(Voice)
        visitor = await home.start(Visitor)
        await home.start(example.Doorbell, sentence="Ding dong.")
        await visitor.ask(example.PRESS, example.Press(door="front"))
        assert speaker.said == ["Ding dong."]


async def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        with pytest.raises(SettingsError, match=r"doorbell\.volume"):
            await home.start(example.Doorbell, volume=11)
