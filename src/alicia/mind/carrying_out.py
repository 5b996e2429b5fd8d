"""What becomes of a plan's actions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from alicia.contracts.devices import OutcomeKind, Result
from alicia.contracts.voice import Action

if TYPE_CHECKING:
    from alicia.language.plan import Plan, PlannedAction


async def carried_out(
    plan: Plan, carry_out: Callable[[int, PlannedAction], Awaitable[list[Result]]]
) -> list[Result]:
    """What became of each action; one after the other where several are about one thing."""
    numbered = list(enumerate(plan.actions))
    told = [entity for action in plan.actions for entity in action.entities]
    if len(set(told)) == len(told):
        controls = await asyncio.gather(*(carry_out(at, action) for at, action in numbered))
    else:  # "Turn it on and make it blue": in this order.
        controls = [await carry_out(at, action) for at, action in numbered]
    return [result for done in controls for result in done]


def actions_of(results: list[Result], *, dry_run: bool = False) -> list[Action]:
    """As a turn's record tells them."""
    return [
        Action(
            entity=result.entity_id,
            capability=result.capability,
            value=result.value,
            outcome=OutcomeKind.PLANNED if dry_run else result.outcome,
            error=result.error,
        )
        for result in results
    ]


async def pretended(action: PlannedAction) -> list[Result]:
    """What a dry run answers from: as if every device had confirmed it."""
    return [
        Result(
            entity_id=entity,
            capability=action.capability,
            value=action.value,
            outcome=OutcomeKind.CONFIRMED,
        )
        for entity in action.entities
    ]
