"""Streaming: what is pronounced, as the numbered chunks of a turn's SPEECH."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from alicia.contracts.voice import Speak, SpeechChunk, SpeechPlace, Spoken
from alicia.errors import EngineError
from alicia.speech.synthesizer import resampled

CHUNK_S = 0.1


class SpeechStream:
    """A turn's SPEECH, at one rate; it goes on from where it stands already."""

    def __init__(self, say: Callable[[SpeechChunk], Awaitable[None]], ask: Speak) -> None:
        self._say = say
        self._turn_id = ask.turn_id
        self._sequence = self._position = self._rate_hz = 0
        if ask.after is not None:
            self._sequence, self._position = ask.after.sequence, ask.after.position
            self._rate_hz = ask.after.rate_hz
        self._first_audio_at = 0.0
        self.voice = ""
        self.cached = True

    async def say(self, pcm: bytes, rate_hz: int) -> None:
        self._rate_hz = self._rate_hz or rate_hz
        if rate_hz != self._rate_hz:
            pcm = resampled(pcm, rate_hz, self._rate_hz)
        step = int(self._rate_hz * CHUNK_S) * 2
        for at in range(0, len(pcm), step):
            self._first_audio_at = self._first_audio_at or time.time()
            await self._chunk(pcm[at : at + step])

    async def end(self, *, more: bool) -> Spoken:
        """more: the stream stays open. Raises EngineError where nothing was said."""
        if not self._position:
            raise EngineError("There was nothing to pronounce.")
        if not more:
            await self._chunk(b"", last=True)
        return Spoken(
            turn_id=self._turn_id,
            duration_ms=self._position * 1000 / self._rate_hz,
            rate_hz=self._rate_hz,
            first_audio_at=self._first_audio_at or time.time(),
            cached=self.cached,
            voice=self.voice or None,
            place=SpeechPlace(
                sequence=self._sequence, position=self._position, rate_hz=self._rate_hz
            ),
        )

    async def _chunk(self, pcm: bytes, *, last: bool = False) -> None:
        chunk = SpeechChunk(
            turn_id=self._turn_id,
            sequence=self._sequence,
            position=self._position,
            rate_hz=self._rate_hz,
            pcm=pcm,
            last=last,
        )
        await self._say(chunk)
        self._sequence += 1
        self._position += len(pcm) // 2
