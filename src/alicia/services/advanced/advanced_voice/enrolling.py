"""Whose voice is whose: voiceprints, kept with their owner's consent alone."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import ParamSpec

from alicia.contracts.advanced import (
    ENROL_SPEAKER,
    FORGET_SPEAKER,
    LIST_SPEAKERS,
    SAMPLE,
    SET_PATIENCE,
    WHO_IS,
    EnrolledSpeaker,
    EnrolledSpeakers,
    EnrolSpeaker,
    ForgetSpeaker,
    ListSpeakers,
    PatienceSet,
    SetPatience,
    SpeakerEnrolled,
    SpeakerForgotten,
    SpeakerMatch,
    WhoIs,
)
from alicia.errors import AudioLostError, VoiceprintError
from alicia.runtime.logs import pii
from alicia.runtime.service import Service, runs, serves
from alicia.services.advanced.advanced_voice.settings import AdvancedVoiceSettings

if TYPE_CHECKING:
    from alicia.audio.formats import Pcm
    from alicia.audio.recordings import Recordings
    from alicia.speech.analysis import Abilities

T = TypeVar("T")
P = ParamSpec("P")

RATE_HZ = 16_000
CHUNKS = 4096
SAMPLE_WITHIN_S = 2.0
KEPT_SAMPLES, KEPT_S = 12, 60.0


class Enrolling(Service[AdvancedVoiceSettings]):
    """Enrols, matches, lists and forgets."""

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.audio.recordings import Recordings  # noqa: PLC0415 - heavy
        from alicia.speech.analysis import Abilities  # noqa: PLC0415 - heavy
        from alicia.storage.voiceprints import Voiceprints  # noqa: PLC0415 - heavy

        self._prints = await self.off_loop(Voiceprints, self.folder.state(self.name))
        self._samples: Recordings = Recordings(KEPT_SAMPLES, KEPT_S, self.settings.longest_s)
        self._abilities: Abilities = Abilities(
            self.folder.models,
            self.folder.root / "wake",
            words=[word.strip() for word in self.settings.wake_words.split(",") if word.strip()],
            threshold=self.settings.speaker_threshold,
        )
        self._sampled = asyncio.Event()
        self._know()
        yield

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
        before, now = self._prints.get(ask.speaker_id), time.time()
        stored = StoredVoiceprint(
            speaker_id=ask.speaker_id,
            name=ask.name,
            embedder=made.embedder,
            centre=tuple(round(float(value), 6) for value in made.centre),
            utterances=made.utterances,
            agreement=made.agreement,
            consent_at=now,
            enrolled_at=now,
            patience=before.patience if before else 1.0,
        )
        await self.off_loop(self._prints.put, stored)
        self._know()
        for name in ask.sample_ids:
            self._samples.remove(name)
        self.log.info("a voice was enrolled", speaker=pii(ask.name), utterances=made.utterances)
        return SpeakerEnrolled(
            speaker_id=ask.speaker_id, utterances=made.utterances, agreement=made.agreement
        )

    @serves(SET_PATIENCE)
    async def set_patience(self, ask: SetPatience) -> PatienceSet:
        known = self._prints.get(ask.speaker_id)
        if known is None:
            raise VoiceprintError(
                "Nobody of that name is enrolled: their voice could not be told.", reason="unknown"
            )
        if ask.patience is not None:
            known = replace(known, patience=ask.patience)
            await self.off_loop(self._prints.put, known)
        return PatienceSet(speaker_id=known.speaker_id, patience=known.patience)

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
                    patience=one.patience,
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

    async def _politely(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Off the loop, on a thread that gives way to everybody who answers the person."""

        def lowered() -> T:
            if sys.platform == "linux":  # elsewhere a thread has no priority of its own
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
            return work(*args, **kwargs)

        return await self.off_loop(lowered)
