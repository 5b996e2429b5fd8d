"""A PIN that is spoken to a real house: heard by its recognizer, checked, and found nowhere."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.e2e.conftest import PIN

from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.contracts.voice import SAY_TEXT, SayText, TurnRecord
from alicia.peers.satellite.hearing import played
from alicia.speech.models import ModelStore
from alicia.speech.piper import PiperSynthesizer
from alicia.testing.live import LiveHouse

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOOR = "lock.front_door"
SPOKEN = "Two, five, eight, zero, one, four."


async def spoken(text: str, voice: Path) -> bytes:
    """16 kHz mono s16le."""
    synthesizer = PiperSynthesizer(voice)
    try:
        async with aclosing(synthesizer.speak(text, "en")) as pieces:
            waves = [
                soxr.resample(
                    from_bytes(piece.pcm).astype(np.float32), piece.rate_hz, RATE_HZ
                ).astype(np.int16)
                async for piece in pieces
            ]
    finally:
        await synthesizer.aclose()
    return np.concatenate([np.zeros(RATE_HZ // 3, np.int16), *waves]).tobytes()


MISHEARD = 2
"""Times that a sentence is said again."""


async def said(house: LiveHouse, pcm: bytes) -> TurnRecord:
    heard = await house.satellite.turn(played(pcm))
    assert heard.record is not None
    return heard.record


def holding(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if text.encode() in content(path)]


def content(path: Path) -> bytes:
    """Nothing of a folder, and of a file that the house removes meanwhile."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""


async def test_the_door_opens_to_a_spoken_pin_and_nobody_can_look_it_up(house: LiveHouse) -> None:
    voice = ModelStore(house.folder.models).pull("piper-en-joe")
    door, pin = await spoken("Please unlock the front door.", voice), await spoken(SPOKEN, voice)
    await house.console.ask(
        SAY_TEXT, SayText(turn_id="shut", satellite="test", text="lock the front door")
    )
    await house.until(DOOR, "locked", True)

    asked = await said(house, door)
    for _ in range(MISHEARD):
        # On a busy machine "unlock" is heard as "them lock", which locks what is locked.
        asked = asked if asked.asks_pin else await said(house, door)
    assert asked.asks_pin, (asked.transcript, asked.reply)
    assert (asked.reply, asked.expects_reply) == ("Please say your PIN.", True)
    assert house.states[DOOR].values["locked"] is True
    done = await said(house, pin)
    assert [(a.entity, a.error) for a in done.actions] == [(DOOR, None)], done.reply
    await house.until(DOOR, "locked", False)
    assert (done.secret, done.transcript) == (True, None)
    for words in (PIN, "258 014", "two, five", "Two, five", "2, 5, 8"):
        assert holding(house.folder.root, words) == []
