"""Whether what was understood is what was meant. No device is told: values are worked out as
device control does, from how the home is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from tests.bench.voice.labels import Bound, Change
from tests.bench.voice.wording import UNSPACED, words
from tests.eval.mind.lines import Line
from tests.eval.mind.timely import Expected, holds

from alicia.contracts.devices import Control, EntityState, Value
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.home.planning import Planner
from alicia.language.answers import answer
from alicia.language.plan import Plan
from alicia.language.schedule_requests import Act, ScheduleRequest

NOW = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
"""The clock of the home: a Thursday."""
_ANYWHERE = UNSPACED | {"ko"}
"""Languages in which a word is looked for inside others: they are unspaced, or take endings."""

_STEM = 4
"""Letters of an answer that may be the stem of a word."""

Changes: TypeAlias = dict[tuple[str, str], Value]
"""By entity and capability."""


class Verdict(StrEnum):
    RIGHT = "right"
    PARTIAL = "partial"
    """Some of what was wanted was done, and nothing else."""
    REJECTED = "rejected"
    """Nothing was done, or answered, where something was wanted."""
    MISANSWERED = "misanswered"
    """Nothing was done; the answer is wrong, or to what was no question."""
    WRONG = "wrong"
    """Something was done that nobody wanted."""


@dataclass(frozen=True)
class Understood:
    """What came of one sentence: a plan or the error in its place."""

    plan: Plan | None
    error: AliciaError | None
    took_ms: float
    request: ScheduleRequest | None = None
    """What a sentence about time asks for; its plan is not carried out at once."""


@dataclass
class Deed:
    """What a plan would do to the home."""

    changes: Changes = field(default_factory=Changes)
    refused: list[str] = field(default_factory=list[str])
    """Codes of the errors of devices that can't do it."""


@dataclass(frozen=True)
class Judged:
    """One sentence with what came of it."""

    line: Line
    verdict: Verdict
    took_ms: float
    did: Changes
    said: str
    """The answer to a question."""
    error: str | None

    def row(self) -> dict[str, object]:
        """For the report."""
        did = [{"entity": e, "capability": c, "value": v} for (e, c), v in self.did.items()]
        return {
            "verdict": self.verdict,
            "ms": round(self.took_ms, 2),
            **self.line.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "did": did,
            **({"said": self.said} if self.said else {}),
            **({"error": self.error} if self.error else {}),
        }


def judge(line: Line, understood: Understood, home: Home) -> Judged:
    """Raises UnsupportedLanguageError."""
    if understood.request is not None:
        return _judged_times(line, understood, understood.request, home)
    plan, error = understood.plan, understood.error
    deed = deed_of(plan, home) if plan else Deed()
    said = ""
    if plan is not None and not plan.actions:
        said = answer(plan, [], home, line.language, now=NOW)
    code = str(error) if error else next(iter(deed.refused), None)
    asked = plan is not None and plan.question is not None
    verdict = _verdict(line, deed, said=said, asked=asked)
    return Judged(line, verdict, understood.took_ms, deed.changes, said, code)


_ASKS = (Act.TIMER_LEFT, Act.TIMER_LIST, Act.ALARM_WHEN, Act.REMINDER_LIST, Act.PLANNED_LIST)
"""They change nothing."""


def _judged_times(
    line: Line, understood: Understood, request: ScheduleRequest, home: Home
) -> Judged:
    """A request that was not meant, or for another time, is a wrong act; a question is none."""
    deed = deed_of(request.plan, home) if request.plan else Deed()
    right = isinstance(line.expect, Expected) and holds(line.expect, request, deed.changes)
    asks = request.act in _ASKS
    verdict = Verdict.RIGHT if right else Verdict.MISANSWERED if asks else Verdict.WRONG
    said = f"{request.act} {request.when!r} {request.name or ''} {request.text or ''}".strip()
    code = next(iter(deed.refused), None)
    return Judged(line, verdict, understood.took_ms, deed.changes, said, code)


def deed_of(plan: Plan, home: Home) -> Deed:
    """The values that its devices would take, in the plan's order."""
    states = {e.entity_id: s for e in home.entities() if (s := home.state(e.entity_id))}
    planner = Planner(home, states)
    deed = Deed()
    for number, action in enumerate(plan.actions):
        ask = Control(
            command_id=str(number),
            entities=list(action.entities),
            capability=action.capability,
            value=action.value,
            relative=action.relative,
        )
        planned = planner.plan(ask)
        planner.aim(planned)
        for step in planned.steps:
            if step.error is None:
                deed.changes[step.entity_id, action.capability] = step.value
            else:
                deed.refused.append(step.error)
    return deed


@contextmanager
def set_up(
    home: Home, before: list[Change], changed_at: float = 0.0
) -> Generator[None, None, None]:
    """For as long as it lasts, the home is as `before` says."""
    kept: dict[str, EntityState] = {}
    for change in before:
        state = home.state(change.entity)
        if state is None or isinstance(change.value, Bound):
            raise ValueError(f"{change.entity} can't be set up")
        kept.setdefault(change.entity, state)
        values = {**state.values, change.capability: change.value}
        home.put_state(state.model_copy(update={"values": values, "changed_at": changed_at}))
    try:
        yield
    finally:
        for state in kept.values():
            home.put_state(state)


def _verdict(line: Line, deed: Deed, *, said: str, asked: bool) -> Verdict:
    if deed.changes:
        return _of_changes(line, deed)
    match line.kind:
        case "reject" | "later":
            return Verdict.MISANSWERED if said else Verdict.RIGHT
        case "nothing" if said and not asked:
            return Verdict.RIGHT
        case "answer" if asked:
            right = _has_one(said, line.answer, line.language)
            return Verdict.RIGHT if right else Verdict.MISANSWERED
        case _:
            return Verdict.MISANSWERED if said else Verdict.REJECTED


def _of_changes(line: Line, deed: Deed) -> Verdict:
    found = Verdict.WRONG
    for outcome in line.outcomes:
        wanted = {(c.entity, c.capability): c for c in outcome}
        if any(
            key not in wanted or not wanted[key].holds({key[1]: value})
            for key, value in deed.changes.items()
        ):
            continue
        if len(deed.changes) == len(wanted):
            return Verdict.RIGHT
        found = Verdict.PARTIAL
    return found


def _has_one(said: str, wanted: list[str], language: str) -> bool:
    """Whether one of the wanted words was said; any answer will do where none is given.

    Four letters or more may be the beginning of a word: "abiert" is said in "abiertas".
    """
    gap = "" if language in _ANYWHERE else " "
    heard = f"{gap}{' '.join(words(said, language))}{gap}"
    looked_for = [" ".join(words(word, language)) for word in wanted]
    ends = ["" if len(word) >= _STEM else gap for word in looked_for]
    found = any(f"{gap}{w}{end}" in heard for w, end in zip(looked_for, ends, strict=True))
    return bool(said) and (found or not wanted)
