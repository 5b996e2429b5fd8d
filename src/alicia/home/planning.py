"""What a command means for each of its entities, before any adapter is told."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from alicia.contracts.devices import Control, Entity, EntityState, OutcomeKind, Value
from alicia.errors import (
    BusError,
    DeviceError,
    InvalidValueError,
    MalformedMessageError,
    UnavailableError,
    UnconfirmedError,
)
from alicia.home.capabilities import absolute, capability_of, validate
from alicia.home.model import Home


class Step(BaseModel):
    """What is to be done to one entity."""

    entity_id: str
    adapter: str = ""
    value: Value
    """Valid and absolute."""
    error: str | None = None
    """Why it can't be done."""


class Plan(BaseModel):
    asked: Control
    steps: list[Step]

    def require(self, ask: Control) -> None:
        """Raises MalformedMessageError where this is the plan of another command."""
        if self.asked.model_copy(update={"turn_id": ask.turn_id}) != ask:
            raise MalformedMessageError(
                "This command id stands for another command.", command_id=ask.command_id
            )


class Planner:
    """Makes plans from how the home is, and from what is under way."""

    def __init__(self, home: Home, states: Mapping[str, EntityState]) -> None:
        self._home = home
        self._states = states
        self._aims: dict[tuple[str, str], tuple[str, Value]] = {}

    def plan(self, ask: Control) -> Plan:
        """Each entity once; one that can't do it does not spoil it for the rest."""
        steps = [self._step(ask, entity_id) for entity_id in dict.fromkeys(ask.entities)]
        return Plan(asked=ask, steps=steps)

    def aim(self, plan: Plan) -> None:
        """From here on a further relative command starts from this plan's values."""
        asked = plan.asked
        for step in plan.steps:
            if step.error is None:
                self._aims[step.entity_id, asked.capability] = (asked.command_id, step.value)

    def release(self, command_id: str) -> None:
        """It is over: what the devices report counts again."""
        self._aims = {key: aim for key, aim in self._aims.items() if aim[0] != command_id}

    def _step(self, ask: Control, entity_id: str) -> Step:
        try:
            entity = self._home.entity(entity_id)
            value = self._absolute(entity, ask) if ask.relative else ask.value
            value = validate(entity, ask.capability, value)
        except DeviceError as error:
            return Step(entity_id=entity_id, value=ask.value, error=error.code)
        return Step(entity_id=entity_id, adapter=entity.adapter, value=value)

    def _absolute(self, entity: Entity, ask: Control) -> float:
        """From where it is now, or will be when the command before is confirmed."""
        capability = capability_of(entity, ask.capability)
        if isinstance(ask.value, bool | str):
            raise InvalidValueError(entity=entity.entity_id, capability=ask.capability)
        state = self._states.get(entity.entity_id)
        if state is None or not state.available:
            raise UnavailableError(entity=entity.entity_id)
        if aim := self._aims.get((entity.entity_id, ask.capability)):
            values = {**state.values, ask.capability: aim[1]}
            state = state.model_copy(update={"values": values})
        return absolute(state, capability, ask.value)


def outcome_of(error: str | None) -> OutcomeKind:
    """What an error code means to the one who asked."""
    if error is None:
        return OutcomeKind.CONFIRMED
    if error == UnconfirmedError.code:
        return OutcomeKind.TIMED_OUT
    if error == UnavailableError.code or error.startswith(BusError.code + "."):
        return OutcomeKind.UNREACHABLE
    return OutcomeKind.REFUSED
