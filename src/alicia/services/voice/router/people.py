"""Who speaks, and where they are: said beside the turn by advanced_voice, and hardly waited for."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized
from alicia.contracts.languages import LANGUAGES_SPOKEN, LanguagesSpoken
from alicia.contracts.personas import CAST, Cast
from alicia.contracts.voice import AUTO
from alicia.errors import UnsupportedLanguageError
from alicia.mind.casting import NOBODY, Answerer, Casting
from alicia.mind.course import Course
from alicia.mind.spoken_languages import SpokenLanguages
from alicia.runtime.service import handles
from alicia.services.voice.router.discretion import Discretion


class People(Discretion):
    """Whose turn each is, where their voice is known."""

    _were: dict[str, tuple[str, float]]
    """By person: where they began their latest turn, and when."""

    _casting: Casting
    _languages: SpokenLanguages

    _voices_are_known = False
    """Somebody recognizes voices, and did so in time."""

    @handles(SPEAKER_RECOGNIZED)
    async def recognized(self, who: SpeakerRecognized) -> None:
        self._voices_are_known = True
        for course in self._courses.values():
            if course.utterance_id == who.utterance_id:
                course.speaker = who.speaker_id
                course.heard_whose.set()
                self._note_where(course)

    @handles(CAST)
    async def cast(self, cast: Cast) -> None:
        self._casting.take(cast)

    @handles(LANGUAGES_SPOKEN)
    async def languages_spoken(self, spoken: LanguagesSpoken) -> None:
        self._languages.take(spoken)

    def _listen_for(self, course: Course) -> list[str]:
        """The languages that may be heard, where it is more than the satellite's own."""
        expected = self._languages.expected(course.satellite, course.language, time.time())
        if expected == [course.language] or AUTO in expected:
            return []
        course.language = AUTO
        return expected

    def _settle_languages(self, course: Course) -> None:
        """What to answer in, and whether to interpret, once it is known who speaks."""
        course.reply_language = self._languages.reply_language(course.satellite, course.speaker)
        course.between = self._languages.between(course.satellite, time.time())

    def _answerer(self, course: Course) -> Answerer:
        """Who answers this turn; plain Alicia where its language is none of the nine."""
        with suppress(UnsupportedLanguageError):
            return self._casting.answerer(course.speaker, course.area_id, course.answers_in)
        return NOBODY

    def _note_where(self, course: Course) -> None:
        if course.speaker is not None and not course.cancelled and not course.dry_run:
            _, since = self._were.get(course.speaker, ("", 0.0))
            if course.begun_on >= since:
                self._were[course.speaker] = course.satellite, course.begun_on

    def _moved_to(self, course: Course) -> str | None:
        """The satellite where who began this turn has spoken since; None where they are here still.

        A person who is not recognized is taken to have stayed: somebody else may be there.
        """
        if not self.settings.follow_me or course.speaker is None or course.dry_run:
            return None
        satellite, since = self._were.get(course.speaker, (course.satellite, 0.0))
        moved = satellite != course.satellite and since > course.begun_on
        return satellite if moved else None

    async def _hear_whose(self, course: Course) -> None:
        """Wait a moment for who spoke; not at all while nobody recognizes voices.

        Who comes later still stands in the turn's record.
        """
        if course.heard_whose.is_set() or not self._voices_are_known:
            return
        with self.span("wait for the speaker"), suppress(TimeoutError):
            async with asyncio.timeout(self.settings.speaker_s):
                await course.heard_whose.wait()
            return
        # The next turn does not wait, until a voice is recognized again.
        self._voices_are_known = False
