"""Any part is killed in the middle of a turn: the person is answered, the part comes back, and no
command is lost or carried out twice.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alicia.audio.formats import read
from alicia.contracts.voice import SAY_TEXT, TURN, SayText, TurnPhase
from alicia.peers.satellite import Heard, played
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEECH = Path(__file__).parent.parent / "data" / "speech"
TURN_ON = SPEECH / "turn_on_the_kitchen_light.af_heart.flac"
LAMP = "light.kitchen"
BACK_WITHIN_S = 3.0
STARTS_IN_S = 3.5
"""A first start on the machine that the limit is for; a slower one gets as much more time."""
ROOMS = (
    "advanced_voice",
    "broker",
    "device_control",
    "device_registry",
    "discovery",
    "orchestrator",
    "personality",
    "ai",
    "router",
    "stt",
    "tts",
    "virtual_home",
    "mosquitto",
)


async def _lamp_is_off(house: LiveHouse) -> int:
    """Bring the lamp into a known state; how many commands it has carried out."""
    async with asyncio.timeout(PATIENCE_S):
        while house.states.get(LAMP) is None or house.states[LAMP].values.get("power") is not False:
            await house.console.ask(
                SAY_TEXT,
                SayText(
                    turn_id=secrets.token_hex(8),
                    satellite="chaos",
                    text="turn off the kitchen light",
                ),
            )
            await house.until(LAMP, "power", value=False)
    return house.adapters[LAMP].applied


async def _phase(house: LiveHouse, phase: TurnPhase) -> None:
    async with house.console.hear(TURN, satellite=house.satellite.instance) as turns:
        async for turn in turns:
            if turn.phase is phase:
                return


async def _turn_with_a_kill(house: LiveHouse, victim: str, phase: TurnPhase) -> tuple[Heard, float]:
    """What the person heard, and how long the victim was away."""
    pid = await house.pid(victim)
    assert pid is not None
    reached = asyncio.create_task(_phase(house, phase))
    turn = asyncio.create_task(
        house.satellite.turn(played(read(TURN_ON, max_s=10).tobytes(), silence_s=20))
    )
    await reached
    if phase is TurnPhase.LISTENING:
        await asyncio.sleep(0.8)  # the middle of the sentence, not its first moment
    os.kill(pid, signal.SIGKILL)
    took = await house.back(victim, pid)
    return await turn, took


@pytest.mark.parametrize("victim", ROOMS)
@pytest.mark.parametrize("phase", [TurnPhase.LISTENING, TurnPhase.THINKING, TurnPhase.SPEAKING])
async def test_a_part_is_killed_in_the_middle_of_a_turn(
    house: LiveHouse, victim: str, phase: TurnPhase
) -> None:
    applied = await _lamp_is_off(house)

    heard, took = await _turn_with_a_kill(house, victim, phase)

    loudness = np.abs(np.frombuffer(heard.speech, np.int16)).max(initial=0)
    assert loudness > 3000, "the person hears something"
    record: Any = heard.record
    assert record is not None
    assert record.error is None, f"answered {record.error}"
    assert [action.outcome.value for action in record.actions] == ["confirmed"]
    await house.until(LAMP, "power", value=True)
    assert house.adapters[LAMP].applied == applied + 1, "once, and only once"
    assert took < BACK_WITHIN_S * max(1.0, house.ready["ready_s"] / STARTS_IN_S)
