"""What is said: whole, or clause by clause while a language model still makes the rest."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, TypeVar

from alicia.contracts.advanced import CLAUSE, Clause
from alicia.contracts.voice import (
    SPEAK,
    UNDERSTAND,
    Speak,
    SpeechPlace,
    Spoken,
    TurnPhase,
    Understand,
    Understood,
)
from alicia.errors import AliciaError, DeadlineError, TurnCancelledError
from alicia.mind.beginning import begun_in_time
from alicia.mind.course import Course, Stopwatch
from alicia.runtime.service import handles
from alicia.services.voice.router.homes import Homes

T = TypeVar("T")


class Speaking(Homes, ABC):
    """Replies as they come."""

    _turns: asyncio.TaskGroup

    # ---- understood, perhaps from its beginning on ----

    def _aloud_s(self, course: Course) -> float | None:
        return (self.settings.aloud_s or None) if course.speak else None

    async def _understood(self, course: Course, ask: Understand) -> Understood:
        """What ai makes of it. Raises DeadlineError where in time nothing has begun."""
        within_s = self.settings.look_s if ask.picture else self.settings.understand_s
        if ask.aloud_s is None:
            return await self.ask(UNDERSTAND, ask, deadline_s=within_s)
        course.beginning.open()
        asking = self.ask(UNDERSTAND, ask, deadline_s=within_s + ask.aloud_s)
        try:
            return await begun_in_time(asking, course.beginning.begun, within_s)
        except TimeoutError:
            raise DeadlineError(command=UNDERSTAND.pattern, after_s=within_s) from None

    @handles(CLAUSE)
    async def clause(self, clause: Clause) -> None:
        course = self._courses.get(clause.turn_id)
        if course is None or course.cancelled:
            return
        if course.beginning.take(clause.number, clause.text) and course.speaking is None:
            if course.thinking is not None:
                course.thinking.stop()
            course.speaking = self._turns.create_task(self._speak_along(course))

    # ---- spoken ----

    async def _speak(self, course: Course) -> None:
        if course.speaking is not None:
            course.reply = course.beginning.finish(course.reply or "").strip()
            await course.speaking
            return
        if course.cancelled or not course.speak or not course.reply:
            return
        there = self._moved_to(course)
        if there is not None and self._reply_there(course, there):
            return
        course.beginning.finish(course.reply)
        await self._speak_along(course)

    async def _speak_along(self, course: Course) -> None:
        """Say its words as they become certain, to the end."""
        await self._say(course, TurnPhase.SPEAKING)
        try:
            with (
                self.edge("speak"),
                Stopwatch(course.stages, "first audio", "speak") as watch,
            ):
                first = spoken = await self._say_next(course, None)
                watch.split(first.first_audio_at)
                while spoken.place is not None and course.speaks_on:
                    spoken = await self._say_next(course, spoken.place)
                begun = {"first_audio_at": first.first_audio_at, "voice": first.voice}
                course.spoken = spoken.model_copy(update=begun)
        except AliciaError as error:
            # The satellite sees `spoken: false` and says so with its own stored voice.
            self.log.warning("reply not spoken", code=error.code)
            course.error = course.error or error

    async def _say_next(self, course: Course, after: SpeechPlace | None) -> Spoken:
        text, course.speaks_on = await self._unless_cancelled(course, course.beginning.next())
        if course.cancelled:
            raise TurnCancelledError
        asking = self.ask(
            SPEAK,
            Speak(
                turn_id=course.turn_id,
                text=text,
                language=course.spoken_in,
                after=after,
                more=course.speaks_on,
                **course.answerer.style.model_dump(),
            ),
            deadline_s=self.settings.speak_s,
        )
        return await self._unless_cancelled(course, asking)

    @abstractmethod
    def _reply_there(self, course: Course, satellite: str) -> bool:
        """Have the reply heard at another satellite; False where that one can't."""

    async def _unless_cancelled(
        self, course: Course, asking: Coroutine[Any, Any, T], grace_s: float | None = None
    ) -> T:
        """The answer. A cancelled turn's is waited for a little: CANCEL makes it come at once.

        Raises what the other side raised, TurnCancelledError where nothing came.
        """
        answer = asyncio.ensure_future(asking)
        stopping = asyncio.create_task(course.stopping.wait())
        try:
            await asyncio.wait({answer, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await asyncio.wait({answer}, timeout=grace_s or self.settings.cancel_s)
            if not answer.done():
                raise TurnCancelledError
            return answer.result()
        finally:
            for task in (answer, stopping):
                task.cancel()
            await asyncio.gather(answer, stopping, return_exceptions=True)
