"""Reminding: what is said when a timer, an alarm, a reminder or a plan is due, or was missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alicia.contracts.schedules import Becomes, Run, Schedule, ScheduleKind
from alicia.errors import UnsupportedLanguageError
from alicia.language.phrases import listing, phrase, text_of, word
from alicia.language.tables import base_language

LATE_S = 60.0
"""From here on it is told that it comes late."""
MOST_TOLD = 5
_KINDS = {
    ScheduleKind.TIMER: "a_timer",
    ScheduleKind.ALARM: "an_alarm",
    ScheduleKind.REMINDER: "a_reminder",
    ScheduleKind.COMMANDS: "a_command",
}


def spoken_language(language: str) -> str:
    """One of the nine; English where it is none of them."""
    try:
        return base_language(language)
    except UnsupportedLanguageError:
        return "en"


def due_sentence(schedule: Schedule, run: Run, due: datetime, now: datetime) -> str:
    """What is said of a timer, an alarm or a reminder. Times are the home's."""
    language = spoken_language(schedule.maker.language)
    if schedule.kind is ScheduleKind.REMINDER and isinstance(schedule.when, Becomes):
        return schedule.text or ""  # It has just come about: nothing has to be remembered.
    told = {"time": _hour(now), "text": schedule.text, "name": schedule.name}
    named = ".named" if schedule.name and schedule.kind is not ScheduleKind.REMINDER else ""
    said = word(f"due.{schedule.kind.value}{named}", language, **told)
    said = said[:1].upper() + said[1:]
    if schedule.text and schedule.kind is not ScheduleKind.REMINDER:
        said = text_of([said, schedule.text], language)
    if run.late_s < LATE_S:
        return said
    return text_of([said, word("due.late", language, time=_hour(due))], language)


def failed_sentence(schedule: Schedule, errors: Sequence[str], due: datetime) -> str:
    """What is said of commands that were not carried out, by the first reason."""
    language = spoken_language(schedule.maker.language)
    reason = phrase(errors[0] if errors else "device", language)
    return word("due.failed", language, time=_hour(due), reason=reason)


def missed_sentence(missed: Sequence[tuple[Schedule, datetime]], language: str) -> str:
    """What did not happen because the house was off."""
    language = spoken_language(language)
    told = [
        word(
            "due.at",
            language,
            what=schedule.name or word(f"due.{_KINDS[schedule.kind]}", language),
            time=_hour(due),
        )
        for schedule, due in missed[:MOST_TOLD]
    ]
    return word("due.missed", language, what=listing(told, language))


def _hour(moment: datetime) -> str:
    return f"{moment:%H:%M}"
