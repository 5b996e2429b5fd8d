"""What somebody wants the others in the house to be told."""

from __future__ import annotations

import time

from alicia.contracts.satellites import Announce, Targets
from alicia.contracts.voice import AnnouncementWish
from alicia.errors import NoSatelliteError, QuietHoursError, TurnCancelledError
from alicia.language.phrases import listing, word
from alicia.mind.course import Course
from alicia.services.voice.router.announcing import Announcing


class Telling(Announcing):
    """Announcements that are asked for in a turn, and do not keep it waiting."""

    def _begin_to_announce(self, course: Course, wish: AnnouncementWish) -> None:
        """At all the others: who asked for it has heard it."""
        targets = Targets(areas=wish.areas, everywhere=not wish.areas)
        chosen, _ = self._directory.choose(targets, time.monotonic())
        others = [here.satellite for here in chosen if here.satellite != course.satellite]
        if not others:
            raise NoSatelliteError
        if self._is_quiet():
            raise QuietHoursError
        announce = Announce(
            turn_id=f"{course.turn_id}-announced",
            text=wish.text,
            targets=Targets(satellites=others),
            language=course.language,
        )
        self._turns.create_task(self._announce_for(course, announce))

    async def _announce_for(self, course: Course, announce: Announce) -> None:
        """Say it, and tell who asked where it was not heard."""
        reports = (await self.announce(announce)).reports
        silent = [
            report
            for report in reports
            if not report.sounded and report.error != TurnCancelledError.code
        ]
        self.log.info("announced", silent=len(silent), codes=[report.error for report in silent])
        here = self._directory.get(course.satellite, time.monotonic())
        if not silent or here is None or not here.plays:
            return
        language = course.answers_in
        where = listing([report.satellite for report in silent], language)
        told = Announce(
            turn_id=f"{course.turn_id}-unheard",
            text=word("announcement.unheard", language, where=where),
            targets=Targets(satellites=[course.satellite]),
            language=language,
        )
        await self.announce(told)
