"""The phrase cache over the bus: hits, misses, preparing, warming, sharing, and a killed instance.

Spoken by Pico, which is quick and needs no model.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alicia.contracts.devices import ENTITY
from alicia.contracts.voice import (
    PREPARE,
    SPEAK,
    SPEECH,
    TURN,
    Prepare,
    Prepared,
    Speak,
    SpeechChunk,
    Spoken,
    Turn,
    TurnPhase,
)
from alicia.errors import MarkupError
from alicia.home.demo import load
from alicia.services.voice.tts import Tts
from alicia.speech.child import ChildSynthesizer
from alicia.speech.phrase_cache import PhraseCache
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import settled, until

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("py_nanotts") is None, reason="needs alicia[pico]: py_nanotts"
    ),
    pytest.mark.timeout(400),  # Rendering has the lowest priority: a busy machine lets it wait.
]
PHRASE = "Turned on the kitchen light."
GIVEN = {"voices": "", "engines": "pico", "warm_after_s": 3600}


@asynccontextmanager
async def speaking(folder: Path, **settings: Any) -> AsyncGenerator[RunningHouse, None]:
    async with house(Tts, folder=folder, settings={"tts": {**GIVEN, **settings}}) as home:
        yield home


async def speak(home: RunningHouse, text: str = PHRASE, **more: Any) -> Spoken:
    given: dict[str, Any] = {"turn_id": "t1", "language": "en", **more}
    return await home.bus.ask(SPEAK, Speak(text=text, **given))


async def prepare(home: RunningHouse, text: str = PHRASE, turn_id: str = "t1") -> Prepared:
    return await home.bus.ask(PREPARE, Prepare(turn_id=turn_id, text=text, language="en"))


def kept(folder: Path) -> list[Path]:
    return list((folder / "state" / "tts" / "phrases").glob("*/*/*.phrase"))


def the_room(home: RunningHouse, number: int = 0) -> Tts:
    room = home._running[number].runner.service
    assert isinstance(room, Tts)
    return room


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "it"])
async def test_a_miss_is_spoken_and_the_next_is_a_hit(tmp_path: Path, language: str) -> None:
    async with speaking(tmp_path) as home:
        assert not (await speak(home, "OK 21.", language=language)).cached
        assert (await speak(home, "OK 21.", language=language)).cached


async def test_what_was_said_outlives_the_room(tmp_path: Path) -> None:
    async with speaking(tmp_path) as home:
        await speak(home)
    async with speaking(tmp_path) as home:
        assert (await speak(home)).cached


async def test_two_instances_share_what_either_has_said(tmp_path: Path) -> None:
    async with speaking(tmp_path) as home:
        await home.start(Tts)
        rooms = [the_room(home, number) for number in (0, 1)]
        await rooms[0].speak(Speak(turn_id="t1", text=PHRASE, language="en"))
        await until(lambda: kept(tmp_path))
        assert (await rooms[1].speak(Speak(turn_id="t2", text=PHRASE, language="en"))).cached


async def test_the_same_words_in_another_style_are_another_sound(tmp_path: Path) -> None:
    async with speaking(tmp_path) as home:
        plain = await speak(home)
        slow = await speak(home, rate=0.6)
        assert not slow.cached
        assert slow.duration_ms > plain.duration_ms * 1.3
        assert not (await speak(home, pitch=1.3)).cached
        assert (await speak(home, rate=0.6)).cached


async def test_what_is_prepared_is_not_heard_and_then_said_at_once(tmp_path: Path) -> None:
    async with speaking(tmp_path) as home:
        heard: list[SpeechChunk] = []
        async with home.bus.hear(SPEECH, turn_id="t1") as speech:

            async def take() -> None:
                async for delivery in speech:
                    heard.append(delivery.message)  # noqa: PERF401 - it grows as it goes

            taking = asyncio.create_task(take())
            assert await prepare(home) == Prepared(turn_id="t1", ready=True, cached=False)
            assert await prepare(home) == Prepared(turn_id="t1", ready=True, cached=True)
            assert not heard
            assert (await speak(home)).cached
            await until(lambda: heard and heard[-1].last)
            taking.cancel()


async def test_the_latest_to_be_prepared_of_a_turn_takes_the_place_of_others(
    tmp_path: Path,
) -> None:
    long = " ".join(f"This is sentence number {number} of a long answer." for number in range(60))
    async with speaking(tmp_path) as home:
        guess = asyncio.create_task(prepare(home, long))
        other = asyncio.create_task(prepare(home, long, turn_id="t2"))
        await until(lambda: len(the_room(home)._preparing) == 2)
        assert (await prepare(home, "Yes.")).ready
        assert not (await guess).ready
        assert (await other).ready  # Another turn's.
        assert (await speak(home, "Yes.")).cached


async def test_a_cancelled_answer_stops_within_a_chunk_and_the_next_is_whole(
    tmp_path: Path,
) -> None:
    long = " ".join(f"This is sentence number {number} of a long answer." for number in range(40))
    async with speaking(tmp_path) as home:
        room = the_room(home)
        heard: list[SpeechChunk] = []
        async with home.bus.hear(SPEECH, limit=4096, turn_id="t1") as speech:

            async def take() -> None:
                async for delivery in speech:
                    heard.append(delivery.message)  # noqa: PERF401 - it grows as it goes

            taking = asyncio.create_task(take())
            saying = asyncio.ensure_future(
                room.speak(Speak(turn_id="t1", text=long, language="en"))
            )
            await until(lambda: heard)
            saying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saying
            await settled()  # What was said before the end was on its way already.
            count = len(heard)
            await asyncio.sleep(0.3)
            assert len(heard) == count
            assert not heard[-1].last
            taking.cancel()
        whole = await speak(home, "Yes, of course.", turn_id="t2")
        assert whole.duration_ms > 300


async def test_the_oldest_go_when_the_limit_is_reached(tmp_path: Path) -> None:
    async with speaking(tmp_path, cache_mb=1, memory_mb=0) as home:
        for number in range(40):
            await speak(home, f"This is the answer number {number}, and a long one at that.")
        await until(lambda: sum(path.stat().st_size for path in kept(tmp_path)) <= 1_000_000)
        assert not (
            await speak(home, "This is the answer number 0, and a long one at that.")
        ).cached


async def test_what_was_damaged_on_the_disk_is_spoken_anew(tmp_path: Path) -> None:
    async with speaking(tmp_path, memory_mb=0) as home:
        first = await speak(home)
        await until(lambda: kept(tmp_path))
        [path] = kept(tmp_path)
        path.write_bytes(path.read_bytes()[:-100])
        again = await speak(home, turn_id="t2")
        assert not again.cached
        assert again.duration_ms == pytest.approx(first.duration_ms, rel=0.01)


async def test_markup_is_obeyed_where_it_is_said_to_be_markup(tmp_path: Path) -> None:
    async with speaking(tmp_path) as home:
        markup = '<speak>Yes.<break time="2s"/>No.</speak>'
        spoken = await speak(home, markup, ssml=True)
        assert spoken.duration_ms > 2_400
        with pytest.raises(MarkupError):
            await speak(home, "<!DOCTYPE x><speak>Yes.</speak>", ssml=True)
        with pytest.raises(MarkupError):
            await speak(home, "no markup at all", ssml=True)


async def test_a_voice_starts_while_somebody_speaks_its_language(tmp_path: Path) -> None:
    async with speaking(tmp_path, engines="pico, openjtalk") as home:
        room = the_room(home)
        [voice] = room._voices.live("ja")[:1]
        assert isinstance(voice, ChildSynthesizer)
        assert voice.pid is None
        for language in ("auto", "xx", "ja-JP"):
            turn = Turn(satellite="s1", phase=TurnPhase.LISTENING, turn_id="t9", language=language)
            await home.bus.say(TURN, turn)
        await until(lambda: voice.pid is not None)
        await until(lambda: list(room._languages) == ["en", "ja"])


# ---- warming ------------------------------------------------------------------------------------


async def furnish(home: RunningHouse, count: int = 2) -> None:
    """A small home: its first lights."""
    lights = [entity for entity in load().entities if entity.domain == "light"]
    for entity in lights[:count]:
        await home.bus.say(ENTITY, entity)


async def test_what_this_home_will_hear_is_ready_before_anybody_asks(tmp_path: Path) -> None:
    async with speaking(tmp_path, warm_after_s=0.2) as home:
        await furnish(home)
        room = the_room(home)
        await until(lambda: room._learnt.get("en") == room._home.revision, within_s=150)
        assert (await speak(home)).cached
        assert (await speak(home, "Sorry, I didn't understand that.")).cached
        assert not (await speak(home, "Turned on the washing machine.")).cached


async def test_nothing_is_rendered_while_a_turn_is_on(tmp_path: Path) -> None:
    async with speaking(tmp_path, warm_after_s=0) as home:
        await furnish(home)
        await until(lambda: the_room(home)._warmer._at_work, within_s=150)
        turn = Turn(satellite="s1", phase=TurnPhase.LISTENING, turn_id="t9")
        await home.bus.say(TURN, turn)
        await until(lambda: not the_room(home)._warmer._quiet.is_set())
        before = -1
        while before != (before := len(kept(tmp_path))):  # noqa: ASYNC110 - threads write
            await asyncio.sleep(0.5)  # What was being written is.
        await asyncio.sleep(1.0)
        assert len(kept(tmp_path)) == before
        await home.bus.say(TURN, Turn(satellite="s1", phase=TurnPhase.IDLE))
        await until(lambda: len(kept(tmp_path)) > before + 5, within_s=150)


async def test_killed_in_the_middle_of_warming_nothing_is_broken_and_another_goes_on(
    tmp_path: Path,
) -> None:
    async with speaking(tmp_path, warm_after_s=0) as home:
        await furnish(home)
        await until(lambda: len(kept(tmp_path)) > 10, within_s=150)
        await home.kill(Tts)
        before = len(kept(tmp_path))
        cache = PhraseCache(tmp_path / "state" / "tts" / "phrases", limit_bytes=10**9)
        shelves = cache.shelves()
        assert sum(shelf.phrases for shelf in shelves) == before
        await home.start(Tts)
        await furnish(home)
        room = the_room(home)
        await until(lambda: room._learnt.get("en") == room._home.revision, within_s=150)
        assert len(kept(tmp_path)) > before
        assert (await speak(home)).cached
        assert room._cache.broken == 0


async def test_only_one_of_two_instances_warms(tmp_path: Path) -> None:
    async with speaking(tmp_path, warm_after_s=0) as home:
        await home.start(Tts)
        await furnish(home)
        rooms = [the_room(home, number) for number in (0, 1)]
        await until(lambda: any(room._warmer._at_work for room in rooms), within_s=150)
        assert sum(room._warmer._at_work is not None for room in rooms) == 1
