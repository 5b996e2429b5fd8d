"""A turn under way: what is known of it so far, and the record that it ends in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from alicia.contracts.conversation import Picture
from alicia.contracts.devices import HomeSnapshot
from alicia.contracts.voice import (
    AudioChunk,
    CancelReason,
    OpenTurn,
    SayText,
    Spoken,
    Stage,
    Transcript,
    TurnRecord,
    Understood,
)
from alicia.errors import (
    AliciaError,
    AmbiguousError,
    LanguageError,
    MissingSlotError,
    TurnCancelledError,
    UnclearSpeechError,
    UnsupportedLanguageError,
    UpstreamError,
)
from alicia.mind.beginning import Beginning
from alicia.mind.casting import NOBODY, Answerer, apologised
from alicia.mind.turns import OpenEntry

FALLBACK = "en"
"""Errors are said in it to whom asks in a language that nobody here speaks."""
ASKS_BACK = (AmbiguousError, MissingSlotError, UnclearSpeechError)
"""Errors whose phrase is a question, or a request to say it again."""


class Recorder:
    """Keeps an utterance's audio as it goes by."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytes] = {}
        self.home: HomeSnapshot | None = None
        """As it was when the person began to speak."""

    @property
    def pcm(self) -> bytes:
        """16 kHz mono s16le, in order; what is missing is left out."""
        return b"".join(pcm for _, pcm in sorted(self._chunks.items()))

    @asynccontextmanager
    async def following(self, chunks: AsyncIterator[AudioChunk]) -> AsyncGenerator[None, None]:
        task = asyncio.create_task(self._follow(chunks))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self, chunks: AsyncIterator[AudioChunk]) -> None:
        async for chunk in chunks:
            self._chunks[chunk.sequence] = chunk.pcm


@dataclass(slots=True)
class Course:
    """A turn under way."""

    turn_id: str
    satellite: str
    language: str
    area_id: str | None
    trace_id: str
    speak: bool
    utterance_id: str | None = None
    speaker: str | None = None
    """Who is enrolled and was recognized."""
    instance: str | None = None
    follows: str | None = None
    plays: bool = False
    dry_run: bool = False
    home: HomeSnapshot | None = None
    """The home of another time that it is understood by."""
    typed: str | None = None
    picture: Picture | None = field(default=None, repr=False)
    """What is asked about; nothing keeps it, and the turn no longer than itself."""
    may_hold_a_pin: bool = False
    """A PIN was asked for here just before."""
    started_at: float = field(default_factory=time.time)
    transcript: Transcript | None = None
    understood: Understood | None = None
    spoken: Spoken | None = None
    spoken_at: str | None = None
    """The satellite that says the reply in place of the turn's."""
    begun_on: float = field(default_factory=time.monotonic)
    error: AliciaError | None = None
    reply: str | None = None
    beginning: Beginning = field(default_factory=Beginning)
    """Its words, as far as they are certain."""
    speaking: asyncio.Task[None] | None = None
    """At work where it is spoken before it is whole."""
    speaks_on: bool = False
    """More of it is to be spoken."""
    thinking: Stopwatch | None = None
    """Of the stage that ends with the first certain words."""
    reply_language: str | None = None
    """What somebody has chosen to be answered in."""
    between: list[str] = field(default_factory=list[str])
    """Languages that are interpreted where it is said."""
    answerer: Answerer = NOBODY
    """Who answers: settled before the sentence is understood."""
    stages: list[Stage] = field(default_factory=list[Stage])
    replays: int = 0
    """How often the audio was lost and heard again."""
    intent: str | None = None
    """Where nobody had to be asked what is meant."""
    cancelled: CancelReason | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is cancelled."""
    heard_whose: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is known who spoke, or that it is nobody who is enrolled."""
    recorder: Recorder = field(default_factory=Recorder)
    """Empty unless somebody consented."""

    @classmethod
    def spoken_turn(cls, entry: OpenEntry) -> Self:
        ask: OpenTurn = entry.open
        return cls(
            ask.turn_id,
            ask.satellite,
            ask.language,
            ask.area_id,
            entry.trace_id,
            speak=True,
            utterance_id=ask.utterance_id,
            speaker=entry.speaker,
            instance=ask.instance or ask.satellite,
            follows=ask.follows,
            plays=ask.plays,
            dry_run=ask.dry_run,
            home=ask.home,
            may_hold_a_pin=entry.may_hold_a_pin,
            started_at=entry.started_at,
            transcript=entry.transcript,
        )

    @classmethod
    def typed_turn(cls, ask: SayText, trace_id: str) -> Self:
        return cls(
            ask.turn_id,
            ask.satellite,
            ask.language,
            ask.area_id,
            trace_id,
            speak=ask.speak,
            dry_run=ask.dry_run,
            typed=ask.text,
            picture=ask.picture,
        )

    @property
    def answers_in(self) -> str:
        """What the reply is to be in: chosen, or else what is spoken."""
        return self.reply_language or self.language

    @property
    def spoken_in(self) -> str:
        """What the reply is in."""
        understood = self.understood
        if understood is not None and understood.reply == self.reply:
            return understood.language
        return self.answers_in

    @property
    def expects_reply(self) -> bool:
        """Whether the reply asks something back."""
        if self.cancelled or self.spoken_at:
            return False
        asked = self.understood is not None and self.understood.expects_reply
        goes_on = bool(self.between) and isinstance(self.error, LanguageError | UpstreamError)
        return asked or goes_on or isinstance(self.error, ASKS_BACK)

    @property
    def asks_pin(self) -> bool:
        """Whether what is said here next may hold a PIN."""
        return self.understood is not None and self.understood.asks_pin

    @property
    def secret(self) -> bool:
        """Whether nothing may be kept of what was said: it held a PIN, or nobody knows."""
        if self.understood is None:
            return self.may_hold_a_pin
        return self.understood.secret

    @property
    def words(self) -> str | None:
        """What was said or typed, as it was heard."""
        return self.transcript.text if self.transcript else self.typed

    def cancel(self, reason: CancelReason) -> None:
        self.cancelled = reason
        self.error = TurnCancelledError()
        self.stopping.set()

    def apologise(self, error: AliciaError) -> None:
        """The error's phrase is the reply, in a language that somebody here speaks."""
        self.error = error
        try:
            self.reply = apologised(error, self.answers_in, self.answerer)
        except UnsupportedLanguageError:
            self.language, self.reply_language = FALLBACK, None
            self.reply = apologised(error, self.language, self.answerer)

    def record(self) -> TurnRecord:
        heard, understood, spoken = self.transcript, self.understood, self.spoken
        return TurnRecord(
            turn_id=self.turn_id,
            satellite=self.satellite,
            language=self.language,
            trace_id=self.trace_id,
            speaker=self.speaker,
            transcript=None if self.secret else self.words,
            heard=understood.heard if understood and not self.secret else None,
            confidence=heard.confidence if heard else None,
            intent=understood.intent if understood else self.intent,
            actions=understood.actions if understood else [],
            reply=self.reply,
            reply_language=self.spoken_in if self.spoken_in != self.language else None,
            error=self.error.code if self.error else None,
            spoken=spoken is not None,
            spoken_at=self.spoken_at,
            speech_rate_hz=spoken.rate_hz if spoken else None,
            stages=self.stages,
            started_at=self.started_at,
            speech_end_ms=heard.speech_end_ms if heard else None,
            ended_at=heard.ended_at if heard else None,
            first_audio_at=spoken.first_audio_at if spoken else None,
            cancelled=self.cancelled,
            follows=self.follows,
            expects_reply=self.expects_reply,
            asks_pin=self.asks_pin and self.expects_reply,
            secret=self.secret,
            dry_run=self.dry_run,
        )


APART_S = 0.05
"""A moment further than this outside of its stage was told by a clock that differs."""


class Stopwatch:
    """Adds a stage with its duration when left; two, where the moment between them is known.

    The moment is another machine's. Where its clock plainly differs, both stages are one.
    """

    def __init__(self, stages: list[Stage], first: str, second: str = "") -> None:
        self._stages = stages
        self._first = first
        self._second = second
        self._between: float | None = None
        self._stopped: float | None = None

    def split(self, moment: float) -> None:
        """When the first stage became the second, in seconds since the epoch."""
        self._between = moment

    def stop(self) -> None:
        """The stage is over, though it is not left yet."""
        self._stopped = self._stopped or time.perf_counter()

    def __enter__(self) -> Self:
        self._started, self._clock = time.time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        took = ((self._stopped or time.perf_counter()) - self._clock) * 1000
        if self._between is None:
            self._stages.append(Stage(stage=self._first, ms=round(took, 1)))
            return
        first = (self._between - self._started) * 1000
        if not -APART_S * 1000 <= first <= took + APART_S * 1000:
            both = f"{self._first} and {self._second}"
            self._stages.append(Stage(stage=both, ms=round(took, 1)))
            return
        first = min(took, max(0.0, first))
        self._stages.append(Stage(stage=self._first, ms=round(first, 1)))
        self._stages.append(Stage(stage=self._second, ms=round(took - first, 1)))


def without_words(record: TurnRecord) -> TurnRecord:
    """What may be stored where nobody wants it to be kept who said what."""
    return record.model_copy(update=dict.fromkeys(("transcript", "heard", "reply", "speaker")))
