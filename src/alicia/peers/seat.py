"""Seat: a satellite of another make, with a name and an area of its own.

Whoever drives foreign devices (Wyoming, browsers, ESPHome) has one identity on the bus and a seat
for each device: the turns of two devices are two satellites' turns to the router.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from alicia.contracts.kinds import Payload, Topic
from alicia.contracts.voice import (
    CANCEL,
    SPEECH,
    STOP_TURN,
    UTTERANCE_ENDED,
    Cancel,
    SpeechChunk,
    StopTurn,
    UtteranceEnded,
)
from alicia.errors import AliciaError
from alicia.peers.satellite import Heard, Satellite, SatelliteSettings, TurnOptions
from alicia.runtime.service import Service

__all__ = ["Heard", "Seat"]

STOP_S = 1.0
M = TypeVar("M", bound=Payload)

OnSpeech = Callable[[bytes, int], None]
"""Told PCM and its rate."""


class Seat(Satellite):
    """One device's ear and mouth, on its driver's connection to the bus."""

    def __init__(
        self, driver: Service[Any], name: str, *, area_id: str | None = None, language: str = "en"
    ) -> None:
        self.bus, self.peers, self.folder = driver.bus, driver.peers, driver.folder
        self.log, self.tracer = driver.log, driver.tracer
        self.set_degraded = driver.set_degraded
        self.name = driver.name  # type: ignore[misc] - its files lie with its driver's
        self.instance = driver.instance  # presence is the driver's
        self.settings = SatelliteSettings(
            area_id=area_id, language=language, called=f"{driver.instance}-{name}"
        )
        self._on_speech: Callable[[SpeechChunk], None] | None = None
        self._on_end: Callable[[UtteranceEnded], None] | None = None

    async def store_words(self) -> None:
        """Have the phrase for a bad day, in this seat's language; then every seat has it."""
        await self.store_phrase()

    async def converse(
        self,
        frames: AsyncIterator[bytes],
        *,
        on_speech: OnSpeech,
        on_end: Callable[[UtteranceEnded], None] | None = None,
        on_partial: Callable[[str], None] | None = None,
        language: str | None = None,
    ) -> Heard:
        """One turn, its speech told in order as it comes; the whole of it has been told at the end.

        Always returns, as `turn` does. Frames are 20 ms of 16 kHz mono s16le. Cancelled, it stops
        the turn in the whole house.
        """
        player = _Player(on_speech)
        self._on_speech, self._on_end = player.put, on_end
        asked = TurnOptions(turn_id=secrets.token_hex(8))
        try:
            heard = await self.turn(frames, on_partial=on_partial, asked=asked, language=language)
        except asyncio.CancelledError:
            with suppress(AliciaError):
                await self.ask(STOP_TURN, StopTurn(turn_id=asked.turn_id), deadline_s=STOP_S)
            raise
        if not heard.cancelled:
            player.finish(heard)
        return heard

    @asynccontextmanager
    async def hear(
        self, topic: Topic[M], *, limit: int = 256, **places: str
    ) -> AsyncGenerator[AsyncIterator[M], None]:
        async with super().hear(topic, limit=limit, **places) as messages:
            told = topic in (SPEECH, UTTERANCE_ENDED, CANCEL)
            yield self._told(messages) if told else messages

    async def _told(self, messages: AsyncIterator[M]) -> AsyncGenerator[M, None]:
        """The messages, each told to the device first."""
        async for message in messages:
            if isinstance(message, SpeechChunk) and self._on_speech is not None:
                self._on_speech(message)
            elif isinstance(message, UtteranceEnded) and self._on_end is not None:
                self._on_end(message)
            elif isinstance(message, Cancel):
                self._on_speech = None
            yield message


class _Player:
    """Puts chunks in order, each once."""

    def __init__(self, play: OnSpeech) -> None:
        self._play = play
        self._next = 0
        self._waiting: dict[int, SpeechChunk] = {}

    def put(self, chunk: SpeechChunk) -> None:
        if chunk.sequence >= self._next:
            self._waiting[chunk.sequence] = chunk
        while (due := self._waiting.pop(self._next, None)) is not None:
            self._next += 1
            if due.pcm:
                self._play(due.pcm, due.rate_hz)

    def finish(self, heard: Heard) -> None:
        """What has not been told: all after a gap, or the satellite's own voice."""
        for sequence in sorted(heard.chunks):
            if sequence >= self._next and heard.chunks[sequence]:
                self._play(heard.chunks[sequence], heard.rate_hz)
