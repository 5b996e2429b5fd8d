"""A late reply is heard where the person is by now."""

from __future__ import annotations

import time

from alicia.contracts.satellites import Announce, Report, SatelliteHere
from alicia.errors import TurnCancelledError
from alicia.mind.course import Course
from alicia.services.voice.router.announcing import Call
from alicia.services.voice.router.telling import Telling


class Router(Telling):
    """The turn's one owner, and whoever speaks without being asked."""

    name = "router"

    def _reply_there(self, course: Course, satellite: str) -> bool:
        here = self._directory.get(satellite, time.monotonic())
        if here is None or not here.plays:
            return False
        course.spoken_at = satellite
        self._turns.create_task(self._follow(course, here))
        return True

    async def _follow(self, course: Course, here: SatelliteHere) -> None:
        """After the turn that the person has there; where they were, if it can't be heard there."""
        report = await self._say_at(course, here)
        if report.sounded or report.error == TurnCancelledError.code:
            return
        self.log.warning("reply not heard where the person is", code=report.error)
        before = self._directory.get(course.satellite, time.monotonic())
        if before is not None and before.plays:
            await self._say_at(course, before)

    async def _say_at(self, course: Course, here: SatelliteHere) -> Report:
        turn_id = f"{course.turn_id}-at-{here.satellite}"
        ask = Announce(turn_id=turn_id, text=course.reply or "", language=course.spoken_in)
        call = self._calls[turn_id] = Call([here.satellite])
        try:
            return await self._announce_at(here, ask, call)
        finally:
            del self._calls[turn_id]
