"""What a language model makes of a sentence that the home's grammar does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicia.contracts.advanced import (
    CLAUSE,
    Clause,
)
from alicia.contracts.voice import (
    Understand,
    Understood,
)
from alicia.errors import (
    AliciaError,
    BrokeOffError,
    ForbiddenError,
    NoResponderError,
    NoSightError,
    NotUnderstoodError,
    TimeNotUnderstoodError,
    TurnCancelledError,
)
from alicia.runtime.service import handles
from alicia.services.voice.ai.herself import AboutHerself

if TYPE_CHECKING:
    from alicia.mind.consulting import Consulted


_LAST_WORD_S = 1.0
"""What is left to do what a model proposed, or to say that none had an answer."""


class ThinkingFurther(AboutHerself):
    """The way to the models."""

    async def _thought(self, ask: Understand, why: NotUnderstoodError) -> Consulted:
        """What a language model makes of it: changes, or what to say.

        Raises `why` where nobody has an answer in time that is valid here; BrokeOffError where one
        was begun to be said.
        """
        left_s = self.left_s() - (ask.aloud_s or 0.0) - _LAST_WORD_S
        within_s = min(self.settings.think_within_s, left_s)
        if within_s <= 0 or ask.home is not None:
            raise why
        answerer = self._casting.answerer(ask.speaker, ask.area_id, ask.answers_in)
        facts: list[str] = []
        if self.settings.notes_to_models:
            facts = await self.off_loop(self._memory.notes, ask)
        try:
            thought = await self._consulting.consult(ask, answerer, self._home, within_s, facts)
        except (TurnCancelledError, BrokeOffError):
            raise
        except AliciaError as error:
            self.log.info("no model helped", code=error.code)
            raise why from error
        if facts and thought.plan.actions:
            # Words that were told once never move anything: it was a question.
            self.log.info("a change refused that notes may have asked for")
            raise why
        if thought.plan.actions and self._scheduling.forbids(ask):
            raise TimeNotUnderstoodError  # What was asked for then is not done now.
        return thought

    async def _seen(self, ask: Understand) -> Understood:
        """What a model that sees says of the picture: words alone, whatever is in it.

        Raises NoSightError, another UpstreamError, PictureError, or ForbiddenError where it would
        have something changed.
        """
        answerer = self._casting.answerer(ask.speaker, ask.area_id, ask.answers_in)
        left_s = self.left_s() - (ask.aloud_s or 0.0) - _LAST_WORD_S
        within_s = max(0.0, min(self.settings.look_within_s, left_s))
        try:
            seen = await self._consulting.consult(ask, answerer, self._home, within_s)
        except NoResponderError:
            raise NoSightError from None
        if seen.plan.actions:
            self.log.warning("a change refused that a picture may have asked for")
            raise ForbiddenError("A picture changes nothing in this home.")
        return Understood(
            turn_id=ask.turn_id,
            heard=seen.plan.heard,
            intent=seen.plan.intent,
            reply=seen.said,
            language=ask.answers_in,
            untrusted=True,
        )

    @handles(CLAUSE)
    async def clause(self, clause: Clause) -> None:
        self._consulting.begun(clause.turn_id)
