"""A house with a real broker and processes of their own, and a model that is a scripted server."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

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


# ---- a picture, and a summary that survives -----------------------------------------------------


def red_square() -> bytes:
    from PIL import Image  # noqa: PLC0415 - optional

    exif = Image.Exif()
    exif[0x010F] = "SECRETCAM"
    out = BytesIO()
    Image.new("RGB", (2400, 1200), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def alicia(house: LiveHouse, *words: str, given: bytes = b"") -> dict[str, Any]:
    """A command of this house's, with what it reads on standard input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alicia", *words, "--json", "--home", str(house.folder.root)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(given)
    return json.loads(told)


def files_with(folder: Path, *texts: bytes) -> list[Path]:
    read = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [path for path, data in read.items() if any(text in data for text in texts)]


async def kill(house: LiveHouse, *services: str) -> None:
    pids = {service: await house.pid(service) for service in services}
    for pid in pids.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    for service, pid in pids.items():
        await house.back(service, pid or 0)


@pytest.mark.skipif(
    importlib.util.find_spec("PIL") is None, reason="needs alicia[pictures]: pillow"
)
async def test_a_house_that_sees_and_that_remembers_what_it_was_about(
    tmp_path: Path, server: OpenAiServer
) -> None:
    see = settings(server)
    (provider,) = json.loads(see["ALICIA_GROK__PROVIDERS"])
    see["ALICIA_GROK__PROVIDERS"] = json.dumps([{**provider, "vision": True}])

    summary = "They spoke of five towers."

    async def ask(house: LiveHouse, turn: int, text: str) -> list[dict[str, Any]]:
        """What the model was told."""
        asked = len(server.requests)
        server.script(Reply(f"It is tower {turn}."), Reply(summary))
        say = SayText(turn_id=f"b{turn}", satellite="tester", text=text)
        assert (await house.console.ask(SAY_TEXT, say)).reply == f"It is tower {turn}."
        return server.requests[asked].body["messages"]

    async with live_house(tmp_path, settings=see, services=SERVICES) as house:
        # It is asked about a picture, which is nowhere afterwards.
        server.script(Reply("A red square."))
        told = await alicia(house, "ask", "what is this", "--image", "-", given=red_square())
        assert (told["reply"], told["error"]) == ("A red square.", None)
        (jpeg,) = server.pictures()
        assert jpeg.startswith(b"\xff\xd8\xff")
        assert b"SECRETCAM" not in jpeg
        body = jpeg[-400:]
        assert files_with(tmp_path, body, base64.b64encode(jpeg)[200:300]) == []

        # Twelve turns are more than a model is told again: the oldest are summed up.
        key = tmp_path / "state" / "router" / "conversation.key"
        told_to_model: list[dict[str, Any]] = []
        for turn in range(1, 13):
            told_to_model = await ask(house, turn, f"what would be tower number {turn} my dear")
            if turn == 9:
                before = key.read_bytes()
                assert "Sum up" in (await server.asked(11)).said
                async with asyncio.timeout(5):
                    while key.read_bytes() == before:  # noqa: ASYNC110 - of another process
                        await asyncio.sleep(0.01)
        assert len(server.requests) == 14, "a picture, twelve turns, one summary"
        assert summary in told_to_model[-1]["content"]

        # Nothing of it is lost with those who told it, nor kept for longer than is wanted.
        await kill(house, "ai", "router")
        told_to_model = await ask(house, 13, "and how tall would it be my dear")
        assert summary in told_to_model[-1]["content"]
        assert told_to_model[-2]["content"] == "It is tower 12."
        assert len(told_to_model) == 2 + 2 * 7
        assert files_with(tmp_path, summary.encode(), b"tower number") == []
        assert (await alicia(house, "memory", "forget", "--talk"))["turns"] >= 8
        told_to_model = await ask(house, 14, "and how old would it be my dear")
        assert len(told_to_model) == 2
        assert summary not in told_to_model[-1]["content"]
