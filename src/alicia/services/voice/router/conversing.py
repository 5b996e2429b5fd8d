"""What was said in the turns before, and what it was about: told again, and kept over a restart."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from alicia.contracts.memory import FORGOT_ALL, INTENTS
from alicia.contracts.voice import TurnRecord
from alicia.errors import SetupError, UnsupportedLanguageError
from alicia.language.phrases import word
from alicia.language.recollecting import (
    asks_to_forget,
    asks_what_was_answered,
    asks_what_was_asked,
    recollected,
)
from alicia.language.remembering import wanted
from alicia.mind.conversation import Conversation, Told
from alicia.mind.course import Course
from alicia.mind.models.proposals import INTENT
from alicia.mind.turns import OpenEntry
from alicia.runtime.service import runs
from alicia.services.voice.router.homes import Homes

FORGOTTEN = "ForgetConversation"
"""Intent of a turn that had the conversation forgotten."""
RECOLLECTED = "Recollect"
"""Intent of a turn that asked for the words of another."""
TIDY_S = 10.0
"""How much longer than it should something that is over may stay on the disk."""


class Conversing(Homes):
    """The conversation at each satellite."""

    _conversation: Conversation
    _lately: dict[str, TurnRecord]
    """The last turn of each satellite, in memory alone: its words are somebody's."""

    async def _open_conversation(self, folder: Path) -> None:
        own = self.settings
        self._conversation = Conversation(
            folder,
            topic_s=own.topic_s,
            window_s=own.window_s,
            window_turns=own.window_turns,
            history_s=own.history_s,
            history_tokens=own.history_tokens,
        )
        self._topics = self._conversation.topics
        try:
            await self.off_loop(self._conversation.load)
        except SetupError as error:
            self.log.warning("the conversation is forgotten", code=error.code, **error.fields)

    @runs
    async def forget_what_is_over(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            if self._conversation.expire():
                with self._if_the_disk_will():
                    await self.off_loop(self._conversation.save)

    async def _note_turn(self, course: Course, record: TurnRecord, *, told_again: bool) -> None:
        """On the disk before anybody is told that the turn is over: a kill then loses nothing."""
        if course.dry_run:
            return
        self._topics.note(course.satellite, course.understood, course.error, time.monotonic())
        if not told_again:
            self._conversation.note(record, _replied(course))
        if record.intent == FORGOT_ALL:
            self._forget(course.satellite, course.speaker)
        with self._if_the_disk_will():
            await self.off_loop(self._conversation.save)

    def _told(self, course: Course) -> Told:
        """What a model may be told again of the conversation here; nothing in another home."""
        if course.home:
            return Told([], "")
        return self._conversation.told(course.satellite, course.speaker)

    def _forget(self, satellite: str | None, speaker: str | None) -> int:
        """The words of how many turns are forgotten: there, of this person, or all."""
        for where, last in list(self._lately.items()):
            by_them = speaker is not None and last.speaker == speaker
            if where == satellite or by_them or (satellite is speaker is None):
                del self._lately[where]
        return self._conversation.forget(satellite, speaker)

    def _recollect(self, course: Course, text: str) -> bool:
        """Whether it was about the words of turns before; then the reply has them."""
        if asks_to_forget(text, course.language):
            if not course.dry_run:
                self._forget(course.satellite, course.speaker)
            course.intent = FORGOTTEN
            course.reply = word("recall.forgotten", course.language)
            return True
        if asks_what_was_asked(text, course.language):
            turn = self._conversation.last_asked(course.satellite, course.speaker)
            key, words = "asked", turn and turn.asked
        elif asks_what_was_answered(text, course.language):
            turn = self._conversation.last_answered(course.satellite, course.speaker)
            key, words = "answered", turn and turn.answered
        else:
            return False
        course.intent = RECOLLECTED
        course.reply = recollected(key, words, course.language, known=turn is not None)
        return True

    def _write_down(self, course: Course, entry: OpenEntry) -> None:
        """What is for the memory is in no other file: it has to be heard again too."""
        heard = course.transcript
        try:
            if heard is not None and wanted(heard.text, heard.language) is not None:
                return
        except UnsupportedLanguageError:
            self.log.debug("nobody speaks that language", language=course.language)
        super()._write_down(course, entry)


def _replied(course: Course) -> str | None:
    """What a model answered, as one may be told it again; None where none did, or it is secret.

    Empty where text from outside may speak out of it, also where nobody knows: it was cut short.
    """
    understood, begun = course.understood, course.beginning.said
    if course.secret or not course.words:
        return None
    if understood is None:
        return "" if begun else None
    if understood.intent != INTENT or not course.reply:
        return None
    return "" if understood.untrusted else course.reply


def untold(record: TurnRecord) -> TurnRecord:
    """Without what was told from the memory: that is for who asked, in that moment alone."""
    if record.intent not in INTENTS:
        return record
    return record.model_copy(update=dict.fromkeys(("transcript", "heard", "reply")))
