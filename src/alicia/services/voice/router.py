"""Router: owns the turn, from the first word to the spoken reply.

    OPEN_TURN -> TRANSCRIBE -> UNDERSTAND -> SPEAK -> TURN_ENDED        (TURN says where it is)

Every turn ends in something that the person hears: the reply, or the error's phrase in their
language. A turn that was open when this room was killed is taken up again by its next instance,
from the last thing that is known of it: the satellite still has the audio, and what was carried out
carries the turn's id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from pydantic import Field

from alicia.contracts.kinds import segment
from alicia.contracts.system import SPANS, Spans
from alicia.contracts.voice import (
    GET_TRACE,
    OPEN_TURN,
    SAY_TEXT,
    SPEAK,
    TRANSCRIBE,
    TURN,
    TURN_ENDED,
    UNDERSTAND,
    GetTrace,
    OpenTurn,
    SayText,
    Speak,
    Spoken,
    Stage,
    Transcribe,
    Transcript,
    Turn,
    TurnOpened,
    TurnPhase,
    TurnRecord,
    TurnTrace,
    Understand,
    Understood,
)
from alicia.errors import AliciaError, AudioLostError, NotReadyError, UnsupportedLanguageError
from alicia.language.phrases import phrase_for
from alicia.mind.turns import Journal, OpenEntry, Traces
from alicia.runtime.service import Service, handles, serves
from alicia.runtime.settings import Settings
from alicia.runtime.tracing import current_trace, new_trace

REPLAYS = 3
FALLBACK = "en"
"""Errors are said in it to whom asks in a language that nobody here speaks."""


class RouterSettings(Settings):
    transcribe_s: float = Field(default=25.0, gt=0)
    """From opening the microphone to the text; the person's own time is in it."""
    understand_s: float = Field(default=6.0, gt=0)
    speak_s: float = Field(default=8.0, gt=0)
    keep_turns: int = Field(default=500, ge=1)
    """Turns whose traces are kept."""
    log_turns: bool = False
    """Keep what was said and answered in the stored turns, not only what became of it."""


@dataclass(slots=True)
class Course:
    """A turn under way."""

    turn_id: str
    satellite: str
    language: str
    area_id: str | None
    trace_id: str
    speak: bool
    started_at: float = field(default_factory=time.time)
    transcript: Transcript | None = None
    understood: Understood | None = None
    spoken: Spoken | None = None
    error: AliciaError | None = None
    reply: str | None = None
    stages: list[Stage] = field(default_factory=list)
    replays: int = 0
    """How often the audio was lost and heard again."""


class Router(Service[RouterSettings]):
    """The turn's one owner."""

    name = "router"
    says = (TURN, TURN_ENDED)
    asks = (TRANSCRIBE, UNDERSTAND, SPEAK)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        folder = self.folder.state(self.name)
        self._journal = Journal(folder / "open")
        self._traces = Traces(folder / "turns", keep=self.settings.keep_turns)
        self._courses: dict[str, asyncio.Task[TurnRecord]] = {}
        async with asyncio.TaskGroup() as self._turns:
            entries = self._journal.open_entries()
            awaited = [entry for entry in entries if entry.is_awaited]
            for entry in entries:
                if entry not in awaited:
                    self._journal.remove(entry.open.turn_id)
                    await self._rest(entry.open.satellite)
            for entry in awaited:
                self.log.warning("taking a turn up again", turn=entry.open.turn_id)
                self._begin(entry)
            yield

    # ---- a spoken turn ----

    @serves(OPEN_TURN, concurrency=16)
    async def open_turn(self, ask: OpenTurn) -> TurnOpened:
        _require_names(ask.satellite, ask.turn_id, ask.utterance_id)
        if ask.turn_id not in self._courses and not self._traces.has(ask.turn_id):
            trace_id = current_trace() or new_trace()
            entry = OpenEntry(open=ask, trace_id=trace_id, started_at=time.time())
            with self._if_the_disk_will():
                self._journal.write(entry)
            self._begin(entry)
        return TurnOpened(turn_id=ask.turn_id)

    def _begin(self, entry: OpenEntry) -> None:
        task = self._turns.create_task(self._spoken_turn(entry), name=f"turn {entry.open.turn_id}")
        self._courses[entry.open.turn_id] = task
        task.add_done_callback(lambda _: self._courses.pop(entry.open.turn_id, None))

    async def _spoken_turn(self, entry: OpenEntry) -> TurnRecord:
        ask = entry.open
        course = Course(
            ask.turn_id,
            ask.satellite,
            ask.language,
            ask.area_id,
            entry.trace_id,
            speak=True,
            started_at=entry.started_at,
            transcript=entry.transcript,
        )
        with self.trace("turn", entry.trace_id):
            try:
                with self.edge("spoken turn"):
                    if course.transcript is None:
                        await self._say(course, TurnPhase.LISTENING)
                        course.transcript = await self._transcribe(course, ask.utterance_id)
                        known = entry.model_copy(update={"transcript": course.transcript})
                        with self._if_the_disk_will():
                            self._journal.write(known)
                    await self._understand(course, course.transcript.text)
            except AliciaError as error:
                self._apologise(course, error)
            await self._speak(course)
        return await self._end(course)

    async def _transcribe(self, course: Course, utterance_id: str) -> Transcript:
        ask = Transcribe(
            utterance_id=utterance_id,
            turn_id=course.turn_id,
            language=course.language,
            area_id=course.area_id,
        )
        until = time.monotonic() + self.settings.transcribe_s
        with self._stage(course, "listen", "recognize") as watch:
            while True:
                try:
                    left = until - time.monotonic()
                    heard = await self.ask(TRANSCRIBE, ask, deadline_s=max(0.1, left))
                except AudioLostError:
                    # The satellite still has it: whoever listens next hears it from the start.
                    course.replays += 1
                    if course.replays > REPLAYS:
                        raise
                else:
                    watch.split(heard.ended_at)
                    return heard

    # ---- a typed turn ----

    @serves(SAY_TEXT, concurrency=16)
    async def say_text(self, ask: SayText) -> TurnRecord:
        _require_names(ask.satellite, ask.turn_id)
        running = self._courses.get(ask.turn_id)
        if running is not None:
            return await asyncio.shield(running)
        over = self._traces.record(ask.turn_id)
        if over is not None:
            return over
        course = Course(
            ask.turn_id,
            ask.satellite,
            ask.language,
            ask.area_id,
            current_trace() or new_trace(),
            speak=ask.speak,
        )
        task = self._turns.create_task(self._typed_turn(course, ask.text))
        self._courses[ask.turn_id] = task
        task.add_done_callback(lambda _: self._courses.pop(ask.turn_id, None))
        return await asyncio.shield(task)

    async def _typed_turn(self, course: Course, text: str) -> TurnRecord:
        with self.trace("turn", course.trace_id):
            try:
                with self.edge("typed turn"):
                    await self._understand(course, text)
            except AliciaError as error:
                self._apologise(course, error)
            await self._speak(course)
        return await self._end(course, text)

    # ---- what both have ----

    async def _understand(self, course: Course, text: str) -> None:
        await self._say(course, TurnPhase.THINKING)
        heard = course.transcript
        with self._stage(course, "understand and act"):
            course.understood = await self.ask(
                UNDERSTAND,
                Understand(
                    turn_id=course.turn_id,
                    text=text,
                    language=course.language,
                    alternatives=heard.alternatives if heard else [],
                    area_id=course.area_id,
                    satellite=course.satellite,
                ),
                deadline_s=self.settings.understand_s,
            )
        course.reply = course.understood.reply

    def _apologise(self, course: Course, error: AliciaError) -> None:
        course.error = error
        try:
            course.reply = phrase_for(error, course.language)
        except UnsupportedLanguageError:
            course.language = FALLBACK
            course.reply = phrase_for(error, course.language)

    async def _speak(self, course: Course) -> None:
        if not course.speak or not course.reply:
            return
        await self._say(course, TurnPhase.SPEAKING)
        try:
            with self.edge("speak"), self._stage(course, "first audio", "speak") as watch:
                course.spoken = await self.ask(
                    SPEAK,
                    Speak(turn_id=course.turn_id, text=course.reply, language=course.language),
                    deadline_s=self.settings.speak_s,
                )
                watch.split(course.spoken.first_audio_at)
        except AliciaError as error:
            # The satellite sees `spoken: false` and says so with its own stored voice.
            self.log.warning("reply not spoken", code=error.code)
            course.error = course.error or error

    async def _end(self, course: Course, typed: str | None = None) -> TurnRecord:
        record = self._record(course, typed)
        with self._if_the_disk_will():
            self._traces.put(record if self.settings.log_turns else _without_words(record), record)
        await self.say(TURN_ENDED, record)
        with self._if_the_disk_will():
            self._journal.remove(course.turn_id)
        await self._rest(course.satellite)
        return record

    @contextmanager
    def _if_the_disk_will(self) -> Generator[None, None, None]:
        """A disk that is full or gone costs what is remembered of a turn, not the turn."""
        with suppress(AliciaError), self.edge("write"):
            yield

    def _record(self, course: Course, typed: str | None) -> TurnRecord:
        heard, understood = course.transcript, course.understood
        return TurnRecord(
            turn_id=course.turn_id,
            satellite=course.satellite,
            language=course.language,
            trace_id=course.trace_id,
            transcript=heard.text if heard else typed,
            confidence=heard.confidence if heard else None,
            intent=understood.intent if understood else None,
            actions=understood.actions if understood else [],
            reply=course.reply,
            error=course.error.code if course.error else None,
            spoken=course.spoken is not None,
            speech_rate_hz=course.spoken.rate_hz if course.spoken else None,
            stages=course.stages,
            started_at=course.started_at,
            speech_end_ms=heard.speech_end_ms if heard else None,
            ended_at=heard.ended_at if heard else None,
            first_audio_at=course.spoken.first_audio_at if course.spoken else None,
        )

    async def _say(self, course: Course, phase: TurnPhase) -> None:
        await self.say(TURN, Turn(satellite=course.satellite, phase=phase, turn_id=course.turn_id))

    async def _rest(self, satellite: str) -> None:
        await self.say(TURN, Turn(satellite=satellite, phase=TurnPhase.IDLE))

    def _stage(self, course: Course, *names: str) -> Stopwatch:
        return Stopwatch(course.stages, *names)

    # ---- traces ----

    @handles(SPANS)
    async def spans(self, batch: Spans) -> None:
        self._traces.add(batch.spans)

    @serves(GET_TRACE, concurrency=4)
    async def get_trace(self, ask: GetTrace) -> TurnTrace:
        found = self._traces.get(ask.turn_id)
        if found is None:
            raise NotReadyError("There is no such turn. `alicia trace` shows the last one.")
        return found


class Stopwatch:
    """Adds a stage with its duration when left; two, where the moment between them is known."""

    def __init__(self, stages: list[Stage], first: str, second: str = "") -> None:
        self._stages = stages
        self._first = first
        self._second = second
        self._between: float | None = None

    def split(self, moment: float) -> None:
        """When the first stage became the second, in seconds since the epoch."""
        self._between = moment

    def __enter__(self) -> Self:
        self._started, self._clock = time.time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        took = (time.perf_counter() - self._clock) * 1000
        if self._between is None:
            self._stages.append(Stage(stage=self._first, ms=round(took, 1)))
            return
        first = min(took, max(0.0, (self._between - self._started) * 1000))
        self._stages.append(Stage(stage=self._first, ms=round(first, 1)))
        self._stages.append(Stage(stage=self._second, ms=round(took - first, 1)))


def _require_names(*names: str) -> None:
    """Raises MalformedMessageError for one that can't be said in a topic."""
    for name in names:
        segment(name)


def _without_words(record: TurnRecord) -> TurnRecord:
    return record.model_copy(update={"transcript": None, "reply": None})
