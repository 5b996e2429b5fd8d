from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alicia.contracts.system import PRESENCE, Phase
from alicia.contracts.voice import SPEAK, SPEECH, Speak, SpeechChunk, Spoken
from alicia.errors import (
    AliciaError,
    DependencyMissingError,
    EngineError,
    ResponderLostError,
    UnsupportedLanguageError,
)
from alicia.services.voice.tts import Tts
from alicia.speech.models import ModelStore
from alicia.speech.piper import PiperSynthesizer
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import until

SENTENCE = "The kitchen light is on. The blinds are closed."


@dataclass
class Ears:
    """What is heard of one turn's speech."""

    chunks: list[SpeechChunk] = field(default_factory=list[SpeechChunk])
    at: list[float] = field(default_factory=list[float])

    @property
    def pcm(self) -> bytes:
        return b"".join(chunk.pcm for chunk in self.chunks)

    async def whole(self) -> None:
        await until(lambda: self.chunks and self.chunks[-1].last)


@asynccontextmanager
async def listening(home: RunningHouse, turn_id: str = "t1") -> AsyncGenerator[Ears, None]:
    ears = Ears()

    async def take() -> None:
        async with home.bus.hear(SPEECH, limit=4096, turn_id=turn_id) as speech:
            subscribed.set()
            async for delivery in speech:
                ears.chunks.append(delivery.message)
                ears.at.append(time.monotonic())

    subscribed = asyncio.Event()
    task = asyncio.create_task(take())
    await subscribed.wait()
    yield ears
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def furnished(folder: Path, store: ModelStore) -> Path:
    """A house's folder with these models."""
    (folder / "models").symlink_to(store.folder)
    return folder


@asynccontextmanager
async def speaking(
    folder: Path, store: ModelStore, **settings: Any
) -> AsyncGenerator[RunningHouse, None]:
    given = {"engines": "piper", **settings}
    async with house(Tts, folder=furnished(folder, store), settings={"tts": given}) as home:
        yield home


async def speak(
    home: RunningHouse, text: str = SENTENCE, *, turn_id: str = "t1", language: str = "en"
) -> Spoken:
    return await home.bus.ask(SPEAK, Speak(turn_id=turn_id, text=text, language=language))


async def test_speech_is_a_stream_in_order_with_an_end(tmp_path: Path, voices: ModelStore) -> None:
    async with speaking(tmp_path, voices) as home, listening(home) as ears:
        before = time.time()
        spoken = await speak(home)
        await ears.whole()
        assert [chunk.sequence for chunk in ears.chunks] == list(range(len(ears.chunks)))
        assert [chunk.last for chunk in ears.chunks] == [False] * (len(ears.chunks) - 1) + [True]
        positions = [len(chunk.pcm) // 2 for chunk in ears.chunks]
        assert [chunk.position for chunk in ears.chunks] == [
            sum(positions[:n]) for n in range(len(positions))
        ]
        assert {chunk.rate_hz for chunk in ears.chunks} == {spoken.rate_hz}
        assert all(len(chunk.pcm) / 2 / spoken.rate_hz <= 0.1 for chunk in ears.chunks)
        assert spoken.turn_id == "t1"
        assert spoken.duration_ms == pytest.approx(len(ears.pcm) * 500 / spoken.rate_hz)
        assert 1_000 < spoken.duration_ms < 8_000
        assert before < spoken.first_audio_at < time.time()
        assert np.abs(np.frombuffer(ears.pcm, np.int16)).max() > 3_000


async def test_the_first_clause_is_heard_before_the_last_is_made(
    tmp_path: Path, voices: ModelStore
) -> None:
    async with speaking(tmp_path, voices) as home, listening(home) as ears:
        asking = asyncio.create_task(speak(home, " ".join([SENTENCE] * 2)))
        await until(lambda: ears.chunks)
        assert not asking.done()
        await asking


async def test_what_was_said_before_is_said_again_at_once_and_the_same(
    tmp_path: Path, voices: ModelStore
) -> None:
    async with speaking(tmp_path, voices) as home:
        heard: list[bytes] = []
        took: list[float] = []
        for turn_id in ("t1", "t2"):
            async with listening(home, turn_id) as ears:
                started = time.monotonic()
                await speak(home, turn_id=turn_id)
                took.append(time.monotonic() - started)
                await ears.whole()
                heard.append(ears.pcm)
        assert heard[0] == heard[1]
        assert took[1] < took[0] / 2


async def test_no_more_is_kept_than_wanted(tmp_path: Path, voices: ModelStore) -> None:
    async with speaking(tmp_path, voices, memory_mb=0, cache_mb=0) as home:
        for turn_id in ("t1", "t2"):
            assert not (await speak(home, "Yes.", turn_id=turn_id)).cached
    assert not list((tmp_path / "state" / "tts" / "phrases").glob("*/*/*"))


async def test_several_turns_are_spoken_at_once(tmp_path: Path, voices: ModelStore) -> None:
    async with (
        speaking(tmp_path, voices) as home,
        listening(home, "t1") as first,
        listening(home, "t2") as second,
    ):
        await asyncio.gather(
            speak(home, "Yes, of course.", turn_id="t1"),
            speak(home, "The garage door is open.", turn_id="t2"),
        )
        await first.whole()
        await second.whole()
        for ears in (first, second):
            assert [chunk.sequence for chunk in ears.chunks] == list(range(len(ears.chunks)))
        assert len(first.pcm) < len(second.pcm)


async def test_it_works_under_the_access_rules_of_the_real_house(
    tmp_path: Path, voices: ModelStore
) -> None:
    folder = furnished(tmp_path, voices)
    async with house(Tts, folder=folder, access_rules=True) as home, listening(home) as ears:
        await speak(home, "Yes.")
        await ears.whole()


# ---- errors, at the asker -----------------------------------------------------------------------


async def test_a_language_that_no_voice_speaks_is_refused(
    tmp_path: Path, voices: ModelStore
) -> None:
    async with speaking(tmp_path, voices) as home, listening(home) as ears:
        with pytest.raises(UnsupportedLanguageError) as raised:
            await speak(home, "Hei maailma", language="fi")
        assert raised.value.fields["language"] == "fi"
        assert ears.chunks == []


async def test_nothing_to_pronounce_is_an_error(tmp_path: Path, voices: ModelStore) -> None:
    async with speaking(tmp_path, voices) as home:
        for text in ("", "   ", "…"):
            with pytest.raises(EngineError):
                await speak(home, text)


async def test_a_room_without_any_voice_does_not_start(tmp_path: Path) -> None:
    with pytest.raises((DependencyMissingError, BaseExceptionGroup)) as raised:
        async with house(Tts, folder=tmp_path, settings={"tts": {"engines": "piper"}}):
            pass
    error = raised.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, DependencyMissingError)
    assert "alicia models pull" in error.message
    assert error.fields["voices"] == "piper-en-joe"


async def test_a_voice_that_is_missing_degrades_the_room_and_another_speaks(
    tmp_path: Path, voices: ModelStore
) -> None:
    async with speaking(tmp_path, voices, voices="piper-xx-nobody, piper-en-joe") as home:
        presence = await home.until(PRESENCE, lambda p: p.service == "tts")
        assert presence.phase is Phase.DEGRADED
        assert "piper-xx-nobody" in (presence.reason or "")
        assert (await speak(home, "Yes.")).duration_ms > 100


def piper_of(home: RunningHouse) -> PiperSynthesizer:
    tts = home._running[0].runner.service
    assert isinstance(tts, Tts)
    piper = tts._voices.engine("piper", "en")
    assert isinstance(piper, PiperSynthesizer)
    return piper


async def test_a_voice_that_dies_is_an_error_once_and_speaks_again(
    tmp_path: Path, voices: ModelStore
) -> None:
    async with speaking(tmp_path, voices) as home, listening(home) as ears:
        piper = piper_of(home)
        assert piper.pid is not None
        asking = asyncio.create_task(speak(home, " ".join([SENTENCE] * 3)))
        await until(lambda: ears.chunks)
        os.kill(piper.pid, signal.SIGKILL)
        with pytest.raises(EngineError):
            await asking
        assert (await speak(home, "Yes.", turn_id="t2")).duration_ms > 100


async def test_an_asker_is_told_when_the_room_is_lost_in_the_middle(
    tmp_path: Path, voices: ModelStore
) -> None:
    async with speaking(tmp_path, voices, drain_timeout_s=0.01) as home, listening(home) as ears:
        asking = asyncio.create_task(speak(home, " ".join([SENTENCE] * 4)))
        await until(lambda: ears.chunks)
        await home.stop(Tts)
        with pytest.raises(AliciaError) as raised:
            await asking
        assert isinstance(raised.value, ResponderLostError)
        assert not any(chunk.last for chunk in ears.chunks)


async def test_nothing_that_is_spoken_stands_in_the_log(
    tmp_path: Path, voices: ModelStore, logged: StringIO
) -> None:
    async with speaking(tmp_path, voices) as home:
        await speak(home, "The canary is in its cage.")
        with pytest.raises(UnsupportedLanguageError):
            await speak(home, "The canary", language="fi")
        with pytest.raises(EngineError):
            await speak(home, "")
    assert "refused" in logged.getvalue()
    assert "canary" not in logged.getvalue()
