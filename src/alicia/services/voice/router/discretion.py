"""Where a PIN was asked for, what is said next is kept nowhere until it is known to be none."""

from __future__ import annotations

import time

from alicia.mind.course import Course
from alicia.mind.turns import OpenEntry
from alicia.services.voice.router.ending import Ending

ASKED_S = 90.0
"""Longer than the question is open: a PIN that comes too late is one still."""


class Discretion(Ending):
    """Which satellites have just asked for a PIN."""

    _asked_at: dict[str, float]

    def _may_hold_a_pin(self, satellite: str) -> bool:
        asked_at = self._asked_at.get(satellite)
        return asked_at is not None and time.monotonic() - asked_at < ASKED_S

    def _note_what_was_asked(self, course: Course) -> None:
        if course.asks_pin:
            self._asked_at[course.satellite] = time.monotonic()

    def _write_down(self, course: Course, entry: OpenEntry) -> None:
        """What was said, for the next instance; a PIN has to be heard again."""
        if course.may_hold_a_pin:
            return
        known = {"transcript": course.transcript, "speaker": course.speaker}
        with self._if_the_disk_will():
            self._journal.write(entry.model_copy(update=known))
