"""A satellite that stays, in a simulated room, in real time: the router is the real one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.echo import WebRtcEchoCanceller
from alicia.audio.formats import Pcm, read
from alicia.bus.packet import Packet
from alicia.cli.announcing import call
from alicia.contracts.satellites import ANNOUNCE, INTERCOM, Announce, Targets
from alicia.contracts.voice import (
    AUDIO,
    CANCEL,
    LISTENING,
    SPEAK,
    SPEECH,
    STOP_TURN,
    TRANSCRIBE,
    UNDERSTAND,
    UTTERANCE_ENDED,
    CancelReason,
    EndReason,
    Listening,
    Speak,
    SpeechChunk,
    Spoken,
    StopTurn,
    Transcribe,
    Transcript,
    Understand,
    Understood,
    UtteranceEnded,
)
from alicia.errors import NoSatelliteError
from alicia.peers.satellite import Heard, Satellite, Standing
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.services.voice.router import Router
from alicia.testing.room import Room
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import until

SPEECH_FILES = sorted((Path(__file__).parents[2] / "data" / "speech").glob("*.flac"))
UTTERANCE_S = 1.2


def recorded(number: int) -> Pcm:
    return read(SPEECH_FILES[number % len(SPEECH_FILES)], max_s=10)


REPLY = np.concatenate([recorded(number) for number in (2, 7, 11)])


class Ear(Service[Settings]):
    """Hears for a fixed time, and takes down the audio."""

    name = "stt"
    hears = (AUDIO, CANCEL)
    says = (LISTENING, UTTERANCE_ENDED)

    def __init__(self) -> None:
        self.audio: dict[str, bytes] = {}

    @serves(TRANSCRIBE, concurrency=4)
    async def transcribe(self, ask: Transcribe) -> Transcript:
        uid, pcm = ask.utterance_id, b""
        async with self.hear(AUDIO, limit=1024, utterance_id=uid) as chunks:
            await self.say(LISTENING, Listening(utterance_id=uid))
            while len(pcm) < UTTERANCE_S * 32_000:
                pcm += (await anext(chunks)).pcm
        self.audio[ask.turn_id] = pcm
        now = time.time()
        ended = UtteranceEnded(
            utterance_id=uid, reason=EndReason.ENDPOINT, speech_end_ms=900, ended_at=now
        )
        await self.say(UTTERANCE_ENDED, ended)
        return Transcript(
            utterance_id=uid, text="tell me", language="en", confidence=1, ended_at=now
        )


class Mind(Service[Settings]):
    """Asks something back when told to."""

    name = "ai"
    hears = (CANCEL,)
    asks_back = False

    @serves(UNDERSTAND, concurrency=4)
    async def understand(self, ask: Understand) -> Understood:
        return Understood(
            turn_id=ask.turn_id,
            heard=ask.text,
            intent="Tell",
            reply="A story.",
            language="en",
            expects_reply=self.asks_back and ask.follows is None,
        )


class Mouth(Service[Settings]):
    """Says a long recording, whatever the text."""

    name = "tts"
    hears = (CANCEL,)
    says = (SPEECH,)

    @serves(SPEAK, concurrency=4)
    async def speak(self, ask: Speak) -> Spoken:
        pcm = REPLY if ask.text == "A story." else recorded(4)
        pieces = [*(pcm[at : at + 1600].tobytes() for at in range(0, len(pcm), 1600)), b""]
        for number, piece in enumerate(pieces):
            chunk = SpeechChunk(
                turn_id=ask.turn_id,
                sequence=number,
                position=number * 1600,
                rate_hz=16_000,
                last=not piece,
                pcm=piece,
            )
            await self.say(SPEECH, chunk)
        ms = len(pcm) / 16
        return Spoken(
            turn_id=ask.turn_id, duration_ms=ms, rate_hz=16_000, first_audio_at=time.time()
        )


@dataclass
class Word:
    word: str = "alicia"
    score: float = 0.9


@dataclass
class Detector:
    """Hears the wake word when the test says so."""

    heard: bool = False

    def feed(self, pcm: Pcm) -> Sequence[Word]:
        del pcm
        heard, self.heard = self.heard, False
        return [Word()] if heard else []


@dataclass
class Scene:
    home: RunningHouse
    room: Room
    standing: Standing
    satellite: Satellite
    router: Router
    ear: Ear
    mind: Mind
    detector: Detector
    turns: list[Heard] = field(default_factory=list[Heard])
    streams: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    async def sounds(self) -> None:
        await until(lambda: self.room.duplex.speaker.sounded_ms > 400)

    async def is_quiet(self) -> None:
        await until(lambda: not self.room.duplex.speaker.playing, 15)


@asynccontextmanager
async def scene(folder: Path, **settings: object) -> AsyncGenerator[Scene, None]:
    sections = {"satellite": {"called": "kitchen", "area_id": "kitchen"}, "router": settings}
    async with house(folder=folder, settings=sections) as home:
        ear, mind, _ = [await home.start(kind) for kind in (Ear, Mind, Mouth)]
        assert isinstance(ear, Ear)
        assert isinstance(mind, Mind)
        router = await home.start(Router)
        satellite = await home.start(Satellite)
        await until((folder / "state" / "satellite" / "apology-en.wav").exists)
        room, detector = Room(WebRtcEchoCanceller(), echo_db=-15), Detector()
        turns: list[Heard] = []
        standing = Standing(satellite, room.duplex, detector=detector, on_turn=turns.append)
        s = Scene(home, room, standing, satellite, router, ear, mind, detector, turns)
        async with room.running(), home.bus.tap("#", limit=100_000) as packets:
            tasks = [asyncio.create_task(w) for w in (standing.run(), _note(s, packets))]
            try:
                await until(lambda: router._directory.get("kitchen", time.monotonic()))
                yield s
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _note(s: Scene, packets: object) -> None:
    async for packet in packets:  # type: ignore[attr-defined]
        assert isinstance(packet, Packet)
        name = s.home.bus.relative(packet.topic)
        if any(stream.match(name) is not None for stream in (AUDIO, SPEECH, INTERCOM)):
            s.streams.append((time.monotonic(), name))


async def test_a_wake_word_a_turn_and_no_sound_on_the_bus_outside_of_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.room.say(recorded(3))
        await asyncio.sleep(1.0)
        assert s.streams == [], "people speak, nobody is spoken to: nothing leaves the satellite"
        s.detector.heard = True
        await s.sounds()
        await s.is_quiet()
        assert s.turns[0].record is not None
        await until(lambda: s.router._machines.of("kitchen").free)
        count = len(s.streams)
        s.room.say(recorded(5))
        await asyncio.sleep(1.0)
        assert len(s.streams) == count, "the turn is over"
        assert s.standing.barge_ins == 0, "its own echo interrupts nobody"


async def test_speech_over_the_reply_stops_it_and_is_heard_as_a_new_turn(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.standing.push()
        await s.sounds()
        await until(lambda: s.room.duplex.gauge.learned)
        s.room.say(recorded(8))
        await until(lambda: s.standing.barge_ins == 1)
        await until(lambda: len(s.ear.audio) == 2)
        first, second = s.ear.audio
        over = s.router._traces.record(first)
        assert over is not None
        assert over.cancelled is CancelReason.BARGE_IN
        await until(lambda: s.router._traces.record(second) is not None)
        answered = s.router._traces.record(second)
        assert answered is not None
        assert answered.follows == first
        loudest = np.abs(np.frombuffer(s.ear.audio[second], np.int16)[:9600]).max()
        assert loudest > 300, "the word that interrupted is part of it"


async def test_stop_is_silence_while_the_reply_sounds(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.standing.push()
        await s.sounds()
        stopped = await s.home.bus.ask(STOP_TURN, StopTurn(satellite="kitchen"))
        assert len(stopped.turn_ids) == 1
        await until(lambda: not s.room.duplex.speaker.playing, 1)
        await until(lambda: s.router._machines.of("kitchen").free)


async def test_after_a_question_no_wake_word_is_needed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.asks_back = True
        s.standing.push()
        await until(lambda: len(s.ear.audio) == 2, 20)
        first, second = s.ear.audio
        await until(lambda: s.router._traces.record(second) is not None)
        record = s.router._traces.record(second)
        assert record is not None
        assert record.follows == first


async def test_an_announcement_is_heard_and_reported(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        ask = Announce(turn_id="a1", text="Dinner.", targets=Targets(areas=["kitchen", "moon"]))
        announced = await s.home.bus.ask(ANNOUNCE, ask)
        reports = {report.satellite: report for report in announced.reports}
        assert reports["kitchen"].sounded
        assert (reports["moon"].sounded, reports["moon"].error) == (False, NoSatelliteError.code)
        assert np.abs(s.room.played).max() > 3000


async def test_an_announcement_waits_for_a_turn_to_end(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.standing.push()
        await s.sounds()
        ask = Announce(turn_id="a1", text="Dinner.", targets=Targets(everywhere=True))
        asking = asyncio.create_task(s.home.bus.ask(ANNOUNCE, ask))
        await asyncio.sleep(0.3)
        assert not asking.done()
        assert s.turns[0].cancelled is None
        assert (await asking).reports[0].sounded


async def test_quiet_hours_keep_an_announcement_silent(tmp_path: Path) -> None:
    async with scene(tmp_path, quiet_hours="00:00-23:59") as s:
        ask = Announce(turn_id="a1", text="Dinner.", targets=Targets(everywhere=True))
        [report] = (await s.home.bus.ask(ANNOUNCE, ask)).reports
        assert (report.sounded, report.error) == (False, "voice.quiet_hours")
        urgent = ask.model_copy(update={"turn_id": "a2", "urgent": True})
        [report] = (await s.home.bus.ask(ANNOUNCE, urgent)).reports
        assert report.sounded


async def test_a_live_voice_is_heard_at_another_satellite(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        caller = await s.home.start(Satellite, called="hall")
        pcm = recorded(6).tobytes()

        async def frames() -> AsyncGenerator[bytes, None]:
            for at in range(0, len(pcm) - 640, 640):
                await asyncio.sleep(0.02)
                yield pcm[at : at + 640]

        assert await call(caller, frames(), Targets(everywhere=True)) == ["kitchen"]
        await s.is_quiet()
        assert np.abs(s.room.played).max() > 3000
        await until(lambda: s.router._machines.of("kitchen").free)


@pytest.mark.parametrize("consent", ["", "kitchen"])
async def test_a_recording_exists_only_with_consent(tmp_path: Path, consent: str) -> None:
    async with scene(tmp_path, record=consent) as s:
        s.room.say(recorded(3)[:16_000])
        s.standing.push()
        await s.sounds()
        kept = list((tmp_path / "state" / "router").rglob("*.flac"))
        assert len(kept) == (1 if consent else 0)
        if consent:
            [turn_id] = s.ear.audio
            found = s.router._recordings.get(turn_id)
            assert found is not None
            assert abs(len(read(kept[0], max_s=10)) / 16_000 - UTTERANCE_S) < 0.5
            assert kept[0].stat().st_mode & 0o077 == 0
