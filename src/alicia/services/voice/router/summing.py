"""What no longer fits into what a model is told again: summed up by one, beside the turns."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from alicia.contracts.advanced import COMPLETE, Complete, Completion
from alicia.contracts.voice import (
    CANCEL,
    FORGET_CONVERSATIONS,
    Cancel,
    CancelReason,
    ConversationsForgotten,
    ForgetConversations,
)
from alicia.errors import AliciaError
from alicia.mind.conversation import Overflow
from alicia.mind.course import Course
from alicia.mind.models import summaries
from alicia.mind.models.proposals import INTENT
from alicia.runtime.service import serves
from alicia.services.voice.router.conversing import Conversing


class Summing(Conversing):
    """Summaries are made while nobody speaks; whoever does puts them off."""

    _turns: asyncio.TaskGroup
    _summing: dict[str, asyncio.Event]
    """By satellite; set to put it off."""

    def _sum_up(self, course: Course) -> None:
        """Begin to, where a model has answered and too much is there."""
        understood = course.understood
        if understood is None or understood.intent != INTENT or course.dry_run:
            return
        overflow = self._conversation.overflow(course.satellite, course.speaker)
        if overflow is not None and course.satellite not in self._summing:
            put_off = self._summing[course.satellite] = asyncio.Event()
            self._turns.create_task(self._summed(overflow, f"{course.turn_id}-summary", put_off))

    def _put_summaries_off(self) -> None:
        """Somebody speaks: the models are theirs."""
        for put_off in self._summing.values():
            put_off.set()

    async def _summed(self, overflow: Overflow, turn_id: str, put_off: asyncio.Event) -> None:
        try:
            with suppress(AliciaError), self.edge("sum up"):
                ask = Complete(
                    turn_id=turn_id,
                    instructions=summaries.instructions(overflow.language),
                    text=summaries.told(overflow),
                    max_tokens=summaries.TOKENS,
                )
                made = await self._unless_put_off(ask, overflow.satellite, put_off)
                if made is None:
                    self.log.debug("a summary is put off")
                elif self._conversation.sum_up(overflow, summaries.taken(made.text)):
                    await self.off_loop(self._conversation.save)
                    self.log.info("summed up", turns=len(overflow.turns), provider=made.provider)
        finally:
            del self._summing[overflow.satellite]

    async def _unless_put_off(
        self, ask: Complete, satellite: str, put_off: asyncio.Event
    ) -> Completion | None:
        """What a model makes of it; None where it was told to stop."""
        answer = asyncio.create_task(self.ask(COMPLETE, ask))
        waiting = asyncio.create_task(put_off.wait())
        try:
            await asyncio.wait({answer, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            for task in (answer, waiting):
                task.cancel()
            await asyncio.gather(answer, waiting, return_exceptions=True)
        reason = CancelReason.SUPERSEDED
        await self.say(
            CANCEL, Cancel(turn_id=ask.turn_id or "", satellite=satellite, reason=reason)
        )
        return None

    @serves(FORGET_CONVERSATIONS)
    async def forget_conversations(self, ask: ForgetConversations) -> ConversationsForgotten:
        """Raises SetupError where the disk does not let go of it."""
        gone = self._forget(ask.satellite, ask.person_id)
        await self.off_loop(self._conversation.save)
        return ConversationsForgotten(turns=gone)
