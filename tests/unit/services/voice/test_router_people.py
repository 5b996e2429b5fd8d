"""Who speaks, and where they are: what the router makes of SPEAKER_RECOGNIZED."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized
from alicia.contracts.satellites import (
    PLAYED,
    SATELLITE_HERE,
    SOUND,
    Played,
    SatelliteHere,
    Sound,
)
from alicia.contracts.voice import AnnouncementWish, TurnRecord
from alicia.errors import AudioLostError
from alicia.testing.waiting import Stopwatch, settled, until

from .test_router import Scene, scene, written


async def test_who_speaks_is_told_to_who_understands_and_stands_in_the_record(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        s.ear.whose["u-t1"] = "emma"
        record = await s.spoken()
        nobody = await s.spoken("t2")
    assert record.speaker == "emma"
    assert [ask.speaker for ask in s.mind.asked] == ["emma", None]
    assert nobody.speaker is None
    assert written(tmp_path, "emma") == [], "who said what is kept only where it is wanted"


async def test_a_house_that_recognizes_no_voices_never_waits_for_one(tmp_path: Path) -> None:
    async with scene(tmp_path, speaker_s=60.0) as s:
        record = await s.spoken()
    assert record.error is None
    assert record.speaker is None


async def test_a_voice_recognized_a_little_late_is_waited_for_and_once_only_if_it_never_comes(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, speaker_s=1.0) as s:
        s.ear.whose["u-t1"] = "emma"
        await s.spoken()
        # The voice of t2 comes when the words are known already.
        await s.open("t2")
        await until(lambda: len(s.ear.asked) == 2)
        await settled()
        late = SpeakerRecognized(utterance_id="u-t2", speaker_id="emma", score=0.8, after_s=1)
        await s.home.bus.say(SPEAKER_RECOGNIZED, late)
        assert (await s.seen.end("t2")).speaker == "emma"
        assert s.mind.asked[-1].speaker == "emma"
        await s.spoken("t3")
        began = Stopwatch()
        await s.spoken("t4")
        assert began.seconds < 0.9, "nobody recognizes voices any more"


async def test_who_is_known_only_after_the_sentence_was_understood_stands_in_the_record(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, log_turns=True) as s:
        s.mind.leave.clear()
        await s.open()
        await until(lambda: s.mind.asked)
        late = SpeakerRecognized(utterance_id="u-t1", speaker_id="emma", score=0.8, after_s=1)
        await s.home.bus.say(SPEAKER_RECOGNIZED, late)
        await settled()
        s.mind.leave.set()
        record = await s.seen.end()
    assert s.mind.asked[0].speaker is None
    assert record.speaker == "emma"
    assert written(tmp_path, "emma")


# ---- where they are ----


@asynccontextmanager
async def speakers(s: Scene, broken: str | None = None) -> AsyncGenerator[list[Sound], None]:
    """Satellites s1 and s2 that say what they are told to; what that was."""
    for name in ("s1", "s2"):
        await s.home.bus.ask(SATELLITE_HERE, SatelliteHere(satellite=name, instance=f"{name}-1"))
    told: list[Sound] = []

    async def play() -> None:
        async with s.home.bus.hear(SOUND) as hearing:
            ready.set()
            async for delivery in hearing:
                sound = delivery.message
                told.append(sound)
                error = AudioLostError.code if sound.satellite == broken else None
                await s.home.bus.say(
                    PLAYED,
                    Played(
                        turn_id=sound.turn_id,
                        satellite=sound.satellite,
                        ms=100,
                        complete=error is None,
                        error=error,
                    ),
                )

    ready = asyncio.Event()
    playing = asyncio.create_task(play())
    await ready.wait()
    try:
        yield told
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def late_reply(s: Scene, *, first: str, second: str) -> TurnRecord:
    """Somebody asks at s1 for what takes long; meanwhile somebody speaks at s2."""
    s.ear.whose.update({"u-t1": first, "u-t2": second})
    s.mind.leave.clear()
    await s.open("t1", satellite="s1")
    await until(lambda: len(s.mind.asked) == 1)
    await s.open("t2", satellite="s2")
    await until(lambda: len(s.mind.asked) == 2)
    s.mind.leave.set()
    await until(lambda: len(s.seen.ended) == 2)
    return next(record for record in s.seen.ended if record.turn_id == "t1")


async def test_a_late_reply_is_heard_where_the_person_has_spoken_since(tmp_path: Path) -> None:
    async with scene(tmp_path) as s, speakers(s) as told:
        record = await late_reply(s, first="emma", second="emma")
        await until(lambda: told)
    assert record.spoken_at == "s2"
    assert not record.spoken
    assert record.error is None
    assert [(sound.satellite, sound.text) for sound in told] == [("s2", record.reply)]
    assert [ask.turn_id for ask in s.mouth.asked] == ["t2"], "nothing sounds where nobody is"


@pytest.mark.parametrize(
    ("first", "second", "follow_me"),
    [("emma", "bob", True), ("emma", "emma", False)],
    ids=["somebody else spoke there", "it is not wanted"],
)
async def test_otherwise_a_reply_is_heard_where_it_was_asked_for(
    tmp_path: Path, first: str, second: str, *, follow_me: bool
) -> None:
    async with scene(tmp_path, follow_me=follow_me) as s, speakers(s) as told:
        record = await late_reply(s, first=first, second=second)
    assert record.spoken
    assert record.spoken_at is None
    assert told == []


async def test_a_reply_that_can_not_be_heard_there_is_heard_where_it_was_asked_for(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s, speakers(s, broken="s2") as told:
        await late_reply(s, first="emma", second="emma")
        await until(lambda: len(told) == 2)
    assert [sound.satellite for sound in told] == ["s2", "s1"]


# ---- what somebody wants the others to be told ----


async def test_the_others_hear_an_announcement_and_who_asked_hears_where_they_did_not(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s, speakers(s, broken="s2") as told:
        s.mind.wishes["t1"] = AnnouncementWish(text="Dinner is ready.")
        record = await s.typed("tell everyone that dinner is ready")
        await until(lambda: len(told) == 2)
    assert record.error is None
    assert [(sound.satellite, sound.text) for sound in told] == [
        ("s2", "Dinner is ready."),
        ("s1", "The announcement wasn't heard here: s2."),
    ]


async def test_where_nobody_else_can_hear_it_nothing_is_promised(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        here = SatelliteHere(satellite="s1", instance="s1-1", area_id="kitchen")
        await s.home.bus.ask(SATELLITE_HERE, here)
        s.mind.wishes["t1"] = AnnouncementWish(text="Dinner is ready.")
        assert (await s.typed("announce dinner")).error == "voice.no_satellite"
        s.mind.wishes["t2"] = AnnouncementWish(text="Dinner is ready.", areas=["office"])
        assert (await s.typed("announce it", turn_id="t2")).error == "voice.no_satellite"
