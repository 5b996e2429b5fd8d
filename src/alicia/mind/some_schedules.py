"""Some schedules: those that are at a time that is asked about, or that some words are about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alicia.contracts.schedules import (
    CANCEL_SCHEDULES,
    LIST_SCHEDULES,
    PREVIEW_SCHEDULE,
    CancelSchedules,
    Every,
    ListSchedules,
    PreviewSchedule,
    Schedule,
    ScheduleKind,
    SchedulePreview,
    Schedules,
    Sun,
    Which,
)
from alicia.errors import AmbiguousScheduleError, UnknownScheduleError
from alicia.language.remembering import nearest

if TYPE_CHECKING:
    from alicia.language.schedule_answers import TimeSpeech
    from alicia.language.schedule_requests import ScheduleRequest
    from alicia.language.time_phrases import TimePhrase

_PLANNED = (ScheduleKind.ALARM, ScheduleKind.REMINDER, ScheduleKind.COMMANDS)
"""What may be planned for a day."""
_LOOKED_AHEAD = 50
"""Times of what comes again that are looked at."""

Ask = Callable[..., Awaitable[Any]]
"""A service's `ask`."""


async def about_some(
    ask: Ask, request: ScheduleRequest, speech: TimeSpeech, kind: ScheduleKind, language: str
) -> str:
    """About those that are at a time, or that some words are about.

    Raises UnknownScheduleError, AmbiguousScheduleError.
    """
    listing = not request.act.value.partition("_")[2].startswith("cancel")
    found: list[Schedule] = []
    for one in _PLANNED if request.act.value == "planned_list" else (kind,):
        asked: Schedules = await ask(LIST_SCHEDULES, ListSchedules(which=Which(kind=one)))
        found += asked.schedules
    if request.text is not None:
        near = nearest(request.text, [one.text or one.said for one in found], language)
        found = [found[at] for at in near]
    due = {one.schedule_id: await _due(ask, one, speech, request.at) for one in found}
    if request.at is not None:
        found = [one for one in found if due[one.schedule_id] is not None]
    if listing:
        occurrences = [(one, local) for one in found if (local := due[one.schedule_id])]
        return speech.then(sorted(occurrences, key=lambda occurrence: occurrence[1]))
    if request.at is not None and request.at.dated:
        # Of what comes again one time alone can't be cancelled, and all of them are not meant.
        found = [one for one in found if not isinstance(one.when, Every)]
    if not found:
        raise UnknownScheduleError
    if len(found) > 1:
        raise AmbiguousScheduleError(count=len(found))
    which = Which(schedule_id=found[0].schedule_id)
    cancelled: Schedules = await ask(CANCEL_SCHEDULES, CancelSchedules(which=which))
    return speech.cancelled(request.act.value.partition("_")[0], cancelled.schedules)


async def _due(
    ask: Ask, schedule: Schedule, speech: TimeSpeech, at: TimePhrase | None
) -> datetime | None:
    """When it is, at a time that is asked about; the next time where none is."""
    from alicia.language.moments import fits  # noqa: PLC0415 - heavy

    times = [speech.local(schedule.next_at)]
    if at is not None and at.dated and isinstance(schedule.when, Every | Sun):
        preview = PreviewSchedule(schedule_id=schedule.schedule_id, count=_LOOKED_AHEAD)
        coming: SchedulePreview = await ask(PREVIEW_SCHEDULE, preview)
        times = [speech.local(moment) for moment in coming.due_at]
    today = speech.now.date()
    return next((t for t in times if t and (at is None or fits(t, at, today))), None)
