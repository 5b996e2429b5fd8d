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
from typing import TYPE_CHECKING

from pydantic import Field

from alicia.contracts.voice import (
    AUDIO,
    LISTENING,
    PARTIAL,
    PREVIEW,
    TRANSCRIBE,
    UTTERANCE_ENDED,
    AudioChunk,
    EndReason,
    Listening,
    Partial,
    Preview,
    Transcribe,
    Transcript,
    UtteranceEnded,
)
from alicia.errors import AliciaError, AudioLostError, UnclearSpeechError, UnsupportedAudioError
from alicia.runtime.logs import pii
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.audio.endpointing import EndpointSettings
    from alicia.speech.listening import Pace, Verdict
    from alicia.speech.recognizer import Guess

RATE_HZ = 16_000
CHUNKS = 2048
"""40 s of 20 ms: more than an utterance may have."""


class SttSettings(Settings):
    model: str = "whisper-base-int8"
    """A recognizer of the catalogue (`alicia models list`)."""
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
    hears = (AUDIO,)
    says = (LISTENING, PARTIAL, UTTERANCE_ENDED)
    does_without = (PREVIEW,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.speech.models import ModelStore  # noqa: PLC0415 - heavy
        from alicia.speech.whisper import WhisperRecognizer  # noqa: PLC0415 - heavy

        folder = await self.off_loop(ModelStore(self.folder.models).resolve, self.settings.model)
        self._recognizer = await WhisperRecognizer.load(folder, threads=self.settings.threads)
        try:
            yield
        finally:
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
                language=ask.language,
                settings=self._patience(ask),
                pace=self._pace(ask),
                judge=lambda guess: self._verdict(ask, guess),
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
                            return self._transcript(event, ended)
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

    def _transcript(self, guess: Guess, ended: UtteranceEnded) -> Transcript:
        self.log.info("heard", text=pii(guess.text), confidence=round(guess.confidence, 2))
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
        )

    async def _verdict(self, ask: Transcribe, guess: Guess) -> Verdict:
        from alicia.speech.listening import Finish, Verdict  # noqa: PLC0415 - heavy

        if guess.confidence < self.settings.min_confidence:
            return Verdict(Finish.UNKNOWN)
        words = Preview(
            utterance_id=ask.utterance_id,
            text=guess.text,
            language=guess.language,
            area_id=ask.area_id,
        )
        try:
            found = await self.ask(PREVIEW, words, deadline_s=self.settings.preview_s)
        except AliciaError as error:
            # Patience is then as it would be without: longer.
            self.log.debug("not known whether it is whole", code=error.code)
            return Verdict(Finish.UNKNOWN)
        likely = tuple((near.text, near.meaning) for near in found.likely)
        return Verdict(Finish(found.completeness.value), likely)

    async def _samples(self, chunks: AsyncIterator[AudioChunk]) -> AsyncGenerator[bytes, None]:
        """The samples in order, up to the last chunk; what comes twice is skipped.

        Raises AudioLostError for a gap or a microphone that went away, UnsupportedAudioError.
        """
        expected = 0
        while True:
            try:
                async with asyncio.timeout(self.settings.audio_gap_s):
                    chunk = await anext(chunks)
            except TimeoutError as error:
                raise AudioLostError(after_chunks=expected) from error
            if chunk.sequence < expected:
                continue
            if chunk.sequence > expected:
                raise AudioLostError(missing=expected, got=chunk.sequence)
            if chunk.rate_hz != RATE_HZ:
                raise UnsupportedAudioError(
                    f"Satellites send audio at {RATE_HZ} Hz.", rate_hz=chunk.rate_hz
                )
            expected += 1
            yield chunk.pcm
            if chunk.last:
                return


_REASONS = {
    "endpoint": EndReason.ENDPOINT,
    "limit": EndReason.LIMIT,
    "no_speech": EndReason.NO_SPEECH,
    "stream": EndReason.SOURCE_ENDED,
}
