"""The home that a turn is understood by: kept with a recording, given back in a replay."""

from __future__ import annotations

import time

from alicia.contracts.conversation import Topic
from alicia.contracts.voice import AUTO, GET_HOME, PREVIEW, GetHome, Preview
from alicia.errors import AliciaError
from alicia.mind.course import Course
from alicia.mind.topics import Topics
from alicia.services.voice.router.people import People


class Homes(People):
    """Today's home and that of another time, and what was spoken of before."""

    _topics: Topics

    def _topic(self, course: Course) -> Topic | None:
        """What was spoken of before; in a home of another time nobody knows."""
        return None if course.home else self._topics.of(course.satellite, time.monotonic())

    async def _note_the_home(self, course: Course) -> None:
        """Keep with a recording what it was understood by; who reads it needs no more."""
        try:
            course.recorder.home = course.home or await self.ask(GET_HOME, GetHome())
        except AliciaError as error:
            self.log.warning("recorded without the home as it was", code=error.code)

    async def _suppose(self, course: Course) -> None:
        """Have the home of another time taken up before anybody speaks of it."""
        if course.home is not None and course.language != AUTO:
            nothing = Preview(
                utterance_id=course.utterance_id or "",
                turn_id=course.turn_id,
                text="",
                language=course.language,
                home=course.home,
            )
            try:
                await self.ask(PREVIEW, nothing, deadline_s=self.settings.understand_s)
            except AliciaError as error:
                self.log.debug("the home of then is taken up when it is needed", code=error.code)
