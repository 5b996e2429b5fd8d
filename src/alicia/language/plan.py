"""What a sentence comes to: changes to make, or a question to answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from alicia.contracts.devices import Value


class QuestionKind(StrEnum):
    VALUE = "value"
    """What is it? (one entity, or the readings of a room)"""
    IS = "is"
    """Is it so? (one entity)"""
    ANY = "any"
    ALL = "all"
    WHICH = "which"
    COUNT = "count"
    EACH = "each"
    """What is it in each of these rooms? `wanted`: the most comes first."""
    TIME = "time"
    DATE = "date"


@dataclass(frozen=True)
class PlannedAction:
    """One value for one capability of one or more entities."""

    entities: tuple[str, ...]
    capability: str
    value: Value
    relative: bool = False
    """The number is added to what is true now."""


@dataclass(frozen=True)
class PlannedQuestion:
    kind: QuestionKind
    entities: tuple[str, ...] = ()
    capability: str | None = None
    wanted: Value | None = None
    """What is asked for, in "is it so", "any", "all", "which" and "how many"."""


@dataclass(frozen=True)
class Plan:
    intent: str
    response: str = "default"
    """Key of the answer's template among those of the intent."""
    actions: tuple[PlannedAction, ...] = ()
    question: PlannedQuestion | None = None
    slots: dict[str, str] = field(default_factory=dict[str, str])
    """As they were said, for the answer's template."""
    heard: str = ""
    """The sentence that is acted on: what was said, or the nearest that this home can be told."""
    score: float = 1.0
    """1 for an exact parse, less for a sentence that was snapped."""
    snapped: bool = False
    complaint: bool = False
    """It was said how it is, and not what to do: "it's too dark"."""
    parts: tuple[Plan, ...] = ()
    """The commands of a sentence of several; the actions are those of all."""

    @property
    def entities(self) -> tuple[str, ...]:
        """Every entity it is about, once."""
        found = [entity for action in self.actions for entity in action.entities]
        if self.question:
            found.extend(self.question.entities)
        return tuple(dict.fromkeys(found))

    @property
    def does(self) -> tuple[tuple[PlannedAction, ...], PlannedQuestion | None]:
        """What two sentences must share to mean the same."""
        return self.actions, self.question
