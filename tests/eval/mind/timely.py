"""Sentences about time in eval-mind: what is expected of the keeper of time, and whether it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from tests.bench.voice.labels import Bound, Change

from alicia.contracts.devices import Value
from alicia.contracts.schedules import After, At, Becomes, Every, Sun, When
from alicia.language.schedule_requests import Act, ScheduleRequest


class Expected(BaseModel):
    """What is asked of the keeper of time; what is not given is not looked at, `when` is."""

    model_config = ConfigDict(extra="forbid")

    act: Act
    after_s: float | None = None
    """So long after it was said; of a timer, its length, and what is added to it."""
    at: datetime | None = None
    """By the home's clock, without a zone."""
    every: str | None = None
    """A recurrence rule, as in `alicia.contracts.schedules`."""
    sun: str | None = None
    offset_s: float = 0
    becomes: Change | None = None
    """The state that is waited for."""
    for_s: float | None = None
    """How long after it is done it is undone."""
    name: str | None = None
    text: str | None = None
    """Words of a reminder."""
    do: list[Change] = Field(default_factory=list[Change])
    """What the commands change."""


def holds(wanted: Expected, request: ScheduleRequest, does: dict[tuple[str, str], Value]) -> bool:
    """Whether it is what was meant. `does`: what its commands would change."""
    return (
        request.act is wanted.act
        and _when_holds(wanted, request)
        and request.undo_after_s == wanted.for_s
        and _said(wanted.name, request.name)
        and _said(wanted.text, request.text)
        and len(does) == len(wanted.do)
        and all(
            (c.entity, c.capability) in does
            and c.holds({c.capability: does[c.entity, c.capability]})
            for c in wanted.do
        )
    )


def _said(wanted: str | None, said: str | None) -> bool:
    return wanted is None or wanted.casefold() in (said or "").casefold()


def _when_holds(wanted: Expected, request: ScheduleRequest) -> bool:
    if request.act is Act.TIMER_ADD:
        return request.seconds == wanted.after_s
    return _told(request.when) == _wanted(wanted)


def _told(when: When | None) -> dict[str, Any]:
    match when:
        case After(seconds=seconds):
            return {"after_s": seconds}
        case At(local=local):
            return {"at": datetime.fromisoformat(local)}
        case Every(rule=rule):
            return {"every": rule}
        case Sun() as sun:
            return {"sun": sun.event.value, "offset_s": sun.offset_s}
        case Becomes() as state:
            bound = (state.above, state.below) if state.value is None else None
            return {"becomes": (state.entities, state.capability, state.value, bound)}
        case _:
            return {}


def _wanted(wanted: Expected) -> dict[str, Any]:
    if wanted.becomes is not None:
        value = wanted.becomes.value
        state = wanted.becomes
        if isinstance(value, Bound):
            return {"becomes": ([state.entity], state.capability, None, (value.above, value.below))}
        return {"becomes": ([state.entity], state.capability, value, None)}
    if wanted.sun is not None:
        return {"sun": wanted.sun, "offset_s": wanted.offset_s}
    found = {"after_s": wanted.after_s, "at": wanted.at, "every": wanted.every}
    return {name: value for name, value in found.items() if value is not None}
