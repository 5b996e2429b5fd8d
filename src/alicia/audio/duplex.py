"""Duplex: a speaker and a microphone on one clock, so that the one can be taken out of the other.

exchange (the sound card's callback, or a simulated room) ─▶ echo canceller ─▶ frames
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

import numpy as np

from alicia.audio.echo import EchoCanceller, EchoGauge
from alicia.audio.formats import RATE_HZ, Pcm
from alicia.audio.playing import PlayQueue

BLOCK = RATE_HZ // 100
"""10 ms: what a sound card exchanges at once."""
FRAME = 2 * BLOCK
WAITING = 1000
"""Blocks: 10 s that may wait for whoever takes them; then the oldest are dropped."""


class Duplex:
    """16 kHz both ways."""

    def __init__(self, canceller: EchoCanceller) -> None:
        self.speaker = PlayQueue(RATE_HZ)
        self._canceller = canceller
        self.gauge = EchoGauge()
        self._blocks: deque[tuple[Pcm, Pcm]] = deque(maxlen=WAITING)
        self._more = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Give what is heard to this loop. Once, from the loop."""
        self._loop = asyncio.get_running_loop()

    def exchange(self, microphone: Pcm) -> Pcm:
        """What a block of the microphone's is answered with; from any thread."""
        played = self.speaker.pull(len(microphone))
        self._blocks.append((microphone, played))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._more.set)
        return played

    def clean(self) -> Pcm:
        """The oldest block that waits, without what was played."""
        microphone, played = self._blocks.popleft()
        cleaned = self._canceller.clean(microphone, played)
        self.gauge.put(microphone, played, cleaned)
        return cleaned

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """What is heard from now on, without what was played: 20 ms frames of s16le."""
        self._blocks.clear()
        rest: Pcm = np.empty(0, np.int16)
        while True:
            while self._blocks:
                rest = np.concatenate([rest, self.clean()])
                while len(rest) >= FRAME:
                    yield rest[:FRAME].tobytes()
                    rest = rest[FRAME:]
            self._more.clear()
            await self._more.wait()
