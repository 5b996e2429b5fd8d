"""The conversation at each satellite: what it is about, and its last turns, over a restart.

Kept sealed for as long as somebody may go on about it and no longer: the topic for a minute and a
half, the words of the last turns for ten minutes. The oldest turns drop out; nothing sums them up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, Field, ValidationError

from alicia.contracts.conversation import Topic
from alicia.contracts.memory import INTENTS
from alicia.contracts.voice import TurnRecord
from alicia.errors import SetupError
from alicia.mind.topics import Topics
from alicia.storage.sealed import SealedFile


class PastTurn(BaseModel):
    """One turn, as far as it may be told again."""

    satellite: str
    speaker: str | None
    language: str
    asked: str | None
    """None where the words are kept nowhere: a PIN, or what is for the memory alone."""
    answered: str | None
    private: bool
    """Only who spoke is told of the answer."""
    at: float
    """Seconds since the epoch."""


class _Kept(BaseModel):
    topics: dict[str, tuple[Topic, float]] = Field(default_factory=dict[str, tuple[Topic, float]])
    """By satellite, with when it was spoken of, in seconds since the epoch."""
    turns: list[PastTurn] = Field(default_factory=list[PastTurn])


class Conversation:
    """Topics and turns. `load` and `save` block."""

    def __init__(
        self,
        folder: Path,
        *,
        topic_s: float,
        window_s: float,
        window_turns: int,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.topics = Topics(keep_s=topic_s)
        self._file = SealedFile(folder, "conversation", remedy="delete them")
        self._topic_s, self._window_s, self._most = topic_s, window_s, window_turns
        self._clock, self._monotonic = clock, monotonic
        self._turns: list[PastTurn] = []
        self._writing = Lock()
        self._dropped = False
        """Something was on the disk that must not be there any more."""

    def load(self) -> None:
        """Take up what an instance before was told.

        Raises SetupError where it can't be read; then it is deleted, for it would be over anyway.
        """
        try:
            kept = _Kept.model_validate_json(self._file.read() or b"{}")
        except (SetupError, ValidationError) as error:
            self._file.remove()
            raise SetupError(
                "The conversation before this start can't be read, and is forgotten.",
                reason=type(error).__name__,
            ) from error
        now, on = self._clock(), self._monotonic()
        for satellite, (topic, at) in kept.topics.items():
            # What comes out of the future was written by a wrong clock.
            if 0 <= now - at <= self._topic_s:
                self.topics.put(satellite, topic, on - (now - at))
        self._turns = kept.turns
        self.expire()

    def note(self, record: TurnRecord) -> None:
        """A turn is over; its words are kept where the home wants that."""
        if self._window_s <= 0 or self._most <= 0:
            return
        private = record.intent in INTENTS
        unsaid = private or record.secret
        turn = PastTurn(
            satellite=record.satellite,
            speaker=record.speaker,
            language=record.language,
            asked=None if unsaid else record.transcript,
            answered=None if private else record.reply,
            private=private,
            at=self._clock(),
        )
        here = [one for one in self._turns if one.satellite == record.satellite]
        self._drop({id(one) for one in here[: len(here) + 1 - self._most]})
        self._turns.append(turn)

    def forget(self, satellite: str, speaker: str | None) -> None:
        """Somebody had everything forgotten there: all turns that are or may be theirs."""
        gone = [
            one
            for one in self._turns
            if one.satellite == satellite or (speaker is not None and one.speaker == speaker)
        ]
        self._drop({id(one) for one in gone})

    def expire(self) -> bool:
        """Whether there was something whose time is over."""
        now = self._clock()
        old = [one for one in self._turns if not 0 <= now - one.at <= self._window_s]
        self._drop({id(one) for one in old})
        if self.topics.expire(self._monotonic()):
            self._dropped = True
        return self._dropped

    def save(self) -> None:
        """Raises SetupError."""
        with self._writing:
            now, on = self._clock(), self._monotonic()
            topics = {
                satellite: (topic, now - (on - at)) for satellite, topic, at in self.topics.all()
            }
            dropped, self._dropped = self._dropped, False
            if not topics and not self._turns:
                self._file.remove()
                return
            kept = _Kept(topics=topics, turns=self._turns)
            self._file.write(kept.model_dump_json().encode(), forget=dropped)

    # ---- what was said ----

    def last_asked(self, satellite: str, speaker: str | None) -> PastTurn | None:
        """The last turn of this person, where they are known anywhere; else of nobody known there.

        What somebody else asked is not told.
        """
        return self._last(
            lambda one: one.speaker == speaker and (speaker or one.satellite == satellite)
        )

    def last_answered(self, satellite: str, speaker: str | None) -> PastTurn | None:
        """The last answer that was heard there; of what is private, who asked it alone."""
        return self._last(
            lambda one: (
                one.satellite == satellite
                and (not one.private or (speaker is not None and one.speaker == speaker))
            )
        )

    def _last(self, fits: Callable[[PastTurn], object]) -> PastTurn | None:
        now = self._clock()
        return next(
            (
                one
                for one in reversed(self._turns)
                if fits(one) and 0 <= now - one.at <= self._window_s
            ),
            None,
        )

    def _drop(self, gone: set[int]) -> None:
        if gone:
            self._turns = [one for one in self._turns if id(one) not in gone]
            self._dropped = True
