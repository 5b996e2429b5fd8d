from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alicia.audio.formats import read
from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized
from alicia.contracts.voice import (
    AUDIO,
    LISTENING,
    PARTIAL,
    TRANSCRIBE,
    UTTERANCE_ENDED,
    AudioChunk,
    EndReason,
    Partial,
    Transcribe,
    Transcript,
    UtteranceEnded,
)
from alicia.errors import (
    AudioLostError,
    EngineError,
    NoSpeechError,
    ResponderLostError,
    UnclearSpeechError,
    UnsupportedAudioError,
    UnsupportedLanguageError,
    UtteranceTooLongError,
)
from alicia.services.voice.stt import Stt
from alicia.speech.models import ModelStore
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, Stopwatch, settled, until

SPEECH = Path(__file__).parents[3] / "data" / "speech"
SENTENCE = SPEECH / "turn_on_the_kitchen_light.af_heart.flac"
RATE_HZ = 16_000
FRAME = 320
FAST = {"audio_gap_s": 0.3}


def sentence() -> bytes:
    """A recorded sentence, and the silence after it."""
    return read(SENTENCE, max_s=10).tobytes() + bytes(RATE_HZ * 2)


@dataclass
class Microphone:
    """Says audio once it is listened to, and notes what comes back."""

    home: RunningHouse
    uid: str = "u1"
    listening: int = 0
    partials: list[Partial] = field(default_factory=list[Partial])
    ends: list[UtteranceEnded] = field(default_factory=list[UtteranceEnded])

    async def transcribe(self, **changes: Any) -> Transcript:
        ask = Transcribe(utterance_id=self.uid, turn_id="t1", **changes)
        return await self.home.bus.ask(TRANSCRIBE, ask)

    async def say(
        self,
        pcm: bytes,
        *,
        first: int = 0,
        rate_hz: int = RATE_HZ,
        last: bool = False,
        order: Callable[[int], list[int]] = lambda number: [number],
    ) -> int:
        """The samples as chunks of 20 ms; the number of the next."""
        step = FRAME * 2
        count = len(pcm) // step
        for index in range(count):
            for number in order(first + index):
                at = (number - first) * step
                await self.home.bus.say(
                    AUDIO,
                    AudioChunk(
                        utterance_id=self.uid,
                        sequence=number,
                        position=number * FRAME,
                        rate_hz=rate_hz,
                        last=last and index == count - 1,
                        pcm=pcm[at : at + step],
                    ),
                )
            await asyncio.sleep(0)
        return first + count

    async def heard(self) -> None:
        await until(lambda: self.listening)


@asynccontextmanager
async def microphone(home: RunningHouse) -> AsyncGenerator[Microphone, None]:
    made = Microphone(home)
    started = [asyncio.Event() for _ in range(3)]

    async def listen() -> None:
        async with home.bus.hear(LISTENING, utterance_id=made.uid) as hearing:
            started[0].set()
            async for _ in hearing:
                made.listening += 1

    async def partials() -> None:
        async with home.bus.hear(PARTIAL, utterance_id=made.uid) as hearing:
            started[1].set()
            async for delivery in hearing:
                made.partials.append(delivery.message)

    async def ends() -> None:
        async with home.bus.hear(UTTERANCE_ENDED, utterance_id=made.uid) as hearing:
            started[2].set()
            async for delivery in hearing:
                made.ends.append(delivery.message)

    tasks = [asyncio.create_task(work()) for work in (listen, partials, ends)]
    for one in started:
        await one.wait()
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def hearing(
    folder: Path, store: ModelStore, *, access_rules: bool = False, **settings: Any
) -> AsyncGenerator[Microphone, None]:
    (folder / "models").symlink_to(store.folder)
    given = {**FAST, **settings}
    async with (
        house(Stt, folder=folder, settings={"stt": given}, access_rules=access_rules) as home,
        microphone(home) as made,
    ):
        yield made


async def test_a_sentence_is_heard_from_its_first_sample(
    tmp_path: Path, recognizers: ModelStore
) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        assert mic.listening == 1
        await mic.say(sentence())
        transcript = await asking
        assert transcript.text.lower().strip(" .") == "turn on the kitchen light"
        assert (transcript.utterance_id, transcript.language) == ("u1", "en")
        assert 0.5 < transcript.confidence <= 1
        [end] = mic.ends
        assert end.reason is EndReason.ENDPOINT
        assert 800 < end.speech_end_ms < len(read(SENTENCE, max_s=10)) / 16 + 200
        assert (transcript.speech_end_ms, transcript.ended_at) == (end.speech_end_ms, end.ended_at)


async def test_it_works_under_the_access_rules_of_the_real_house(
    tmp_path: Path, recognizers: ModelStore
) -> None:
    async with hearing(tmp_path, recognizers, access_rules=True) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(sentence())
        assert "kitchen" in (await asking).text


async def test_nothing_is_lost_of_audio_that_flows_as_soon_as_it_listens(
    tmp_path: Path, recognizers: ModelStore
) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        async with mic.home.bus.hear(LISTENING) as listening:
            asking = asyncio.create_task(mic.transcribe())
            await anext(listening)
            await mic.say(sentence())
        assert "turn on" in (await asking).text.lower()


async def test_a_guess_is_said_before_the_end(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers, silence_s=4) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        speech = read(SENTENCE, max_s=10).tobytes()
        said = await mic.say(speech + bytes(FRAME * 2 * 30))  # a pause, not yet the end
        async with asyncio.timeout(PATIENCE_S):
            while not any(
                "kitchen" in partial.text for partial in mic.partials
            ):  # the microphone goes on
                said = await mic.say(bytes(FRAME * 2), first=said)
                await asyncio.sleep(0.02)
        assert not asking.done()
        assert mic.ends == []
        assert mic.partials[-1].confidence > 0.5
        await mic.say(bytes(RATE_HZ * 2 * 5), first=said)
        assert "kitchen" in (await asking).text


async def test_the_satellite_may_end_the_utterance(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers, silence_s=5) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(read(SENTENCE, max_s=10).tobytes(), last=True)
        assert "kitchen" in (await asking).text
        assert [end.reason for end in mic.ends] == [EndReason.SOURCE_ENDED]


async def test_a_chunk_that_comes_twice_is_skipped(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(sentence(), order=lambda n: [n, n, max(0, n - 5)])
        transcript = await asking
        assert transcript.text.lower().strip(" .") == "turn on the kitchen light"


# ---- errors, at the asker -----------------------------------------------------------------------


async def test_a_short_gap_ends_no_utterance(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        frames = sentence()
        size = FRAME * 2
        for number in range(len(frames) // size):
            if number % 20 != 7:  # 5 %
                await mic.say(frames[number * size : (number + 1) * size], first=number)
        assert "kitchen" in (await asking).text


async def test_a_long_gap_is_audio_that_was_lost(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        said = await mic.say(sentence()[: FRAME * 2 * 10])
        await mic.say(bytes(FRAME * 2), first=said + 20)
        with pytest.raises(AudioLostError) as raised:
            await asking
        assert raised.value.fields == {"missing": 10, "got": 30}
        again = asyncio.create_task(mic.transcribe())
        await until(lambda: mic.listening == 2)
        await mic.say(sentence())
        assert "kitchen" in (await again).text


@pytest.mark.parametrize("chunks", [0, 20], ids=["before the first", "in the middle"])
async def test_a_microphone_that_goes_away_is_noticed_in_time(
    tmp_path: Path, recognizers: ModelStore, chunks: int
) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(sentence()[: FRAME * 2 * chunks])
        started = Stopwatch()
        with pytest.raises(AudioLostError) as raised:
            await asking
        assert started.seconds < 2
        assert raised.value.fields == {"after_chunks": chunks}


async def test_silence_is_no_speech(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe(no_speech_s=1))
        await mic.heard()
        await mic.say(bytes(RATE_HZ * 4))
        with pytest.raises(NoSpeechError):
            await asking
        await until(lambda: mic.ends)
        assert [end.reason for end in mic.ends] == [EndReason.NO_SPEECH]


async def test_speech_without_an_end_is_too_long(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe(max_utterance_s=1))
        await mic.heard()
        await mic.say(read(SENTENCE, max_s=10).tobytes())
        with pytest.raises(UtteranceTooLongError):
            await asking
        await until(lambda: mic.ends)
        assert [end.reason for end in mic.ends] == [EndReason.LIMIT]


async def test_another_rate_is_not_supported(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(bytes(FRAME * 2), rate_hz=48_000)
        with pytest.raises(UnsupportedAudioError) as raised:
            await asking
        assert raised.value.fields["rate_hz"] == 48_000


async def test_another_language_is_not_supported(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe(language="tlh"))
        await mic.heard()
        await mic.say(sentence())
        with pytest.raises(UnsupportedLanguageError):
            await asking


async def test_what_is_not_heard_clearly_is_asked_again(
    tmp_path: Path, recognizers: ModelStore
) -> None:
    async with hearing(tmp_path, recognizers, min_confidence=1) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        quiet = np.frombuffer(sentence(), np.int16)
        noise = np.random.default_rng(7).normal(0, 900, len(quiet))
        await mic.say((quiet * 0.5 + noise).astype(np.int16).tobytes() + bytes(RATE_HZ * 4))
        with pytest.raises(UnclearSpeechError) as raised:
            await asking
        assert raised.value.fields["confidence"] < 1


async def test_whoever_is_not_heard_clearly_may_go_on_after_a_pause(
    tmp_path: Path, recognizers: ModelStore
) -> None:
    async with hearing(
        tmp_path, recognizers, min_confidence=1, audio_gap_s=5, open_silence_s=2
    ) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        first = sentence()[: int(1.6 * RATE_HZ) * 2]  # Its words, and hardly any silence.
        sent = await mic.say(first + bytes(int(0.2 * RATE_HZ) * 2))
        await until(lambda: mic.partials)
        await asyncio.sleep(1.0)  # As long as the silence would last: it is decoded meanwhile.
        pause = bytes(int(0.6 * RATE_HZ) * 2)
        await mic.say(pause + sentence() + bytes(RATE_HZ * 4), first=sent)
        with pytest.raises(UnclearSpeechError):
            await asking
        [end] = mic.ends
        assert end.speech_end_ms > 2300


async def test_an_engine_that_fails_is_an_error(tmp_path: Path, recognizers: ModelStore) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        stt = mic.home._running[0].runner.service
        assert isinstance(stt, Stt)
        await stt._recognizer.aclose()
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(sentence())
        with pytest.raises(EngineError):
            await asking


async def test_an_asker_is_told_when_the_room_is_stopped_in_the_middle(
    tmp_path: Path, recognizers: ModelStore
) -> None:
    async with hearing(tmp_path, recognizers, drain_timeout_s=0.01, audio_gap_s=30) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.home.stop(Stt)
        with pytest.raises(ResponderLostError):
            await asking


async def test_nothing_that_was_said_stands_in_the_log(
    tmp_path: Path, recognizers: ModelStore, logged: StringIO
) -> None:
    async with hearing(tmp_path, recognizers) as mic:
        asking = asyncio.create_task(mic.transcribe())
        await mic.heard()
        await mic.say(sentence())
        await asking
    assert "heard" in logged.getvalue()
    assert "kitchen" not in logged.getvalue().lower()


@pytest.mark.parametrize(
    ("who", "patience", "goes_on"), [("emma", 3.0, True), (None, 1.0, False), ("bob", 1.0, False)]
)
async def test_who_pauses_long_and_is_recognized_may_go_on(
    tmp_path: Path, recognizers: ModelStore, who: str | None, patience: float, *, goes_on: bool
) -> None:
    spoken = read(SENTENCE, max_s=10).tobytes()
    pause = bytes(int(0.3 * RATE_HZ) * 2)
    async with hearing(tmp_path, recognizers) as m:
        asking = asyncio.create_task(m.transcribe())
        await m.heard()
        first = await m.say(spoken[: RATE_HZ * 2])
        recognized = SpeakerRecognized(
            utterance_id=m.uid, speaker_id=who, score=0.8, after_s=0.9, patience=patience
        )
        await m.home.bus.say(SPEAKER_RECOGNIZED, recognized)
        await settled()
        rest = spoken[RATE_HZ * 2 :] + pause + sentence() + bytes(RATE_HZ * 2)
        await m.say(rest, first=first)
        heard = await asking
    both_ms = len(spoken) // 32 + 300 + 1000
    assert (heard.speech_end_ms > both_ms) == goes_on
