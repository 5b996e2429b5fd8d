"""Schedule answers: what is said about timers, alarms, reminders and what is planned.

Always from what the keeper of time has confirmed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from alicia.contracts.schedules import After, At, Becomes, Every, Schedule, SchedulePhase, Sun, When
from alicia.language.phrases import listing, text_of
from alicia.language.sayings import agreeing
from alicia.language.schedule_requests import Act
from alicia.language.tables import base_language
from alicia.language.time_phrases import time_table

_FRACTIONS_OF_ONE = ("fr", "pt")
"""Languages that say none and one alike, by the plural rules of CLDR."""
_WEEK_DAYS = 7
_MOST = 5
"""That are told one by one."""
_PARTS = 2
"""Of a duration: hours and minutes, minutes and seconds."""
_WORKDAYS = "MO,TU,WE,TH,FR"
_WEEKEND = "SA,SU"
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


class TimeSpeech:
    """One language's. Raises UnsupportedLanguageError."""

    def __init__(self, language: str, now: datetime, zone: tzinfo | None = None) -> None:
        """`now` is by the home's clock, without a zone; `zone` is where that clock is."""
        self._language = base_language(language)
        self._words: dict[str, Any] = time_table(self._language)["say"]
        self.now = now
        self._zone = zone

    # ---- times ----

    def duration(self, seconds: float) -> str:
        """`1 hour and 30 minutes`: the two greatest units of it."""
        left = max(0, math.floor(seconds + 0.5))
        parts: list[str] = []
        for unit, size in _UNITS:
            count, left = divmod(left, size)
            if count and len(parts) < _PARTS:
                parts.append(self._counted(unit, count))
        if len(parts) == _PARTS and "parts" in self._words:
            return self._words["parts"].format(first=parts[0], last=parts[1])
        return listing(parts or [self._counted("second", 0)], self._language)

    def _counted(self, unit: str, count: int) -> str:
        forms: list[str] = self._words[unit]
        one = count == 1 or (count == 0 and self._language in _FRACTIONS_OF_ONE)
        return (forms[0] if one else forms[-1]).format(n=count)

    def clock(self, minutes: int) -> str:
        """A time of day."""
        hour, minute = divmod(minutes, 60)
        words = self._words
        key = "clock_hour" if not minute and "clock_hour" in words else "clock"
        if f"{key}_{hour}" in words:
            key = f"{key}_{hour}"
        halves: list[str] = words.get("halves", ["AM", "PM"])
        return words[key].format(
            h=hour, h12=(hour - 1) % 12 + 1, m=minute, mm=f"{minute:02}", ampm=halves[hour // 12]
        )

    def moment(self, local: datetime) -> str:
        """A day and a time: `tomorrow at 7:00 AM`."""
        words, days = self._words, (local.date() - self.now.date()).days
        clock = self.clock(local.hour * 60 + local.minute)
        if days in (0, 1):
            return words["tomorrow" if days else "today"].format(clock=clock)
        weekday = words["weekdays"][local.weekday()]
        if 1 < days < _WEEK_DAYS:
            return words["weekday"].format(weekday=weekday, clock=clock)
        month = words["months"][local.month - 1]
        return words["dated"].format(day=local.day, month=month, clock=clock, m=local.month)

    def when(self, when: When, local: datetime | None = None) -> str:
        """When something happens; `local` is when it is next, where that is known."""
        words = self._words
        match when:
            case After(seconds=seconds):
                return words["after"].format(duration=self.duration(seconds))
            case At(local=text):
                return self.moment(local or datetime.fromisoformat(text))
            case Every(rule=rule):
                return self._every(rule)
            case Sun() as sun:
                said = self._by_sun(sun)
                return words["daily"].format(when=said) if sun.repeat else said
            case _:
                return words["states" if when.repeat else "state"]

    def _by_sun(self, sun: Sun) -> str:
        words = self._words
        if not sun.offset_s:
            return words[sun.event.value]
        side = "before" if sun.offset_s < 0 else "after"
        duration = self.duration(abs(sun.offset_s))
        return words[f"{side}_{sun.event.value}"].format(duration=duration)

    def _every(self, rule: str) -> str:
        words = self._words
        parts = dict(part.split("=", 1) for part in rule.split(";"))
        if "BYHOUR" not in parts:
            size = {"HOURLY": 3600, "MINUTELY": 60}.get(parts["FREQ"], 86400)
            return self._interval(size * int(parts.get("INTERVAL", "1")))
        clock = self.clock(int(parts["BYHOUR"]) * 60 + int(parts.get("BYMINUTE", "0")))
        days = parts.get("BYDAY", "")
        if int(parts.get("INTERVAL", "1")) > 1:
            often = self._interval(86400 * int(parts["INTERVAL"]))
            return text_of([often, words["today"].format(clock=clock)], self._language)
        if not days:
            return words["every_day"].format(clock=clock)
        if days in (_WORKDAYS, _WEEKEND):
            key = "every_weekday" if days == _WORKDAYS else "every_weekend"
            return words[key].format(clock=clock)
        names = [words["weekdays"][_DAYS.index(day)] for day in days.split(",")]
        said = listing(names, self._language)
        return words["every_days"].format(weekdays=said, clock=clock)

    def _interval(self, seconds: int) -> str:
        """`every 2 hours`; a language may say "every hour" otherwise."""
        return self._words["every_interval"].format(duration=self.duration(seconds))

    # ---- schedules ----

    def due(self, schedule: Schedule) -> str:
        """When a schedule is next."""
        if isinstance(schedule.when, After) and schedule.next_at is not None:
            left = schedule.next_at - self._seconds(self.now)
            return self._words["after"].format(duration=self.duration(left))
        return self.when(schedule.when, self.local(schedule.next_at))

    def local(self, at: float | None) -> datetime | None:
        """By the home's clock."""
        if at is None:
            return None
        return datetime.fromtimestamp(at, self._zone).replace(tzinfo=None)

    def _seconds(self, local: datetime) -> float:
        return local.replace(tzinfo=self._zone).timestamp()

    def created(self, schedule: Schedule) -> str:
        words, kind = self._words, schedule.kind.value
        if kind == "timer":
            duration = self.duration(schedule.duration_s or schedule.remaining_s or 0)
            key = "timer_started_named" if schedule.name else "timer_started"
            return self._sentence(words[key].format(duration=duration, name=schedule.name))
        due = self.when(schedule.when, self.local(schedule.next_at))
        if kind == "alarm":
            return self._sentence(words["alarm_set"].format(when=due))
        if isinstance(schedule.when, Becomes):
            return self._sentence(words["watching"].format(text=schedule.text))
        key = "reminder_set" if kind == "reminder" else "planned"
        return self._sentence(words[key].format(when=due, text=schedule.text or schedule.said))

    def planned(self, when: When, text: str) -> str:
        """Commands that wait for then."""
        return self._sentence(self._words["planned"].format(when=self.when(when), text=text))

    def undone(self, when: When, local: datetime | None = None) -> str:
        return self._sentence(self._words["undone"].format(when=self.when(when, local)))

    def timers(self, schedules: Sequence[Schedule]) -> str:
        """How long is left of each."""
        if not schedules:
            return self._sentence(self._words["timer_none"])
        return text_of((self._timer(one) for one in schedules[:_MOST]), self._language)

    def _timer(self, schedule: Schedule) -> str:
        if schedule.phase is SchedulePhase.RINGING:
            return self._of_timer("timer_ringing", schedule)
        paused = schedule.phase is SchedulePhase.PAUSED
        return self._of_timer("timer_paused_left" if paused else "timer_left", schedule)

    def adjusted(self, act: Act, schedule: Schedule) -> str:
        keys = {Act.TIMER_PAUSE: "timer_paused", Act.TIMER_RESUME: "timer_resumed"}
        return self._of_timer(keys.get(act, "timer_changed"), schedule)

    def _of_timer(self, key: str, schedule: Schedule) -> str:
        duration = self.duration(schedule.remaining_s or 0)
        name = self._timer_name(schedule)
        return self._sentence(self._words[key].format(timer=name, duration=duration))

    def _timer_name(self, schedule: Schedule | None) -> str:
        if schedule is None or schedule.name is None:
            return self._words["timer"]
        return self._words["timer_named"].format(name=schedule.name)

    def listed(self, kind: str, schedules: Sequence[Schedule]) -> str:
        """Alarms, reminders (`reminder`) or commands (`planned`), the next one first."""
        if not schedules:
            return self._sentence(self._words[f"{kind}_none"])
        template = self._words[f"{kind}_at"]
        return text_of(
            (
                self._sentence(
                    template.format(when=self.due(one), text=one.text or one.said, name=one.name)
                )
                for one in schedules[:_MOST]
            ),
            self._language,
        )

    def then(self, occurrences: Sequence[tuple[Schedule, datetime]]) -> str:
        """What comes at a time that was asked about, in its order."""
        if not occurrences:
            return self._sentence(self._words["then_none"])
        told: list[str] = []
        for schedule, local in occurrences[:_MOST]:
            kind = "planned" if schedule.kind.value == "commands" else schedule.kind.value
            text = schedule.text or schedule.said
            template = self._words[f"{kind}_at"]
            told.append(
                self._sentence(
                    template.format(when=self.moment(local), text=text, name=schedule.name)
                )
            )
        return text_of(told, self._language)

    def cancelled(self, kind: str, schedules: Sequence[Schedule]) -> str:
        if not schedules:
            return self._sentence(self._words[f"{kind}_none"])
        one, several = self._words[f"{kind}_cancelled"]
        count = len(schedules)
        name = self._timer_name(schedules[0] if count == 1 else None)
        return self._sentence((one if count == 1 else several).format(n=count, timer=name))

    def _sentence(self, text: str) -> str:
        """Particles agree, it begins with a capital."""
        if self._language == "ko":
            text = agreeing(text)
        return text[:1].upper() + text[1:]
