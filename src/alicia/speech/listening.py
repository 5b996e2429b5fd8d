"""The live loop: from audio as it comes to what was said.

    SpeechStarted -> Guess(partial)* -> Ended -> Guess(final)

Decoding begins in the first short pause while audio goes on being heard. When that pause was the
end, the final guess is there as soon as the end is decided.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from alicia.audio.endpointing import (
    Cue,
    Endpoint,
    Endpointer,
    EndpointSettings,
    EndReason,
    Onset,
    Pause,
    Resumption,
)
from alicia.audio.formats import RATE_HZ, Pcm, from_bytes
from alicia.audio.vad import Vad
from alicia.errors import NoSpeechError, UtteranceTooLongError
from alicia.speech.recognizer import Guess, Recognizer

# The VAD needs some speech to be sure of it; the word began before.
_BEFORE = int(0.25 * RATE_HZ)
# Whisper decodes better with a little silence after the last word.
_AFTER = int(0.1 * RATE_HZ)


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """It is decided that the utterance is over. Times count from the first sample of the stream."""

    reason: EndReason
    speech_end_ms: int
    """The last moment with speech."""
    endpoint_ms: int
    """How much audio had been heard when it was decided."""


Heard: TypeAlias = SpeechStarted | Guess | Ended


async def listen(
    chunks: AsyncIterator[bytes],
    recognizer: Recognizer,
    *,
    language: str | None = None,
    settings: EndpointSettings | None = None,
    vad: Vad | None = None,
) -> AsyncGenerator[Heard, None]:
    """Follow one utterance; `chunks` is 16 kHz mono s16le PCM in pieces of any size.

    The last thing is `Guess(final=True)`. Leave with `contextlib.aclosing` when stopping early:
    it ends the decoding under way and the waiting for audio. `chunks` is not read past the end
    of the utterance.

    Raises:
        NoSpeechError: nobody spoke, or there was sound but no words. `Ended` came before.
        UtteranceTooLongError: the speech passed the limit. `Ended` came before.
    """
    listener = _Listener(recognizer, language, Endpointer(settings, vad))
    try:
        async with aclosing(listener.follow(chunks)) as following:
            async for heard in following:
                yield heard
    finally:
        await listener.aclose()


class _Listener:
    """The state of one utterance: the audio so far, the guess for it, the decode under way."""

    def __init__(
        self, recognizer: Recognizer, language: str | None, endpointer: Endpointer
    ) -> None:
        self._recognizer = recognizer
        self._language = language
        self._endpointer = endpointer
        self._pieces: list[Pcm] = []
        self._odd_byte = b""
        self._start = 0
        self._hearing: asyncio.Task[bytes | None] | None = None
        self._decoding: asyncio.Task[Guess] | None = None
        self._leaving: set[asyncio.Task[bytes | None] | asyncio.Task[Guess]] = set()
        self._told = True  # The guess of the latest decode was yielded.

    async def follow(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Heard, None]:
        endpoint: Endpoint | None = None
        while endpoint is None:
            self._hearing = self._hearing or asyncio.create_task(_next(chunks))
            waiting: set[asyncio.Task[bytes | None] | asyncio.Task[Guess]] = {self._hearing}
            if self._decoding is not None and not self._told:
                waiting.add(self._decoding)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._decoding is not None and self._decoding.done() and not self._told:
                self._told = True
                guess = self._decoding.result()
                if guess.text:
                    yield guess
            if self._hearing.done():
                data = self._hearing.result()
                self._hearing = None
                for cue in self._hear(data):
                    if isinstance(cue, Onset):
                        yield SpeechStarted(_ms(cue.start))
                    elif isinstance(cue, Endpoint):
                        endpoint = cue
        yield Ended(endpoint.reason, _ms(endpoint.end), _ms(endpoint.at))
        yield await self._conclude(endpoint)

    def _hear(self, data: bytes | None) -> list[Cue]:
        if data is None:
            last = self._endpointer.finish()
            return [last] if last else []
        data = self._odd_byte + data
        self._odd_byte = data[len(data) - len(data) % 2 :]
        pcm = from_bytes(data[: len(data) - len(data) % 2])
        self._pieces.append(pcm)
        cues = self._endpointer.feed(pcm)
        for cue in cues:
            if isinstance(cue, Onset):
                self._start = max(0, cue.start - _BEFORE)
            elif isinstance(cue, Pause):
                self._decode(cue.end)
            elif isinstance(cue, Resumption):
                self._forget()
        return cues

    def _decode(self, end: int) -> None:
        self._forget()
        heard = np.concatenate(self._pieces)
        speech = heard[self._start : end + _AFTER]
        self._told = False
        self._decoding = asyncio.create_task(self._recognizer.transcribe(speech, self._language))

    def _forget(self) -> None:
        """The decode under way lacks what is being said now."""
        if self._decoding is not None:
            self._decoding.cancel()
            self._leaving.add(self._decoding)
        self._decoding = None
        self._told = True

    async def _conclude(self, endpoint: Endpoint) -> Guess:
        if endpoint.reason is EndReason.NO_SPEECH:
            raise NoSpeechError
        if endpoint.reason is EndReason.LIMIT:
            limit_s = round((endpoint.at - endpoint.start) / RATE_HZ, 1)
            raise UtteranceTooLongError(limit_s=limit_s)
        if self._decoding is None:
            self._decode(endpoint.end)
        assert self._decoding is not None  # noqa: S101 set by _decode
        guess = await self._decoding
        if not guess.text:
            raise NoSpeechError
        return replace(guess, final=True)

    async def aclose(self) -> None:
        self._forget()
        if self._hearing is not None:
            self._hearing.cancel()
            self._leaving.add(self._hearing)
        for task in self._leaving:
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # Nobody needs it any more.


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    """The next chunk, None after the last."""
    return await anext(chunks, None)


def _ms(samples: int) -> int:
    return round(samples * 1000 / RATE_HZ)
