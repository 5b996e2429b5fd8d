"""Satellite: a microphone and a speaker in an area.

    OPEN_TURN asked -> LISTENING heard -> AUDIO* said -> UTTERANCE_ENDED heard
                    -> SPEECH* heard -> TURN_ENDED heard

Audio flows only between LISTENING and the end of the utterance. The whole utterance is kept until
the turn is over: when the recognizer is lost, the next one says LISTENING again and hears it from
the first sample. Where no reply can be heard, it speaks a phrase that it stored while the
house was well: whatever happens, the person hears something.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from alicia.audio.formats import write_wav
from alicia.contracts.voice import (
    AUDIO,
    LISTENING,
    OPEN_TURN,
    PARTIAL,
    SPEAK,
    SPEECH,
    TURN_ENDED,
    UTTERANCE_ENDED,
    AudioChunk,
    Listening,
    OpenTurn,
    Partial,
    Speak,
    SpeechChunk,
    TurnRecord,
    UtteranceEnded,
)
from alicia.errors import AliciaError, BusError, DeadlineError
from alicia.language.phrases import phrase
from alicia.runtime.service import Service, runs
from alicia.runtime.settings import Settings

RATE_HZ = 16_000
FRAME_S = 0.02
FRAME = int(RATE_HZ * FRAME_S)
SILENCE = bytes(FRAME * 2)
TAIL_S = 2.0
"""How long the last of the reply's audio may come after the turn's record."""
STORE_AGAIN_S = 30.0
"""When to ask again for the stored phrase, where nobody could speak it."""


class SatelliteSettings(Settings):
    http_port: int = -1
    area_id: str | None = None
    language: str = "en"
    answer_s: float = Field(default=12.0, gt=0)
    """How long after the last word the person waits at most before hearing that it failed."""


@dataclass(slots=True)
class Heard:
    """What came back of a turn."""

    turn_id: str
    started: float
    """When the first sample was heard, in seconds since the epoch."""
    record: TurnRecord | None = None
    error: str | None = None
    """Code, where the turn did not end in a reply of the router's."""
    ended: UtteranceEnded | None = None
    first_audio_at: float | None = None
    rate_hz: int = 22_050
    chunks: dict[int, bytes] = field(default_factory=dict[int, bytes])
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """Every chunk of the reply is here."""
    length: int | None = None
    """How many there are."""
    own_voice: bool = False
    """The house could not speak; this is the satellite's stored phrase."""

    @property
    def speech(self) -> bytes:
        """The reply: mono s16le at `rate_hz`."""
        return b"".join(pcm for _, pcm in sorted(self.chunks.items()))

    @property
    def felt_ms(self) -> float | None:
        """From the last sample of speech to the first sample of the reply."""
        if self.ended is None or self.first_audio_at is None:
            return None
        return (self.first_audio_at - self.started) * 1000 - self.ended.speech_end_ms

    @property
    def processing_ms(self) -> float | None:
        """From the decision that the utterance has ended to the first sample of the reply."""
        if self.ended is None or self.first_audio_at is None:
            return None
        return (self.first_audio_at - self.ended.ended_at) * 1000


class Satellite(Service[SatelliteSettings]):
    """One person's ear and mouth of Alicia."""

    name = "satellite"
    says = (AUDIO,)
    hears = (LISTENING, PARTIAL, UTTERANCE_ENDED, SPEECH, TURN_ENDED)
    asks = (OPEN_TURN, SPEAK)

    @runs
    async def store_phrase(self) -> None:
        """Have the phrase for a house that can't answer, in this satellite's language."""
        path = self._phrase_file(self.settings.language)
        while not path.exists():
            if not await self._fetch_phrase(path):
                await asyncio.sleep(STORE_AGAIN_S)

    async def _fetch_phrase(self, path: Path) -> bool:
        """Whether somebody spoke it."""
        apology = Heard(secrets.token_hex(8), time.time())
        async with self.hear(SPEECH, limit=4096, turn_id=apology.turn_id) as speech:
            noting = asyncio.create_task(self._note_the_speech(speech, apology))
            try:
                text = phrase("alicia", self.settings.language)
                ask = Speak(turn_id=apology.turn_id, text=text, language=self.settings.language)
                await self.ask(SPEAK, ask)
                if not await _comes(apology.complete):
                    return False
            except AliciaError as error:
                self.log.warning("no phrase stored for a bad day", code=error.code)
                return False
            finally:
                await _cancelled(noting)
        new = path.with_suffix(".new")
        write_wav(new, np.frombuffer(apology.speech, np.int16), apology.rate_hz)
        new.replace(path)
        return True

    def _phrase_file(self, language: str) -> Path:
        return self.folder.state(self.name) / f"apology-{language}.wav"

    def _apologise(self, heard: Heard, language: str) -> None:
        """Say the stored phrase in place of a reply."""
        path = self._phrase_file(language)
        if heard.speech or not path.exists():
            return
        with wave.open(str(path)) as stored:
            heard.rate_hz = stored.getframerate()
            heard.chunks[0] = stored.readframes(stored.getnframes())
        heard.first_audio_at = time.time()
        heard.own_voice = True

    async def turn(
        self,
        frames: AsyncIterator[bytes],
        *,
        on_partial: Callable[[str], None] | None = None,
        area_id: str | None = None,
        language: str | None = None,
    ) -> Heard:
        """One turn with what a microphone gives: 20 ms frames, 16 kHz mono s16le, as they come.

        Always returns: an error of ours stands in the result, in words in its speech.
        """
        turn_id, utterance_id = secrets.token_hex(8), secrets.token_hex(8)
        heard = Heard(turn_id, time.time())
        microphone = Microphone(frames)
        async with AsyncExitStack() as stack:
            listening = await stack.enter_async_context(
                self.hear(LISTENING, utterance_id=utterance_id)
            )
            ended = await stack.enter_async_context(
                self.hear(UTTERANCE_ENDED, utterance_id=utterance_id)
            )
            speech = await stack.enter_async_context(self.hear(SPEECH, limit=4096, turn_id=turn_id))
            over = await stack.enter_async_context(self.hear(TURN_ENDED, satellite=self.instance))
            if on_partial is not None:
                partials = await stack.enter_async_context(
                    self.hear(PARTIAL, utterance_id=utterance_id)
                )
                stack.push_async_callback(
                    _cancelled, asyncio.create_task(_tell(partials, on_partial))
                )
            for work in (
                microphone.listen(),
                self._let_it_flow(listening, microphone, utterance_id),
                self._note_the_end(ended, microphone, heard),
                self._note_the_speech(speech, heard),
            ):
                stack.push_async_callback(_cancelled, asyncio.create_task(work))
            stack.enter_context(self.trace("turn at the satellite"))
            try:
                await self.ask(
                    OPEN_TURN,
                    OpenTurn(
                        turn_id=turn_id,
                        utterance_id=utterance_id,
                        satellite=self.instance,
                        area_id=area_id or self.settings.area_id,
                        language=language or self.settings.language,
                    ),
                )
                heard.record = await self._record(over, heard)
            except AliciaError as error:
                heard.error = error.code
        if heard.record is None or (heard.record.reply and not heard.record.spoken):
            self._apologise(heard, language or self.settings.language)
        return heard

    async def _record(self, over: AsyncIterator[TurnRecord], heard: Heard) -> TurnRecord:
        """The turn's record once its speech is here too. Raises DeadlineError."""
        waiting = asyncio.create_task(_of_turn(over, heard.turn_id))
        try:
            while not waiting.done():
                since = heard.ended.ended_at if heard.ended else heard.started + 20
                left = since + self.settings.answer_s - time.time()
                if left <= 0:
                    raise DeadlineError("There was no answer in time.")
                await asyncio.wait({waiting}, timeout=min(left, 0.25))
            record = waiting.result()
        finally:
            await _cancelled(waiting)
        if record.spoken and record.reply and not await _comes(heard.complete):
            # Streams are lossy: a broker that was away has taken a part of the reply with it.
            self.log.warning("the reply was lost on the way; again", turn=heard.turn_id)
            again = Speak(turn_id=heard.turn_id, text=record.reply, language=record.language)
            await self.ask(SPEAK, again)
            await _comes(heard.complete)
        return record

    async def _let_it_flow(
        self, listening: AsyncIterator[Listening], microphone: Microphone, utterance_id: str
    ) -> None:
        """Say the audio from the first sample, again whenever somebody new listens."""
        flowing: asyncio.Task[None] | None = None
        try:
            async for _ in listening:
                if flowing is not None:
                    await _cancelled(flowing)
                flowing = asyncio.create_task(self._flow(microphone, utterance_id))
        finally:
            if flowing is not None:
                await _cancelled(flowing)

    async def _flow(self, microphone: Microphone, utterance_id: str) -> None:
        sequence = 0
        async for pcm, last in microphone.replay():
            await self.say(
                AUDIO,
                AudioChunk(
                    utterance_id=utterance_id,
                    sequence=sequence,
                    position=sequence * FRAME,
                    rate_hz=RATE_HZ,
                    last=last,
                    pcm=pcm,
                ),
            )
            sequence += 1

    async def _note_the_end(
        self, ended: AsyncIterator[UtteranceEnded], microphone: Microphone, heard: Heard
    ) -> None:
        async for end in ended:
            heard.ended = end
            microphone.close()

    async def _note_the_speech(self, speech: AsyncIterator[SpeechChunk], heard: Heard) -> None:
        async for chunk in speech:
            if chunk.pcm and heard.first_audio_at is None:
                heard.first_audio_at = time.time()
            heard.rate_hz = chunk.rate_hz
            heard.chunks.setdefault(chunk.sequence, chunk.pcm)
            if chunk.last:
                heard.length = chunk.sequence + 1
            if len(heard.chunks) == heard.length:
                heard.complete.set()


class Microphone:
    """Keeps what was heard, and gives it to everyone who listens, from the first sample."""

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        self._frames = frames
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


async def _of_turn(records: AsyncIterator[TurnRecord], turn_id: str) -> TurnRecord:
    async for record in records:
        if record.turn_id == turn_id:
            return record
    raise BusError


async def _comes(complete: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(TAIL_S):
            await complete.wait()
    except TimeoutError:
        return False
    return True


async def _tell(partials: AsyncIterator[Partial], on_partial: Callable[[str], None]) -> None:
    async for partial in partials:
        on_partial(partial.text)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
