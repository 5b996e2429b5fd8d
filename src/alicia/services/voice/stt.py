"""STT: turns an utterance into text.

    TRANSCRIBE asked -> LISTENING said -> AUDIO heard -> (PARTIAL said, PREVIEW asked)*
                     -> UTTERANCE_ENDED said -> Transcript replied

What was said so far is decoded while the person speaks; a whole command needs only a short silence
after it. Whether it is whole is asked of who understands; without an answer the silence is longer.

Instances share TRANSCRIBE. The one that takes an utterance says LISTENING once it is subscribed to
that utterance's AUDIO; until then whoever holds the microphone keeps the audio.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized
from alicia.contracts.voice import (
    AUDIO,
    AUTO,
    CANCEL,
    LISTENING,
    PARTIAL,
    PREVIEW,
    SENTENCES,
    TRANSCRIBE,
    UTTERANCE_ENDED,
    AudioChunk,
    EndReason,
    GetSentences,
    Listening,
    Partial,
    Preview,
    Transcribe,
    Transcript,
    UtteranceEnded,
)
from alicia.errors import (
    AliciaError,
    AudioLostError,
    DependencyMissingError,
    UnclearSpeechError,
    UnsupportedAudioError,
)
from alicia.runtime.logs import pii
from alicia.runtime.service import Service, handles, runs, serves
from alicia.runtime.settings import SPOKEN, Settings

if TYPE_CHECKING:
    from alicia.audio.endpointing import EndpointSettings
    from alicia.speech.command_lane import CommandLane, Sayable
    from alicia.speech.doubt import Verdict
    from alicia.speech.listening import Pace
    from alicia.speech.recognizer import Guess, Streams

RATE_HZ = 16_000
CHUNKS = 2048
"""40 s of 20 ms: more than an utterance may have."""
KEPT = 32
"""Utterances of which it is remembered who speaks."""
LATE_S = 0.1
"""How long a chunk may come after the last one."""


class SttSettings(Settings):
    shared = frozenset({"languages"})

    model: str = "whisper-base-int8"
    """A recognizer of the catalogue (`alicia models list`)."""
    recognizers: str = "en: moonshine-tiny-en?"
    """Others to ask before it, by language: `en: moonshine-tiny-en; ko: vosk-ko; *: another`. `?`
    after one: where it is installed."""
    command_lane: Literal["auto", "on", "off"] = "auto"
    """Whether English commands are listened for by what this home can be told, beside the
    recognizer (needs alicia[grammar]). `auto`: where that is here and no recognizer for English
    comes before `model`."""
    languages: str = ",".join(SPOKEN)
    """What this household speaks: one of these is heard where a satellite says `auto`."""
    threads: int = Field(default=2, ge=1)
    min_confidence: float = Field(default=0.25, ge=0, le=1)
    """Below it the person is asked to say it again."""
    silence_s: float = Field(default=0.5, gt=0)
    """Silence that ends an utterance of which it is not known whether it is whole."""
    complete_silence_s: float = Field(default=0.12, gt=0)
    """Silence that ends a whole command."""
    open_silence_s: float = Field(default=1.2, gt=0)
    """Silence that ends words which demand more, like "turn on the"."""
    partial_every_s: float = Field(default=0.1, ge=0)
    """New speech that is decoded while the person speaks; 0 saves two thirds of the work, and
    decodes in pauses alone."""
    preview_s: float = Field(default=0.3, gt=0)
    """How long to wait for whether a sentence is whole."""
    audio_gap_s: float = Field(default=2.0, gt=0)
    """How long the microphone may be silent on the bus before its audio counts as lost."""


class Stt(Service[SttSettings]):
    """Speech to text."""

    name = "stt"
    hears = (AUDIO, CANCEL)
    says = (LISTENING, PARTIAL, UTTERANCE_ENDED)
    does_without = (PREVIEW, SENTENCES)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.speech.language_id import HouseholdLanguages  # noqa: PLC0415 - heavy
        from alicia.speech.models import ModelStore  # noqa: PLC0415 - heavy
        from alicia.speech.recognizer_chain import load_recognizer  # noqa: PLC0415 - heavy

        spoken = [language.strip() for language in self.settings.languages.split(",")]
        self._patience_of: dict[str, float] = {}
        """Of whose voice was recognized, by utterance; the newest."""
        self._spoken = HouseholdLanguages(spoken, self.folder.state(self.name) / "languages.json")
        self._recognizer = await load_recognizer(self.settings, ModelStore(self.folder.models))
        for problem in self._recognizer.problems:
            self.log.info("one recognizer less", code=problem.code, reason=problem.message)
            self.set_degraded(problem.message)
        self._lane = self._command_lane() if "en" in spoken else None
        try:
            yield
        finally:
            if self._lane is not None:
                await self._lane.aclose()
            await self._recognizer.aclose()

    @serves(TRANSCRIBE, concurrency=8)
    async def transcribe(self, ask: Transcribe) -> Transcript:
        from alicia.speech.listening import Ended, SpeechStarted, listen  # noqa: PLC0415 - heavy
        from alicia.speech.recognizer import Guess  # noqa: PLC0415 - heavy

        uid = ask.utterance_id
        started = time.time()
        ended: UtteranceEnded | None = None
        async with self.hear(AUDIO, limit=CHUNKS, utterance_id=uid) as chunks:
            await self.say(LISTENING, Listening(utterance_id=uid))
            hearing = listen(
                self._samples(chunks),
                self._recognizer,
                language=None if ask.language == AUTO else ask.language,
                expected=self._spoken.expected(among=ask.among) if ask.language == AUTO else None,
                settings=self._patience(ask),
                pace=self._pace(ask),
                judge=lambda guess: self._verdict(ask, guess),
                lane=self._streams(ask),
                lane_failed=self._lane_failed,
            )
            async with aclosing(hearing) as heard:
                async for event in heard:
                    match event:
                        case Ended():
                            ended = UtteranceEnded(
                                utterance_id=uid,
                                reason=_REASONS[event.reason.value],
                                speech_end_ms=event.speech_end_ms,
                                ended_at=time.time(),
                            )
                            self.tracer.record("listen", started, ended.ended_at)
                            await self.say(UTTERANCE_ENDED, ended)
                        case Guess(final=True) if ended is not None:
                            self.tracer.record("decode the rest", ended.ended_at, time.time())
                            transcript = self._transcript(event, ended)
                            if ask.language == AUTO:
                                await self.off_loop(self._spoken.learn, transcript.language)
                            return transcript
                        case Guess():
                            await self.say(
                                PARTIAL,
                                Partial(
                                    utterance_id=uid, text=event.text, confidence=event.confidence
                                ),
                            )
                        case SpeechStarted():
                            continue
        raise AudioLostError(utterance_id=uid)

    def _command_lane(self) -> CommandLane | None:
        from alicia.speech.command_lane import CommandLane  # noqa: PLC0415 - heavy

        wanted = self.settings.command_lane
        another = self._recognizer.first("en") != self.settings.model
        if wanted == "off" or (wanted == "auto" and another):
            return None
        try:
            return CommandLane(self._sayable)
        except DependencyMissingError as error:
            if wanted == "on":
                self.log.info("no command lane", code=error.code, reason=error.message)
                self.set_degraded(error.message)
            return None

    async def _sayable(self) -> Sayable:
        from alicia.speech.command_lane import Sayable  # noqa: PLC0415 - heavy

        told = await self.ask(SENTENCES, GetSentences(language="en"))
        return Sayable(told.sentences, told.others, told.revision)

    @runs
    async def know_what_can_be_said(self) -> None:
        """Keep the command lane's sentences those of this home."""
        if self._lane is not None:
            await self._lane.follow(self._lane_told)

    def _lane_told(self, sentences: int, error: AliciaError | None) -> None:
        if error is None:
            self.log.info("the command lane listens", sentences=sentences)
        else:
            self.log.debug("no sentences for the command lane", code=error.code)

    def _streams(self, ask: Transcribe) -> Streams | None:
        """The command lane, where it may be this home's English; never for another home."""
        if self._lane is None or ask.language != "en" or ask.home is not None:
            return None
        return self._lane.streams

    def _lane_failed(self, error: AliciaError) -> None:
        self.log.warning("the command lane failed", code=error.code, reason=error.message)

    @handles(SPEAKER_RECOGNIZED)
    async def take_their_time(self, who: SpeakerRecognized) -> None:
        """From now on the silences of this utterance are as long as this person's."""
        if who.speaker_id is not None:
            self._patience_of[who.utterance_id] = who.patience
        while len(self._patience_of) > KEPT:
            self._patience_of.pop(next(iter(self._patience_of)))

    def _transcript(self, guess: Guess, ended: UtteranceEnded) -> Transcript:
        self.log.info(
            "heard",
            text=pii(guess.text),
            confidence=round(guess.confidence, 2),
            engine=guess.engine,
        )
        if guess.confidence < self.settings.min_confidence:
            raise UnclearSpeechError(confidence=round(guess.confidence, 2))
        return Transcript(
            utterance_id=ended.utterance_id,
            text=guess.text,
            language=guess.language,
            confidence=guess.confidence,
            alternatives=list(guess.alternatives),
            speech_end_ms=ended.speech_end_ms,
            ended_at=ended.ended_at,
        )

    def _patience(self, ask: Transcribe) -> EndpointSettings:
        from alicia.audio.endpointing import EndpointSettings  # noqa: PLC0415 - heavy

        return EndpointSettings(
            silence_s=self.settings.silence_s * ask.patience,
            no_speech_s=ask.no_speech_s,
            max_utterance_s=ask.max_utterance_s,
        )

    def _pace(self, ask: Transcribe) -> Pace:
        from alicia.speech.listening import Pace  # noqa: PLC0415 - heavy

        return Pace(
            complete_silence_s=self.settings.complete_silence_s * ask.patience,
            open_silence_s=self.settings.open_silence_s * ask.patience,
            partial_every_s=self.settings.partial_every_s,
            stretch=lambda: self._patience_of.get(ask.utterance_id, ask.patience) / ask.patience,
        )

    async def _verdict(self, ask: Transcribe, guess: Guess) -> Verdict:
        from alicia.speech.doubt import Finish, Verdict  # noqa: PLC0415 - heavy

        if guess.confidence < self.settings.min_confidence:
            # A "please" before a pause is hardly understood by itself: nobody is told to say it
            # again who is about to go on.
            return Verdict(Finish.OPEN)
        words = Preview(
            utterance_id=ask.utterance_id,
            turn_id=ask.turn_id,
            text=guess.text,
            language=guess.language,
            guessed=guess.rank > 0,
            area_id=ask.area_id,
            topic=ask.topic,
            home=ask.home,
        )
        try:
            found = await self.ask(PREVIEW, words, deadline_s=self.settings.preview_s)
        except AliciaError as error:
            # Patience is then as it would be without: longer.
            self.log.debug("not known whether it is whole", code=error.code)
            return Verdict(Finish.UNKNOWN)
        if self._lane is not None and ask.home is None:
            self._lane.note(found.revision)
        likely = tuple((near.text, near.meaning) for near in found.likely)
        return Verdict(Finish(found.completeness.value), likely, meant=found.meant)

    async def _samples(self, chunks: AsyncIterator[AudioChunk]) -> AsyncGenerator[bytes, None]:
        """The samples in order, up to the last chunk; a short gap is filled, twice is once.

        Raises AudioLostError for a long gap or a microphone that went away, UnsupportedAudioError.
        """
        from alicia.audio.reassembly import Reassembly  # noqa: PLC0415 - heavy

        pieces = Reassembly()
        while not pieces.over:
            try:
                async with asyncio.timeout(LATE_S if pieces.ending else self.settings.audio_gap_s):
                    chunk = await anext(chunks)
            except TimeoutError as error:
                if not pieces.ending:
                    raise AudioLostError(after_chunks=pieces.expected) from error
                found = pieces.flush()
            else:
                if chunk.rate_hz != RATE_HZ:
                    raise UnsupportedAudioError(
                        f"Satellites send audio at {RATE_HZ} Hz.", rate_hz=chunk.rate_hz
                    )
                found = pieces.put(chunk.sequence, chunk.pcm, last=chunk.last)
            for pcm in found:
                yield pcm


_REASONS = {
    "endpoint": EndReason.ENDPOINT,
    "limit": EndReason.LIMIT,
    "no_speech": EndReason.NO_SPEECH,
    "stream": EndReason.SOURCE_ENDED,
}
