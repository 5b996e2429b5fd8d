"""The conversation at each satellite: what it is about, its last turns, and their summary.

Kept sealed, over a restart, for as long as somebody may go on about it and no longer: the topic for
a minute and a half, the words of the last turns for ten minutes. What a model answered may be told
to one again: the latest turns, and of those before them a summary that a model has made. Where
nobody sums them up the oldest drop out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, Field, ValidationError

from alicia.contracts.conversation import Exchange, Topic
from alicia.contracts.memory import INTENTS
from alicia.contracts.voice import TurnRecord
from alicia.errors import SetupError
from alicia.mind.models.tokens import at_most
from alicia.mind.topics import Topics
from alicia.storage.sealed import SealedFile

MOST = 8
"""Turns that a model is told again, however short they are."""
HELD = 12
"""Turns that a model answered, and that are kept for it where nobody sums them up."""


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
    replied: str | None = None
    """What a model answered; None where none did. Empty where others' text may speak out of it."""
    summed: bool = False
    """It is part of a summary."""

    @property
    def by_model(self) -> bool:
        """A model has been asked it, so that one may be told it again."""
        return self.replied is not None and self.asked is not None

    @property
    def exchange(self) -> Exchange:
        return Exchange(said=self.asked or "", replied=self.replied or "")


class Summary(BaseModel):
    """What was said before the turns that are told again, in a model's words."""

    satellite: str
    speaker: str | None
    """Whose turns are in it, where that is known of one."""
    text: str
    at: float
    """When it was last gone on about, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a model is told again."""

    history: list[Exchange]
    summary: str


@dataclass(frozen=True, slots=True)
class Overflow:
    """Turns that are too many to be told again, the oldest first."""

    satellite: str
    speaker: str | None
    language: str
    turns: tuple[PastTurn, ...]
    before: str
    """The summary so far."""
    forgettings: int


class _Kept(BaseModel):
    topics: dict[str, tuple[Topic, float]] = Field(default_factory=dict[str, tuple[Topic, float]])
    """By satellite, with when it was spoken of, in seconds since the epoch."""
    turns: list[PastTurn] = Field(default_factory=list[PastTurn])
    summaries: list[Summary] = Field(default_factory=list[Summary])


class Conversation:
    """Topics and turns. `load` and `save` block."""

    def __init__(
        self,
        folder: Path,
        *,
        topic_s: float,
        window_s: float,
        window_turns: int,
        history_s: float,
        history_tokens: int,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.topics = Topics(keep_s=topic_s)
        self._file = SealedFile(folder, "conversation", remedy="delete them")
        self._topic_s, self._window_s, self._most = topic_s, window_s, window_turns
        self._history_s, self._history_tokens = history_s, history_tokens
        self._clock, self._monotonic = clock, monotonic
        self._turns: list[PastTurn] = []
        self._summaries: list[Summary] = []
        self._forgettings = 0
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
        if self._window_s > 0:
            self._turns, self._summaries = kept.turns, kept.summaries
        else:
            self._dropped = bool(kept.turns or kept.summaries)
        self.expire()

    def note(self, record: TurnRecord, replied: str | None = None) -> None:
        """A turn is over; its words are kept where the home wants that.

        replied: what a model answered, as `PastTurn` has it.
        """
        if self._window_s <= 0 and (self._history_s <= 0 or replied is None):
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
            replied=replied,
        )
        self._turns.append(turn)
        here = [one for one in self._turns if one.satellite == record.satellite]
        told_again = [one for one in here if one.by_model and not one.summed]
        kept = {id(one) for one in [*here[-self._most :], *told_again[-HELD:]]}
        self._drop({id(one) for one in here} - kept)
        for one in self._summaries:
            same = one.satellite == turn.satellite and one.speaker == turn.speaker
            if turn.by_model and same:
                one.at = turn.at

    def forget(self, satellite: str | None, speaker: str | None) -> int:
        """What was said there, and by this person anywhere, is forgotten; how many turns that was.

        Everything, where neither is given.
        """

        def goes(one: PastTurn | Summary) -> bool:
            by_them = speaker is not None and one.speaker == speaker
            return one.satellite == satellite or by_them or (satellite is speaker is None)

        self._forgettings += 1
        gone = [one for one in self._turns if goes(one)]
        self._drop({id(one) for one in gone})
        self._keep_summaries([one for one in self._summaries if not goes(one)])
        if satellite is not None or speaker is None:
            self.topics.forget(satellite)
            self._dropped = True
        return len(gone)

    def expire(self) -> bool:
        """Whether there was something whose time is over."""
        now = self._clock()
        old = [one for one in self._turns if not 0 <= now - one.at <= self._life_s(one)]
        self._drop({id(one) for one in old})
        self._keep_summaries([one for one in self._summaries if self._is_gone_on_about(one)])
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
            kept = _Kept(topics=topics)
            if self._window_s > 0:
                kept.turns, kept.summaries = self._turns, self._summaries
            if not (kept.topics or kept.turns or kept.summaries):
                self._file.remove()
                return
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

    # ---- what a model is told of it ----

    def told(self, satellite: str, speaker: str | None) -> Told:
        """The latest that fits, the oldest first, and the summary of what was before.

        Nothing that is known to be another person's. Who is not recognized goes on with what was
        said last: of one person, if it is known whose.
        """
        turns, summary = self._gone_on_about(satellite, speaker)
        latest = list(_fitting(turns, self._history_tokens, MOST))
        return Told([one.exchange for one in latest[::-1]], summary.text if summary else "")

    def overflow(self, satellite: str, speaker: str | None) -> Overflow | None:
        """What should be summed up; None while all of it can be told again.

        Half of the room is left for what comes, so that not every turn is followed by a summary.
        """
        if self._history_tokens <= 0:
            return None
        turns, summary = self._gone_on_about(satellite, speaker)
        if len(list(_fitting(turns, self._history_tokens, MOST))) == len(turns):
            return None
        stay = max(1, len(list(_fitting(turns, self._history_tokens // 2, MOST // 2))))
        over = turns[stay:][::-1]
        if not over:
            return None
        known = [one.speaker for one in over] + ([summary.speaker] if summary else [])
        return Overflow(
            satellite,
            next((whose for whose in known if whose is not None), None),
            turns[0].language,
            tuple(over),
            summary.text if summary else "",
            self._forgettings,
        )

    def sum_up(self, overflow: Overflow, text: str) -> bool:
        """A summary is told in place of its turns. False where it is not wanted any more."""
        if overflow.forgettings != self._forgettings or not text:
            return False
        where = overflow.satellite, overflow.speaker
        others = [
            one
            for one in self._summaries
            if one.satellite != where[0] or one.speaker not in (None, where[1])
        ]
        at = self._clock()
        new = Summary(satellite=where[0], speaker=where[1], text=text, at=at)
        self._keep_summaries([*others, new])
        for one in overflow.turns:
            one.summed = True
        self._dropped = True
        return True

    def _gone_on_about(
        self, satellite: str, speaker: str | None
    ) -> tuple[list[PastTurn], Summary | None]:
        """Turns, the newest first, and the summary of those before them."""
        turns: list[PastTurn] = []
        for one in reversed(self._turns):
            here = one.satellite == satellite and one.by_model and not one.summed
            if here and self._is_gone_on_about(one):
                speaker = speaker or one.speaker
                if one.speaker in (None, speaker):
                    turns.append(one)
        for summary in reversed(self._summaries):
            theirs = speaker is None or summary.speaker in (None, speaker)
            if summary.satellite == satellite and theirs and self._is_gone_on_about(summary):
                return turns, summary
        return turns, None

    def _is_gone_on_about(self, one: PastTurn | Summary) -> bool:
        return self._history_s > 0 and 0 <= self._clock() - one.at <= self._history_s

    def _life_s(self, turn: PastTurn) -> float:
        return max(self._window_s, self._history_s) if turn.by_model else self._window_s

    def _keep_summaries(self, kept: list[Summary]) -> None:
        self._dropped = self._dropped or len(kept) < len(self._summaries)
        self._summaries = kept

    def _drop(self, gone: set[int]) -> None:
        if gone:
            self._turns = [one for one in self._turns if id(one) not in gone]
            self._dropped = True


def _fitting(turns: Sequence[PastTurn], tokens: int, most: int) -> Iterator[PastTurn]:
    """The first of them that have no more tokens together."""
    for one in turns[:most]:
        tokens -= at_most(one.asked or "") + at_most(one.replied or "")
        if tokens < 0:
            return
        yield one
