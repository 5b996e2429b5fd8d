"""The services around the one under test, as small as their contract allows."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

from alicia.bus.packet import Packet
from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized
from alicia.contracts.conversation import Topic
from alicia.contracts.voice import (
    CANCEL,
    LISTENING,
    SPEAK,
    SPEECH,
    TRANSCRIBE,
    TURN,
    TURN_ENDED,
    UNDERSTAND,
    UTTERANCE_ENDED,
    AnnouncementWish,
    EndReason,
    Listening,
    Speak,
    SpeechChunk,
    SpeechPlace,
    Spoken,
    Transcribe,
    Transcript,
    Turn,
    TurnRecord,
    Understand,
    Understood,
    UtteranceEnded,
)
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.testing.running import RunningHouse
from alicia.testing.waiting import until


class Other(Service[Settings]):
    """Answers when it may leave, with the errors it is given first."""

    hears = (CANCEL,)

    def __init__(self) -> None:
        self.leave = asyncio.Event()
        self.leave.set()
        self.errors: list[Exception] = []
        self.asked: list[Any] = []

    async def _come(self, ask: object) -> None:
        self.asked.append(ask)
        await self.leave.wait()
        if self.errors:
            raise self.errors.pop(0)


class Ear(Other):
    """Hears what it is told that it hears."""

    name = "stt"
    says = (LISTENING, UTTERANCE_ENDED, SPEAKER_RECOGNIZED)

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.whose: dict[str, str] = {}
        """Voices that are recognized while they speak, by utterance."""

    @serves(TRANSCRIBE, concurrency=8)
    async def transcribe(self, ask: Transcribe) -> Transcript:
        uid = ask.utterance_id
        await self.say(LISTENING, Listening(utterance_id=uid))
        if uid in self.whose:
            await self.say(
                SPEAKER_RECOGNIZED,
                SpeakerRecognized(
                    utterance_id=uid, speaker_id=self.whose[uid], score=0.8, after_s=0.9
                ),
            )
        await self._come(ask)
        ended_at = time.time()
        await self.say(
            UTTERANCE_ENDED,
            UtteranceEnded(
                utterance_id=uid,
                reason=EndReason.ENDPOINT,
                speech_end_ms=900,
                ended_at=ended_at,
            ),
        )
        return Transcript(
            utterance_id=uid,
            text=self.texts.get(uid, "turn on the light"),
            language=ask.language,
            confidence=0.9,
            alternatives=["turn on the right"],
            speech_end_ms=900,
            ended_at=ended_at,
        )


class Mind(Other):
    """Understands whatever it is told."""

    name = "ai"

    def __init__(self) -> None:
        super().__init__()
        self.topics: dict[str, Topic] = {}
        """What a sentence is about, by turn."""
        self.thoughts: dict[str, str] = {}
        """What a model answers, by turn."""
        self.wishes: dict[str, AnnouncementWish] = {}
        """What is to be announced, by turn."""
        self.untrusted = False

    @serves(UNDERSTAND, concurrency=8)
    async def understand(self, ask: Understand) -> Understood:
        await self._come(ask)
        return Understood(
            turn_id=ask.turn_id,
            heard=ask.text,
            intent="think" if ask.turn_id in self.thoughts else "TurnOn",
            reply=self.thoughts.get(ask.turn_id, f"Done: {ask.text}"),
            language=ask.language,
            topic=self.topics.get(ask.turn_id),
            untrusted=self.untrusted,
            announcement=self.wishes.get(ask.turn_id),
        )


class Mouth(Other):
    """Says two chunks, whatever the text."""

    name = "tts"
    says = (SPEECH,)

    @serves(SPEAK, concurrency=8)
    async def speak(self, ask: Speak) -> Spoken:
        await self._come(ask)
        start = ask.after.sequence if ask.after else 0
        pieces = [b"\1\1" * 160, b"\2\2" * 160, *([] if ask.more else [b""])]
        for sequence, pcm in enumerate(pieces, start):
            await self.say(
                SPEECH,
                SpeechChunk(
                    turn_id=ask.turn_id,
                    sequence=sequence,
                    position=sequence * 160,
                    rate_hz=16_000,
                    last=not pcm,
                    pcm=pcm,
                ),
            )
        return Spoken(
            turn_id=ask.turn_id,
            duration_ms=(start + 2) * 10,
            rate_hz=16_000,
            first_audio_at=time.time(),
            place=SpeechPlace(sequence=start + 2, position=(start + 2) * 160, rate_hz=16_000),
        )


class Onlooker:
    """Sees every phase and every end of a turn; retained states would show the last alone."""

    def __init__(self, home: RunningHouse) -> None:
        self.turns: list[Turn] = []
        self.ended: list[TurnRecord] = []
        self._home = home
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        looking = asyncio.Event()
        self._task = asyncio.create_task(self._look(looking))
        await looking.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, looking: asyncio.Event) -> None:
        async with self._home.bus.tap("voice/router/#") as packets:
            looking.set()
            async for packet in packets:
                self._take(packet)

    def _take(self, packet: Packet) -> None:
        name = self._home.bus.relative(packet.topic)
        if (places := TURN.match(name)) is not None:
            self.turns.append(Turn.decode(packet.payload, places))
        elif (places := TURN_ENDED.match(name)) is not None:
            self.ended.append(TurnRecord.decode(packet.payload, places))

    def phases(self, satellite: str = "s1") -> list[str]:
        return [turn.phase.value for turn in self.turns if turn.satellite == satellite]

    async def end(self, turn_id: str = "t1") -> TurnRecord:
        """How the turn went, once it is over and the satellite is idle again."""
        await until(
            lambda: (
                any(record.turn_id == turn_id for record in self.ended)
                and bool(self.turns)
                and self.turns[-1].phase == "idle"
            )
        )
        return next(record for record in self.ended if record.turn_id == turn_id)
