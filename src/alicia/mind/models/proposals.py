"""What a model proposes, as a plan of this home's: checked once more by who carries it out."""

from __future__ import annotations

from alicia.contracts.advanced import Thought
from alicia.errors import ForbiddenError
from alicia.home.capabilities import validate
from alicia.home.model import Home
from alicia.home.protection import is_protected
from alicia.language.plan import Plan, PlannedAction

INTENT = "think"


def planned(thought: Thought, home: Home, heard: str) -> Plan:
    """All of its changes, each valid for its entity now.

    Raises DeviceError or ForbiddenError where one is not: then none may be carried out.
    """
    actions: list[PlannedAction] = []
    for change in thought.changes:
        entity = home.entity(change.entity)
        if is_protected(entity):
            raise ForbiddenError(entity=change.entity)
        value = validate(entity, change.capability, change.value)
        actions.append(PlannedAction((change.entity,), change.capability, value))
    return Plan(INTENT, actions=tuple(actions), heard=heard)
