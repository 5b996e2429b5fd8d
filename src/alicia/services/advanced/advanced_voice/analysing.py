"""Each utterance beside its turn: who speaks while they speak, and the rest when they have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from alicia.contracts.advanced import (
    ANALYSED,
    SAMPLE,
    SPEAKER_RECOGNIZED,
    Analysed,
    Emotion,
    SignalQuality,
    SpeakerRecognized,
    VoiceProsody,
)
from alicia.contracts.voice import AUDIO, LISTENING
from alicia.errors import AliciaError, UnclearSpeechError
from alicia.runtime.service import runs
from alicia.services.advanced.advanced_voice.enrolling import CHUNKS, KEPT_S, RATE_HZ, Enrolling

if TYPE_CHECKING:
    from alicia.audio.formats import Pcm
    from alicia.audio.recordings import Recording, Recordings
    from alicia.runtime.tracing import OpenSpan

T = TypeVar("T")

KEPT_TURNS = 32
AT_ONCE = 2
"""Utterances that are analysed at one time; more are let pass."""


@dataclass
class _Who:
    """What is known of whose voice an utterance is."""

    looked_s: float = 0.0
    """How much speech there was when it was last tried."""
    looking: bool = False
    recognized: SpeakerRecognized | None = None
    """Said already."""
    cost_ms: float = 0.0


class AdvancedVoice(Enrolling):
    """What can be known of a voice besides its words."""

    name = "advanced_voice"
    hears = (AUDIO, LISTENING, SAMPLE)
    says = (SPEAKER_RECOGNIZED, ANALYSED)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.audio.recordings import Recordings  # noqa: PLC0415 - heavy

        async with super().lifespan():
            self._heard: Recordings = Recordings(AT_ONCE * 4, KEPT_S, self.settings.longest_s)
            self._busy = 0
            self._turns: dict[str, str] = {}
            self._who: WeakKeyDictionary[Recording, _Who] = WeakKeyDictionary()
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
                    parent = self._turns.get(chunk.utterance_id)
                    self._begin(self._decide(chunk.utterance_id, heard, parent))
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
        """From the least speech on, and again with more of it, until it is sure."""
        mine, who = self.settings, self._who.setdefault(heard, _Who())
        more_s = mine.speaker_every_s if who.looked_s else mine.speaker_after_s
        return (
            mine.speakers
            and who.recognized is None
            and not who.looking
            and self._abilities.knows_somebody
            and heard.speech_s >= who.looked_s + more_s
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

    async def _decide(self, utterance_id: str, heard: Recording, parent: str | None) -> None:
        """Say who speaks as soon as it is sure; that it is nobody, only the whole can tell."""
        who = self._who.setdefault(heard, _Who())
        if who.looking:
            return
        who.looking, who.looked_s = True, heard.speech_s
        try:
            with self.tracer.span("recognize the speaker", parent) as span:
                found = await self._speaker(utterance_id, heard.pcm, who, span)
                if found is not None and found.speaker_id is not None:
                    await self._say_who(who, found)
        finally:
            who.looking = False

    async def _say_who(self, who: _Who, found: SpeakerRecognized) -> None:
        """Once for each utterance."""
        if who.recognized is None:
            who.recognized = found
            await self.say(SPEAKER_RECOGNIZED, found)

    async def _analyse(self, utterance_id: str, heard: Recording, parent: str | None) -> None:
        mine, pcm = self.settings, heard.pcm
        cost: dict[str, float] = {}
        found: dict[str, Any] = {}
        with self.tracer.span("analyse the voice", parent):
            if mine.speakers and self._abilities.knows_somebody:
                found["speaker"] = await self._whole(utterance_id, heard, cost)
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

    async def _whole(
        self, utterance_id: str, heard: Recording, cost: dict[str, float]
    ) -> SpeakerRecognized | None:
        """Whose voice the utterance is, now that it is over; said where it was not yet."""
        who = self._who.setdefault(heard, _Who())
        if who.recognized is None:
            with self.span("speaker") as span:
                found = await self._speaker(utterance_id, heard.pcm, who, span)
            if found is not None:
                await self._say_who(who, found)
        if who.cost_ms:
            cost["speaker"] = round(who.cost_ms, 1)
        return who.recognized

    async def _speaker(
        self, utterance_id: str, pcm: Pcm, who: _Who, span: OpenSpan | None
    ) -> SpeakerRecognized | None:
        """Whose voice it is; None where there is too little speech to tell."""
        try:
            match, took = await self._politely(_timed, self._abilities.recognize, pcm)
        except UnclearSpeechError:
            return None
        who.cost_ms += took
        if span is not None:
            span.attributes.update(
                cpu_ms=took, score=match.score, known=match.speaker_id is not None
            )
        known = self._prints.get(match.speaker_id) if match.speaker_id else None
        return SpeakerRecognized(
            utterance_id=utterance_id,
            speaker_id=match.speaker_id,
            score=match.score,
            after_s=round(len(pcm) / RATE_HZ, 2),
            patience=known.patience if known else 1.0,
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
