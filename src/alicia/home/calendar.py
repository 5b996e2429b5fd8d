"""Calendar: when something is due, by the clock and the sun of one home.

A time that the clock skips in spring is as much later as it is put forward; of one that it shows
twice in autumn the first counts. What comes more often than daily goes on through both of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr
from tzlocal import get_localzone_name

from alicia.contracts.schedules import After, At, Becomes, Every, Sun, SunEvent, When
from alicia.errors import InvalidScheduleError, NoLocationError, PastScheduleError, SettingsError
from alicia.home.sun import Place, sunrise, sunset

_PART = re.compile(r"[A-Z]+=[A-Z0-9,+-]+")
_SUB_DAILY = {"HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1)}
_SHIFTED = {**_SUB_DAILY, "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
"""Steps that are always as long by the clock: a rule of these can begin later, in step."""
_OFTEN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYHOUR", "BYMINUTE"}
"""What a rule with steps below a day may say."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FAR = {True: timedelta(days=370), False: timedelta(days=40 * 366)}
"""How far ahead a rule is followed, by whether it holds more often than daily."""
_MOST = 10_000
_YEARS = (1970, 2200)
_SUN_DAYS = 370
"""A night of the poles is shorter."""


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; this machine's where it is empty. Raises SettingsError."""
    try:
        return ZoneInfo(name or get_localzone_name() or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            "That is no time zone. Names are like Europe/Berlin.", given=name
        ) from error


class Calendar:
    """Moments are seconds since the epoch."""

    def __init__(self, zone: ZoneInfo, place: Place | None = None) -> None:
        self.zone = zone
        self.place = place

    def local(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment, self.zone)

    def check(self, when: When, now: float) -> float | None:
        """When it is due first; None where a state decides.

        Raises InvalidScheduleError, PastScheduleError, NoLocationError.
        """
        if isinstance(when, Becomes):
            _check_state(when)
            return None
        due = self.next(when, made_at=now, after=now)
        if due is None:
            raise PastScheduleError
        return due

    def next(self, when: When, *, made_at: float, after: float) -> float | None:
        """The first time after that moment; None where there is none, or a state decides.

        Raises InvalidScheduleError, NoLocationError.
        """
        return next(self._times(when, made_at, after), None)

    def preview(self, when: When, *, made_at: float, after: float, count: int) -> list[float]:
        """The next times, as many as there are. Raises as `check`, save that none is no error."""
        if isinstance(when, Becomes):
            _check_state(when)
        return list(islice(self._times(when, made_at, after), count))

    def _times(self, when: When, made_at: float, after: float) -> Iterator[float]:
        match when:
            case After():
                once: float | None = made_at + when.seconds
            case At():
                once = self._moment(_naive(when.local))
            case Every():
                yield from self._recurring(when, made_at, after)
                return
            case Sun():
                times = self._by_sun(when, after if when.repeat else made_at)
                if when.repeat:
                    yield from times
                    return
                once = next(times, None)
            case Becomes():
                return
        if once is not None and once > after:
            yield once

    # ---- by the clock ----

    def _moment(self, naive: datetime, fold: int = 0) -> float:
        return naive.replace(tzinfo=self.zone, fold=fold).timestamp()

    def _recurring(self, when: Every, made_at: float, after: float) -> Iterator[float]:
        parts = _parts(when.rule)
        if when.starting is None:
            start = self.local(made_at).replace(tzinfo=None)
        else:
            start = _naive(when.starting)
        start = start.replace(second=0, microsecond=0)
        earliest = max(after, made_at if when.starting is None else self._moment(start) - 1)
        # A day before: the hour that comes twice must not be passed over.
        wanted = self.local(earliest).replace(tzinfo=None) - timedelta(days=1)
        start = _later(parts, start, wanted)
        last = earliest
        try:
            for moment in self._moments(parts, start, wanted):
                if moment > last:
                    last = moment
                    yield moment
        except (ValueError, OverflowError) as error:
            raise InvalidScheduleError(rule=when.rule, reason=str(error)) from error

    def _moments(self, parts: dict[str, str], start: datetime, wanted: datetime) -> Iterator[float]:
        """In order; one may come twice."""
        often = parts["FREQ"] in _SUB_DAILY
        again: list[float] = []
        for naive in self._expanded(parts, start, wanted):
            first, second = self._moment(naive), self._moment(naive, fold=1)
            while again and again[0] <= first:
                yield heappop(again)
            # fold=1 is earlier than fold=0 where the time is skipped.
            if first <= second or not often:
                yield first
            if first < second and often:
                heappush(again, second)
        yield from sorted(again)

    def _expanded(
        self, parts: dict[str, str], start: datetime, wanted: datetime
    ) -> Iterator[datetime]:
        """The rule by the clock's face. It ends: one that never holds is not sought for ever."""
        often = parts["FREQ"] in _SUB_DAILY
        end = max(start, wanted) + _FAR[often] + 2 * _step(parts)
        if until := parts.get("UNTIL"):
            end = min(end, self._until(until))
        told = {**parts, "UNTIL": f"{end:%Y%m%dT%H%M%S}"}
        count = told.pop("COUNT", None)
        text = ";".join(f"{key}={value}" for key, value in told.items())
        times = _often(parts, start, end) if often else rrulestr(text, dtstart=start)
        return islice(times, None if count is None else int(count))

    def _until(self, text: str) -> datetime:
        """The end of a rule by the home's clock; a day is meant to its end. Raises ValueError."""
        if text.endswith("Z"):
            moment = datetime.strptime(text + "+0000", "%Y%m%dT%H%M%SZ%z")
            return moment.astimezone(self.zone).replace(tzinfo=None)
        return datetime.strptime(text if "T" in text else text + "T235959", "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the clock's face

    # ---- by the sun ----

    def _by_sun(self, when: Sun, after: float) -> Iterator[float]:
        if self.place is None:
            raise NoLocationError(
                "Where the home is must be known for sunrise and sunset. Set latitude and longitude"
                " in the section [event_scheduler] of alicia.toml."
            )
        rises = when.event is SunEvent.SUNRISE
        day = self.local(after - when.offset_s).date() - timedelta(days=2)
        waited = 0
        while waited < _SUN_DAYS:
            moment = sunrise(day, self.place) if rises else sunset(day, self.place)
            day += timedelta(days=1)
            waited += 1
            if moment is not None and moment + when.offset_s > after:
                waited = 0
                yield moment + when.offset_s


def _naive(text: str) -> datetime:
    """Raises InvalidScheduleError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidScheduleError(given=text, reason="no date and time of ISO 8601") from error
    if found.tzinfo is not None:
        raise InvalidScheduleError(given=text, reason="it is told without a time zone")
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        raise InvalidScheduleError(given=text, reason=f"not from {_YEARS[0]} to {_YEARS[1]}")
    return found


def _parts(rule: str) -> dict[str, str]:
    """The parts of a rule by name. Raises InvalidScheduleError."""
    told = rule.strip().upper().removeprefix("RRULE:").rstrip(";")
    pieces = told.split(";")
    if not all(_PART.fullmatch(piece) for piece in pieces):
        raise InvalidScheduleError(rule=rule, reason="not a rule of RFC 5545")
    parts = dict(piece.split("=", 1) for piece in pieces)
    frequency = parts.get("FREQ")
    if frequency not in {*_SHIFTED, "MONTHLY", "YEARLY"} or len(parts) < len(pieces):
        raise InvalidScheduleError(rule=rule, reason="FREQ is missing, unknown or below a minute")
    if frequency in _SUB_DAILY and (rare := sorted(parts.keys() - _OFTEN)):
        raise InvalidScheduleError(rule=rule, reason=f"FREQ={frequency} takes no {rare[0]}")
    for name in ("INTERVAL", "COUNT"):
        if not 1 <= int(number if (number := parts.get(name, "1")).isdecimal() else 0) <= _MOST:
            raise InvalidScheduleError(rule=rule, reason=f"{name} is a number from 1 to {_MOST}")
    return parts


def _step(parts: dict[str, str]) -> timedelta:
    """From one time to the next at least, as far as that is always the same."""
    return _SHIFTED.get(parts["FREQ"], timedelta(0)) * int(parts.get("INTERVAL", "1"))


def _later(parts: dict[str, str], start: datetime, wanted: datetime) -> datetime:
    """A beginning in step with the first one and not after the wanted one: less to be counted."""
    step = _step(parts)
    if "COUNT" in parts or wanted <= start or not step:
        return start
    return start + (wanted - start) // step * step


def _often(parts: dict[str, str], start: datetime, end: datetime) -> Iterator[datetime]:
    """A rule with steps below a day, by the clock's face. Raises ValueError."""
    # dateutil seeks one that never holds to the year 9999: for most of a minute (2026-11).
    told = parts.get("BYDAY", ",".join(_DAYS)).split(",")
    if strange := sorted(set(told) - set(_DAYS)):
        raise ValueError(f"{strange[0]} is no day of the week")
    days = {_DAYS.index(day) for day in told}
    hours = _numbers(parts, "BYHOUR", 24)
    minutes = _numbers(parts, "BYMINUTE", 60)
    hourly = parts["FREQ"] == "HOURLY"
    step = _step(parts)
    moment = start
    while moment <= end:
        if moment.weekday() in days and moment.hour in hours:
            if hourly and "BYMINUTE" in parts:
                each = (moment.replace(minute=minute) for minute in minutes)
                yield from (one for one in each if start <= one <= end)
            elif hourly or moment.minute in minutes:
                yield moment
        moment += step


def _numbers(parts: dict[str, str], name: str, below: int) -> list[int]:
    """Raises ValueError."""
    if name not in parts:
        return list(range(below))
    found = sorted({int(number) for number in parts[name].split(",")})
    if found[0] < 0 or found[-1] >= below:
        raise ValueError(f"{name} is from 0 to {below - 1}")
    return found


def _check_state(when: Becomes) -> None:
    """Raises InvalidScheduleError."""
    told = [when.value is not None, when.above is not None or when.below is not None]
    if sum(told) != 1:
        raise InvalidScheduleError(reason="either a value, or above or below is given")
