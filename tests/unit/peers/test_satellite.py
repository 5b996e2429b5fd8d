"""The satellite, with the test as the rest of the house."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from alicia.bus.hearing import Delivery
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
    EndReason,
    Listening,
    OpenTurn,
    Partial,
    Speak,
    SpeechChunk,
    Spoken,
    TurnOpened,
    TurnRecord,
    UtteranceEnded,
)
from alicia.errors import EngineError
from alicia.peers.satellite import FRAME, Heard, Satellite, played
from alicia.peers.satellite import service as satellite_module
from alicia.runtime import logs
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, settled, until

APOLOGY = b"\7\7" * 1600


def frame(number: int) -> bytes:
    return bytes([number % 250 + 1, 0]) * FRAME


class Frames:
    """A microphone that hears what it is given."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def give(self, *numbers: int) -> None:
        for number in numbers:
            self._queue.put_nowait(frame(number))

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (data := await self._queue.get()) is not None:
            yield data


@dataclass
class Rest:
    """The rest of the house: opens turns, and says what the test tells it to."""

    home: RunningHouse
    satellite: Satellite
    opened: list[OpenTurn] = field(default_factory=list[OpenTurn])
    audio: list[AudioChunk] = field(default_factory=list[AudioChunk])
    spoken: list[Speak] = field(default_factory=list[Speak])
    voice: bool = True
    """Whether somebody can speak."""

    @property
    def turn(self) -> OpenTurn:
        return self.opened[-1]

    async def is_open(self, count: int = 1) -> None:
        await until(lambda: len(self.opened) >= count)

    async def listen(self, attempt: int = 0) -> None:
        told = Listening(utterance_id=self.turn.utterance_id, attempt=attempt)
        await self.home.bus.say(LISTENING, told)

    async def heard(self, count: int) -> list[int]:
        """The first samples of the audio that came, once there are this many chunks."""
        await until(lambda: len(self.audio) >= count)
        return [chunk.pcm[0] - 1 for chunk in self.audio if chunk.pcm]

    async def end_utterance(self, clock_off_s: float = 0.0) -> None:
        await self.home.bus.say(
            UTTERANCE_ENDED,
            UtteranceEnded(
                utterance_id=self.turn.utterance_id,
                reason=EndReason.ENDPOINT,
                speech_end_ms=40,
                ended_at=time.time() + clock_off_s,
            ),
        )

    async def speak(self, turn_id: str, *pieces: bytes, skip: int | None = None) -> None:
        for sequence, pcm in enumerate((*pieces, b"")):
            chunk = SpeechChunk(
                turn_id=turn_id,
                sequence=sequence,
                position=0,
                rate_hz=16_000,
                last=sequence == len(pieces),
                pcm=pcm,
            )
            if sequence != skip:
                await self.home.bus.say(SPEECH, chunk)

    async def end_turn(self, **changes: Any) -> None:
        known: dict[str, Any] = {
            "turn_id": self.turn.turn_id,
            "satellite": self.turn.satellite,
            "language": self.turn.language,
            "trace_id": "f" * 32,
            "reply": "The light is on.",
            "spoken": True,
            "started_at": time.time(),
        }
        await self.home.bus.say(TURN_ENDED, TurnRecord(**{**known, **changes}))

    async def _open(self, delivery: Delivery[OpenTurn]) -> TurnOpened:
        self.opened.append(delivery.message)
        return TurnOpened(turn_id=delivery.message.turn_id)

    async def _speak(self, delivery: Delivery[Speak]) -> Spoken:
        ask = delivery.message
        self.spoken.append(ask)
        if not self.voice:
            raise EngineError
        await self.speak(ask.turn_id, APOLOGY)
        return Spoken(turn_id=ask.turn_id, duration_ms=100, rate_hz=16_000, first_audio_at=0)

    async def take_audio(self) -> None:
        async with self.home.bus.tap(AUDIO.filter()) as packets:
            async for packet in packets:
                places = AUDIO.match(self.home.bus.relative(packet.topic))
                assert places is not None
                self.audio.append(AudioChunk.decode(packet.payload, places))


def stored(folder: Path) -> Path:
    return folder / "state" / "satellite" / "apology-en.wav"


@asynccontextmanager
async def rest_of_the_house(
    folder: Path, *, opens: bool = True, voice: bool = True, **settings: Any
) -> AsyncGenerator[Rest, None]:
    async with house(folder=folder, settings={"satellite": settings}) as home:
        rest = Rest(home, Satellite(), voice=voice)
        taking = asyncio.create_task(rest.take_audio())
        try:
            async with home.bus.serve(SPEAK, rest._speak, concurrency=4):
                rest.satellite = await home.start(Satellite)
                if voice:
                    await until(stored(folder).exists)
                if opens:
                    async with home.bus.serve(OPEN_TURN, rest._open, concurrency=4):
                        yield rest
                else:
                    yield rest
                await home.stop(Satellite)
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)


@asynccontextmanager
async def a_turn(rest: Rest, frames: Frames, **changes: Any) -> AsyncGenerator[asyncio.Task[Heard]]:
    """A turn that is open."""
    turn = asyncio.create_task(rest.satellite.turn(aiter(frames), **changes))
    count = len(rest.opened) + 1
    try:
        await rest.is_open(count)
        yield turn
    finally:
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)


# ---- audio --------------------------------------------------------------------------------------


async def test_no_audio_flows_before_somebody_listens(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames):
            frames.give(*range(10))
            await until(frames._queue.empty)
            await asyncio.sleep(0)
            assert rest.audio == []
            await rest.listen()
            assert await rest.heard(10) == list(range(10))


async def test_audio_is_numbered_from_the_first_sample(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames):
            frames.give(0, 1)
            await rest.listen()
            await rest.heard(2)
            frames.give(2)
            frames.end()
            await rest.heard(4)
            assert [(c.sequence, c.position, c.last) for c in rest.audio] == [
                (0, 0, False),
                (1, FRAME, False),
                (2, 2 * FRAME, False),
                (3, 3 * FRAME, True),
            ]
            assert {c.rate_hz for c in rest.audio} == {16_000}
            assert {c.utterance_id for c in rest.audio} == {rest.turn.utterance_id}


async def test_who_listens_next_hears_it_from_the_first_sample(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames):
            frames.give(*range(5))
            await rest.listen()
            assert await rest.heard(5) == [0, 1, 2, 3, 4]
            rest.audio.clear()
            await rest.listen(attempt=1)
            await rest.heard(5)
            frames.give(5, 6)
            assert await rest.heard(7) == [0, 1, 2, 3, 4, 5, 6]
            assert [chunk.sequence for chunk in rest.audio] == list(range(7))


async def test_what_was_said_can_be_heard_again_after_its_end(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames):
            frames.give(0, 1, 2)
            await rest.listen()
            await rest.heard(3)
            await rest.end_utterance()
            await until(lambda: rest.audio[-1].last)
            rest.audio.clear()
            await rest.listen(attempt=1)
            await until(lambda: rest.audio and rest.audio[-1].last)
            assert await rest.heard(4) == [0, 1, 2]


async def test_no_sound_flows_after_the_end_of_the_utterance(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames) as turn:
            frames.give(0, 1)
            await rest.listen()
            await rest.heard(2)
            await rest.end_utterance()
            await until(lambda: rest.audio[-1].last)
            assert rest.audio[-1].pcm == b""
            frames.give(*range(2, 12))
            await rest.speak(rest.turn.turn_id, b"\1\1")
            await rest.end_turn()
            await turn
            assert await rest.heard(3) == [0, 1]


async def test_no_sound_flows_outside_a_turn(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames) as turn:
            frames.give(0)
            await rest.listen()
            await rest.heard(1)
            await rest.end_utterance()
            await rest.speak(rest.turn.turn_id, b"\1\1")
            await rest.end_turn()
            await turn
        count = len(rest.audio)
        assert rest.audio[-1].last
        frames.give(*range(1, 9))
        await rest.listen(attempt=1)  # whoever asks now is told nothing
        marked = AudioChunk(utterance_id="mark", sequence=0, position=0, rate_hz=16_000)
        await rest.home.bus.say(AUDIO, marked)
        await until(lambda: rest.audio[-1].utterance_id == "mark")
        assert len(rest.audio) == count + 1


async def test_nothing_is_said_while_nobody_starts_a_turn(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        await rest.home.bus.say(LISTENING, Listening(utterance_id="somebody else's"))
        marked = AudioChunk(utterance_id="mark", sequence=0, position=0, rate_hz=16_000)
        await rest.home.bus.say(AUDIO, marked)
        await until(lambda: rest.audio)
        assert [chunk.utterance_id for chunk in rest.audio] == ["mark"]


# ---- the reply ----------------------------------------------------------------------------------


async def test_the_reply_is_heard_whole_and_measured(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        async with a_turn(rest, Frames()) as turn:
            await rest.listen()
            await rest.end_utterance()
            await rest.speak(rest.turn.turn_id, b"\1\1" * 8, b"\2\2" * 8)
            await rest.end_turn()
            heard = await turn
        assert heard.speech == b"\1\1" * 8 + b"\2\2" * 8
        assert (heard.error, heard.own_voice, heard.rate_hz) == (None, False, 16_000)
        assert heard.record is not None
        assert heard.record.turn_id == heard.turn_id
        assert heard.felt_ms is not None
        assert heard.processing_ms is not None
        assert heard.processing_ms >= 0


async def test_a_turn_says_where_and_in_which_language(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path, area_id="kitchen", language="en") as rest:
        async with a_turn(rest, Frames()):
            assert (rest.turn.area_id, rest.turn.language) == ("kitchen", "en")
            assert rest.turn.satellite == rest.satellite.instance
        async with a_turn(rest, Frames(), area_id="bath", language="de"):
            assert (rest.turn.area_id, rest.turn.language) == ("bath", "de")


async def test_chunks_that_come_twice_or_late_are_put_in_order(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        async with a_turn(rest, Frames()) as turn:
            turn_id = rest.turn.turn_id
            await rest.speak(turn_id, b"\1\1", b"\2\2", b"\3\3", skip=1)
            await rest.end_turn()
            await rest.speak(turn_id, b"\1\1", b"\2\2", b"\3\3")
            heard = await turn
        assert heard.speech == b"\1\1\2\2\3\3"
        assert len(rest.spoken) == 1, "the stored phrase; nothing had to be asked for again"


async def test_a_reply_that_was_lost_on_the_way_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(satellite_module, "TAIL_S", 0.1)
    async with rest_of_the_house(tmp_path) as rest:
        async with a_turn(rest, Frames()) as turn:
            await rest.end_turn(reply="The light is on.")
            heard = await turn
        again = rest.spoken[-1]
        assert (again.turn_id, again.text) == (heard.turn_id, "The light is on.")
        assert (heard.speech, heard.own_voice) == (APOLOGY, False)


async def test_another_turns_end_is_not_ones_own(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        async with a_turn(rest, Frames()) as turn:
            await rest.end_turn(turn_id="an earlier one")
            await rest.speak(rest.turn.turn_id, b"\1\1")
            await rest.end_turn(reply="Mine.")
            record = (await turn).record
        assert record is not None
        assert record.reply == "Mine."


async def test_guesses_are_shown_as_they_come(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        seen: list[str] = []
        async with a_turn(rest, Frames(), on_partial=seen.append) as turn:
            for text in ("turn", "turn on"):
                await rest.home.bus.say(
                    PARTIAL, Partial(utterance_id=rest.turn.utterance_id, text=text, confidence=1)
                )
            await until(lambda: len(seen) == 2)
            await rest.end_turn(reply=None, spoken=False)
            await turn
        assert seen == ["turn", "turn on"]


# ---- a bad day ----------------------------------------------------------------------------------


async def test_a_house_that_does_not_open_a_turn_leads_to_the_stored_phrase(
    tmp_path: Path,
) -> None:
    async with rest_of_the_house(tmp_path, opens=False) as rest:
        heard = await rest.satellite.turn(aiter(Frames()))
        assert (heard.error, heard.record, heard.own_voice) == ("bus.no_responder", None, True)
        assert heard.speech == APOLOGY
        assert heard.rate_hz == 16_000
        assert heard.first_audio_at is not None
        assert rest.audio == []


async def test_a_house_that_does_not_answer_leads_to_the_stored_phrase(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path, answer_s=0.3) as rest:
        async with a_turn(rest, Frames()) as turn:
            await rest.end_utterance()
            heard = await turn
        assert (heard.error, heard.own_voice) == ("bus.deadline", True)
        assert heard.speech == APOLOGY


async def test_a_reply_without_a_voice_leads_to_the_stored_phrase(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        async with a_turn(rest, Frames()) as turn:
            await rest.end_turn(spoken=False, error="voice.engine")
            heard = await turn
        assert heard.record is not None
        assert (heard.error, heard.own_voice, heard.speech) == (None, True, APOLOGY)


async def test_what_was_heard_of_the_reply_is_not_talked_over(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        async with a_turn(rest, Frames()) as turn:
            await rest.speak(rest.turn.turn_id, b"\1\1")
            await rest.end_turn(spoken=False, error="voice.engine")
            heard = await turn
        assert (heard.own_voice, heard.speech) == (False, b"\1\1")


async def test_without_a_stored_phrase_the_error_is_all_there_is(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path, opens=False, voice=False) as rest:
        heard = await rest.satellite.turn(aiter(Frames()))
        assert (heard.error, heard.own_voice, heard.speech) == ("bus.no_responder", False, b"")


async def test_the_phrase_is_stored_once_and_for_good(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        with wave.open(str(stored(tmp_path))) as phrase:
            assert phrase.readframes(phrase.getnframes()) == APOLOGY
            assert phrase.getframerate() == 16_000
        assert len(rest.spoken) == 1
        await rest.home.start(Satellite)
        assert len(rest.spoken) == 1


async def test_the_phrase_is_stored_as_soon_as_somebody_can_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(satellite_module, "STORE_AGAIN_S", 0.02)
    async with rest_of_the_house(tmp_path, voice=False) as rest:
        await until(lambda: len(rest.spoken) > 1)
        assert not stored(tmp_path).exists()
        rest.voice = True
        await until(stored(tmp_path).exists)


async def test_nothing_that_was_said_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StringIO()
    monkeypatch.setattr(satellite_module, "TAIL_S", 0.1)
    logs.configure(level="debug", to=stream)
    try:
        async with rest_of_the_house(tmp_path) as rest, a_turn(rest, Frames()) as turn:
            await rest.end_turn(reply="The canary is in its cage.", transcript="canary")
            await turn
    finally:
        structlog.reset_defaults()
    assert "the reply was lost on the way" in stream.getvalue()
    assert "canary" not in stream.getvalue()


async def test_a_recording_is_played_in_real_time_and_then_silence() -> None:
    started = time.monotonic()
    frames = [data async for data in played(b"\1" * (FRAME * 2 + 10), silence_s=0.04)]
    assert time.monotonic() - started >= 0.08 - 0.02
    assert [len(data) for data in frames] == [FRAME * 2] * 4
    assert frames[1] == b"\1" * 10 + bytes(FRAME * 2 - 10)
    assert frames[2:] == [bytes(FRAME * 2)] * 2


async def test_it_is_silent_where_the_reply_is_heard_in_another_room(tmp_path: Path) -> None:
    async with rest_of_the_house(tmp_path) as rest:
        frames = Frames()
        async with a_turn(rest, frames) as turn:
            await rest.end_turn(spoken=False, spoken_at="bedroom")
            heard = await turn
    assert heard.error is None
    assert heard.speech == b""
    assert not heard.own_voice


@pytest.mark.parametrize("off", [-30.0, 30.0], ids=["behind", "ahead"])
async def test_how_long_it_waits_is_no_matter_of_the_houses_clock(
    tmp_path: Path, off: float
) -> None:
    async with rest_of_the_house(tmp_path, answer_s=1.0) as rest:
        frames = Frames()
        async with a_turn(rest, frames) as turn:
            await rest.end_utterance(off)
            await settled()
            assert not turn.done(), "it has waited no half minute"
            await rest.speak(rest.turn.turn_id, APOLOGY)
            await rest.end_turn()
            answered = await turn
        async with a_turn(rest, Frames()) as turn:
            await rest.end_utterance(off)
            async with asyncio.timeout(PATIENCE_S):
                given_up = await turn
    assert answered.error is None
    assert answered.processing_ms is not None
    assert 0 <= answered.processing_ms < 30_000
    assert given_up.error == "bus.deadline"
    assert given_up.own_voice
