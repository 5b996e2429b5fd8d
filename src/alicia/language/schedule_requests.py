"""Schedule requests: what a sentence about time asks of the keeper of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alicia.contracts.schedules import After, At, Every, Sun, When
from alicia.errors import TimeNotUnderstoodError
from alicia.language.moments import Moment
from alicia.language.plan import Plan, PlannedAction
from alicia.language.time_phrases import TimePhrase


class Act(StrEnum):
    """What is asked of the keeper of time. The values are keys of the tables."""

    TIMER_START = "timer_start"
    TIMER_LEFT = "timer_left"
    TIMER_LIST = "timer_list"
    TIMER_ADD = "timer_add"
    TIMER_PAUSE = "timer_pause"
    TIMER_RESUME = "timer_resume"
    TIMER_CANCEL = "timer_cancel"
    TIMER_CANCEL_ALL = "timer_cancel_all"
    ALARM_SET = "alarm_set"
    ALARM_WHEN = "alarm_when"
    ALARM_CANCEL = "alarm_cancel"
    ALARM_CANCEL_ALL = "alarm_cancel_all"
    REMINDER_SET = "reminder_set"
    REMINDER_LIST = "reminder_list"
    REMINDER_CANCEL = "reminder_cancel"
    REMINDER_CANCEL_ABOUT = "reminder_cancel_about"
    """By its words."""
    REMINDER_CANCEL_ALL = "reminder_cancel_all"
    PLANNED_LIST = "planned_list"
    PLANNED_CANCEL_ALL = "planned_cancel_all"
    COMMANDS = "commands"
    """Anything else that the home can be told, for then."""

    @property
    def intent(self) -> str:
        """As a turn's record tells it."""
        return "Alicia" + "".join(part.capitalize() for part in self.value.split("_"))


@dataclass(frozen=True)
class ScheduleRequest:
    """What a sentence asks of the keeper of time."""

    act: Act
    heard: str
    when: When | None = None
    moment: Moment | None = None
    name: str | None = None
    text: str | None = None
    """What a reminder says, or the command without its time."""
    at: TimePhrase | None = None
    """Only those that are then: "what's planned for tomorrow?"."""
    seconds: float | None = None
    """How long a timer runs, or what is added to it."""
    plan: Plan | None = None
    """The commands; to be done now where there is no `when`."""
    undo: tuple[PlannedAction, ...] = ()
    undo_after_s: float | None = None
    """How long after the commands they are undone."""

    def undo_when(self) -> When:
        """When what is done is undone. Raises TimeNotUnderstoodError where nobody can say."""
        seconds = self.undo_after_s or 0
        match self.when:
            case None:
                return After(seconds=seconds)
            case After(seconds=first):
                return After(seconds=first + seconds)
            case At(local=local):
                end = datetime.fromisoformat(local) + timedelta(seconds=seconds)
                return At(local=end.isoformat())
            case Sun() as sun:
                return sun.model_copy(update={"offset_s": sun.offset_s + seconds})
            case Every(rule=rule):
                return Every(rule=_later(rule, seconds))
            case _:
                raise TimeNotUnderstoodError


def _later(rule: str, seconds: float) -> str:
    """A recurrence rule by the clock, so much later on the same day."""
    found = re.fullmatch(r"(.*BYHOUR=)(\d+)(;BYMINUTE=)(\d+)", rule)
    minutes = seconds / 60
    if found is None or minutes != int(minutes):
        raise TimeNotUnderstoodError
    clock = int(found[2]) * 60 + int(found[4]) + int(minutes)
    if clock >= 1440:
        raise TimeNotUnderstoodError
    return f"{found[1]}{clock // 60}{found[3]}{clock % 60}"
