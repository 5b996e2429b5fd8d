"""Agenda: what becomes of a schedule when its time comes, is missed or is changed.

Nothing here waits, stores or speaks: a schedule goes in, and comes out as it stands then.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from alicia.contracts.devices import Value
from alicia.contracts.schedules import (
    AdjustTimer,
    After,
    Becomes,
    CreateSchedule,
    MissedPolicy,
    Run,
    RunOutcome,
    Schedule,
    ScheduleKind,
    SchedulePhase,
    Which,
)
from alicia.errors import (
    InterruptedScheduleError,
    InvalidScheduleError,
    NotATimerError,
    PastScheduleError,
)
from alicia.home.calendar import Calendar

ON_TIME_S = 30.0
"""Later than this it was missed, and the policy decides."""
SAID_WITHIN_S = 3600.0
CARRIED_OUT_WITHIN_S = 300.0
KEPT_MISSED = 20
"""Of one schedule at a time, the last ones."""
_MOST_TIMES = 20_000
"""Every minute for two weeks."""
RINGS = (ScheduleKind.TIMER, ScheduleKind.ALARM)
ACTIVE = (SchedulePhase.WAITING, SchedulePhase.PAUSED, SchedulePhase.RINGING)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now."""

    schedule: Schedule
    """As it stands from now on."""
    runs: list[Run]
    """To be carried out."""
    missed: list[Run]
    """Not any more."""


def made(ask: CreateSchedule, calendar: Calendar, now: float) -> Schedule:
    """Raises InvalidScheduleError, PastScheduleError, NoLocationError."""
    _require_content(ask)
    timer = ask.when if isinstance(ask.when, After) and ask.kind is ScheduleKind.TIMER else None
    return Schedule(
        **dict(ask),
        created_at=now,
        next_at=calendar.check(ask.when, now),
        duration_s=timer.seconds if timer else None,
    )


def _require_content(ask: CreateSchedule) -> None:
    reason = None
    match ask.kind:
        case ScheduleKind.TIMER if not isinstance(ask.when, After):
            reason = "a timer is told how long it runs"
        case ScheduleKind.REMINDER if not (ask.text or "").strip():
            reason = "a reminder has a text"
        case ScheduleKind.COMMANDS if not ask.actions:
            reason = "there is nothing to be done"
        case ScheduleKind.COMMANDS if not all(action.entities for action in ask.actions):
            reason = "an action is for somebody"
        case _:
            pass
    if reason is not None:
        raise InvalidScheduleError(kind=ask.kind.value, reason=reason)


# ---- its time has come --------------------------------------------------------------------------


def due(schedule: Schedule, calendar: Calendar, now: float) -> Due | None:
    """None where its time has not come."""
    first = schedule.next_at
    if first is None or first > now or schedule.phase is SchedulePhase.PAUSED:
        return None
    times, coming = [first], None
    if not isinstance(schedule.when, After):  # a timer may have been made shorter
        made_at = schedule.created_at
        later = calendar.preview(schedule.when, made_at=made_at, after=first, count=_MOST_TIMES)
        times += takewhile(lambda moment: moment <= now, later)
        coming = calendar.next(schedule.when, made_at=made_at, after=now)
    kept = _kept(schedule, times, now)
    missed = [moment for moment in times if moment not in kept][-KEPT_MISSED:]
    return Due(
        _after(schedule, coming, running=bool(kept)),
        [run_of(schedule, moment, now) for moment in sorted(kept)],
        [run_of(schedule, moment, now, RunOutcome.MISSED) for moment in missed],
    )


def broken(schedule: Schedule, error: str, now: float) -> Due:
    """When it is due next can't be reckoned any more: it is over."""
    run = run_of(schedule, schedule.next_at or now, now, RunOutcome.FAILED)
    return Due(
        _after(schedule, None, running=False), [], [run.model_copy(update={"errors": [error]})]
    )


def taken_up(schedule: Schedule, run: Run, now: float) -> Run:
    """A run that was begun before a crash: later by then, and failed where it is too late."""
    said = schedule.kind is not ScheduleKind.COMMANDS
    late = now - run.began_at > (SAID_WITHIN_S if said else CARRIED_OUT_WITHIN_S)
    failed = {"outcome": RunOutcome.FAILED, "errors": [InterruptedScheduleError.code]}
    return run.model_copy(
        update={"late_s": max(run.late_s, now - run.due_at), **(failed if late else {})}
    )


def triggered(schedule: Schedule, changed_at: float, now: float) -> Due:
    """A state has become what it waits for."""
    moment = min(changed_at, now)
    again = isinstance(schedule.when, Becomes) and schedule.when.repeat
    kept = bool(_kept(schedule, [moment], now))
    run = run_of(schedule, moment, now, RunOutcome.BEGUN if kept else RunOutcome.MISSED)
    after = _after(schedule, None, running=kept, again=again)
    return Due(after, [run] if kept else [], [] if kept else [run])


def ended(schedule: Schedule) -> Schedule:
    """A ring is over."""
    again = isinstance(schedule.when, Becomes) and schedule.when.repeat
    return _after(schedule, schedule.next_at, running=False, again=again)


def _kept(schedule: Schedule, times: list[float], now: float) -> set[float]:
    said = schedule.kind is not ScheduleKind.COMMANDS
    within = schedule.missed_within_s
    if within is None:
        within = SAID_WITHIN_S if said else CARRIED_OUT_WITHIN_S
    match schedule.missed or MissedPolicy.ONCE:
        case MissedPolicy.SKIP:
            within, times = ON_TIME_S, times[-1:]
        case MissedPolicy.ONCE:
            times = times[-1:]
        case MissedPolicy.ALL:
            times = times[-1:] if schedule.kind in RINGS else times[-KEPT_MISSED:]
    return {moment for moment in times if now - moment <= max(within, ON_TIME_S)}


def _after(
    schedule: Schedule, coming: float | None, *, running: bool, again: bool = False
) -> Schedule:
    if running and schedule.kind in RINGS:
        phase = SchedulePhase.RINGING
    else:
        phase = SchedulePhase.WAITING if coming is not None or again else SchedulePhase.DONE
    return schedule.model_copy(update={"phase": phase, "next_at": coming, "remaining_s": None})


def run_of(
    schedule: Schedule, moment: float, now: float, outcome: RunOutcome = RunOutcome.BEGUN
) -> Run:
    return Run(
        run_id=f"{schedule.schedule_id}-{round(moment * 1000)}",
        schedule_id=schedule.schedule_id,
        kind=schedule.kind,
        name=schedule.name,
        due_at=moment,
        began_at=now,
        outcome=outcome,
        late_s=max(0.0, now - moment),
    )


# ---- states -------------------------------------------------------------------------------------


def holds(when: Becomes, value: Value | None) -> bool | None:
    """Whether a state is what is waited for; None where that can't be said."""
    if value is None:
        return None
    if when.value is not None:
        return value == when.value
    if isinstance(value, (bool, str)):
        return None
    above = when.above is None or value > when.above
    return above and (when.below is None or value < when.below)


# ---- changes ------------------------------------------------------------------------------------


def adjusted(schedule: Schedule, ask: AdjustTimer, now: float) -> Schedule:
    """Raises NotATimerError, PastScheduleError, InvalidScheduleError."""
    if schedule.kind is not ScheduleKind.TIMER:
        raise NotATimerError(name=schedule.name)
    rings = schedule.phase is SchedulePhase.RINGING
    if rings and ask.pause is not None:
        raise InvalidScheduleError(reason="it rings already")
    if rings and ask.add_s <= 0:
        raise PastScheduleError
    left = (remaining(schedule, now) or 0) + ask.add_s
    if left <= 0:
        raise PastScheduleError
    stands = schedule.phase is SchedulePhase.PAUSED if ask.pause is None else ask.pause
    return schedule.model_copy(
        update={
            "phase": SchedulePhase.PAUSED if stands else SchedulePhase.WAITING,
            "next_at": None if stands else now + left,
            "remaining_s": left if stands else None,
            "duration_s": (schedule.duration_s or 0) + ask.add_s,
        }
    )


def remaining(schedule: Schedule, now: float) -> float | None:
    """Of a timer: how long is left."""
    if schedule.kind is not ScheduleKind.TIMER or schedule.phase not in ACTIVE:
        return None
    if schedule.phase is SchedulePhase.PAUSED:
        return schedule.remaining_s
    return max(0.0, (schedule.next_at or now) - now)


def shown(schedule: Schedule, now: float) -> Schedule:
    """As it is told to others."""
    return schedule.model_copy(update={"remaining_s": remaining(schedule, now)})


def fits(schedule: Schedule, which: Which) -> bool:
    """Whether all that is given holds."""
    name = (schedule.name or "").casefold().strip()
    pairs = (
        (which.schedule_id, schedule.schedule_id),
        (which.kind, schedule.kind),
        (None if which.name is None else which.name.casefold().strip(), name),
        (which.person, schedule.maker.person),
        (which.area_id, schedule.maker.area_id),
        (which.satellite, schedule.maker.satellite),
        (which.ringing, schedule.phase is SchedulePhase.RINGING),
    )
    return all(wanted is None or wanted == own for wanted, own in pairs)
