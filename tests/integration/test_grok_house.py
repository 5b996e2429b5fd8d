"""A house with a real broker and processes of their own, and a model that is a scripted server."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alicia.contracts.voice import (
    SAY_TEXT,
    SPEECH,
    STOP_TURN,
    SayText,
    StopTurn,
    TurnRecord,
)
from alicia.language.phrases import phrase
from alicia.testing.live import LiveHouse, live_house
from alicia.testing.openai_server import Call, OpenAiServer, Reply
from alicia.testing.waiting import PATIENCE_S, Stopwatch

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
        began = Stopwatch()
        record = await said(house, "t4")
        assert began.seconds < 2.0
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


PICO = {"ALICIA_TTS__ENGINES": "pico", "ALICIA_TTS__VOICES": "", "ALICIA_TTS__WARM": "false"}


class Ears:
    """What is heard of a turn's speech."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.last = asyncio.Event()

    async def follow(self, house: LiveHouse, turn_id: str, ready: asyncio.Event) -> None:
        async with house.satellite.bus.hear(SPEECH, limit=4096, turn_id=turn_id) as chunks:
            ready.set()
            async for delivery in chunks:
                self.first.set()
                if delivery.message.last:
                    self.last.set()


@asynccontextmanager
async def listening(house: LiveHouse, turn_id: str) -> AsyncGenerator[Ears, None]:
    ears, ready = Ears(), asyncio.Event()
    following = asyncio.create_task(ears.follow(house, turn_id, ready))
    await ready.wait()
    try:
        yield ears
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.mark.skipif(
    importlib.util.find_spec("py_nanotts") is None, reason="needs alicia[pico]: py_nanotts"
)
async def test_a_house_where_an_answer_is_heard_while_it_is_written(
    tmp_path: Path, server: OpenAiServer
) -> None:
    story = "The tower was built in 1889. It is made of iron, and people like it."

    async def ask(house: LiveHouse, turn_id: str, text: str) -> TurnRecord:
        say = SayText(turn_id=turn_id, satellite="tester", text=text, speak=True)
        return await house.console.ask(SAY_TEXT, say)

    async with live_house(
        tmp_path, settings=settings(server) | PICO, services=(*SERVICES, "tts")
    ) as house:
        # The last word is sent when the first are heard: never, were the reply spoken whole.
        async with asyncio.timeout(PATIENCE_S), listening(house, "a1") as ears:
            server.script(Reply(story, hold_after=14))
            turn = asyncio.create_task(ask(house, "a1", "what is the Eiffel tower my dear"))
            request = await server.asked(1)
            await ears.first.wait()
            assert not request.answered.is_set()
            assert not turn.done()
            request.go.set()
            record = await turn
            assert (record.reply, record.spoken, record.error) == (story, True, None)
            await ears.last.wait()

        # What was said is known in the next turn, and what breaks off is ended honestly.
        async with asyncio.timeout(PATIENCE_S):
            server.script(Reply(story, break_after=10))
            record = await ask(house, "a2", "and how terribly tall is it my dear")
            sorry = phrase("upstream.broke_off", "en")
            assert (record.reply, record.spoken) == (f"The tower was built in 1889. {sorry}", True)
            told = server.requests[1].body["messages"]
            assert [m["content"] for m in told[1:-1]] == ["what is the Eiffel tower my dear", story]

        # Who interrupts closes the connection.
        async with asyncio.timeout(PATIENCE_S), listening(house, "a3") as ears:
            server.script(Reply(story, hold_after=14))
            turn = asyncio.create_task(ask(house, "a3", "tell me of it again my dear"))
            request = await server.asked(3)
            await ears.first.wait()
            await house.console.ask(STOP_TURN, StopTurn(turn_id="a3"))
            await request.abandoned.wait()
            assert (await turn).cancelled == "stop"
