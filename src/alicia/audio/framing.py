"""Audio as it comes from a foreign device, as the frames that a satellite takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from alicia.audio.converting import Converter
from alicia.audio.formats import RATE_HZ

FRAME_BYTES = RATE_HZ // 50 * 2
"""20 ms of 16 kHz mono s16le."""


class Frames:
    """A microphone that is fed: pieces of any size and format in, frames of 20 ms out."""

    def __init__(self, *, most_s: float = 60.0) -> None:
        """What comes faster than it is taken is dropped, the oldest first, past `most_s`."""
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._most = int(most_s * 50)
        self._rest = b""
        self._converter: Converter | None = None
        self._closed = False

    def feed(
        self, data: bytes, rate_hz: int = RATE_HZ, *, width: int = 2, channels: int = 1
    ) -> None:
        """Raises UnsupportedAudioError."""
        if self._closed:
            return
        given = rate_hz, width, channels
        if self._converter is None or self._converter.format != given:
            self._converter = Converter(rate_hz, width=width, channels=channels)
        self._put(self._converter.feed(data))

    def close(self) -> None:
        """Nothing more comes; the last frame is filled up with silence."""
        if self._closed:
            return
        if self._converter is not None:
            self._put(self._converter.feed(b"", last=True))
        if self._rest:
            self._put(bytes(FRAME_BYTES - len(self._rest)))
        self._closed = True
        self._queue.put_nowait(None)

    async def frames(self) -> AsyncGenerator[bytes, None]:
        while (frame := await self._queue.get()) is not None:
            yield frame

    def _put(self, pcm: bytes) -> None:
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        for at in range(0, whole, FRAME_BYTES):
            if self._queue.qsize() >= self._most:
                self._queue.get_nowait()
            self._queue.put_nowait(pcm[at : at + FRAME_BYTES])
        self._rest = pcm[whole:]
