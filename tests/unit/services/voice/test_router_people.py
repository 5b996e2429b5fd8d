"""Who speaks, and where they are: what the router makes of SPEAKER_RECOGNIZED."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized

from .others import until
from .test_router import scene, written


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
    async with scene(tmp_path, speaker_s=0.3) as s:
        s.ear.whose["u-t1"] = "emma"
        await s.spoken()
        # The voice of t2 comes when the words are known already.
        await s.open("t2")
        await until(lambda: len(s.ear.asked) == 2)
        await asyncio.sleep(0.1)
        late = SpeakerRecognized(utterance_id="u-t2", speaker_id="emma", score=0.8, after_s=1)
        await s.home.bus.say(SPEAKER_RECOGNIZED, late)
        assert (await s.seen.end("t2")).speaker == "emma"
        assert s.mind.asked[-1].speaker == "emma"
        await s.spoken("t3")
        clock = asyncio.get_running_loop().time
        began = clock()
        await s.spoken("t4")
        assert clock() - began < 0.3, "nobody recognizes voices any more"


async def test_who_is_known_only_after_the_sentence_was_understood_stands_in_the_record(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, log_turns=True) as s:
        s.mind.leave.clear()
        await s.open()
        await until(lambda: s.mind.asked)
        late = SpeakerRecognized(utterance_id="u-t1", speaker_id="emma", score=0.8, after_s=1)
        await s.home.bus.say(SPEAKER_RECOGNIZED, late)
        await asyncio.sleep(0.05)
        s.mind.leave.set()
        record = await s.seen.end()
    assert s.mind.asked[0].speaker is None
    assert record.speaker == "emma"
    assert written(tmp_path, "emma")
