"""A house with a real broker and processes of their own, and a model that is a scripted server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from alicia.contracts.voice import SAY_TEXT, SayText, TurnRecord
from alicia.language.phrases import phrase
from alicia.testing.live import LiveHouse, live_house
from alicia.testing.openai_server import Call, OpenAiServer, Reply

LAMP, LOCK = "light.kitchen", "lock.front_door"
SERVICES = ("device_registry", "device_control", "virtual_home", "ai", "router", "grok")
GLOOMY = {
    "en": "I find it so terribly gloomy around here",
    "de": "hier ist alles so schrecklich trostlos",
}


@pytest.fixture
async def server() -> AsyncGenerator[OpenAiServer, None]:
    async with OpenAiServer().running() as running:
        yield running


def settings(server: OpenAiServer) -> dict[str, str]:
    provider = {"name": "p", "url": server.url, "model": "m", "input_usd": 0, "output_usd": 0}
    return {
        "ALICIA_GROK__PROVIDERS": json.dumps([{**provider, "key": "env:A_KEY_OF_THE_HOUSE"}]),
        "A_KEY_OF_THE_HOUSE": "k-1",
    }


async def said(house: LiveHouse, turn_id: str, language: str = "en") -> TurnRecord:
    ask = SayText(
        turn_id=turn_id,
        satellite="tester",
        text=GLOOMY[language],
        area_id="kitchen",
        language=language,
    )
    return await house.console.ask(SAY_TEXT, ask)


async def test_a_house_with_a_model(tmp_path: Path, server: OpenAiServer) -> None:
    on = Call("set_power", {"entities": [LAMP], "value": True})
    unlock = Call("set_locked", {"entities": [LOCK], "value": False})
    async with live_house(tmp_path, settings=settings(server), services=SERVICES) as house:
        server.script(Reply("Turn on the light, perhaps."))
        assert (await said(house, "t1")).reply == "Turn on the light, perhaps."
        assert server.requests[0].headers["authorization"] == "Bearer k-1"

        server.script(Reply(calls=(on,)))
        record = await said(house, "t2")
        assert [(a.entity, a.value, a.outcome) for a in record.actions] == [
            (LAMP, True, "confirmed")
        ]
        await house.until(LAMP, "power", value=True)

        server.script(Reply("It is open.", calls=(unlock,)))
        for language in GLOOMY:
            record = await said(house, f"t3{language}", language)
            assert record.error == "intent.not_understood"
            assert record.reply == phrase("intent.not_understood", language)
        assert house.states[LOCK].values["locked"] is True

        server.script(Reply("It is warm.", before_s=10))
        began = time.monotonic()
        record = await said(house, "t4")
        assert time.monotonic() - began < 2.0
        assert record.reply == phrase("intent.not_understood", "en")

        asked = len(server.requests)
        server.script(Reply(hang=True))
        waiting = asyncio.create_task(said(house, "t5"))
        await server.asked(asked + 1)
        pid = await house.pid("grok")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert (await waiting).error == "intent.not_understood"
        assert len(server.requests) == asked + 1, "what costs is not asked twice"
        await house.back("grok", pid)
        server.script(Reply("I'm back."))
        assert (await said(house, "t6")).reply == "I'm back."
