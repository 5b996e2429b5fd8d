"""The real program `wyoming-satellite`, its microphone a recording, driven by the real house."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.e2e.conftest import SPEECH

from alicia.audio.formats import read, write_wav
from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.peers.wyoming import waking
from alicia.peers.wyoming.satellites import WyomingSatellites
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.testing.live import LiveHouse

PROGRAM = Path(__file__).parents[2] / ".venv-tools" / "wyoming-satellite"
pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not (PROGRAM / "wyoming_satellite").exists(),
        reason="wyoming-satellite is not installed (scripts/setup.sh --dev)",
    ),
]

MICROPHONE = """
import pathlib, sys, time, wave
speech, go = sys.argv[1:]
with wave.open(speech) as file:
    pcm = bytes(12800) + file.readframes(file.getnframes())
started, at, number = time.monotonic(), 0, 0
while True:
    piece = b""
    if pathlib.Path(go).exists():
        piece, at = pcm[at : at + 2048], at + 2048
    sys.stdout.buffer.write(piece + bytes(2048 - len(piece)))
    sys.stdout.buffer.flush()
    number += 1
    time.sleep(max(0, started + number * 0.064 - time.monotonic()))
"""
WAKE_WORD = """
import pathlib, sys
go, told = pathlib.Path(sys.argv[1]), False
while sys.stdin.buffer.read(2048):
    if go.exists() and not told:
        told = True
        print("hey_house", flush=True)
"""
SPEAKER = """
import pathlib, sys
pcm = sys.stdin.buffer.read()
with pathlib.Path(sys.argv[1]).open("ab") as file:
    file.write(pcm)
"""


class Program:
    """`wyoming-satellite` in a process of its own."""

    def __init__(self, folder: Path, speech: np.ndarray) -> None:
        self.folder = folder
        self.go, self.played = folder / "go", folder / "played"
        self.events = folder / "events"
        for name, text in (("mic", MICROPHONE), ("wake", WAKE_WORD), ("snd", SPEAKER)):
            (folder / f"{name}.py").write_text(text, "utf-8")
        write_wav(folder / "speech.wav", speech)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def _command(self, name: str, *arguments: Path) -> str:
        return " ".join([sys.executable, str(self.folder / f"{name}.py"), *map(str, arguments)])

    def _note(self, word: str) -> str:
        return f"/bin/sh -c 'echo {word} \"$(cat)\" >> {self.events}'"

    @asynccontextmanager
    async def running(self, *, own_wake_word: bool) -> AsyncGenerator[None, None]:
        wake = ["--wake-command", self._command("wake", self.go)] if own_wake_word else []
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(
                    "-W",
                    "ignore",
                    "-m",
                    "wyoming_satellite",
                    "--name",
                    "Attic",
                    "--area",
                    "Kitchen",
                ),
                *("--uri", f"tcp://127.0.0.1:{self.port}", "--no-zeroconf", "--debug"),
                *("--mic-command", self._command("mic", self.folder / "speech.wav", self.go)),
                *("--snd-command", self._command("snd", self.played)),
                *("--transcript-command", self._note("transcript")),
                *("--error-command", self._note("error")),
                *("--stt-stop-command", self._note("stopped")),
                *wake,
                env={**os.environ, "PYTHONPATH": str(PROGRAM)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            # Its microphone and speaker are programs of its own, which it forgets to end.
            os.killpg(process.pid, 15)
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                os.killpg(process.pid, 9)
                await process.wait()

    def noted(self, word: str) -> list[str]:
        lines = self.events.read_text("utf-8").splitlines() if self.events.exists() else []
        return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]


async def until(fact: Callable[[], bool], what: str, within_s: float = 30) -> None:
    """The program has no events for us: what it does is looked at."""
    async with asyncio.timeout(within_s):
        while not fact():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.05)
    assert fact(), what


@asynccontextmanager
async def driving(house: LiveHouse, port: int) -> AsyncGenerator[WyomingSatellites, None]:
    at = [{"uri": f"tcp://127.0.0.1:{port}", "name": "attic"}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALICIA_WYOMING_SATELLITES__SATELLITES", json.dumps(at))
        patch.setenv("ALICIA_WYOMING_SATELLITES__RETRY_FIRST_S", "0.2")
        async with joined(WyomingSatellites, MqttHouse(house.folder), house.folder) as driver:
            yield driver


async def off(house: LiveHouse) -> None:
    text = "turn off the kitchen light"
    await house.console.ask(
        SAY_TEXT, SayText(turn_id=secrets.token_hex(8), satellite="test", text=text)
    )
    await house.until("light.kitchen", "power", value=False)


async def test_a_command_at_the_satellite_moves_the_lamp_and_is_answered_there(
    house: LiveHouse, tmp_path: Path
) -> None:
    await off(house)
    speech = read(SPEECH / "turn_on_the_kitchen_light.bf_emma.flac", max_s=30)
    program = Program(tmp_path, speech)
    async with program.running(own_wake_word=True), driving(house, program.port) as driver:
        device = driver.devices["attic"]
        await until(lambda: device.connected, "connected")
        program.go.touch()
        await house.until("light.kitchen", "power", value=True)
        await until(lambda: device.turns == 1, "the turn ends")
        await until(program.played.exists, "the reply is played")
    assert program.noted("error") == []
    assert len(program.noted("transcript")) == 1
    assert "kitchen" in program.noted("transcript")[0].lower()
    assert len(program.noted("stopped")) == 1
    reply = np.frombuffer(program.played.read_bytes(), np.int16)
    assert len(reply) > 22_050 // 2
    assert np.abs(reply).max() > 3000


async def test_a_satellite_that_comes_later_and_comes_again_is_found(
    house: LiveHouse, tmp_path: Path
) -> None:
    program = Program(tmp_path, np.zeros(16_000, np.int16))
    async with driving(house, program.port) as driver:
        device = driver.devices["attic"]
        await asyncio.sleep(0.5)
        assert not device.connected
        for _ in range(2):
            async with program.running(own_wake_word=True):
                await until(lambda: device.connected, "connected")
            await until(lambda: not device.connected, "its end is seen")


async def test_silence_after_the_wake_word_is_told_as_an_error(
    house: LiveHouse, tmp_path: Path
) -> None:
    program = Program(tmp_path, np.zeros(1600, np.int16))
    async with program.running(own_wake_word=True), driving(house, program.port) as driver:
        device = driver.devices["attic"]
        await until(lambda: device.connected, "connected")
        program.go.touch()
        await until(lambda: bool(program.noted("error")), "the error is told")
        await until(program.played.exists, "and spoken")
    assert program.noted("error")[0]


async def test_our_own_wake_word_opens_the_turn_of_a_satellite_without_one(
    house: LiveHouse, tmp_path: Path
) -> None:
    if not waking.words(house.folder):
        pytest.skip("no wake word engine is installed (extra `wake`)")
    await off(house)
    command = read(SPEECH / "turn_on_the_kitchen_light.bf_emma.flac", max_s=30)
    name = await spoken(house, "Okay Nabu.", tmp_path)
    silence = np.zeros(16_000, np.int16)
    program = Program(tmp_path, np.concatenate([silence, name, silence[:6400], command]))
    async with program.running(own_wake_word=False), driving(house, program.port) as driver:
        await until(lambda: driver.devices["attic"].connected, "connected")
        await asyncio.sleep(1)
        program.go.touch()
        await house.until("light.kitchen", "power", value=True)
        await until(program.played.exists, "the reply is played")
    assert program.noted("error") == []


async def spoken(house: LiveHouse, text: str, folder: Path) -> np.ndarray:
    """The text in the house's own voice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALICIA_WYOMING_SERVER__PORT", "0")
        from alicia.peers.wyoming.server import WyomingServer  # noqa: PLC0415
        from alicia.peers.wyoming.speaking import Speaker  # noqa: PLC0415

        async with joined(WyomingServer, MqttHouse(house.folder), house.folder) as peer:
            speaker = Speaker(peer, "en")
            pcm = b"".join([piece async for piece in speaker.speak(text)])
    write_wav(folder / "spoken.wav", np.frombuffer(pcm, np.int16), speaker.rate_hz or 0)
    return read(folder / "spoken.wav", max_s=10)
