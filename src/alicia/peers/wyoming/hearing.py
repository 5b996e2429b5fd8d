"""Hearing for a Wyoming client: what it streams until it says that it is over, as text.

    TRANSCRIBE asked -> LISTENING heard -> AUDIO* said -> UTTERANCE_ENDED heard    (again and again)

The house ends an utterance at a pause; the client decides when it has heard enough. So what comes
after a pause is the next utterance, and the text is that of all of them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from alicia.audio.formats import RATE_HZ, from_bytes
from alicia.audio.vad import EarshotVad
from alicia.contracts.voice import (
    AUDIO,
    LISTENING,
    TRANSCRIBE,
    UTTERANCE_ENDED,
    AudioChunk,
    Listening,
    Transcribe,
    Transcript,
    UtteranceEnded,
)
from alicia.errors import AudioLostError, NoSpeechError, UtteranceTooLongError
from alicia.runtime.service import Service

CHUNK = RATE_HZ * 60 // 1000
PRE_ROLL = RATE_HZ // 2
AFTER = RATE_HZ // 10
"""The recognizer takes this much after the last sound."""
MAX_UTTERANCE_S = 25.0
PATIENCE = 3.0
"""The client says when it is over, so most pauses are none for the recognizer."""
LIKELY = 0.7
LIKELY_FRAMES = 2
TRIES = 3


class Stream:
    """Mono 16 kHz s16le samples as they come, kept until they are transcribed."""

    def __init__(self, max_s: float) -> None:
        self._max = int(max_s * RATE_HZ)
        self._pcm = bytearray()
        self._from = 0
        """Where the first kept sample stands in the whole."""
        self.closed = False
        self._news = asyncio.Event()

    def feed(self, pcm: bytes) -> None:
        """Raises UtteranceTooLongError past the limit."""
        self._pcm += pcm
        self._news.set()
        if self.end > self._max:
            raise UtteranceTooLongError(limit_s=self._max / RATE_HZ)

    def close(self) -> None:
        self.closed = True
        self._news.set()

    @property
    def end(self) -> int:
        """How many samples have come."""
        return self._from + len(self._pcm) // 2

    def piece(self, start: int, most: int) -> bytes:
        at = (start - self._from) * 2
        return bytes(self._pcm[at : at + most * 2])

    async def beyond(self, sample: int) -> bool:
        """Wait for more than this many samples; False where no more come."""
        while self.end <= sample and not self.closed:
            self._news.clear()
            await self._news.wait()
        return self.end > sample

    async def speech(self, start: int) -> int | None:
        """Wait for somebody to speak; the sample to listen from, or None where nobody does.

        The recognizer's own rule (`EndpointSettings`): what it would not hear stays off the bus.
        """
        # A fresh one: it remembers, and would take the pause for the last word's echo.
        vad = EarshotVad()
        size = vad.frame_samples
        at, likely = start, 0
        while await self.beyond(at + size - 1):
            frame = from_bytes(self.piece(at, size))
            likely = likely + 1 if vad.speech_probability(frame) >= LIKELY else 0
            at += size
            if likely >= LIKELY_FRAMES:
                return max(start, at - PRE_ROLL)
            self.forget(max(start, at - 2 * PRE_ROLL))
        return None

    def forget(self, sample: int) -> None:
        """What came before this sample is not needed again."""
        if sample > self._from:
            del self._pcm[: (sample - self._from) * 2]
            self._from = sample


async def transcribe(
    peer: Service[Any],
    stream: Stream,
    language: str,
    on_text: Callable[[str], object] = lambda _: None,
) -> list[Transcript]:
    """What is said in the stream, utterance by utterance; each is told as it is settled.

    Raises VoiceError where one can't be transcribed, BusError. Nobody speaking is no error.
    """
    found: list[Transcript] = []
    start = 0
    while (begin := await stream.speech(start)) is not None:
        utterance = _Utterance(peer, stream, begin)
        try:
            transcript = await utterance.transcribe(language)
        except NoSpeechError:
            pass  # a cough
        else:
            found.append(transcript)
            on_text(transcript.text)
        start = max(utterance.over_at, begin + 1)
        stream.forget(start)
    return found


class _Utterance:
    """One utterance of a stream, from a sample on."""

    def __init__(self, peer: Service[Any], stream: Stream, begin: int) -> None:
        self._peer = peer
        self._stream = stream
        self._begin = begin
        self._id = secrets.token_hex(8)
        self._ended: UtteranceEnded | None = None
        self._settled: Transcript | None = None

    @property
    def over_at(self) -> int:
        """The sample that the next may begin with."""
        # The two come on different ways: the transcript may be here before the word of the end.
        told = self._settled or self._ended
        if told is None or not told.speech_end_ms:
            return self._stream.end
        return self._begin + int(told.speech_end_ms * RATE_HZ / 1000) + AFTER

    async def transcribe(self, language: str) -> Transcript:
        async with (
            self._peer.hear(LISTENING, utterance_id=self._id) as listening,
            self._peer.hear(UTTERANCE_ENDED, utterance_id=self._id) as ended,
        ):
            work = [
                asyncio.create_task(self._let_it_flow(listening)),
                asyncio.create_task(self._note_the_end(ended)),
            ]
            try:
                self._settled = await self._ask(language)
                return self._settled
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)

    async def _ask(self, language: str) -> Transcript:
        ask = Transcribe(
            utterance_id=self._id,
            turn_id=self._id,
            language=language,
            max_utterance_s=MAX_UTTERANCE_S,
            patience=PATIENCE,
        )
        for attempt in range(TRIES):
            try:
                # Time to speak, and as much to decode.
                return await self._peer.ask(TRANSCRIBE, ask, deadline_s=2 * MAX_UTTERANCE_S)
            except AudioLostError:
                if attempt == TRIES - 1:
                    raise
                # A client that paused: whoever listens next hears it from the first sample.
                await self._stream.beyond(self._stream.end)
        raise AssertionError

    async def _let_it_flow(self, listening: AsyncIterator[Listening]) -> None:
        flowing: asyncio.Task[None] | None = None
        try:
            async for _ in listening:
                if flowing is not None:
                    flowing.cancel()
                flowing = asyncio.create_task(self._flow())
        finally:
            if flowing is not None:
                flowing.cancel()
                await asyncio.gather(flowing, return_exceptions=True)

    async def _flow(self) -> None:
        sequence, at = 0, self._begin
        while self._ended is None:
            more = await self._stream.beyond(at + CHUNK - 1)
            pcm = self._stream.piece(at, CHUNK)
            await self._peer.say(
                AUDIO,
                AudioChunk(
                    utterance_id=self._id,
                    sequence=sequence,
                    position=at - self._begin,
                    rate_hz=RATE_HZ,
                    last=not more,
                    pcm=pcm,
                ),
            )
            if not more:
                return
            sequence += 1
            at += CHUNK

    async def _note_the_end(self, ended: AsyncIterator[UtteranceEnded]) -> None:
        async for end in ended:
            self._ended = end
