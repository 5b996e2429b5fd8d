"""Scheduling: the voice's way to event_scheduler.

a sentence about time -> CREATE, LIST, CANCEL or ADJUST asked -> what it confirms is told
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from alicia.contracts.conversation import Topic, TopicAction
from alicia.contracts.schedules import (
    ADJUST_TIMER,
    CANCEL_SCHEDULES,
    CREATE_SCHEDULE,
    LIST_SCHEDULES,
    PREVIEW_SCHEDULE,
    AdjustTimer,
    After,
    CancelSchedules,
    CreateSchedule,
    HomeTime,
    ListSchedules,
    Maker,
    Schedule,
    ScheduleKind,
    Schedules,
    When,
    Which,
)
from alicia.contracts.voice import Preview, Understand
from alicia.errors import (
    AliciaError,
    NoResponderError,
    NoTimekeeperError,
    OpensLaterError,
    UnknownScheduleError,
)
from alicia.language.phrases import phrase, text_of
from alicia.mind.some_schedules import about_some
from alicia.security.permissions import opens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alicia.contracts.devices import Result
    from alicia.home.model import Home
    from alicia.language.plan import Plan, PlannedAction
    from alicia.language.schedule_answers import TimeSpeech
    from alicia.language.schedule_requests import ScheduleRequest
    from alicia.language.schedules import Schedules as Sentences
    from alicia.language.understanding import Understanding

TOPICS = (CREATE_SCHEDULE, LIST_SCHEDULES, CANCEL_SCHEDULES, ADJUST_TIMER, PREVIEW_SCHEDULE)
_KINDS = {
    "timer": ScheduleKind.TIMER,
    "alarm": ScheduleKind.ALARM,
    "reminder": ScheduleKind.REMINDER,
    "planned": ScheduleKind.COMMANDS,
    "commands": ScheduleKind.COMMANDS,
}
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_ID = 56

_Reply = TypeVar("_Reply", Schedule, Schedules)
Ask = Callable[..., Awaitable[Any]]
"""A service's `ask`."""
Now = Callable[["Plan"], Awaitable[tuple[list["Result"], str]]]
"""Carries out what is to be done now: its results, and what is said of them."""


@dataclass(frozen=True)
class Kept:
    """What came of a request."""

    reply: str
    results: list[Result]
    """Of what was done at once."""


def sentences_of(language: str) -> Sentences:
    """The sentences of a language, read once. Raises UnsupportedLanguageError."""
    from alicia.language.schedules import load_schedules  # noqa: PLC0415 - heavy

    return load_schedules(language)


class Scheduling:
    """The voice's way to event_scheduler."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._zone: tzinfo | None = None

    def requests(
        self, ask: Understand, understanding: Understanding, home: Home
    ) -> list[ScheduleRequest]:
        """What the sentence asks for, one after the other; nothing where it speaks of no time.

        Raises as `alicia.language.schedules.Schedules.request` does, and OpensLaterError.
        """

        def after(text: str, topic: Topic | None) -> Plan:
            topic = topic or ask.topic
            return understanding.recognize(text, home=home, area_id=ask.area_id, topic=topic)

        def recognize(text: str) -> Plan:
            return after(text, None)

        now = self.now(ask.home.taken_at if ask.home else None)
        sentences = sentences_of(ask.language)
        try:
            request = sentences.request(ask.text, recognize, home, now)
        except AliciaError:
            requests = sentences.several(ask.text, after, home, now)
            if not requests:
                raise
        else:
            several = [] if request else sentences.several(ask.text, after, home, now)
            requests = [request] if request else several
        if any(_opens_later(one, home) for one in requests):
            raise OpensLaterError
        return requests

    def forbids(self, ask: Understand | Preview) -> bool:
        """Whether it speaks of a time, so that nothing near it, or proposed for it, is done."""
        return sentences_of(ask.language).speaks_of_time(ask.text)

    def take(self, time: HomeTime) -> None:
        """By what clock the home lives."""
        self._zone = ZoneInfo(time.time_zone)

    def now(self, then: float | None = None) -> datetime:
        """The home's clock, without a zone; that of the machine until the home's is known."""
        at = datetime.now(self._zone) if then is None else datetime.fromtimestamp(then, self._zone)
        return at.replace(tzinfo=None)

    async def keep(self, ask: Understand, requests: Sequence[ScheduleRequest], do_now: Now) -> Kept:
        """Have it kept, changed, told or cancelled; `do_now` does what is asked for a while.

        Raises NoTimekeeperError where nobody keeps time: then nothing is done at all;
        ScheduleError where it can't be kept. Of several requests all are kept, or none.
        """
        from alicia.language.schedule_answers import TimeSpeech  # noqa: PLC0415 - heavy

        then = ask.home.taken_at if ask.home else None
        speech = TimeSpeech(ask.language, self.now(then), self._zone)
        try:
            kept: list[Kept] = []
            for number, request in enumerate(requests):
                if ask.dry_run:
                    kept.append(await self._pretended(ask, request, speech, do_now))
                    continue
                try:
                    kept.append(await self._kept(ask, request, speech, do_now, 2 * number))
                except AliciaError:
                    await self._take_back(ask, 2 * number)
                    raise
        except NoResponderError as error:
            raise NoTimekeeperError from error
        results = [result for one in kept for result in one.results]
        return Kept(text_of([one.reply for one in kept], ask.language), results)

    async def _take_back(self, ask: Understand, count: int) -> None:
        """What was made before the one that could not be kept."""
        for number in range(count):
            which = Which(schedule_id=_id(ask, number))
            try:
                await self._ask(CANCEL_SCHEDULES, CancelSchedules(which=which))
            except UnknownScheduleError:
                continue  # Not every number was used.

    async def _kept(
        self,
        ask: Understand,
        request: ScheduleRequest,
        speech: TimeSpeech,
        do_now: Now,
        number: int,
    ) -> Kept:
        name = request.act.value
        kind = _KINDS[name.partition("_")[0]]
        if request.plan is not None:
            return await self._commands(ask, request, request.plan, speech, do_now, number)
        if name.endswith(("_start", "_set")):
            when = request.when or After(seconds=request.seconds or 0)
            create = _create(ask, request, kind, when, number=number)
            made: Schedule = await self._ask(CREATE_SCHEDULE, create)
            return Kept(speech.created(made), [])
        if request.at is not None or request.text is not None:
            return Kept(await about_some(self._ask, request, speech, kind, ask.language), [])
        return Kept(await self._about(ask, request, speech, kind), [])

    async def _about(
        self, ask: Understand, request: ScheduleRequest, speech: TimeSpeech, kind: ScheduleKind
    ) -> str:
        """About those that are there."""
        name = request.act.value
        family = name.partition("_")[0]
        which = Which(kind=kind, name=request.name)
        if "_cancel" in name:
            every = name.endswith("_all")
            cancelled: Schedules = await self._one(
                ask,
                which,
                lambda w: self._ask(CANCEL_SCHEDULES, CancelSchedules(which=w, all=every)),
            )
            return speech.cancelled(family, cancelled.schedules)
        if name in ("timer_add", "timer_pause", "timer_resume"):
            pause = {"timer_pause": True, "timer_resume": False}.get(name)
            changed: Schedule = await self._one(
                ask,
                which,
                lambda w: self._ask(
                    ADJUST_TIMER,
                    AdjustTimer(
                        which=w,
                        adjustment_id=ask.turn_id,
                        add_s=request.seconds or 0,
                        pause=pause,
                    ),
                ),
            )
            return speech.adjusted(request.act, changed)
        found: Schedules = await self._ask(LIST_SCHEDULES, ListSchedules(which=which))
        if kind is ScheduleKind.TIMER:
            return speech.timers(found.schedules)
        return speech.listed(family, found.schedules)

    async def _one(
        self, ask: Understand, which: Which, put: Callable[[Which], Awaitable[_Reply]]
    ) -> _Reply:
        """The one that is meant: of several, the one of the room where it is said."""
        try:
            return await put(which)
        except AliciaError as several:
            if several.code != "schedule.ambiguous" or ask.area_id is None:
                raise
            here = which.model_copy(update={"area_id": ask.area_id})
            found: Schedules = await self._ask(LIST_SCHEDULES, ListSchedules(which=here))
            if len(found.schedules) != 1:
                raise several from None
            return await put(here)

    async def _commands(
        self,
        ask: Understand,
        request: ScheduleRequest,
        plan: Plan,
        speech: TimeSpeech,
        do_now: Now,
        number: int,
    ) -> Kept:
        kind = ScheduleKind.COMMANDS
        undo = request.undo_when() if request.undo else None
        said = ""
        if request.when is not None:
            made: Schedule = await self._ask(
                CREATE_SCHEDULE,
                _create(ask, request, kind, request.when, plan.actions, number=number),
            )
            said = speech.planned(made.when, request.text or "")
        if undo is None:
            return Kept(said, [])
        # What ends it is there before it begins: nothing that was asked for a while stays on.
        ended: Schedule = await self._ask(
            CREATE_SCHEDULE, _create(ask, request, kind, undo, request.undo, number=number + 1)
        )
        undone = speech.undone(ended.when)
        if request.when is not None:
            return Kept(text_of([said, undone], ask.language), [])
        results, said = await do_now(plan)
        if not any(result.outcome == "confirmed" for result in results):
            which = Which(schedule_id=ended.schedule_id)
            await self._ask(CANCEL_SCHEDULES, CancelSchedules(which=which))
            return Kept(said, results)
        return Kept(text_of([said, undone], ask.language), results)

    async def _pretended(
        self, ask: Understand, request: ScheduleRequest, speech: TimeSpeech, do_now: Now
    ) -> Kept:
        """What would be said, from the request alone."""
        if request.plan is None:
            if request.when is None:
                return Kept(phrase("answer.okay", ask.language), [])
            kind = _KINDS[request.act.value.partition("_")[0]]
            create = _create(ask, request, kind, request.when)
            first = request.moment.local if request.moment else None
            supposed = Schedule(
                **create.model_dump(),
                created_at=0,
                next_at=first.replace(tzinfo=self._zone).timestamp() if first else None,
                duration_s=request.seconds,
            )
            return Kept(speech.created(supposed), [])
        results: list[Result] = []
        if request.when is None:
            results, said = await do_now(request.plan)
        else:
            said = speech.planned(request.when, request.text or "")
        undone = speech.undone(request.undo_when()) if request.undo else ""
        return Kept(text_of([said, undone], ask.language), results)


def _opens_later(request: ScheduleRequest, home: Home) -> bool:
    """Whether something protected would be opened when nobody is asked for a PIN."""
    if request.plan is None:
        return False
    later = (*(request.plan.actions if request.when is not None else ()), *request.undo)
    return any(
        opens(home.entity(entity), action.capability, action.value)
        for action in later
        for entity in action.entities
    )


def _id(ask: Understand, number: int) -> str:
    return f"{_NO_ID.sub('-', ask.turn_id)[:_LONGEST_ID]}-{number}"


def _create(
    ask: Understand,
    request: ScheduleRequest,
    kind: ScheduleKind,
    when: When,
    actions: Sequence[PlannedAction] = (),
    *,
    number: int = 0,
) -> CreateSchedule:
    """An id made of the turn's: a turn that is understood again makes nothing twice."""
    return CreateSchedule(
        schedule_id=_id(ask, number),
        kind=kind,
        when=when,
        name=request.name,
        text=request.text if kind is ScheduleKind.REMINDER else None,
        actions=[
            TopicAction(
                entities=list(action.entities),
                capability=action.capability,
                value=action.value,
                relative=action.relative,
            )
            for action in actions
        ],
        said=request.text or ask.text,
        maker=Maker(
            person=ask.speaker,
            satellite=ask.satellite,
            area_id=ask.area_id,
            language=ask.language,
            turn_id=ask.turn_id,
        ),
    )
