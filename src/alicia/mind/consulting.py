"""Consulting: a sentence that the home's grammar does not know, put to a language model.

What comes of it is a plan that is valid here, or words to say. Where the model's words are spoken
while it still writes, the first of them must come in time, and what follows may take longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from alicia.contracts.advanced import Think, Thought
from alicia.contracts.voice import Understand
from alicia.errors import AliciaError, BrokeOffError, LateError, TurnCancelledError
from alicia.home.model import Home
from alicia.language.plan import Plan
from alicia.mind.beginning import begun_in_time
from alicia.mind.casting import Answerer
from alicia.mind.models.proposals import planned

ON_THE_WAY_S = 0.1
"""How much longer than the model an answer may take: it is said why there is none."""

_SHARED = {"turn_id", "text", "area_id", "history", "summary", "picture", "aloud_s"}

Ask = Callable[[Think, float], Coroutine[Any, Any, Thought]]
"""A request, and how long to wait for its reply."""


@dataclass(frozen=True, slots=True)
class Consulted:
    """What came of it."""

    plan: Plan
    said: str = ""
    """What to say; empty where the plan's outcome says it."""
    untrusted: bool = False
    """Text from outside this home may speak out of what is said."""


class Consulting:
    """The sentences that models are asked about."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._begun: dict[str, asyncio.Event] = {}

    def begun(self, turn_id: str) -> None:
        """The beginning of a turn's reply was said."""
        if (event := self._begun.get(turn_id)) is not None:
            event.set()

    async def consult(
        self,
        ask: Understand,
        answerer: Answerer,
        home: Home,
        within_s: float,
        facts: Sequence[str] = (),
    ) -> Consulted:
        """What is to be done, all or none of it, and what to say where that is nothing.

        `facts` are what the speaker told before.

        Raises AliciaError; BrokeOffError where the beginning of a reply was said.
        """
        shared = ask.model_dump(include=_SHARED)
        language = ask.answers_in
        manner = answerer.manner(language)
        think = Think.model_validate(
            {
                **shared,
                "language": language,
                "manner": manner,
                "within_s": within_s,
                "facts": list(facts),
            }
        )
        event = self._begun[ask.turn_id] = asyncio.Event()
        try:
            thought = await self._answer(think, event, within_s + ON_THE_WAY_S)
            plan = planned(thought, home, ask.text)
        except TurnCancelledError:
            raise
        except AliciaError as error:
            if not event.is_set() or isinstance(error, BrokeOffError):
                raise
            raise BrokeOffError(reason=error.code) from error
        finally:
            del self._begun[ask.turn_id]
        # What was changed is told from what is confirmed, whatever the model says of it.
        return Consulted(plan, "" if plan.actions else thought.reply, thought.untrusted)

    async def _answer(self, think: Think, begun: asyncio.Event, within_s: float) -> Thought:
        if think.aloud_s is None:
            return await self._ask(think, within_s)
        asking = self._ask(think, within_s + think.aloud_s)
        try:
            return await begun_in_time(asking, begun, within_s)
        except TimeoutError:
            raise LateError from None
