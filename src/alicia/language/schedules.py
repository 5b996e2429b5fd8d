"""Schedules: sentences about time become requests: timers, alarms, reminders, commands for later.

text -> its times cut out (`time_phrases`) -> a sentence about a timer and the like by its pattern,
or else what is left is a command as ever, for then

A sentence that speaks of a time is never carried out as if it did not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial

from alicia.contracts.conversation import Topic
from alicia.contracts.schedules import After, Becomes
from alicia.errors import (
    AliciaError,
    IntentError,
    MissingSlotError,
    NoOppositeError,
    NotUnderstoodError,
    TimeNotUnderstoodError,
    UnknownEntityError,
)
from alicia.home.model import Home
from alicia.language.conditions import Condition, Conditions
from alicia.language.follow_ups import topic_of
from alicia.language.moments import asks_for_a_time, moment
from alicia.language.plan import Plan, PlannedAction
from alicia.language.sayings import agreeing
from alicia.language.schedule_requests import Act, ScheduleRequest
from alicia.language.several_times import SeveralTimes, Way
from alicia.language.tables import LANGUAGES, base_language, load_tables
from alicia.language.time_phrases import Timed, TimePhrase, TimePhrases, groups_of, spans_of
from alicia.language.told_times import ToldTimes

Recognize = Callable[[str], Plan]
"""The plan of a command without a time. Raises as Understanding.recognize does."""
RecognizeAfter = Callable[[str, Topic | None], Plan]
"""The same, after what was spoken of before."""


_SPECIAL = {"timer_tell": Act.TIMER_START, "timer_less": Act.TIMER_ADD}
"""Keys of patterns whose acts have patterns of their own too."""
_TELL = "timer_tell"
_BRIEF_S = 10.0
"""Less is but "for a moment"."""
_TIMERS = (Act.TIMER_START, Act.TIMER_ADD)
_CREATES = (Act.ALARM_SET, Act.REMINDER_SET)
_OF_A_TIME = (
    Act.ALARM_WHEN,
    Act.ALARM_CANCEL,
    Act.REMINDER_LIST,
    Act.REMINDER_CANCEL,
    Act.REMINDER_CANCEL_ABOUT,
    Act.PLANNED_LIST,
)
"""What may be asked of those of one day or time alone."""


class Schedules:
    """One language's. Loads on construction; raises UnsupportedLanguageError."""

    def __init__(self, language: str) -> None:
        tables = load_tables(language)
        self._phrases = TimePhrases(tables)
        table = self._phrases.table
        self._acts = [
            (key, self._phrases.compiled(pattern))
            for key, patterns in table["acts"].items()
            for pattern in patterns
        ]
        self._keep = [
            (self._phrases.compiled(pattern), by) for pattern, by in table.get("keep", [])
        ]
        self._lasts = re.compile(table.get("lasts", r"(?!)"))
        self._conditions = Conditions(tables, self._phrases)
        self._language = tables.language
        self._told_times = ToldTimes(tables, self._phrases)
        self._several = SeveralTimes(tables, self._phrases)

    def request(
        self, text: str, recognize: Recognize, home: Home, now: datetime
    ) -> ScheduleRequest | None:
        """What it asks for; None where it does not speak of time at all.

        `now` is by the home's clock, without a zone.
        Raises TimeNotUnderstoodError where it speaks of a time that is not understood,
        NoOppositeError, MissingSlotError, UnknownEntityError, and what `recognize` raises.
        """
        whole = self._phrases.read(text)
        try:
            condition = self._conditions.find(whole, home)
            if condition is not None:
                return self._when_so(text, condition, recognize, now)
            rest, said = self._phrases.without_times(whole)
            found = self._act(rest) or self._act(whole)
            if found is not None:
                return self._about(text, *found, said, now)
        except (TimeNotUnderstoodError, UnknownEntityError):
            if self._is_exact(whole, recognize):
                return None  # "Tell me which lights are on"
            raise
        return self._told(text, whole, rest, said, recognize, now)

    def _when_so(
        self, text: str, condition: Condition, recognize: Recognize, now: datetime
    ) -> ScheduleRequest:
        """Commands for when something is so, or to be told of it."""
        rest, becomes = condition.rest, condition.becomes
        found = self._act(rest)
        if found is None or found[0] != _TELL:
            return self._commands(text, rest, TimePhrase(), recognize, now, becomes)
        number = condition.number
        told = self._phrases.table["say"][f"tell_{condition.key}"].format(
            name=condition.name, n=None if number is None else f"{number:g}"
        )
        told = agreeing(told) if self._language == "ko" else told
        told = told[:1].upper() + told[1:]
        return ScheduleRequest(Act.REMINDER_SET, text.strip(), when=becomes, text=told)

    def _told(
        self,
        text: str,
        whole: Timed,
        rest: Timed,
        said: TimePhrase,
        recognize: Recognize,
        now: datetime,
    ) -> ScheduleRequest | None:
        """What the home is told, without its time in `rest`. Raises as `request` does."""
        if (said.weak or _is_brief(whole, said)) and self._is_exact(whole, recognize):
            return None
        if self._only_told(text, whole, said, recognize):
            return None
        beside = self._told_times.parts(text) if said != TimePhrase() or whole.durations else ()
        try:
            for command, told in beside:
                if _is_command(recognize, command) and not _is_command(recognize, told):
                    raise TimeNotUnderstoodError
            if said == TimePhrase():
                return self._for_a_while(text, whole, recognize, now)
            return self._commands(text, rest, said, recognize, now)
        except IntentError:
            # "Good morning" may set a scene.
            greets = replace(said, day=None, part=None) == TimePhrase()
            if self._is_harmless(whole, recognize) or (greets and self._is_exact(whole, recognize)):
                return None
            raise

    def _only_told(self, text: str, whole: Timed, said: TimePhrase, recognize: Recognize) -> bool:
        """Whether its time is told of beside a command, which is for now."""
        if said == TimePhrase() and not whole.durations:
            return False
        commands = self._told_times.commands(text)
        return any(map(partial(_is_command, recognize), commands)) and self._is_exact(
            whole, recognize
        )

    def several(
        self, text: str, recognize: RecognizeAfter, home: Home, now: datetime
    ) -> list[ScheduleRequest]:
        """What it asks for where it names several times: "on at seven and off at ten".

        None where that is not what it does. Raises nothing.
        """

        def made(way: Way, before: Plan | None) -> ScheduleRequest | None:
            def after(said: str) -> Plan:
                if way.shares:
                    raise NotUnderstoodError
                return recognize(said, topic_of(before) if before else None)

            try:
                request = self.request(way.text, after, home, now)
            except AliciaError:
                return None
            if request is None or request.when is None or (request.plan and request.plan.snapped):
                return None
            return request

        for parts in self._several.ways(self._phrases.read(text)):
            found: list[ScheduleRequest] = []
            for part in parts:
                before = found[-1].plan if found else None
                request = next(filter(None, (made(way, before) for way in part)), None)
                if request is None:
                    break
                found.append(request)
            if len(found) == len(parts):
                return found
        return []

    def speaks_of_time(self, text: str) -> bool:
        """Whether there is a word of time in it, understood or not."""
        whole = self._phrases.read(text)
        try:
            _, said = self._phrases.without_times(whole)
        except TimeNotUnderstoodError:
            return True
        return said != TimePhrase() or self._phrases.suspicious(whole)

    def begins_with_a_time(self, text: str) -> bool:
        """Whether its first words say when: "in ten minutes …"; a mere "this morning" does not."""
        return self._phrases.begins_with_a_time(self._phrases.read(text))

    # ---- timers, alarms, reminders ----

    def _act(self, timed: Timed) -> tuple[str, re.Match[str], Timed] | None:
        for key, pattern in self._acts:
            if (match := pattern.fullmatch(timed.key)) is not None:
                return key, match, timed
        return None

    def _about(
        self,
        heard: str,
        key: str,
        match: re.Match[str],
        timed: Timed,
        said: TimePhrase,
        now: datetime,
    ) -> ScheduleRequest | None:
        act = _SPECIAL.get(key) or Act(key)
        spans = spans_of(match)
        words = {name: timed.said(*span) for name, span in spans.items()}
        request = ScheduleRequest(act, heard.strip(), name=words.get("name"))
        mark = groups_of(match).get("mark", "")
        if act in _TIMERS:
            seconds = timed.durations.get(mark) or said.period_s or said.after_s
            only = replace(said, period_s=None, after_s=None)
            if only != TimePhrase() or (key == _TELL and said.after_s is None):
                raise TimeNotUnderstoodError
            if not seconds:
                raise MissingSlotError(slot="duration")
            when = After(seconds=seconds) if act is Act.TIMER_START else None
            signed = -seconds if key == "timer_less" else seconds
            return replace(request, seconds=signed, when=when)
        if act not in _CREATES:
            request = replace(request, text=words.get("text"))
            if said == TimePhrase():
                return request
            if act not in _OF_A_TIME or not asks_for_a_time(said):
                raise TimeNotUnderstoodError
            return replace(request, at=said)
        if said.period_s is not None:
            raise TimeNotUnderstoodError
        if not said.when:
            raise MissingSlotError(slot="time")
        reminds = act is Act.REMINDER_SET
        due = moment(said, now, early=not reminds, any_time=reminds)
        return replace(request, when=due.when, moment=due, text=words.get("text"))

    # ---- commands ----

    def _commands(
        self,
        heard: str,
        rest: Timed,
        said: TimePhrase,
        recognize: Recognize,
        now: datetime,
        becomes: Becomes | None = None,
    ) -> ScheduleRequest:
        """Raises NotUnderstoodError where what is left is no command."""
        if self._phrases.suspicious(rest) or not rest.key:
            raise TimeNotUnderstoodError
        text = rest.said()
        if said.clock is None and self._lasts.search(heard.casefold()):
            raise TimeNotUnderstoodError  # "For tonight" may begin now.
        if said.period_s is not None:
            text = self._kept(rest) or text
        plan = recognize(text)
        if not plan.actions or plan.complaint:
            raise TimeNotUnderstoodError  # What will be so then is not known.
        request = ScheduleRequest(Act.COMMANDS, heard.strip(), text=text, plan=plan, when=becomes)
        if said.when:
            due = moment(replace(said, period_s=None, weak=None), now)
            request = replace(request, when=due.when, moment=due)
        if said.period_s is not None:
            undo = tuple(opposite(action) for action in reversed(plan.actions))
            request = replace(request, undo=undo, undo_after_s=said.period_s)
            request.undo_when()
        return request

    def _kept(self, rest: Timed) -> str | None:
        """As a command, where it is said for how long: "leave the light on" is "turn it on"."""
        for pattern, by in self._keep:
            if (match := pattern.fullmatch(rest.key)) is not None:
                return by.replace(r"\1", rest.said(*match.span(1)))
        return None

    def _untimed(self, whole: Timed, recognize: Recognize) -> None:
        """A sentence that may hold words of time that are not known: it does nothing at once.

        Raises TimeNotUnderstoodError where it would.
        """
        if not self._phrases.suspicious(whole):
            return
        try:
            plan = recognize(whole.said())
        except AliciaError:
            return
        if plan.actions and (plan.snapped or plan.score < 1):
            raise TimeNotUnderstoodError

    def _for_a_while(
        self, heard: str, whole: Timed, recognize: Recognize, now: datetime
    ) -> ScheduleRequest | None:
        """A command with a bare duration: "the light on ten minutes". None where it is none."""
        at = [
            (at, seconds) for at, c in enumerate(whole.key) if (seconds := whole.durations.get(c))
        ]
        if len(at) == 1:
            rest = self._phrases.without(whole, at[0][0], at[0][0] + 1)
            try:
                return self._commands(heard, rest, TimePhrase(period_s=at[0][1]), recognize, now)
            except NoOppositeError:
                raise
            except AliciaError:  # As ever: there is another reason than its time.
                return self._untimed(whole, recognize)
        return self._untimed(whole, recognize)

    def _is_harmless(self, whole: Timed, recognize: Recognize) -> bool:
        """Whether it changes nothing, as it stands: "good morning"."""
        try:
            return not recognize(whole.said()).actions
        except AliciaError:
            return False

    def _is_exact(self, whole: Timed, recognize: Recognize) -> bool:
        """Whether it is one word for word, with its number: "set the heating at 20"."""
        try:
            plan = recognize(whole.said())
        except AliciaError:
            return False
        return not plan.snapped


def _is_brief(whole: Timed, said: TimePhrase) -> bool:
    """Whether all that it has of time is "for a second", which is said of no time."""
    if said != TimePhrase(period_s=said.period_s) or not whole.durations:
        return False
    return max(whole.durations.values()) < _BRIEF_S


def _is_command(recognize: Recognize, text: str) -> bool:
    """Whether it is a whole command, word for word."""
    try:
        plan = recognize(text)
    except AliciaError:
        return False
    return bool(plan.actions) and not plan.snapped and not plan.complaint


def load_schedules(language: str) -> Schedules:
    """The one of a language, for everybody: it keeps nothing. Raises UnsupportedLanguageError."""
    return _loaded(base_language(language))


@lru_cache(maxsize=len(LANGUAGES))
def _loaded(language: str) -> Schedules:
    return Schedules(language)


def opposite(action: PlannedAction) -> PlannedAction:
    """What ends it. Raises NoOppositeError where that is not clear."""
    if action.capability in ("power", "playing", "muted") and isinstance(action.value, bool):
        return replace(action, value=not action.value)
    if action.capability == "position" and not action.relative and action.value in (0, 100):
        return replace(action, value=100.0 - float(action.value))
    raise NoOppositeError
