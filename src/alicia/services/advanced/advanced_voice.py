"""Advanced voice: whose voice it is, how it sounds, and how well it was heard.

    AUDIO heard (every utterance) -> SPEAKER_RECOGNIZED said, while it goes on -> ANALYSED said
    SAMPLE* heard, ENROL_SPEAKER / WHO_IS asked -> replied

It listens beside stt and nobody waits for it: the work is done on threads of the lowest priority, a
turn that it misses or that outlives it goes on, and an ability that is off costs nothing. Each one
is a span of the turn's trace. Voiceprints are kept with their owner's consent alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field
from typing_extensions import ParamSpec

from alicia.contracts.advanced import (
    ANALYSED,
    ENROL_SPEAKER,
    FORGET_SPEAKER,
    LIST_SPEAKERS,
    SAMPLE,
    SPEAKER_RECOGNIZED,
    WHO_IS,
    Analysed,
    Emotion,
    EnrolledSpeaker,
    EnrolledSpeakers,
    EnrolSpeaker,
    ForgetSpeaker,
    ListSpeakers,
    SignalQuality,
    SpeakerEnrolled,
    SpeakerForgotten,
    SpeakerMatch,
    SpeakerRecognized,
    VoiceProsody,
    WhoIs,
)
from alicia.contracts.voice import AUDIO, LISTENING
from alicia.errors import AliciaError, AudioLostError, UnclearSpeechError, VoiceprintError
from alicia.runtime.logs import pii
from alicia.runtime.service import Service, runs, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.audio.formats import Pcm
    from alicia.audio.recordings import Recording, Recordings
    from alicia.runtime.tracing import OpenSpan
    from alicia.speech.analysis import Abilities

T = TypeVar("T")
P = ParamSpec("P")

RATE_HZ = 16_000
CHUNKS = 4096
SAMPLE_WITHIN_S = 2.0
KEPT_SAMPLES, KEPT_S = 12, 60.0
KEPT_TURNS = 32
AT_ONCE = 2
"""Utterances that are analysed at one time; more are let pass."""


class AdvancedVoiceSettings(Settings):
    quality: bool = True
    """How well each utterance is heard, with advice."""
    prosody: bool = True
    """Pitch, loudness and pace. Says that the emotion is unknown, and why."""
    speakers: bool = True
    """Whose voice it is. Costs nothing while nobody is enrolled."""
    count_speakers: bool = False
    """How many voices speak in an utterance."""
    wake_words: str = ""
    """Words looked for in each utterance, separated by commas: `alicia`, `hey_jarvis`…"""
    speaker_after_s: float = Field(default=1.6, gt=0)
    """Speech after which it is first decided whose voice it is."""
    speaker_threshold: float | None = Field(default=None, ge=-1, le=1)
    """Likeness from which a voice is somebody's; the embedder's own where it is not given."""
    language: str = "en"
    """The language of the advice."""
    longest_s: float = Field(default=20.0, gt=0)
    """What is said after it is not analysed."""


class AdvancedVoice(Service[AdvancedVoiceSettings]):
    """What can be known of a voice besides its words."""

    name = "advanced_voice"
    hears = (AUDIO, LISTENING, SAMPLE)
    says = (SPEAKER_RECOGNIZED, ANALYSED)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.audio.recordings import Recordings  # noqa: PLC0415 - heavy
        from alicia.speech.analysis import Abilities  # noqa: PLC0415 - heavy
        from alicia.storage.voiceprints import Voiceprints  # noqa: PLC0415 - heavy

        folder = self.folder.state(self.name)
        self._prints = await self.off_loop(Voiceprints, folder)
        self._samples: Recordings = Recordings(KEPT_SAMPLES, KEPT_S, self.settings.longest_s)
        self._abilities: Abilities = Abilities(
            self.folder.models,
            self.folder.root / "wake",
            words=[word.strip() for word in self.settings.wake_words.split(",") if word.strip()],
            threshold=self.settings.speaker_threshold,
        )
        self._sampled = asyncio.Event()
        self._know()
        self._heard: Recordings = Recordings(AT_ONCE * 4, KEPT_S, self.settings.longest_s)
        self._busy = 0
        self._turns: dict[str, str] = {}
        self._recognized: dict[str, tuple[SpeakerRecognized, float]] = {}
        try:
            await self._politely(self._abilities.prepare)
        except AliciaError as error:
            self.log.warning("an ability is missing", reason=str(error))
            self.set_degraded(error.message)
        async with asyncio.TaskGroup() as self._analyses:
            yield

    # ---- the path of the turn ----

    @runs
    async def listen(self) -> None:
        """Follow every utterance; what it costs is nothing where all abilities are off."""
        if not self._wanted():
            return
        async with self.hear(AUDIO, limit=CHUNKS) as chunks:
            async for chunk in chunks:
                if chunk.rate_hz != RATE_HZ:
                    continue
                heard = self._heard.add(
                    chunk.utterance_id, chunk.sequence, chunk.pcm, last=chunk.last
                )
                if self._is_time_to_decide(heard):
                    heard.decided = True
                    parent = self._turns.get(chunk.utterance_id)
                    self._begin(self._decide(chunk.utterance_id, heard.pcm, parent))
                if heard.complete:
                    self._heard.remove(chunk.utterance_id)
                    self._begin(
                        self._analyse(
                            chunk.utterance_id,
                            heard,
                            self._turns.pop(chunk.utterance_id, None),
                        )
                    )

    @runs
    async def follow_turns(self) -> None:
        """Learn to which turn an utterance belongs: its audio does not say so."""
        async with self.bus.hear(LISTENING) as hearing:
            async for delivery in hearing:
                if delivery.traceparent is not None:
                    self._turns[delivery.message.utterance_id] = delivery.traceparent
                while len(self._turns) > KEPT_TURNS:
                    self._turns.pop(next(iter(self._turns)))

    def _wanted(self) -> bool:
        mine = self.settings
        return bool(
            mine.quality or mine.prosody or mine.speakers or mine.count_speakers or mine.wake_words
        )

    def _is_time_to_decide(self, heard: Recording) -> bool:
        return (
            self.settings.speakers
            and not heard.decided
            and self._abilities.knows_somebody
            and heard.speech_s >= self.settings.speaker_after_s
        )

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside the turn; what is too much is let pass."""
        if self._busy >= AT_ONCE * 2:
            work.close()
            self.log.warning("an utterance is not analysed: too many at once")
            return
        self._busy += 1
        self._analyses.create_task(self._counted(work))

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            with suppress(AliciaError), self.edge("analyse"):
                await work
        finally:
            self._busy -= 1

    async def _decide(self, utterance_id: str, pcm: Pcm, parent: str | None) -> None:
        with self.tracer.span("recognize the speaker", parent) as span:
            cost: dict[str, float] = {}
            recognized = await self._speaker(utterance_id, pcm, cost, span)
            if recognized is not None:
                self._recognized[utterance_id] = recognized, cost["speaker"]
                await self.say(SPEAKER_RECOGNIZED, recognized)

    async def _analyse(self, utterance_id: str, heard: Recording, parent: str | None) -> None:
        mine, pcm = self.settings, heard.pcm
        cost: dict[str, float] = {}
        found: dict[str, Any] = {}
        with self.tracer.span("analyse the voice", parent):
            if utterance_id in self._recognized:
                found["speaker"], cost["speaker"] = self._recognized.pop(utterance_id)
            elif mine.speakers and self._abilities.knows_somebody:
                with self.span("speaker") as span:
                    found["speaker"] = await self._speaker(utterance_id, pcm, cost, span)
                if found["speaker"] is not None and not heard.decided:
                    await self.say(SPEAKER_RECOGNIZED, found["speaker"])
            if mine.quality:
                found["quality"] = await self._measured("quality", self._quality, pcm, cost)
            if mine.prosody:
                found["prosody"] = await self._measured("prosody", _prosody, pcm, cost)
                found["emotion"] = _emotion()
            if mine.count_speakers:
                count = self._abilities.count_speakers
                found["speakers"] = await self._measured("count speakers", count, pcm, cost)
            if mine.wake_words:
                word = self._abilities.wake_word
                found["wake_word"] = await self._measured("wake word", word, pcm, cost)
            await self.say(
                ANALYSED,
                Analysed(
                    utterance_id=utterance_id,
                    speech_s=round(heard.speech_s, 2),
                    cost_ms=cost,
                    **found,
                ),
            )

    async def _speaker(
        self, utterance_id: str, pcm: Pcm, cost: dict[str, float], span: OpenSpan | None
    ) -> SpeakerRecognized | None:
        """Whose voice it is; None where there is too little speech to tell."""
        try:
            match, took = await self._politely(_timed, self._abilities.recognize, pcm)
        except UnclearSpeechError:
            return None
        cost["speaker"] = took
        if span is not None:
            span.attributes.update(
                cpu_ms=took, score=match.score, known=match.speaker_id is not None
            )
        return SpeakerRecognized(
            utterance_id=utterance_id,
            speaker_id=match.speaker_id,
            score=match.score,
            after_s=round(len(pcm) / RATE_HZ, 2),
        )

    async def _measured(
        self, name: str, work: Callable[[Pcm], T], pcm: Pcm, cost: dict[str, float]
    ) -> T | None:
        """An ability's result, as a span with its cost; None where it failed."""
        with suppress(AliciaError), self.edge(name), self.span(name) as span:
            result, took = await self._politely(_timed, work, pcm)
            cost[name.replace(" ", "_")] = took
            if span is not None:
                span.attributes["cpu_ms"] = took
            return result
        return None

    def _quality(self, pcm: Pcm) -> SignalQuality:
        from alicia.speech.analysis import advice  # noqa: PLC0415 - heavy

        found = self._abilities.quality(pcm)
        told = advice(found.defects, self.settings.language)
        return SignalQuality.model_validate({**asdict(found), "advice": told})

    async def _politely(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Off the loop, on a thread that gives way to everybody who answers the person."""

        def lowered() -> T:
            if sys.platform == "linux":  # elsewhere a thread has no priority of its own
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
            return work(*args, **kwargs)

        return await self.off_loop(lowered)

    # ---- voiceprints ----

    @runs
    async def take_samples(self) -> None:
        async with self.hear(SAMPLE, limit=CHUNKS) as chunks:
            async for chunk in chunks:
                if chunk.rate_hz == RATE_HZ:
                    self._samples.add(chunk.sample_id, chunk.sequence, chunk.pcm, last=chunk.last)
                    self._sampled.set()

    @serves(ENROL_SPEAKER)
    async def enrol_speaker(self, ask: EnrolSpeaker) -> SpeakerEnrolled:
        from alicia.storage.voiceprints import StoredVoiceprint  # noqa: PLC0415 - heavy

        if not ask.consent:
            raise VoiceprintError(
                "A voiceprint is kept only with the consent of the person whose voice it is.",
                reason="consent",
            )
        samples = [await self._sample(name) for name in ask.sample_ids]
        made = await self._politely(self._abilities.enrol, ask.speaker_id, samples)
        now = time.time()
        stored = StoredVoiceprint(
            speaker_id=ask.speaker_id,
            name=ask.name,
            embedder=made.embedder,
            centre=tuple(round(float(value), 6) for value in made.centre),
            utterances=made.utterances,
            agreement=made.agreement,
            consent_at=now,
            enrolled_at=now,
        )
        await self.off_loop(self._prints.put, stored)
        self._know()
        for name in ask.sample_ids:
            self._samples.remove(name)
        self.log.info("a voice was enrolled", speaker=pii(ask.name), utterances=made.utterances)
        return SpeakerEnrolled(
            speaker_id=ask.speaker_id, utterances=made.utterances, agreement=made.agreement
        )

    @serves(FORGET_SPEAKER)
    async def forget_speaker(self, ask: ForgetSpeaker) -> SpeakerForgotten:
        known = await self.off_loop(self._prints.forget, ask.speaker_id)
        self._know()
        return SpeakerForgotten(speaker_id=ask.speaker_id, known=known)

    @serves(LIST_SPEAKERS)
    async def list_speakers(self, ask: ListSpeakers) -> EnrolledSpeakers:
        return EnrolledSpeakers(
            speakers=[
                EnrolledSpeaker(
                    speaker_id=one.speaker_id,
                    name=one.name,
                    utterances=one.utterances,
                    agreement=one.agreement,
                    consent_at=one.consent_at,
                    enrolled_at=one.enrolled_at,
                    embedder=one.embedder,
                    voiceprint=list(one.centre) if ask.export else None,
                )
                for one in self._prints.all()
            ]
        )

    @serves(WHO_IS)
    async def who_is(self, ask: WhoIs) -> SpeakerMatch:
        pcm = await self._sample(ask.sample_id)
        found = await self._politely(self._abilities.recognize, pcm)
        known = self._prints.get(found.speaker_id) if found.speaker_id else None
        return SpeakerMatch(
            speaker_id=found.speaker_id,
            name=known.name if known else None,
            score=found.score,
            threshold=self._abilities.threshold,
        )

    async def _sample(self, name: str) -> Pcm:
        """What was shown under this name, once all of it is here. Raises AudioLostError."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SAMPLE_WITHIN_S):
                while not ((sample := self._samples.get(name)) and sample.complete):
                    self._sampled.clear()
                    await self._sampled.wait()
                return sample.pcm
        raise AudioLostError(sample=name)

    def _know(self) -> None:
        from alicia.speech.speaker import voiceprint  # noqa: PLC0415 - heavy

        self._abilities.know(
            [
                voiceprint(one.speaker_id, one.embedder, one.centre, one.utterances, one.agreement)
                for one in self._prints.all()
            ]
        )


def _timed(work: Callable[[Pcm], T], pcm: Pcm) -> tuple[T, float]:
    """What it gave, and the milliseconds of a core that it took."""
    before = time.thread_time()
    result = work(pcm)
    return result, round((time.thread_time() - before) * 1000, 1)


def _prosody(pcm: Pcm) -> VoiceProsody:
    from alicia.speech.prosody import measure  # noqa: PLC0415 - heavy

    return VoiceProsody.model_validate(asdict(measure(pcm)))


def _emotion() -> Emotion:
    from alicia.speech.analysis import NO_EMOTION  # noqa: PLC0415 - heavy

    return Emotion(reason=NO_EMOTION)
