"""What is planned happens in its time, once: with a clock whose hands the test turns."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alicia.contracts.conversation import TopicAction
from alicia.contracts.devices import CONTROL, STATE, Control, EntityState, Outcome, OutcomeKind
from alicia.contracts.devices import Result as Done
from alicia.contracts.satellites import ANNOUNCE, Announce, Announced, Report
from alicia.contracts.schedules import (
    ADJUST_TIMER,
    CANCEL_SCHEDULES,
    CREATE_SCHEDULE,
    HOME_TIME,
    LIST_RUNS,
    LIST_SCHEDULES,
    PREVIEW_SCHEDULE,
    RUN,
    AdjustTimer,
    After,
    At,
    Becomes,
    CancelSchedules,
    CreateSchedule,
    Every,
    ListRuns,
    ListSchedules,
    Maker,
    MissedPolicy,
    PreviewSchedule,
    Run,
    RunOutcome,
    Schedule,
    ScheduleKind,
    SchedulePhase,
    Sun,
    SunEvent,
    Which,
)
from alicia.contracts.system import PRESENCE, Phase
from alicia.contracts.voice import (
    CANCEL,
    STOP_TURN,
    TURN,
    TURN_ENDED,
    Cancel,
    CancelReason,
    StopTurn,
    Turn,
    TurnPhase,
    TurnRecord,
    TurnsStopped,
)
from alicia.errors import (
    AliciaError,
    AmbiguousScheduleError,
    InvalidScheduleError,
    NoLocationError,
    NoSatelliteError,
    NotATimerError,
    PastScheduleError,
    SettingsError,
    SetupError,
    TooManySchedulesError,
    UnavailableError,
    UnknownScheduleError,
)
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Folder, Settings
from alicia.services.supporting.event_scheduler import EventScheduler, keeping
from alicia.testing.clock import HandClock
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 30, 12, tzinfo=BERLIN).timestamp()
LAMP = "light.kitchen"
ON = TopicAction(entities=[LAMP], capability="power", value=True)
IN_THE_KITCHEN = Maker(
    person="anna", satellite="kitchen", area_id="kitchen", language="en", turn_id="t-1"
)
TIMER, ALARM, REMINDER, COMMANDS = ScheduleKind


class Herald(Service[Settings]):
    """In the router's place: notes what is to be heard, and where."""

    name = "router"

    def __init__(self) -> None:
        self.heard: list[Announce] = []
        self.stopped: list[StopTurn] = []
        self.errors: list[AliciaError] = []
        self.absent: set[str] = set()
        """Satellites that are not there."""
        self.sounds = asyncio.Event()
        """Cleared: what begins sounds until it is cut short."""
        self.sounds.set()

    @serves(ANNOUNCE, concurrency=8)
    async def announce(self, ask: Announce) -> Announced:
        self.heard.append(ask)
        if self.errors:
            raise self.errors.pop(0)
        where = (ask.targets.satellites or ask.targets.areas or ["anywhere"])[0]
        error = NoSatelliteError.code if where in self.absent else None
        if not self.sounds.is_set():
            await self.sounds.wait()
            error = "voice.cancelled"
        report = Report(satellite=where, sounded=error is None, error=error)
        return Announced(turn_id=ask.turn_id, reports=[report])

    @serves(STOP_TURN)
    async def stop_turn(self, ask: StopTurn) -> TurnsStopped:
        self.stopped.append(ask)
        self.sounds.set()
        return TurnsStopped(turn_ids=[ask.turn_id or ""])


class Hand(Service[Settings]):
    """In device_control's place: carries each id out once, as it does."""

    name = "device_control"
    says = (STATE,)

    def __init__(self) -> None:
        self.asked: list[Control] = []
        self.done: dict[str, int] = {}
        self.error: str | None = None
        self.leave = asyncio.Event()
        self.leave.set()

    @serves(CONTROL, concurrency=8)
    async def control(self, ask: Control) -> Outcome:
        self.asked.append(ask)
        self.done.setdefault(ask.command_id, 0)
        if self.done[ask.command_id] == 0:
            self.done[ask.command_id] += 1
        await self.leave.wait()
        return Outcome(
            command_id=ask.command_id,
            results=[
                Done(
                    entity_id=entity,
                    capability=ask.capability,
                    value=ask.value,
                    outcome=OutcomeKind.REFUSED if self.error else OutcomeKind.CONFIRMED,
                    error=self.error,
                )
                for entity in ask.entities
            ],
        )


@dataclass
class Home:
    """A home with a scheduler, and all that it said."""

    home: RunningHouse
    clock: HandClock
    scheduler: type[EventScheduler]
    herald: Herald
    hand: Hand
    runs: list[Run] = field(default_factory=list[Run])

    async def make(self, schedule_id: str, kind: ScheduleKind, when: Any, **told: Any) -> Schedule:
        told.setdefault("maker", IN_THE_KITCHEN)
        ask = CreateSchedule(schedule_id=schedule_id, kind=kind, when=when, **told)
        return await self.home.bus.ask(CREATE_SCHEDULE, ask)

    async def timer(self, schedule_id: str = "t", seconds: float = 600, **told: Any) -> Schedule:
        return await self.make(schedule_id, TIMER, After(seconds=seconds), **told)

    async def listed(self, *, over: bool = False, **which: Any) -> list[Schedule]:
        ask = ListSchedules(which=Which(**which), over=over)
        return (await self.home.bus.ask(LIST_SCHEDULES, ask)).schedules

    async def phase(self, schedule_id: str) -> SchedulePhase:
        (found,) = await self.listed(schedule_id=schedule_id, over=True)
        return found.phase

    async def until(self, fits: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not fits():  # noqa: ASYNC110 - what it looks at are lists
                await asyncio.sleep(0.002)

    async def ran(self, outcome: RunOutcome, number: int = 1) -> list[Run]:
        """All that ended so, once there are so many."""

        def found() -> list[Run]:
            return [run for run in self.runs if run.outcome is outcome]

        await self.until(lambda: len(found()) >= number)
        return found()

    async def goes_on(self, seconds: float) -> None:
        """The clock, once somebody waits for just that long."""
        await self.until(lambda: self.clock.now() + seconds in self.clock.waiting)
        self.clock.advance(seconds)

    async def heard(self, number: int) -> list[Announce]:
        await self.until(lambda: len(self.herald.heard) >= number)
        return self.herald.heard

    async def restart(self, *, after_s: float = 0, kill: bool = True) -> None:
        await (self.home.kill if kill else self.home.stop)(self.scheduler)
        self.clock.advance(after_s)
        await self.home.start(self.scheduler)

    async def quiet(self) -> None:
        """Time for what must not happen."""
        for _ in range(20):
            await asyncio.sleep(0.001)
        await self.listed()

    async def state(self, entity_id: str, **values: Any) -> None:
        now = self.clock.now()
        told = EntityState(entity_id=entity_id, available=True, values=values, changed_at=now)
        await self.hand.say(STATE, told)
        await self.quiet()


@asynccontextmanager
async def at_home(folder: Path, now: float = NOON, **settings: Any) -> AsyncGenerator[Home, None]:
    clock = HandClock(now)
    scheduler = type("TestScheduler", (EventScheduler,), {"clock": clock})
    own = {"time_zone": "Europe/Berlin", **settings}
    async with house(folder=folder, settings={"event_scheduler": own}) as running:
        herald, hand = await running.start(Herald), await running.start(Hand)
        await hand.say(
            STATE, EntityState(entity_id=LAMP, available=True, values={}, changed_at=now)
        )
        found = Home(running, clock, scheduler, herald, hand)

        async def follow() -> None:
            async for delivery in hearing:
                found.runs.append(delivery.message)

        async with running.bus.hear(RUN, limit=1024) as hearing:
            following = asyncio.create_task(follow())
            try:
                await running.start(scheduler)
                yield found
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)


# ---- timers -------------------------------------------------------------------------------------


async def test_a_timer_rings_where_it_was_made_until_somebody_stops_it(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        made = await home.timer(name="pasta")
        assert (made.next_at, made.remaining_s, made.duration_s) == (NOON + 600, 600, 600)
        home.clock.advance(599)
        await home.quiet()
        assert home.herald.heard == []
        home.clock.advance(1)
        (first,) = await home.heard(1)
        assert first.text == "The timer pasta is done."
        assert (first.targets.satellites, first.language, first.urgent) == (["kitchen"], "en", True)
        assert await home.phase("t") is SchedulePhase.RINGING
        for number in (2, 3):
            await home.goes_on(3)
            await home.heard(number)
        await home.home.bus.ask(CANCEL_SCHEDULES, CancelSchedules(which=Which(ringing=True)))
        await home.ran(RunOutcome.STOPPED)
        home.clock.advance(60)
        await home.quiet()
        assert len(home.herald.heard) == 3
        assert await home.phase("t") is SchedulePhase.CANCELLED


async def test_nobody_there_to_stop_it_it_ends_by_itself(tmp_path: Path) -> None:
    async with at_home(tmp_path, ring_s=7) as home:
        await home.timer(seconds=5)
        home.clock.advance(5)
        for number in (1, 2, 3):
            await home.heard(number)
            await home.goes_on(3)
        (done,) = await home.ran(RunOutcome.DONE)
        assert (done.due_at, done.errors) == (NOON + 5, [])
        assert len(home.herald.heard) == 3
        assert await home.phase("t") is SchedulePhase.DONE
        assert await home.listed() == []


@pytest.mark.parametrize("said", ["between", "over it", "elsewhere"])
async def test_stop_ends_the_ringing_of_the_room_where_it_was_said(
    tmp_path: Path, said: str
) -> None:
    async with at_home(tmp_path) as home:
        await home.timer(seconds=5)
        if said == "over it":
            home.herald.sounds.clear()
        home.clock.advance(5)
        await home.heard(1)
        if said == "over it":
            turn_id = home.herald.heard[0].turn_id
            cut = Cancel(turn_id=turn_id, satellite="kitchen", reason=CancelReason.STOP)
            await home.home.bus.say(CANCEL, cut)
            await home.quiet()
            home.herald.sounds.set()
        else:
            where = "kitchen" if said == "between" else "bedroom"
            stop = TurnRecord(
                turn_id="t-2",
                satellite=where,
                language="en",
                trace_id="",
                intent="Stop",
                started_at=0,
            )
            await home.home.bus.say(TURN_ENDED, stop)
        if said == "elsewhere":
            await home.quiet()
            assert await home.phase("t") is SchedulePhase.RINGING
        else:
            await home.ran(RunOutcome.STOPPED)
            assert await home.phase("t") is SchedulePhase.DONE


@pytest.mark.parametrize(
    "maker", [IN_THE_KITCHEN, Maker(area_id="kitchen"), Maker()], ids=["satellite", "area", "home"]
)
async def test_a_ring_does_not_interrupt_who_is_speaking_there(
    tmp_path: Path, maker: Maker
) -> None:
    async with at_home(tmp_path) as home:
        await home.home.bus.say(TURN, Turn(satellite="kitchen", phase=TurnPhase.LISTENING))
        await home.timer(seconds=5, maker=maker)
        home.clock.advance(5)
        await home.quiet()
        assert home.herald.heard == []
        await home.home.bus.say(TURN, Turn(satellite="kitchen", phase=TurnPhase.IDLE))
        await home.heard(1)


async def test_a_timer_stands_still_runs_on_and_is_made_longer(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.timer()

        async def adjust(**told: Any) -> Schedule:
            return await home.home.bus.ask(ADJUST_TIMER, AdjustTimer(which=Which(), **told))

        home.clock.advance(100)
        paused = await adjust(pause=True)
        assert (paused.phase, paused.next_at) == (SchedulePhase.PAUSED, None)
        await home.restart(after_s=10_000)
        (found,) = await home.listed()
        assert (found.phase, found.remaining_s) == (SchedulePhase.PAUSED, 500)
        longer = await adjust(add_s=60, adjustment_id="a-1")
        again = await adjust(add_s=60, adjustment_id="a-1")
        assert longer.remaining_s == again.remaining_s == 560
        on = await adjust(pause=False)
        assert on.next_at == home.clock.now() + 560
        assert (on.phase, on.duration_s) == (SchedulePhase.WAITING, 660)
        with pytest.raises(PastScheduleError):
            await adjust(add_s=-560)
        shorter = await adjust(add_s=-500)
        assert shorter.remaining_s == 60
        home.clock.advance(60)
        await home.heard(1)
        assert len(await home.listed(over=True)) == 1


async def test_more_time_for_a_timer_that_rings_begins_it_again(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.timer(seconds=5)
        home.clock.advance(5)
        await home.heard(1)
        ask = AdjustTimer(which=Which(ringing=True), add_s=300)
        more = await home.home.bus.ask(ADJUST_TIMER, ask)
        assert (more.phase, more.remaining_s) == (SchedulePhase.WAITING, 300)
        await home.ran(RunOutcome.STOPPED)
        home.clock.advance(300)
        await home.heard(2)
        assert await home.phase("t") is SchedulePhase.RINGING


async def test_of_several_timers_the_one_that_is_named_is_meant(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.timer("a", 600, name="Pasta")
        await home.timer("b", 300, name="eggs")
        await home.make("c", ALARM, At(local="2026-12-01T07:00:00"))

        async def cancel(*, all: bool = False, **which: Any) -> list[str]:  # noqa: A002 - its name
            ask = CancelSchedules(which=Which(**which), all=all)
            found = await home.home.bus.ask(CANCEL_SCHEDULES, ask)
            return [one.schedule_id for one in found.schedules]

        assert [one.schedule_id for one in await home.listed()] == ["b", "a", "c"]
        with pytest.raises(AmbiguousScheduleError):
            await cancel(kind=TIMER)
        with pytest.raises(UnknownScheduleError):
            await cancel(kind=TIMER, name="rice")
        ask = AdjustTimer(which=Which(schedule_id="c"), add_s=1)
        with pytest.raises(NotATimerError):
            await home.home.bus.ask(ADJUST_TIMER, ask)
        assert await cancel(kind=TIMER, name="pasta") == ["a"]
        await home.timer("d")
        assert await cancel(kind=TIMER, all=True) == ["b", "d"]
        assert [one.schedule_id for one in await home.listed(person="anna")] == ["c"]
        assert await home.listed(person="ben") == []


# ---- alarms, reminders, commands ----------------------------------------------------------------


async def test_an_alarm_rings_again_on_the_next_day(tmp_path: Path) -> None:
    async with at_home(tmp_path, ring_s=1) as home:
        rule = Every(rule="FREQ=DAILY;BYHOUR=7;BYMINUTE=0")
        maker = IN_THE_KITCHEN.model_copy(update={"language": "de"})
        made = await home.make("a", ALARM, rule, maker=maker)
        assert made.next_at is not None
        for day in (1, 2):
            home.clock.set(datetime(2026, 12, day, 7, tzinfo=BERLIN).timestamp())
            said = await home.heard(day)
            assert said[-1].text == "Es ist 07:00."
            await home.goes_on(3)
            await home.ran(RunOutcome.DONE, day)
            assert await home.phase("a") is SchedulePhase.WAITING


async def test_a_reminder_is_said_once_and_waits_for_somebody_to_hear_it(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.make("r", REMINDER, After(seconds=60), text="Water the plants.")
        home.herald.absent |= {"kitchen", "anywhere"}
        home.clock.advance(60)
        await home.heard(2)
        home.herald.absent.clear()
        await home.goes_on(10)
        await home.ran(RunOutcome.DONE)
        said = await home.heard(3)
        assert {one.text for one in said} == {"Reminder: Water the plants."}
        assert [one.targets.satellites for one in said] == [["kitchen"], [], ["kitchen"]]
        assert await home.phase("r") is SchedulePhase.DONE


async def test_what_nobody_can_hear_is_told_as_failed(tmp_path: Path) -> None:
    async with at_home(tmp_path, reminder_s=0) as home:
        home.herald.absent |= {"kitchen", "anywhere"}
        await home.make("r", REMINDER, After(seconds=60), text="Water the plants.")
        home.clock.advance(60)
        (run,) = await home.ran(RunOutcome.FAILED)
        assert run.errors == ["voice.no_satellite"]


async def test_a_delayed_command_goes_through_device_control_for_who_asked(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        off = ON.model_copy(update={"value": False, "capability": "playing"})
        await home.make("c", COMMANDS, After(seconds=60), actions=[ON, off], said="in a minute")
        home.clock.advance(60)
        (run,) = await home.ran(RunOutcome.DONE)
        assert [ask.command_id for ask in home.hand.asked] == [f"{run.run_id}-{n}" for n in (0, 1)]
        first = home.hand.asked[0]
        assert (first.entities, first.capability, first.value) == ([LAMP], "power", True)
        assert (first.on_behalf_of, first.origin, first.turn_id) == ("anna", "schedule", "t-1")
        assert not first.confirmed
        assert home.herald.heard == []


async def test_a_command_that_fails_is_told_in_the_makers_language(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.hand.error = UnavailableError.code
        maker = IN_THE_KITCHEN.model_copy(update={"language": "de"})
        await home.make("c", COMMANDS, After(seconds=60), actions=[ON], maker=maker)
        home.clock.advance(60)
        (run,) = await home.ran(RunOutcome.FAILED)
        assert run.errors == ["device.unavailable"]
        (said,) = home.herald.heard
        assert said.text.startswith("Was für 12:01 geplant war, hat nicht geklappt.")
        assert not said.urgent
        (kept,) = (await home.home.bus.ask(LIST_RUNS, ListRuns())).runs
        assert kept == run


async def test_each_sunset_by_the_place_in_the_settings(tmp_path: Path) -> None:
    async with at_home(tmp_path, latitude=52.52, longitude=13.405) as home:
        when = Sun(event=SunEvent.SUNSET, offset_s=-600, repeat=True)
        made = await home.make("s", COMMANDS, when, actions=[ON])
        assert made.next_at is not None
        assert datetime.fromtimestamp(made.next_at, BERLIN).strftime("%H:%M") == "15:46"
        home.clock.set(made.next_at)
        await home.ran(RunOutcome.DONE)
        (now,) = await home.listed()
        assert 86_000 < (now.next_at or 0) - made.next_at < 86_400
        ask = PreviewSchedule(schedule_id="s", count=3)
        due = (await home.home.bus.ask(PREVIEW_SCHEDULE, ask)).due_at
        assert due[0] == now.next_at
        assert len(due) == 3


async def test_without_a_place_the_sun_is_refused_and_the_house_says_so(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        with pytest.raises(NoLocationError, match="latitude"):
            await home.make("s", COMMANDS, Sun(event=SunEvent.SUNSET), actions=[ON])
        told = await home.home.until(HOME_TIME)
        assert (told.time_zone, told.sun) == ("Europe/Berlin", False)


async def test_half_a_place_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="together"):
        async with at_home(tmp_path, latitude=52.5):
            pass


# ---- states -------------------------------------------------------------------------------------


async def test_when_the_door_opens_the_light_goes_on_once(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.state("lock.door", locked=False)
        opens = Becomes(entities=["lock.door"], capability="locked", value=False)
        await home.make("w", COMMANDS, opens, actions=[ON])
        await home.state("lock.door", locked=False, battery=3.0)
        assert home.hand.asked == []
        await home.state("lock.door", locked=True)
        await home.state("lock.door", locked=False)
        await home.ran(RunOutcome.DONE)
        await home.state("lock.door", locked=True)
        await home.state("lock.door", locked=False)
        assert len(home.hand.asked) == 1
        assert await home.phase("w") is SchedulePhase.DONE


async def test_an_alarm_that_rings_because_of_a_state_rings_once(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.state("lock.door", locked=True)
        opens = Becomes(entities=["lock.door"], capability="locked", value=False)
        await home.make("w", ALARM, opens, name="the door")
        for locked in (False, True, False):
            await home.state("lock.door", locked=locked)
        (said,) = await home.heard(1)
        assert said.text == "The door: it is 12:00."
        assert len(await home.ran(RunOutcome.BEGUN)) == 1
        await home.home.bus.ask(CANCEL_SCHEDULES, CancelSchedules(which=Which()))
        await home.ran(RunOutcome.STOPPED)


async def test_each_time_it_gets_too_warm(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        warm = Becomes(entities=["sensor.t"], capability="temperature", above=25, repeat=True)
        await home.make("w", COMMANDS, warm, actions=[ON])
        for value in (24.0, 26.0, 27.0, 25.0, 25.5):
            home.clock.advance(60)
            await home.state("sensor.t", temperature=value)
        await home.ran(RunOutcome.DONE, 2)
        assert len(home.hand.asked) == 2
        assert await home.phase("w") is SchedulePhase.WAITING


async def test_what_became_so_while_nobody_looked_is_noticed(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        opens = Becomes(entities=["lock.door"], capability="locked", value=False, repeat=True)
        await home.make("w", COMMANDS, opens, actions=[ON])
        await home.state("lock.door", locked=True)
        await home.home.kill(home.scheduler)
        opened = EntityState(
            entity_id="lock.door", available=True, values={"locked": False}, changed_at=NOON + 5
        )
        await home.hand.say(STATE, opened)
        home.clock.advance(20)
        await home.home.start(home.scheduler)
        (run,) = await home.ran(RunOutcome.DONE)
        assert (run.due_at, run.late_s) == (NOON + 5, 15)
        await home.restart()
        await home.quiet()
        assert len(home.hand.asked) == 1


async def test_a_machine_is_done_when_it_has_drawn_little_for_long_enough(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.state("switch.washer", power_w=400.0)
        done = Becomes(entities=["switch.washer"], capability="power_w", below=10, for_s=120)
        await home.make("w", REMINDER, done, text="The washing machine is done.")
        await home.state("switch.washer", power_w=2.0)
        home.clock.advance(60)
        await home.state("switch.washer", power_w=300.0)  # it only soaked
        home.clock.advance(120)
        await home.quiet()
        assert await home.phase("w") is SchedulePhase.WAITING
        await home.state("switch.washer", power_w=2.0)
        home.clock.advance(60)
        await home.state("switch.washer", power_w=1.0)
        await home.restart()  # it has been so since before
        await home.state("switch.washer", power_w=1.0)
        home.clock.advance(120)
        (said,) = await home.heard(1)
        assert said.text == "The washing machine is done."
        assert await home.phase("w") is SchedulePhase.DONE


# ---- the house goes off and comes back ----------------------------------------------------------


async def test_who_was_killed_before_it_was_due_has_forgotten_nothing(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.timer()
        await home.make("c", COMMANDS, After(seconds=600), actions=[ON])
        await home.restart(after_s=300)
        home.clock.advance(300)
        await home.heard(1)
        await home.ran(RunOutcome.DONE)
        assert list(home.hand.done.values()) == [1]


async def test_killed_in_the_middle_of_a_command_it_is_carried_out_once(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        dim = TopicAction(entities=[LAMP], capability="brightness", value=10.0, relative=True)
        await home.make("c", COMMANDS, After(seconds=60), actions=[dim])
        home.hand.leave.clear()
        home.clock.advance(60)
        await home.until(lambda: len(home.hand.asked) == 1)
        await home.restart(after_s=1)
        await home.until(lambda: len(home.hand.asked) == 2)
        home.hand.leave.set()
        (run,) = await home.ran(RunOutcome.DONE)
        assert home.hand.done == {f"{run.run_id}-0": 1}
        assert {ask.command_id for ask in home.hand.asked} == {f"{run.run_id}-0"}
        await home.restart()
        await home.quiet()
        assert len(home.hand.asked) == 2


async def test_a_command_that_was_begun_long_ago_is_not_gone_on_with(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.make("c", COMMANDS, After(seconds=60), actions=[ON])
        home.hand.leave.clear()
        home.clock.advance(60)
        await home.until(lambda: len(home.hand.asked) == 1)
        await home.restart(after_s=4000)
        (run,) = await home.ran(RunOutcome.FAILED)
        assert run.errors == ["schedule.interrupted"]
        assert len(home.hand.asked) == 1
        home.hand.leave.set()


@pytest.mark.parametrize("kill", [True, False])
async def test_who_is_ended_while_it_rings_rings_on(tmp_path: Path, *, kill: bool) -> None:
    async with at_home(tmp_path) as home:
        await home.timer(seconds=5)
        home.clock.advance(5)
        await home.heard(1)
        await home.restart(after_s=2, kill=kill)
        await home.heard(2)
        assert await home.phase("t") is SchedulePhase.RINGING
        await home.home.bus.ask(CANCEL_SCHEDULES, CancelSchedules(which=Which()))
        (run,) = await home.ran(RunOutcome.STOPPED)
        assert run.due_at == NOON + 5


async def test_what_was_done_before_the_crash_is_not_done_again(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.make("c", COMMANDS, After(seconds=60), actions=[ON])
        await home.make("r", REMINDER, After(seconds=60), text="Tea.")
        home.clock.advance(60)
        await home.ran(RunOutcome.DONE, 2)
        await home.restart(after_s=60)
        await home.quiet()
        assert (len(home.hand.asked), len(home.herald.heard)) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "policy", "late_s", "happens"),
    [
        (REMINDER, None, 1800, 1),
        (REMINDER, None, 7200, 0),
        (REMINDER, MissedPolicy.SKIP, 60, 0),
        (TIMER, None, 1800, 1),
        (TIMER, None, 7200, 0),
        (COMMANDS, None, 200, 1),
        (COMMANDS, None, 1800, 0),
        (COMMANDS, MissedPolicy.SKIP, 200, 0),
        (COMMANDS, MissedPolicy.SKIP, 20, 1),
    ],
)
async def test_what_was_missed_is_caught_up_as_each_says(
    tmp_path: Path, kind: ScheduleKind, policy: MissedPolicy | None, late_s: float, happens: int
) -> None:
    async with at_home(tmp_path) as home:
        told: dict[str, Any] = {"text": "Tea."} if kind is REMINDER else {}
        told |= {"actions": [ON]} if kind is COMMANDS else {}
        await home.make("x", kind, After(seconds=60), missed=policy, **told)
        await home.restart(after_s=60 + late_s)
        if happens:
            await home.until(lambda: bool(home.hand.asked or home.herald.heard))
            (begun,) = await home.ran(RunOutcome.BEGUN)
            assert begun.late_s == late_s
            if kind is not COMMANDS:
                assert "It was due at 12:01, but I was off." in home.herald.heard[0].text
            return
        (run,) = await home.ran(RunOutcome.MISSED)
        (said,) = await home.heard(1)
        assert said.text.startswith("While I was off, this was missed: ")
        assert not said.urgent
        assert home.hand.asked == []
        asked = await home.home.bus.ask(LIST_RUNS, ListRuns(missed=True))
        assert asked.runs == [run]
        assert await home.phase("x") is SchedulePhase.DONE


async def test_each_time_that_was_missed_is_caught_up_where_all_are_wanted(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        hourly = Every(rule="FREQ=HOURLY;BYMINUTE=0")
        await home.make(
            "all", COMMANDS, hourly, actions=[ON], missed=MissedPolicy.ALL, missed_within_s=3700
        )
        await home.make("once", REMINDER, hourly, text="Tea.", missed_within_s=3700)
        await home.restart(after_s=4 * 3600 + 60)
        done = await home.ran(RunOutcome.DONE, 3)
        due = sorted((run.schedule_id, (run.due_at - NOON) / 3600) for run in done)
        assert due == [("all", 3), ("all", 4), ("once", 4)]
        missed = await home.ran(RunOutcome.MISSED, 5)
        assert len(missed) == 5
        assert {one.phase for one in await home.listed()} == {SchedulePhase.WAITING}


async def test_a_clock_that_is_put_back_rings_nothing_twice(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.make("r", REMINDER, At(local="2026-11-30T12:10:00"), text="Tea.")
        home.clock.advance(600)
        await home.ran(RunOutcome.DONE)
        home.clock.advance(-3600)
        await home.restart()
        home.clock.advance(3600)
        await home.quiet()
        assert len(home.herald.heard) == 1


async def test_a_disk_that_fails_stops_no_timer_and_the_house_says_so(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.timer(seconds=5)
        path = Folder(tmp_path).state("event_scheduler") / "schedules.db"
        with closing(sqlite3.connect(path)) as other:
            other.execute("ALTER TABLE run RENAME TO gone")
            home.clock.advance(5)
            await home.heard(1)
            await home.home.until(PRESENCE, lambda p: p.phase is Phase.DEGRADED)
            other.execute("ALTER TABLE gone RENAME TO run")
        await home.home.bus.ask(CANCEL_SCHEDULES, CancelSchedules(which=Which()))
        await home.home.until(
            PRESENCE, lambda p: p.service == "event_scheduler" and p.phase is Phase.READY
        )
        (kept,) = (await home.home.bus.ask(LIST_RUNS, ListRuns())).runs
        assert kept.outcome is RunOutcome.STOPPED


async def test_what_can_not_be_written_is_not_promised(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        path = Folder(tmp_path).state("event_scheduler") / "schedules.db"
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE schedule")
        with pytest.raises(SetupError):
            await home.timer()
        assert await home.listed() == []


async def test_schedules_that_can_not_be_read_are_not_begun_afresh(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.timer()
    path = Folder(tmp_path).state("event_scheduler") / "schedules.db"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE schedule SET told = '{}'")
    with pytest.raises(SetupError, match="Restore a backup"):
        async with at_home(tmp_path):
            pass


# ---- making -------------------------------------------------------------------------------------


async def test_asked_twice_it_is_one(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        first = await home.timer()
        home.clock.advance(10)
        again = await home.timer()
        assert (again.created_at, again.next_at) == (first.created_at, first.next_at)
        await home.home.bus.ask(CANCEL_SCHEDULES, CancelSchedules(which=Which()))
        assert (await home.timer()).phase is SchedulePhase.CANCELLED


@pytest.mark.parametrize(
    ("kind", "when", "told"),
    [
        (TIMER, At(local="2026-12-01T07:00:00"), {}),
        (REMINDER, After(seconds=5), {"text": "  "}),
        (COMMANDS, After(seconds=5), {}),
        (COMMANDS, After(seconds=5), {"actions": [ON.model_copy(update={"entities": []})]}),
        (ALARM, Every(rule="FREQ=NEVER"), {}),
    ],
)
async def test_what_can_not_be_kept_is_refused(
    tmp_path: Path, kind: ScheduleKind, when: Any, told: dict[str, Any]
) -> None:
    async with at_home(tmp_path) as home:
        with pytest.raises(InvalidScheduleError):
            await home.make("x", kind, when, **told)
        assert await home.listed(over=True) == []


async def test_there_is_a_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST", 1)
    async with at_home(tmp_path) as home:
        await home.timer("a")
        with pytest.raises(TooManySchedulesError):
            await home.timer("b")


async def test_a_preview_plans_nothing(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        ask = PreviewSchedule(when=Every(rule="FREQ=DAILY;BYHOUR=7;BYMINUTE=0"), count=2)
        found = await home.home.bus.ask(PREVIEW_SCHEDULE, ask)
        assert [datetime.fromtimestamp(t, BERLIN).isoformat() for t in found.due_at] == [
            "2026-12-01T07:00:00+01:00",
            "2026-12-02T07:00:00+01:00",
        ]
        assert await home.listed(over=True) == []
        with pytest.raises(InvalidScheduleError):
            await home.home.bus.ask(PREVIEW_SCHEDULE, PreviewSchedule())
        with pytest.raises(UnknownScheduleError):
            await home.home.bus.ask(PREVIEW_SCHEDULE, PreviewSchedule(schedule_id="none"))
