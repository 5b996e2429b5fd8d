"""Moments: what a phrase of time comes to, said at a moment.

A clock of twelve hours that nobody took for morning or evening is the next such time; on another
day it is that of waking hours. What was taken is told in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alicia.contracts.schedules import After, At, Every, Sun, SunEvent, When
from alicia.errors import TimeNotUnderstoodError
from alicia.language.time_phrases import TimePhrase

_HALF_DAY, _DAY = 720, 1440
_DEFAULTS = {"morning": 480, "noon": 720, "afternoon": 900, "evening": 1140, "night": 1320}
"""Minutes of the day that a part of it stands for."""
_PARTS = {
    "am": (0, 720),
    "pm": (720, 1440),
    "morning": (240, 720),
    "noon": (660, 840),
    "afternoon": (720, 1080),
    "evening": (1020, 1440),
    "night": (1200, 1800),
}
"""From when to when a part of the day is."""
_SOME_TIME = 540
"""What a day stands for where only a reminder is asked for."""
_WEEK, _YEAR = 7, 366
_WAKING = 360
"""Minutes before which nobody means the morning of another day: "tomorrow at three"."""
_FIRST_WAKING = 240
"""From these minutes on an alarm means the morning: "wake me at half past four"."""
_NOON_ENDS = 240
_EVENING_BEGINS = {"evening": 180, "night": 360}
"""Minutes of twelve hours: those before come after midnight."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Moment:
    when: When
    local: datetime | None = None
    """When it is first, by the home's clock; None by the sun and for what is repeated."""
    clock: int | None = None
    """Minutes of the day of what is repeated."""


def moment(
    phrase: TimePhrase, now: datetime, *, early: bool = False, any_time: bool = False
) -> Moment:
    """When that is. `now` is by the home's clock, without a zone.

    `early`: the morning is meant where it is not said, as by an alarm of another day.
    `any_time`: a day alone will do.
    Raises TimeNotUnderstoodError where it does not say one moment.
    """
    p = phrase
    dated = sum(x is not None for x in (p.day, p.weekday, p.date))
    if p.after_s is not None:
        if dated or p.every or p.sun or p.clock is not None or p.part or p.interval_s:
            raise TimeNotUnderstoodError
        return Moment(_after(p.after_s), now + timedelta(seconds=p.after_s))
    if p.sun is not None:
        return _by_sun(p, dated)
    if p.interval_s is not None:
        return _interval(p, dated)
    if p.every is not None:
        return _every(p, dated, early=early)
    return _once(p, now, dated, early=early, any_time=any_time)


def asks_for_a_time(phrase: TimePhrase) -> bool:
    """Whether it names a day or a time of one, and nothing that takes its time or comes again."""
    p = phrase
    takes = (p.after_s, p.every, p.interval_s, p.sun, p.period_s)
    names = (p.clock, p.part, p.day, p.weekday, p.date)
    return all(x is None for x in takes) and any(x is not None for x in names)


def fits(local: datetime, phrase: TimePhrase, today: date) -> bool:
    """Whether a moment by the home's clock is at such a time: "tomorrow", "at seven"."""
    p = phrase
    dated = sum(x is not None for x in (p.day, p.weekday, p.date))
    if dated and local.date() not in _days(p, today):
        return False
    minutes = local.hour * 60 + local.minute
    if p.clock is not None:
        return minutes in {clock % _DAY for clock in _clocks(p)}
    begins, ends = _PARTS.get(p.part or "", (0, _DAY))
    return begins <= minutes < ends or begins <= minutes + _DAY < ends


def _after(seconds: float) -> After:
    if not 0 < seconds <= _YEAR * 86400:
        raise TimeNotUnderstoodError
    return After(seconds=seconds)


def _by_sun(p: TimePhrase, dated: int) -> Moment:
    if (dated and p.day != 0) or p.clock is not None or p.every not in (None, "*"):
        raise TimeNotUnderstoodError
    offset = p.offset_s or 0
    if abs(offset) > _HALF_DAY * 60:
        raise TimeNotUnderstoodError
    return Moment(Sun(event=SunEvent(p.sun), offset_s=offset, repeat=p.every is not None))


def _interval(p: TimePhrase, dated: int) -> Moment:
    seconds = int(p.interval_s or 0)
    if dated or p.every or p.part:
        raise TimeNotUnderstoodError
    if seconds and seconds % 86400 == 0:
        if p.clock is None:
            raise TimeNotUnderstoodError
        clock = _on_a_day(p, early=False) % _DAY
        rule = f"FREQ=DAILY;INTERVAL={seconds // 86400};{_by(clock)}"
        return Moment(Every(rule=rule), clock=clock)
    if p.clock is not None or seconds < 60 or seconds % 60:
        raise TimeNotUnderstoodError
    hourly = seconds % 3600 == 0
    every, unit = ("HOURLY", seconds // 3600) if hourly else ("MINUTELY", seconds // 60)
    return Moment(Every(rule=f"FREQ={every};INTERVAL={unit}"))


def _every(p: TimePhrase, dated: int, *, early: bool) -> Moment:
    if dated or (p.clock is None and p.part is None):
        raise TimeNotUnderstoodError
    clock = _on_a_day(p, early=early)
    days = p.every or "*"
    if clock >= _DAY and days != "*":  # Midnight of a Monday evening is a Tuesday's.
        days = ",".join(_DAYS[(_DAYS.index(day) + 1) % _WEEK] for day in days.split(","))
    freq = "FREQ=DAILY" if days == "*" else f"FREQ=WEEKLY;BYDAY={days}"
    return Moment(Every(rule=f"{freq};{_by(clock % _DAY)}"), clock=clock % _DAY)


def _by(clock: int) -> str:
    return f"BYHOUR={clock // 60};BYMINUTE={clock % 60}"


def _once(p: TimePhrase, now: datetime, dated: int, *, early: bool, any_time: bool) -> Moment:
    if dated > 1 or (p.clock is None and p.part is None and not (any_time and dated)):
        raise TimeNotUnderstoodError
    today = now.date()
    clocks = _clocks(p)
    if early and not dated and p.part is None and _FIRST_WAKING <= clocks[0] < _HALF_DAY:
        clocks = clocks[:1]  # Nobody who says "wake me at seven" means the evening.
    if p.day == 0 or not dated:
        days = [today] if p.day == 0 else [today, today + timedelta(days=1)]
        due = next((d for day in days for c in clocks if (d := _at(day, c)) > now), None)
    else:
        clock = _on_a_day(p, early=early)
        due = next((d for day in _days(p, today) if (d := _at(day, clock)) > now), None)
    if due is None:
        raise TimeNotUnderstoodError
    return Moment(At(local=due.isoformat()), due)


def _days(p: TimePhrase, today: date) -> list[date]:
    if p.day is not None:
        return [today + timedelta(days=p.day)]
    if p.weekday is not None:
        ahead = (p.weekday - today.weekday()) % _WEEK
        return [today + timedelta(days=ahead), today + timedelta(days=ahead + _WEEK)]
    month, day = p.date or (0, 0)
    found: list[date] = []
    for year in range(today.year, today.year + 5):
        try:
            found.append(date(year, month, day))
        except ValueError:  # There is none in this year: 29 February.
            continue
    return found


def _at(day: date, clock: int) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=clock)  # noqa: DTZ001 - the home's clock


def _clocks(p: TimePhrase) -> list[int]:
    """The minutes of a day that may be meant, the first one first."""
    if p.clock is None:
        return [_DEFAULTS.get(p.part or "", _SOME_TIME)]
    if p.part is not None:
        return [_of_part(p.clock, p.part, night=p.day == 0)]
    if p.exact:
        return [p.clock]
    return sorted({p.clock % _HALF_DAY, p.clock % _HALF_DAY + _HALF_DAY})


def _on_a_day(p: TimePhrase, *, early: bool) -> int:
    """Of another day, or of each: nobody knows a "next" one."""
    clocks = _clocks(p)
    return clocks[-1] if clocks[0] < (60 if early else _WAKING) else clocks[0]


def _of_part(clock: int, part: str, *, night: bool) -> int:
    """A clock of twelve hours in a part of the day; past 1440 after midnight."""
    if clock >= _HALF_DAY + 60:
        return clock
    early = clock % _HALF_DAY
    late = {"am": 0, "pm": _HALF_DAY, "afternoon": _HALF_DAY}
    if part in late:
        return early + late[part]
    if part in ("morning", "noon"):
        return early + _HALF_DAY if part == "noon" and early < _NOON_ENDS else clock
    if early >= _EVENING_BEGINS[part]:
        return early + _HALF_DAY
    return early + (_DAY if night or part == "evening" else 0)
