"""STT: turns an utterance into text.

    TRANSCRIBE asked -> LISTENING said -> AUDIO heard -> PARTIAL* said -> UTTERANCE_ENDED said
                     -> Transcript replied

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
    CANCEL,
    LISTENING,
    PARTIAL,
    TRANSCRIBE,
    UTTERANCE_ENDED,
    AudioChunk,
    EndReason,
    Listening,
    Partial,
    Transcribe,
    Transcript,
    UtteranceEnded,
)
from alicia.errors import AudioLostError, UnclearSpeechError, UnsupportedAudioError
from alicia.runtime.logs import pii
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.audio.endpointing import EndpointSettings
    from alicia.speech.recognizer import Guess

RATE_HZ = 16_000
CHUNKS = 2048
"""40 s of 20 ms: more than an utterance may have."""
LATE_S = 0.1
"""How long a chunk may come after the last one."""


class SttSettings(Settings):
    model: str = "whisper-base-int8"
    """A recognizer of the catalogue (`alicia models list`)."""
    threads: int = Field(default=2, ge=1)
    min_confidence: float = Field(default=0.25, ge=0, le=1)
    """Below it the person is asked to say it again."""
    silence_s: float = Field(default=0.45, gt=0)
    """Silence that ends an utterance."""
    audio_gap_s: float = Field(default=2.0, gt=0)
    """How long the microphone may be silent on the bus before its audio counts as lost."""


class Stt(Service[SttSettings]):
    """Speech to text."""

    name = "stt"
    hears = (AUDIO, CANCEL)
    says = (LISTENING, PARTIAL, UTTERANCE_ENDED)

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

    @serves(TRANSCRIBE, concurrency=2)
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
            silence_s=self.settings.silence_s,
            no_speech_s=ask.no_speech_s,
            max_utterance_s=ask.max_utterance_s,
        )

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
