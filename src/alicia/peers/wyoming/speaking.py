"""Speaking for a Wyoming client: a text, sentence by sentence, as PCM of one rate.

SPEAK asked -> SPEECH* heard                                       (for each sentence)
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from alicia.audio.converting import Converter
from alicia.contracts.voice import SPEAK, SPEECH, Speak, SpeechChunk
from alicia.errors import AudioLostError
from alicia.runtime.service import Service

TAIL_S = 2.0
"""How long the last audio may come after the word that all is said."""
MOST = 300
"""Characters spoken at once: more is cut at a space, so that no answer takes too long."""
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])[」』”]*|\n+")


class Sentences:
    """Cuts text that comes in pieces into sentences, each given as soon as the next begins."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, text: str) -> list[str]:
        self._text += text
        *whole, self._text = _END.split(self._text)
        while len(self._text) > MOST:
            at = self._text.rfind(" ", 0, MOST)
            at = at if at > 0 else MOST
            whole.append(self._text[:at])
            self._text = self._text[at:]
        return [piece for sentence in whole for piece in _pieces(sentence)]

    def finish(self) -> list[str]:
        text, self._text = self._text, ""
        return _pieces(text)


def _pieces(sentence: str) -> list[str]:
    """Not longer than what is spoken at once; nothing where there is no word."""
    pieces: list[str] = []
    sentence = sentence.strip()
    while len(sentence) > MOST:
        at = sentence.rfind(" ", 0, MOST)
        at = at if at > 0 else MOST
        pieces.append(sentence[:at])
        sentence = sentence[at:].strip()
    pieces.append(sentence)
    return [piece for piece in pieces if any(letter.isalnum() for letter in piece)]


class Speaker:
    """Speaks sentences; its rate is that of the first."""

    def __init__(self, peer: Service[Any], language: str, voice: str | None = None) -> None:
        self._peer = peer
        self._language, self._voice = language, voice
        self.rate_hz: int | None = None
        self._converter: Converter | None = None

    async def speak(self, sentence: str, *, ssml: bool = False) -> AsyncGenerator[bytes, None]:
        """PCM, mono s16le at `rate_hz`, as it comes. Raises VoiceError, BusError."""
        turn_id = secrets.token_hex(8)
        async with self._peer.hear(SPEECH, limit=4096, turn_id=turn_id) as speech:
            ask = Speak(
                turn_id=turn_id,
                text=sentence,
                language=self._language,
                ssml=ssml,
                voice=self._voice,
            )
            asking = asyncio.create_task(self._peer.ask(SPEAK, ask))
            try:
                async for chunk in _in_order(speech, asking):
                    pcm = self._at_one_rate(chunk)
                    if pcm:
                        yield pcm
                await asking
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    def _at_one_rate(self, chunk: SpeechChunk) -> bytes:
        self.rate_hz = self.rate_hz or chunk.rate_hz
        if self._converter is None or self._converter.format[0] != chunk.rate_hz:
            self._converter = Converter(chunk.rate_hz, to_hz=self.rate_hz)
        pcm = self._converter.feed(chunk.pcm, last=chunk.last)
        if chunk.last:
            self._converter = None
        return pcm


async def _in_order(
    speech: AsyncIterator[SpeechChunk], asking: asyncio.Task[Any]
) -> AsyncGenerator[SpeechChunk, None]:
    """The chunks up to the last. Raises AudioLostError for a gap, and what the asking raised."""
    expected = 0
    while True:
        coming = asyncio.create_task(_next(speech))
        try:
            await asyncio.wait({coming, asking}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                asking.result()
                await asyncio.wait({coming}, timeout=TAIL_S)
            if not coming.done():
                raise AudioLostError(after_chunks=expected)
            chunk = coming.result()
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
        if chunk.sequence < expected:
            continue
        if chunk.sequence > expected:
            raise AudioLostError(missing=expected, got=chunk.sequence)
        expected += 1
        yield chunk
        if chunk.last:
            return


async def _next(speech: AsyncIterator[SpeechChunk]) -> SpeechChunk:
    return await anext(speech)
