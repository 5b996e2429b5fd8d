"""Permissions: what a person, or somebody who is not known, may have done in this home.

Rules are looked at one after the other: the person's own, those of their role as this home has
changed them, those of the role as Alicia brings them. The first that fits decides. Where none
fits it is allowed.

What opens, unlocks or disarms something protected is never merely "not forbidden": every role has a
rule for it. What closes, locks or arms is free to all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alicia.contracts.devices import Entity, Value
from alicia.home.protection import is_protected


class Role(StrEnum):
    OWNER = "owner"
    RESIDENT = "resident"
    CHILD = "child"
    GUEST = "guest"
    UNKNOWN = "unknown"
    """A voice that is nobody's, or a sentence that anybody may have typed."""


class Decision(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    NEEDS_PIN = "needs_pin"
    NEEDS_CONFIRMATION = "needs_confirmation"


class Rule(BaseModel):
    """A decision, and what it is for: everything that fits all that is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Decision
    entity: str | None = None
    domain: str | None = None
    area: str | None = None
    capability: str | None = None
    opens: bool | None = None
    """Only what opens, unlocks or disarms something protected; False: only what does not. Where it
    is not given, a rule that denies is for both, and any other for what does not: nobody opens a
    door because they were allowed everything."""
    minimum: float | None = None
    maximum: float | None = None
    """Only numbers from `minimum` to `maximum`."""

    @model_validator(mode="after")
    def _range_has_room(self) -> Self:
        if None not in (self.minimum, self.maximum) and self.minimum > self.maximum:  # type: ignore[operator]
            raise ValueError("the minimum is above the maximum")
        return self

    @property
    def aims_at(self) -> tuple[object, ...]:
        """What it is for: of two rules for the same the newer counts."""
        return self.entity, self.domain, self.area, self.capability, self.opens

    def fits(self, entity: Entity, capability: str, value: Value) -> bool:
        named = (
            (self.entity, entity.entity_id),
            (self.domain, entity.domain),
            (self.area, entity.area_id),
            (self.capability, capability),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in named)
            and self._in_range(value)
            and self._is_for(opening=opens(entity, capability, value))
        )

    def _is_for(self, *, opening: bool) -> bool:
        if self.opens is None:
            return self.decision is Decision.DENY or not opening
        return self.opens is opening

    def _in_range(self, value: Value) -> bool:
        if self.minimum is None and self.maximum is None:
            return True
        if isinstance(value, (bool, str)):
            return False
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


class Person(BaseModel):
    """Somebody of this home, or a guest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person_id: str = Field(min_length=1)
    """The same as of their voiceprint."""
    name: str = Field(min_length=1)
    role: Role
    rules: tuple[Rule, ...] = ()
    """Their own, the newest first."""
    pin: str | None = Field(default=None, repr=False)
    """Its hash: `alicia.security.pins`."""


_CLOSED: dict[str, Value] = {"locked": True, "armed": True, "position": 0.0, "open": False}
"""The one value of each capability that makes a home no less safe."""

_CHILD_COLDEST, _CHILD_WARMEST = 16.0, 23.0
"""Degrees that a child may set the heating to."""

DEFAULTS: dict[Role, tuple[Rule, ...]] = {
    Role.OWNER: (Rule(decision=Decision.NEEDS_PIN, opens=True),),
    Role.RESIDENT: (Rule(decision=Decision.NEEDS_PIN, opens=True),),
    Role.CHILD: (
        Rule(decision=Decision.DENY, opens=True),
        Rule(
            decision=Decision.ALLOW,
            minimum=_CHILD_COLDEST,
            maximum=_CHILD_WARMEST,
            domain="climate",
            capability="target_temperature",
        ),
        Rule(decision=Decision.DENY, domain="climate", capability="target_temperature"),
    ),
    Role.GUEST: (Rule(decision=Decision.DENY, opens=True),),
    # Whoever says a PIN is known by it: it is the owner of that PIN who then may.
    Role.UNKNOWN: (Rule(decision=Decision.NEEDS_PIN, opens=True),),
}


def opens(entity: Entity, capability: str, value: Value) -> bool:
    """Whether this makes the home less safe: all that does not plainly close something protected.

    The value is absolute.
    """
    if not is_protected(entity):
        return False
    closed = _CLOSED.get(capability)
    return closed is None or type(closed) is not type(value) or closed != value


def decide(rules: Iterable[Rule], entity: Entity, capability: str, value: Value) -> Decision:
    """What the first rule that fits says; the value is absolute."""
    for rule in rules:
        if rule.fits(entity, capability, value):
            return rule.decision
    return Decision.ALLOW


def with_rule(rules: Sequence[Rule], new: Rule) -> tuple[Rule, ...]:
    """The rules with a new one before them; it takes the place of those for the same."""
    return (new, *(rule for rule in rules if rule.aims_at != new.aims_at))
