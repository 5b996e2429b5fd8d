"""Audio under way from a Wyoming client, and what it is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.event import Event
from wyoming.wake import Detection, NotDetected

from alicia.audio.converting import Converter
from alicia.peers.wyoming.hearing import Stream, transcribe
from alicia.peers.wyoming.waking import Waiting

if TYPE_CHECKING:
    from alicia.peers.wyoming.server import WyomingServer

Write = Callable[[Event], Awaitable[None]]


class Listening:
    """Audio to transcribe: each utterance is told as it is settled, then the whole."""

    def __init__(
        self, write: Write, peer: WyomingServer, converter: Converter, language: str
    ) -> None:
        self.converter = converter
        self._write, self._peer, self._language = write, peer, language
        self._stream = Stream(peer.settings.max_audio_s)
        self.task = asyncio.create_task(self._work())

    async def feed(self, data: bytes) -> None:
        """Raises UtteranceTooLongError."""
        self._stream.feed(self.converter.feed(data))

    async def finish(self) -> None:
        """No more comes: the transcript follows. Raises what the work on it raises."""
        self._stream.feed(self.converter.feed(b"", last=True))
        self._stream.close()
        await self.task

    async def aclose(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _work(self) -> None:
        settled: asyncio.Queue[str | None] = asyncio.Queue()
        telling = asyncio.create_task(self._tell(settled))
        try:
            await transcribe(self._peer, self._stream, self._language, settled.put_nowait)
            settled.put_nowait(None)
            await telling
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, settled: asyncio.Queue[str | None]) -> None:
        joint = "" if self._language in ("zh", "ja") else " "
        text = ""
        await_start = True
        while (piece := await settled.get()) is not None:
            if await_start:
                await self._write(TranscriptStart(language=self._language).event())
                await_start = False
            chunk = joint + piece if text else piece
            await self._write(TranscriptChunk(chunk).event())
            text += chunk
        if await_start:
            await self._write(TranscriptStart(language=self._language).event())
        await self._write(Transcript(text, language=self._language).event())
        await self._write(TranscriptStop().event())


class WakeListening:
    """Audio to find wake words in."""

    def __init__(
        self, write: Write, peer: WyomingServer, converter: Converter, names: Sequence[str]
    ) -> None:
        self.converter = converter
        self._write = write
        self._waiting = Waiting(peer, names, self._detected)

    @property
    def task(self) -> asyncio.Task[None]:
        return self._waiting.task

    async def feed(self, data: bytes) -> None:
        await self._waiting.feed(self.converter.feed(data))

    async def finish(self) -> None:
        """No more comes; where nothing was found, that is told."""
        await self._waiting.feed(self.converter.feed(b"", last=True))
        await self._waiting.finish()
        if not self._waiting.found:
            await self._write(NotDetected().event())

    async def aclose(self) -> None:
        await self._waiting.aclose()

    async def _detected(self, word: str, at_ms: int) -> None:
        await self._write(Detection(name=word, timestamp=at_ms).event())
