"""A timer and a delayed command in the real house: an announcement is asked for, a lamp goes on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.e2e.test_cli import alicia

from alicia.contracts.conversation import TopicAction
from alicia.contracts.satellites import (
    PLAYED,
    SATELLITE_HERE,
    SOUND,
    Played,
    SatelliteHere,
    Sound,
)
from alicia.contracts.schedules import (
    CREATE_SCHEDULE,
    LIST_RUNS,
    LIST_SCHEDULES,
    RUN,
    After,
    CreateSchedule,
    ListRuns,
    ListSchedules,
    RunOutcome,
    ScheduleKind,
    SchedulePhase,
    Which,
)
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAMP = "light.bedroom_lamp"


async def told(house: LiveHouse, *words: str) -> Any:
    """What a command says as JSON."""
    done = await asyncio.to_thread(alicia, house.folder.root, "schedule", *words, "--json")
    assert done.code == 0, done
    return json.loads(done.out)


async def test_a_timer_is_heard_until_it_is_cancelled_and_a_lamp_goes_on_later(
    house: LiveHouse,
) -> None:
    own = house.satellite
    here = SatelliteHere(satellite="bench", instance=own.instance, area_id="kitchen")
    await own.ask(SATELLITE_HERE, here)
    sounds: list[Sound] = []
    async with asyncio.timeout(PATIENCE_S):
        await house.reported([LAMP])
    before = house.states[LAMP].values["power"]
    later = CreateSchedule(
        schedule_id="lamp-later",
        kind=ScheduleKind.COMMANDS,
        when=After(seconds=0.5),
        actions=[TopicAction(entities=[LAMP], capability="power", value=not before)],
    )
    async with (
        own.hear(SOUND, satellite="bench") as heard,
        house.console.hear(RUN, schedule_id="lamp-later") as runs,
        asyncio.timeout(60),
    ):
        await house.console.ask(CREATE_SCHEDULE, later)
        made = await told(house, "timer", "1s", "--name", "pasta", "--satellite", "bench")
        async for sound in heard:
            sounds.append(sound)
            done = Played(turn_id=sound.turn_id, satellite="bench", ms=900)
            await own.say(PLAYED, done)
            if len(sounds) == 2:
                break
        outcomes: list[RunOutcome] = []
        async for run in runs:
            outcomes.append(run.outcome)
            if run.outcome is not RunOutcome.BEGUN:
                break
        ask = ListSchedules(which=Which(schedule_id=made["schedule_id"]))
        (listed,) = (await house.console.ask(LIST_SCHEDULES, ask)).schedules
        assert listed.phase is SchedulePhase.RINGING
        (cancelled,) = (await told(house, "cancel", "pasta"))["schedules"]
        assert cancelled["phase"] == "cancelled"
    assert {sound.text for sound in sounds} == {"The timer pasta is done."}
    assert outcomes == [RunOutcome.BEGUN, RunOutcome.DONE]
    async with asyncio.timeout(PATIENCE_S):
        await house.until(LAMP, "power", not before)
    kept = (await house.console.ask(LIST_RUNS, ListRuns(schedule_id="lamp-later"))).runs
    assert [run.outcome for run in kept] == [RunOutcome.DONE]
