"""A simulated room with a speaker and a microphone in it: a stand-in for a sound card.

    room = Room(canceller)
    room.say(recording)                 # somebody speaks, from the next block on
    async with room.running(): ...      # in real time; or room.tick() block by block

The microphone hears what the speaker plays a little later, softer, with the room's reverberation;
what people in the room say; and some noise. What the speaker played is kept, sample by sample, so
that a test can tell when the sound stopped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from alicia.audio.duplex import BLOCK, Duplex
from alicia.audio.echo import EchoCanceller
from alicia.audio.formats import RATE_HZ, Pcm

REVERBERATION_S = 0.12


class Room:
    """10 ms by 10 ms."""

    def __init__(
        self,
        canceller: EchoCanceller,
        *,
        echo_db: float = -10.0,
        delay_ms: float = 30.0,
        noise_db: float = -75.0,
        seed: int = 1,
    ) -> None:
        self.duplex = Duplex(canceller)
        self.ticks = 0
        self._noise = np.random.default_rng(seed)
        self._noise_level = 32_768 * 10 ** (noise_db / 20)
        self._path = _path(self._noise, delay_ms, 10 ** (echo_db / 20))
        self._past = np.zeros(len(self._path) - 1, np.float32)
        self._near: list[tuple[int, Pcm]] = []
        self._played: list[Pcm] = []

    @property
    def played(self) -> Pcm:
        """All that the speaker has played, silence included."""
        return np.concatenate(self._played) if self._played else np.empty(0, np.int16)

    @property
    def now(self) -> int:
        """Samples since the beginning."""
        return self.ticks * BLOCK

    def say(self, speech: Pcm, *, after_s: float = 0.0) -> int:
        """Somebody in the room says this; the sample at which it begins."""
        start = self.now + round(after_s * RATE_HZ)
        self._near.append((start, speech))
        return start

    def sounded_last(self) -> int:
        """The last sample at which the speaker was not silent."""
        loud = np.flatnonzero(self.played)
        return int(loud[-1]) if len(loud) else 0

    def tick(self) -> None:
        """10 ms pass."""
        microphone = self._heard()
        played = self.duplex.exchange(microphone)
        self._played.append(played)
        self._past = np.concatenate([self._past, played.astype(np.float32)])[-len(self._path) :]
        self.ticks += 1

    def _heard(self) -> Pcm:
        """What the microphone hears in this block: the speaker of the blocks before, and people."""
        sound = self._noise.standard_normal(BLOCK).astype(np.float32) * self._noise_level
        # Nothing arrives sooner than the delay, which is longer than a block.
        ahead = np.concatenate([self._past, np.zeros(BLOCK, np.float32)])
        sound += np.convolve(ahead, self._path, mode="full")[len(self._past) :][:BLOCK]
        for start, speech in self._near:
            first = self.now - start
            if -BLOCK < first < len(speech):
                piece = speech[max(0, first) : first + BLOCK]
                at = max(0, -first)
                sound[at : at + len(piece)] += piece
        return np.clip(sound, -32_768, 32_767).astype(np.int16)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """The room lives in real time until left."""
        self.duplex.attach()
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        started, first = time.monotonic(), self.ticks
        while True:
            due = started + (self.ticks - first + 1) * BLOCK / RATE_HZ
            # A loop that was busy catches up, as a sound card's buffer does.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.tick()


def _path(noise: np.random.Generator, delay_ms: float, gain: float) -> NDArray[np.float32]:
    """The way of sound from the speaker to the microphone, as an impulse response."""
    delay = max(BLOCK, round(delay_ms * RATE_HZ / 1000))
    path = np.zeros(delay + int(REVERBERATION_S * RATE_HZ), np.float32)
    tail = np.arange(len(path) - delay, dtype=np.float32) / RATE_HZ
    path[delay:] = 0.1 * noise.standard_normal(len(tail)) * np.exp(-tail * 40)
    path[delay] += 1.0
    return (path * gain).astype(np.float32)
