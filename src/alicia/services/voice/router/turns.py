"""The turns: opened, arbitrated, gone through, cancelled, ended."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from alicia.contracts.devices import Origin
from alicia.contracts.kinds import segment
from alicia.contracts.satellites import PLAYED, Played
from alicia.contracts.voice import (
    AUDIO,
    OPEN_TURN,
    SAY_TEXT,
    TRANSCRIBE,
    TURN_ENDED,
    AnnouncementWish,
    CancelReason,
    OpenTurn,
    SayText,
    Transcribe,
    Transcript,
    TurnOpened,
    TurnPhase,
    TurnRecord,
    Understand,
)
from alicia.errors import (
    AliciaError,
    AnsweredElsewhereError,
    AudioLostError,
    MalformedMessageError,
    TurnCancelledError,
)
from alicia.language.explaining import explain, is_why
from alicia.language.stopping import is_stop
from alicia.mind.arbitration import Arbiter, Rules, Verdict
from alicia.mind.casting import Casting
from alicia.mind.course import Course, Stopwatch, without_words
from alicia.mind.recordings import RecordingStore
from alicia.mind.satellites import Directory, earshot
from alicia.mind.spoken_languages import SpokenLanguages
from alicia.mind.turn_machine import Machines
from alicia.mind.turns import Journal, OpenEntry, Traces
from alicia.runtime.service import handles, serves
from alicia.runtime.tracing import current_trace, new_trace
from alicia.services.voice.router.conversing import FORGOTTEN, RECOLLECTED, untold
from alicia.services.voice.router.speaking import Speaking
from alicia.services.voice.router.summing import Summing

REPLAYS = 3
STOPPED = "Stop"
EXPLAINED = "Explain"
"""Intent of a turn that said no more than stop."""
SOUNDS_S = 3.0
"""How much longer than its reply a satellite may take to say that it was heard."""


class Turns(Summing, Speaking, ABC):
    """The turn's one owner."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        folder, own = self.folder.state("router"), self.settings
        self._journal = Journal(folder / "open")
        self._traces = Traces(folder / "turns", keep=own.keep_turns)
        self._recordings = RecordingStore(
            folder / "recordings", days=own.record_days, most=own.record_most
        )
        self._machines = Machines()
        await self._open_conversation(folder)
        self._lately, self._summing = {}, {}
        self._were, self._asked_at = {}, {}
        self._casting = Casting()
        self._languages = SpokenLanguages()
        self._directory = Directory(lease_s=own.lease_s)
        self._arbiter = Arbiter(
            Rules(
                window_s=own.wake_window_s,
                same_wake_s=own.same_wake_s,
                clearly_db=own.wake_better_db,
                earshot=earshot(own.earshot),
            )
        )
        self._courses: dict[str, Course] = {}
        self._tasks: dict[str, asyncio.Task[TurnRecord]] = {}
        self._sounding: dict[str, asyncio.Event] = {}
        """Turns that are over and whose reply is still being heard."""
        self._vanishing: dict[str, asyncio.TimerHandle] = {}
        self._freed = asyncio.Condition()
        """Notified when a satellite becomes free."""
        async with asyncio.TaskGroup() as self._turns:
            await self._take_up_again()
            yield
            self._put_summaries_off()
            for event in self._sounding.values():
                event.set()
            for timer in self._vanishing.values():
                timer.cancel()

    async def _take_up_again(self) -> None:
        with self._if_the_disk_will():
            self._recordings.tidy()
        entries = self._journal.open_entries()
        awaited = [entry for entry in entries if entry.is_awaited]
        for entry in entries:
            if entry not in awaited:
                self._journal.remove(entry.open.turn_id)
                await self._rest(entry.open.satellite)
        for entry in awaited:
            self.log.warning("taking a turn up again", turn=entry.open.turn_id)
            if (wake := entry.open.wake) is not None:
                self._arbiter.detect(
                    entry.open.turn_id,
                    entry.open.satellite,
                    wake,
                    entry.open.area_id,
                    time.monotonic(),
                )
            phase = TurnPhase.THINKING if entry.transcript else TurnPhase.LISTENING
            self._machines.of(entry.open.satellite).take(entry.open.turn_id, phase)
            self._begin(entry)

    # ---- a spoken turn ----

    @serves(OPEN_TURN, concurrency=16)
    async def open_turn(self, ask: OpenTurn) -> TurnOpened:
        require_names(ask.satellite, ask.turn_id, ask.utterance_id)
        if ask.home is not None and not ask.dry_run:
            raise MalformedMessageError(schema="OpenTurn", reason="another home, no dry run")
        opened = TurnOpened(turn_id=ask.turn_id)
        if ask.turn_id in self._courses:
            return opened
        if self._traces.has(ask.turn_id):
            over = self._traces.record(ask.turn_id)
            if over is not None and over.cancelled is CancelReason.REVOKED:
                raise AnsweredElsewhereError
            return opened
        # No await before the turn is entered: who comes meanwhile must find it.
        loser = self._arbitrate(ask)
        ended = self._cut(loser, CancelReason.REVOKED) if loser else []
        machine = self._machines.of(ask.satellite)
        if not machine.free and machine.turn_id is not None:
            over_it = machine.turn_id == ask.follows
            reason = CancelReason.BARGE_IN if over_it else CancelReason.SUPERSEDED
            ended += self._cut(machine.turn_id, reason, ask.satellite)
        machine.take(ask.turn_id, TurnPhase.LISTENING)
        self._directory.last = ask.satellite
        trace_id = current_trace() or new_trace()
        entry = OpenEntry(
            open=ask,
            trace_id=trace_id,
            started_at=time.time(),
            may_hold_a_pin=self._may_hold_a_pin(ask.satellite),
        )
        with self._if_the_disk_will():
            self._journal.write(entry)
        self._begin(entry)
        await self._say_cancelled(ended)
        return opened

    def _arbitrate(self, ask: OpenTurn) -> str | None:
        """The turn that must give way to this one. Raises AnsweredElsewhereError."""
        if ask.wake is None:
            return None
        decision = self._arbiter.detect(
            ask.turn_id, ask.satellite, ask.wake, ask.area_id, time.monotonic()
        )
        if decision.verdict is Verdict.ELSEWHERE:
            raise AnsweredElsewhereError
        return decision.loser

    def _begin(self, entry: OpenEntry) -> None:
        course = Course.spoken_turn(entry)
        self._enter(course, self._spoken_turn(course, entry))

    def _enter(self, course: Course, work: Coroutine[Any, Any, None]) -> asyncio.Task[TurnRecord]:
        async def whole() -> TurnRecord:
            with self.trace("turn", course.trace_id):
                await work
            return await self._end(course)

        def left(_: object) -> None:
            self._courses.pop(course.turn_id, None)
            self._tasks.pop(course.turn_id, None)

        self._put_summaries_off()
        self._courses[course.turn_id] = course
        task = self._turns.create_task(whole(), name=f"turn {course.turn_id}")
        self._tasks[course.turn_id] = task
        task.add_done_callback(left)
        return task

    async def _spoken_turn(self, course: Course, entry: OpenEntry) -> None:
        try:
            with self.edge("spoken turn"):
                if course.transcript is None:
                    await self._tell(course)
                    await self._suppose(course)
                    course.transcript = await self._transcribe(course, entry.open.utterance_id)
                    course.language = course.transcript.language
                    self._arbiter.settle(course.turn_id)
                    await self._hear_whose(course)
                    self._write_down(course, entry)
                await self._understand(course, course.transcript.text)
        except AliciaError as error:
            self._apologise(course, error)
        await self._speak(course)

    async def _transcribe(self, course: Course, utterance_id: str) -> Transcript:
        among = self._listen_for(course)
        ask = Transcribe(
            utterance_id=utterance_id,
            turn_id=course.turn_id,
            language=course.language,
            among=among,
            area_id=course.area_id,
            topic=self._topic(course),
            home=course.home,
        )
        until = time.monotonic() + self.settings.transcribe_s
        async with AsyncExitStack() as stack:
            if self.settings.records(course.satellite):
                chunks = await stack.enter_async_context(
                    self.hear(AUDIO, limit=4096, utterance_id=utterance_id)
                )
                await stack.enter_async_context(course.recorder.following(chunks))
                self._turns.create_task(self._note_the_home(course))
            watch = stack.enter_context(Stopwatch(course.stages, "listen", "recognize"))
            while True:
                try:
                    left = until - time.monotonic()
                    asking = self.ask(TRANSCRIBE, ask, deadline_s=max(0.1, left))
                    heard = await self._unless_cancelled(course, asking)
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
        require_names(ask.satellite, ask.turn_id)
        running = self._tasks.get(ask.turn_id)
        if running is None:
            over = self._traces.record(ask.turn_id)
            if over is not None:
                return over
            course = Course.typed_turn(ask, current_trace() or new_trace())
            course.may_hold_a_pin = self._may_hold_a_pin(ask.satellite)
            machine = self._machines.of(ask.satellite)
            if machine.free:
                machine.take(ask.turn_id, TurnPhase.THINKING)
            running = self._enter(course, self._typed_turn(course, ask.text))
        return await asyncio.shield(running)

    async def _typed_turn(self, course: Course, text: str) -> None:
        try:
            with self.edge("typed turn"):
                await self._understand(course, text)
        except AliciaError as error:
            self._apologise(course, error)
        await self._speak(course)

    # ---- what both have ----

    async def _understand(self, course: Course, text: str) -> None:
        self._settle_languages(course)
        if is_stop(text, course.language):
            course.intent = STOPPED
            await self._stop_all(course.satellite, but=course.turn_id)
            return
        if is_why(text, course.language):
            course.intent = EXPLAINED
            course.reply = explain(self._lately.get(course.satellite), course.answers_in)
            return
        if self._recollect(course, text):
            return
        await self._say(course, TurnPhase.THINKING)
        course.answerer = self._answerer(course)
        heard, told = course.transcript, self._told(course)
        ask = Understand(
            turn_id=course.turn_id,
            text=text,
            language=course.language,
            alternatives=heard.alternatives if heard else [],
            area_id=course.area_id,
            satellite=course.satellite,
            speaker=course.speaker,
            origin=Origin.VOICE if course.typed is None else Origin.TYPED,
            follows=course.follows,
            dry_run=course.dry_run,
            topic=self._topic(course),
            history=told.history,
            summary=told.summary,
            aloud_s=self._aloud_s(course),
            picture=course.picture,
            home=course.home,
            reply_language=course.reply_language,
            between=course.between,
        )
        with Stopwatch(course.stages, "understand and act") as course.thinking:
            # What devices were told is reported, though nobody hears the reply any more.
            grace = self.settings.understand_s
            asking = self._understood(course, ask)
            course.understood = await self._unless_cancelled(course, asking, grace)
        if course.cancelled:
            raise TurnCancelledError
        if course.understood.announcement is not None and not course.dry_run:
            self._begin_to_announce(course, course.understood.announcement)
        course.reply = course.understood.reply

    @abstractmethod
    def _begin_to_announce(self, course: Course, wish: AnnouncementWish) -> None:
        """Have it heard by the others. Raises NoSatelliteError, QuietHoursError."""

    def _apologise(self, course: Course, error: AliciaError) -> None:
        if course.cancelled:
            return
        if course.answerer.persona is None:
            # What failed before anybody was asked what is meant.
            course.answerer = self._answerer(course)
        course.apologise(error)

    async def _end(self, course: Course) -> TurnRecord:
        record = course.record()
        told_again = course.intent in (EXPLAINED, RECOLLECTED, FORGOTTEN)
        await self._note_turn(course, record, told_again=told_again)
        self._note_what_was_asked(course)
        with self._if_the_disk_will():
            if not told_again and not course.dry_run:
                self._lately[course.satellite] = untold(record)
            kept = untold(record) if self.settings.log_turns else without_words(record)
            self._traces.put(kept, record)
            if course.recorder.pcm and not course.secret:
                await self.off_loop(
                    self._recordings.keep,
                    record,
                    course.area_id,
                    course.recorder.pcm,
                    course.recorder.home,
                )
        await self.say(TURN_ENDED, record)
        self._sum_up(course)
        with self._if_the_disk_will():
            self._journal.remove(course.turn_id)
        if course.plays and record.spoken and not course.cancelled:
            sounding = self._sounding[course.turn_id] = asyncio.Event()
            self._turns.create_task(self._until_heard(course, sounding))
        else:
            await self._rest(course.satellite, course.turn_id)
        return record

    async def _until_heard(self, course: Course, sounding: asyncio.Event) -> None:
        """The satellite is speaking until it says that its reply was heard."""
        assert course.spoken is not None  # noqa: S101 - asked before
        left = course.spoken.duration_ms / 1000 + SOUNDS_S
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await sounding.wait()
        self._sounding.pop(course.turn_id, None)
        if course.expects_reply and self.settings.follow_up_s > 0:
            await self._say(course, TurnPhase.FOLLOW_UP)
            async with self._freed:
                self._freed.notify_all()
            await asyncio.sleep(self.settings.follow_up_s)
        await self._rest(course.satellite, course.turn_id)

    @handles(PLAYED)
    async def played(self, played: Played) -> None:
        if (sounding := self._sounding.get(played.turn_id)) is not None:
            sounding.set()


def require_names(*names: str) -> None:
    """Raises MalformedMessageError for one that can't be said in a topic."""
    for name in names:
        segment(name)
