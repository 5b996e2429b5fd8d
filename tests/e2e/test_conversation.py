"""Ten turns between two people in three languages, at one satellite of a real house."""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path

import pytest

from alicia.contracts.voice import SAY_TEXT, SayText, TurnRecord
from alicia.testing.live import LiveHouse, live_house

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAMP = "light.living_room_lamp"
BEDROOM = ["light.bedroom_lamp", "light.bedside_lamp"]


async def say(house: LiveHouse, text: str, language: str) -> TurnRecord:
    return await house.console.ask(
        SAY_TEXT,
        SayText(
            turn_id=secrets.token_hex(8),
            satellite="sofa",
            text=text,
            area_id="living_room",
            language=language,
        ),
    )


async def moved(house: LiveHouse, text: str, language: str) -> list[tuple[str, str, object]]:
    record = await say(house, text, language)
    assert record.error is None, (text, record.error, record.reply)
    for action in record.actions:
        if action.capability != "brightness":
            await house.until(action.entity, action.capability, action.value)
    return [(action.entity, action.capability, action.value) for action in record.actions]


async def kill(house: LiveHouse, service: str) -> None:
    killed = await house.pid(service)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await house.back(service, killed, within_s=40)  # three languages, on a busy machine


async def test_ten_turns_in_three_languages_go_on_though_parts_are_killed(
    tmp_path: Path,
) -> None:
    async with live_house(tmp_path, settings={"ALICIA_AI__LANGUAGES": "en,de,ja"}) as house:
        assert await moved(house, "Turn on the living room lamp.", "en") == [(LAMP, "power", True)]
        assert await moved(house, "Mach sie blau.", "de") == [(LAMP, "color", "#0000ff")]
        assert await moved(house, "To forty percent.", "en") == [(LAMP, "brightness", 40.0)]
        [(entity, _, value)] = await moved(house, "もっと明るくして", "ja")
        assert (entity, value) == (LAMP, 60.0)

        await kill(house, "ai")
        assert await moved(house, "Turn it off.", "en") == [(LAMP, "power", False)]
        await kill(house, "router")
        both = await moved(house, "Und im Schlafzimmer?", "de")
        assert both == [(entity, "power", False) for entity in BEDROOM]
        asked = await say(house, "What did I ask you?", "en")
        assert asked.reply == "The words were: Und im Schlafzimmer?"
        both = await moved(house, "Turn them back on.", "en")
        assert both == [(entity, "power", True) for entity in BEDROOM]
        asked = await say(house, "Wie warm ist es im Schlafzimmer?", "de")
        assert (asked.error, asked.actions) == (None, [])
        other = await say(house, "And in the living room?", "en")
        assert (other.error, other.actions) == (None, [])
        assert other.reply
        assert any(sign.isdigit() for sign in other.reply)
        assert other.reply != asked.reply
        refused = await say(house, "Make it blue.", "en")
        assert refused.actions == []
        assert refused.error == "device.not_capable", "a thermometer has no colour"


async def test_why_is_answered_from_what_really_happened(house: LiveHouse) -> None:
    await say(house, "Turn on the kitchen lied", "en")
    why = await say(house, "Why did you do that?", "en")
    assert why.error is None
    assert why.actions == []
    assert why.reply is not None
    for part in ("Turn on the kitchen lied", "turn on the kitchen light", "1 of 1"):
        assert part in why.reply
    again = await say(house, "Warum hast du das gemacht?", "de")
    assert again.reply is not None
    assert "1 von 1" in again.reply


async def test_another_satellite_knows_nothing_of_it(house: LiveHouse) -> None:
    await moved(house, "Turn on the living room lamp.", "en")
    elsewhere = SayText(turn_id="t2", satellite="bed", text="Turn it off.", language="en")
    record = await house.console.ask(SAY_TEXT, elsewhere)
    assert (record.error, record.actions) == ("intent.not_understood", [])
