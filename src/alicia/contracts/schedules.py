"""Schedules: what is to happen later, when that is, and what came of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from alicia.contracts.conversation import TopicAction
from alicia.contracts.devices import Value
from alicia.contracts.kinds import Command, Event, Message, Personal, State

# ---- when ---------------------------------------------------------------------------------------


class After(Message):
    """So long after it was asked for."""

    kind: Literal["after"] = "after"
    seconds: float = Field(gt=0, le=366 * 86400)


class At(Message):
    """Once, by the home's clock.

    A time that is skipped in spring is as much later as the clock is put forward; of one that comes
    twice in autumn it is the first.
    """

    kind: Literal["at"] = "at"
    local: str
    """A date and time without a zone, ISO 8601: 2026-12-24T18:00:00"""


class Every(Message):
    """Again and again, by the home's clock."""

    kind: Literal["every"] = "every"
    rule: str
    """A recurrence rule of RFC 5545: FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=7;BYMINUTE=0. What it does not
    say it takes from `starting`; seconds are 0 unless it says them."""
    starting: str | None = None
    """The first moment that may count, local as in At; when it was asked for, where absent."""


class SunEvent(StrEnum):
    SUNRISE = "sunrise"
    SUNSET = "sunset"


class Sun(Message):
    """By the sun where the home is; needs the settings latitude and longitude."""

    kind: Literal["sun"] = "sun"
    event: SunEvent
    offset_s: float = Field(default=0, ge=-43200, le=43200)
    """After the event; negative before it."""
    repeat: bool = False
    """Every day; otherwise once, the next."""


class Becomes(Message):
    """When the state of an entity becomes so: true already is not enough.

    One of `value`, `above`, `below` is given (`above` and `below` together are a range).
    """

    kind: Literal["state"] = "state"
    entities: list[str] = Field(min_length=1)
    """Any of them."""
    capability: str
    value: Value | None = None
    above: float | None = None
    below: float | None = None
    for_s: float = Field(default=0, ge=0, le=86400)
    """How long it has to stay so without a break: a washing machine draws little now and again."""
    repeat: bool = False
    """Each time; otherwise once."""


When = Annotated[After | At | Every | Sun | Becomes, Field(discriminator="kind")]

# ---- what ---------------------------------------------------------------------------------------


class ScheduleKind(StrEnum):
    TIMER = "timer"
    """Rings until it is stopped. Its When is After."""
    ALARM = "alarm"
    """Rings until it is stopped."""
    REMINDER = "reminder"
    """Its text is said."""
    COMMANDS = "commands"
    """Its actions are carried out, with the rights that the maker has by then."""


class MissedPolicy(StrEnum):
    """What happens with a time that came while the house was off."""

    SKIP = "skip"
    """None of them is caught up."""
    ONCE = "once"
    """The last one is caught up."""
    ALL = "all"
    """Each of them is caught up."""


class Maker(Message):
    """For whom, and where it is said."""

    person: str | None = None
    """As in Control.on_behalf_of; absent: somebody who is not known."""
    satellite: str | None = None
    area_id: str | None = None
    """Where neither this nor the satellite is given, it is said where somebody spoke last."""
    language: str = "en"
    turn_id: str | None = None
    """The turn in which it was asked for."""


class CreateSchedule(Message):
    """Let this happen then.

    Raises (of `schedule.`) invalid, past, no_location, too_many.
    """

    schedule_id: str = Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")
    """Made by the asker; asked twice it is one."""
    kind: ScheduleKind
    when: When
    name: Personal | None = None
    """What it is called: pasta"""
    text: Personal | None = None
    """What a reminder says, as it is to be said."""
    actions: list[TopicAction] = Field(default_factory=list[TopicAction])
    said: Personal = ""
    """The sentence that asked for it, for the account."""
    maker: Maker = Maker()
    missed: MissedPolicy | None = None
    """Absent: once."""
    missed_within_s: float | None = Field(default=None, ge=0)
    """How late it may be caught up. Absent: an hour for what is said, five minutes for commands."""


class SchedulePhase(StrEnum):
    WAITING = "waiting"
    PAUSED = "paused"
    RINGING = "ringing"
    """Due, and not stopped yet."""
    DONE = "done"
    """Nothing more will come of it."""
    CANCELLED = "cancelled"


class Schedule(CreateSchedule):
    """What was made, and how it stands."""

    phase: SchedulePhase = SchedulePhase.WAITING
    created_at: float
    """Seconds since the epoch, as all that ends in _at."""
    next_at: float | None = None
    """When it is next due. Absent: by a state, paused, or over."""
    remaining_s: float | None = None
    """Of a timer: how long is left, paused or not, when this was said."""
    duration_s: float | None = None
    """Of a timer: its whole length, with what was added."""


class Which(Message):
    """Those schedules that wait, are paused or ring for which all that is given holds."""

    schedule_id: str | None = None
    kind: ScheduleKind | None = None
    name: Personal | None = None
    """Compared without regard to case."""
    person: str | None = None
    area_id: str | None = None
    satellite: str | None = None
    ringing: bool | None = None


class ListSchedules(Message):
    which: Which = Which()
    over: bool = False
    """Those that are done or cancelled too, as long as they are kept (a week)."""


class Schedules(Message):
    schedules: list[Schedule]
    """The next one first."""


class CancelSchedules(Message):
    """Stop them, ringing or not.

    Raises (of `schedule.`) unknown where there is none, ambiguous where there are several and not
    `all` of them are meant; nothing is cancelled then.
    """

    which: Which
    all: bool = False
    """However many there are."""


class AdjustTimer(Message):
    """Change a timer. Raises (of `schedule.`) unknown, ambiguous, not_a_timer, invalid."""

    which: Which
    """`kind` is timer where it says none."""
    adjustment_id: str = ""
    """Made by the asker; the same id adds once."""
    add_s: float = Field(default=0, ge=-366 * 86400, le=366 * 86400)
    """A timer that rings begins again with what is added."""
    pause: bool | None = None
    """True: stands still; False: runs on."""


class PreviewSchedule(Message):
    """When it would be due. Raises as CreateSchedule does, and unknown; nothing is changed."""

    when: When | None = None
    schedule_id: str | None = None
    """Of one that is there, instead of a When."""
    count: int = Field(default=5, ge=1, le=100)


class SchedulePreview(Message):
    due_at: list[float]
    """As many as there are; none where a state decides."""
    time_zone: str


CREATE_SCHEDULE: Command[CreateSchedule, Schedule] = Command(
    "system/schedule/create", CreateSchedule, reply=Schedule, idempotent=True
)
LIST_SCHEDULES: Command[ListSchedules, Schedules] = Command(
    "system/schedule/list", ListSchedules, reply=Schedules, idempotent=True
)
CANCEL_SCHEDULES: Command[CancelSchedules, Schedules] = Command(
    "system/schedule/cancel", CancelSchedules, reply=Schedules
)
ADJUST_TIMER: Command[AdjustTimer, Schedule] = Command(
    "system/schedule/adjust", AdjustTimer, reply=Schedule
)
PREVIEW_SCHEDULE: Command[PreviewSchedule, SchedulePreview] = Command(
    "system/schedule/preview", PreviewSchedule, reply=SchedulePreview, idempotent=True
)

# ---- what came of it ----------------------------------------------------------------------------


class RunOutcome(StrEnum):
    BEGUN = "begun"
    """It is being carried out, or rings."""
    DONE = "done"
    """It was heard, or every change was confirmed."""
    FAILED = "failed"
    """All or part of it: `errors` says why."""
    STOPPED = "stopped"
    """Somebody stopped the ringing."""
    MISSED = "missed"
    """It was due while the house was off, and is not caught up."""


class Run(Message):
    """One time that a schedule was due."""

    run_id: str
    """Of the schedule and the moment, the same after a restart; its Controls' ids begin with it."""
    schedule_id: str
    kind: ScheduleKind
    name: Personal | None = None
    due_at: float
    began_at: float
    outcome: RunOutcome
    late_s: float = 0
    """How long after it was due it began."""
    errors: list[str] = Field(default_factory=list[str])
    """Codes of what failed."""


class ListRuns(Message):
    schedule_id: str | None = None
    missed: bool = False
    """Only those that were missed."""
    since: float = 0
    limit: int = Field(default=50, ge=1, le=500)


class Runs(Message):
    runs: list[Run]
    """The newest first."""


class HomeTime(Message):
    """By what clock, and by what sun, the home lives."""

    time_zone: str
    """Of the IANA database: Europe/Berlin"""
    sun: bool
    """Whether sunrise and sunset are known: latitude and longitude are set."""


LIST_RUNS: Command[ListRuns, Runs] = Command(
    "system/schedule/runs", ListRuns, reply=Runs, idempotent=True
)
RUN: Event[Run] = Event("system/schedule/run/{schedule_id}", Run, expiry_s=60)
HOME_TIME: State[HomeTime] = State("system/schedule/home_time", HomeTime)
