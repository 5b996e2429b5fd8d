"""What a satellite holds of a turn: what it says to the house, and what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from alicia.contracts.voice import CancelReason, SpeechChunk, TurnRecord, UtteranceEnded

RATE_HZ = 16_000
FRAME_S = 0.02
FRAME = int(RATE_HZ * FRAME_S)
SILENCE = bytes(FRAME * 2)


@dataclass(slots=True)
class Heard:
    """What came back of a turn."""

    turn_id: str
    started: float
    """When the first sample was heard, in seconds since the epoch."""
    started_on: float = field(default_factory=time.monotonic)
    """The same by this machine's monotonic clock, as what is decided here is decided by."""
    record: TurnRecord | None = None
    error: str | None = None
    """Code, where the turn did not end in a reply of the router's."""
    ended: UtteranceEnded | None = None
    ended_on: float | None = None
    """When that was heard here: `ended.ended_at` is another machine's clock."""
    first_audio_at: float | None = None
    first_audio_on: float | None = None
    rate_hz: int = 22_050
    chunks: dict[int, bytes] = field(default_factory=dict[int, bytes])
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """Every chunk of the reply is here."""
    length: int | None = None
    """How many there are."""
    sounded: int = 0
    """How many were given to the speaker, in order."""
    cancelled: CancelReason | None = None
    """Why it ended before its reply was heard."""
    cancelled_on: float = 0.0
    own_voice: bool = False
    """The house could not speak; this is the satellite's stored phrase."""

    def put(self, chunk: SpeechChunk) -> list[bytes]:
        """A chunk of the reply, in any order and as often as it comes; what may sound now."""
        if chunk.pcm:
            self.note_first_audio()
        self.rate_hz = chunk.rate_hz
        self.chunks.setdefault(chunk.sequence, chunk.pcm)
        if chunk.last:
            self.length = chunk.sequence + 1
        if len(self.chunks) == self.length:
            self.complete.set()
        ready: list[bytes] = []
        while (pcm := self.chunks.get(self.sounded)) is not None:
            ready.append(pcm)
            self.sounded += 1
        return ready

    def note_first_audio(self) -> None:
        if self.first_audio_at is None:
            self.first_audio_at, self.first_audio_on = time.time(), time.monotonic()

    @property
    def speech(self) -> bytes:
        """The reply: mono s16le at `rate_hz`."""
        return b"".join(pcm for _, pcm in sorted(self.chunks.items()))

    @property
    def felt_ms(self) -> float | None:
        """From the last sample of speech to the first sample of the reply."""
        if self.ended is None or self.first_audio_on is None:
            return None
        return (self.first_audio_on - self.started_on) * 1000 - self.ended.speech_end_ms

    @property
    def processing_ms(self) -> float | None:
        """From hearing that the utterance has ended to the first sample of the reply."""
        if self.ended_on is None or self.first_audio_on is None:
            return None
        return (self.first_audio_on - self.ended_on) * 1000


class Microphone:
    """Keeps what was heard, and gives it to everyone who listens, from the first sample."""

    def __init__(
        self, frames: AsyncIterator[bytes], on_closed: Callable[[], None] | None = None
    ) -> None:
        self._frames = frames
        self._on_closed = on_closed
        self._kept: list[bytes] = []
        self._closed = False
        self._more = asyncio.Event()

    async def listen(self) -> None:
        """Take frames until closed or until they end."""
        async for frame in self._frames:
            if self._closed:
                return
            self._kept.append(frame)
            self._more.set()
        self.close()

    def close(self) -> None:
        if not self._closed and self._on_closed is not None:
            self._on_closed()
        self._closed = True
        self._more.set()

    async def replay(self) -> AsyncIterator[tuple[bytes, bool]]:
        """All frames so far, then those to come; with the last one, True."""
        at = 0
        while True:
            while at < len(self._kept):
                yield self._kept[at], False
                at += 1
            if self._closed:
                yield b"", True
                return
            self._more.clear()
            await self._more.wait()


async def played(pcm: bytes, *, silence_s: float = 30.0) -> AsyncIterator[bytes]:
    """A recording as a microphone would hear it: in real time, then silence."""
    started = time.monotonic()
    count = -(-len(pcm) // (FRAME * 2))
    for number in range(count + int(silence_s / FRAME_S)):
        due = started + (number + 1) * FRAME_S
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        frame = pcm[number * FRAME * 2 : (number + 1) * FRAME * 2]
        yield frame + SILENCE[len(frame) :]
