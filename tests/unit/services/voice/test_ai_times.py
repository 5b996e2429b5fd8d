"""Sentences about time reach the keeper of time, and are answered from what it confirms."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from alicia.contracts.devices import STATE
from alicia.contracts.schedules import (
    LIST_SCHEDULES,
    ListSchedules,
    Schedule,
    ScheduleKind,
    Which,
)
from alicia.contracts.voice import (
    PREVIEW,
    UNDERSTAND,
    Completeness,
    Preview,
    Understand,
    Understood,
)
from alicia.errors import NoTimekeeperError, OpensLaterError, TimeNotUnderstoodError
from alicia.services.supporting.event_scheduler import EventScheduler
from alicia.testing.running import RunningHouse

from .test_ai import LAMP, changes, demo

_turns = count()


async def told(home: RunningHouse, text: str, language: str = "en", **more: Any) -> Understood:
    ask = Understand(
        turn_id=f"t{next(_turns)}", text=text, language=language, satellite="s1", **more
    )
    return await home.bus.ask(UNDERSTAND, ask, deadline_s=20)


async def kept(home: RunningHouse, kind: ScheduleKind) -> list[Schedule]:
    found = await home.bus.ask(LIST_SCHEDULES, ListSchedules(which=Which(kind=kind)))
    return found.schedules


async def is_on(home: RunningHouse) -> object:
    return (await home.until(STATE, entity_id=LAMP)).values["power"]


async def test_what_is_said_of_time_is_kept_told_changed_and_cancelled(tmp_path: Path) -> None:
    own = {"time_zone": "Europe/Berlin"}
    async with demo(tmp_path, event_scheduler=own) as home:
        await home.start(EventScheduler)

        # What needs a PIN is not promised for a time when nobody says it.
        for opening in ("unlock the front door in ten minutes", "open the garage door at eight"):
            with pytest.raises(OpensLaterError):
                await told(home, opening, speaker="ada")
        assert await kept(home, ScheduleKind.COMMANDS) == []

        # A timer lives by voice.
        started = await told(home, "Set a pasta timer for ten minutes", speaker="ada")
        assert started.reply == "Pasta: 10 minutes, starting now."
        (timer,) = await kept(home, ScheduleKind.TIMER)
        assert (timer.name, timer.maker.person, timer.maker.satellite) == ("pasta", "ada", "s1")
        left = (await told(home, "how long is left?")).reply
        assert left.endswith("left on the pasta timer.")
        assert left.startswith(("10 minutes", "9 minutes and"))
        paused = (await told(home, "pause the timer")).reply
        assert paused.startswith("The pasta timer is paused")
        assert (await told(home, "add ten minutes")).reply.startswith("The pasta timer now has")
        cancelled = await told(home, "cancel the pasta timer")
        assert cancelled.reply == "The pasta timer is cancelled."
        assert (await told(home, "which timers are running?")).reply == "No timer is running."

        # A command with a time is kept, and not done.
        later = await told(home, "turn on the kitchen light in half an hour")
        assert later.reply == "Okay, in 30 minutes: turn on the kitchen light."
        assert later.actions == []
        (command,) = await kept(home, ScheduleKind.COMMANDS)
        assert [(a.entities, a.value) for a in command.actions] == [([LAMP], True)]

        # What can't be understood, or is only supposed, changes nothing.
        with pytest.raises(TimeNotUnderstoodError):
            await told(home, "turn on the kitchen light tomorrow")
        supposed = await told(home, "set a timer for one minute", dry_run=True)
        assert supposed.reply == "1 minute, starting now."
        assert await kept(home, ScheduleKind.TIMER) == []
        assert await is_on(home) is False

        # The recording is not searched for a sentence that would be without its time.
        heard = Preview(
            utterance_id="u1",
            turn_id="t",
            text="turn on the kitchen light in ten minutes",
            language="en",
        )
        previewed = await home.bus.ask(PREVIEW, heard, deadline_s=20)
        assert (previewed.completeness, previewed.likely) == (Completeness.UNKNOWN, [])
        assert not previewed.meant

        # For a while: now, and undone later.
        for_a_while = await told(home, "turn on the kitchen light for ten minutes")
        assert changes(for_a_while) == {LAMP: ("power", True, "confirmed")}
        assert for_a_while.reply.endswith("That will be undone in 10 minutes.")
        undo = (await kept(home, ScheduleKind.COMMANDS))[0]
        assert [(a.entities, a.value) for a in undo.actions] == [([LAMP], False)]

        # Others are told in their language.
        alarm = await told(home, "Weck mich übermorgen um halb sieben", "de")
        assert alarm.reply.startswith("Der Wecker ist gestellt: am ")
        assert alarm.reply.endswith(" um 6:30 Uhr.")


async def test_without_a_keeper_of_time_nothing_is_done(tmp_path: Path) -> None:
    async with demo(tmp_path) as home:
        for text in ("set a timer for ten minutes", "turn on the kitchen light for ten minutes"):
            with pytest.raises(NoTimekeeperError):
                await told(home, text)
        assert await is_on(home) is False
