"""How turns end, and where each satellite is: the state that the router's parts share."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress

from alicia.contracts.voice import CANCEL, TURN, Cancel, CancelReason, Turn, TurnPhase
from alicia.errors import AliciaError
from alicia.mind.course import Course
from alicia.mind.turn_machine import Machines
from alicia.mind.turns import Journal, Traces
from alicia.runtime.service import Service
from alicia.services.voice.router.settings import RouterSettings


class Ending(Service[RouterSettings]):
    """Phases said, turns cut short."""

    _journal: Journal
    _traces: Traces
    _machines: Machines
    _courses: dict[str, Course]
    _sounding: dict[str, asyncio.Event]
    _freed: asyncio.Condition

    @contextmanager
    def _if_the_disk_will(self) -> Generator[None, None, None]:
        """A disk that is full or gone costs what is remembered of a turn, not the turn."""
        with suppress(AliciaError), self.edge("write"):
            yield

    async def _say(self, course: Course, phase: TurnPhase) -> None:
        """Go on to this phase, and say so where the turn holds its satellite."""
        machine = self._machines.of(course.satellite)
        begins = (machine.turn_id, machine.phase) == (course.turn_id, phase)
        if begins or machine.step(course.turn_id, phase):
            await self._tell(course)

    async def _tell(self, course: Course) -> None:
        machine = self._machines.of(course.satellite)
        if machine.turn_id == course.turn_id:
            await self.say(
                TURN,
                Turn(
                    satellite=course.satellite,
                    phase=machine.phase,
                    turn_id=course.turn_id,
                    language=course.language,
                ),
            )

    async def _rest(self, satellite: str, turn_id: str | None = None) -> None:
        """The satellite is idle, where this turn holds it (or nobody did)."""
        if turn_id is None or self._machines.of(satellite).release(turn_id):
            await self.say(TURN, Turn(satellite=satellite, phase=TurnPhase.IDLE))
            async with self._freed:
                self._freed.notify_all()

    # ---- ending early ----

    def _cut(self, turn_id: str, reason: CancelReason, at: str | None = None) -> list[Cancel]:
        """End a turn and free its satellite; what must be said of it, nothing if it is over.

        at: only there, where it is heard at several satellites.
        """
        del at
        course, sounding = self._courses.get(turn_id), self._sounding.pop(turn_id, None)
        if course is not None and course.cancelled is None:
            course.cancel(reason)
            satellite = course.satellite
            with self._if_the_disk_will():
                self._journal.remove(turn_id)
        elif sounding is not None and (over := self._traces.record(turn_id)) is not None:
            self._traces.cut_short(turn_id, reason)
            sounding.set()
            satellite = over.satellite
        else:
            return []
        self._machines.of(satellite).release(turn_id)
        self.log.info("cancelled", turn=turn_id, reason=reason.value)
        return [Cancel(turn_id=turn_id, satellite=satellite, reason=reason)]

    async def _say_cancelled(self, ended: list[Cancel]) -> None:
        """The work stops wherever it is done, and who is free now is idle."""
        for cancel in ended:
            await self.say(CANCEL, cancel)
        for satellite in {cancel.satellite for cancel in ended}:
            if self._machines.of(satellite).phase is TurnPhase.IDLE:
                await self._rest(satellite)
        async with self._freed:
            self._freed.notify_all()

    async def _end_early(self, turn_id: str, reason: CancelReason) -> bool:
        """Whether the turn was there to be cancelled."""
        ended = self._cut(turn_id, reason)
        await self._say_cancelled(ended)
        return bool(ended)

    async def _stop_all(self, satellite: str, *, but: str | None = None) -> list[str]:
        """Stop everything that runs or sounds at a satellite; which turns it was."""
        mine = {c.turn_id for c in self._courses.values() if c.satellite == satellite}
        mine |= {
            turn_id
            for turn_id in self._sounding
            if (over := self._traces.record(turn_id)) is None or over.satellite == satellite
        }
        return [
            turn_id
            for turn_id in sorted(mine - {but or ""})
            if await self._end_early(turn_id, CancelReason.STOP)
        ]
