"""The command lane beside a free one, both scripted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np
import pytest

from alicia.audio.endpointing import EndpointSettings
from alicia.audio.formats import Pcm
from alicia.errors import DependencyMissingError, EngineError
from alicia.speech.command_lane import CommandLane, Sayable
from alicia.speech.doubt import Finish, Verdict
from alicia.speech.lane import Allowed, bears_out
from alicia.speech.listening import Ended, Heard, Pace, SpeechStarted, listen
from alicia.speech.recognizer import Guess, RecognizerCapabilities, Word

from .test_listening import (
    FRAME,
    IN_PAUSES,
    SILENT,
    SPOKEN,
    CountingRecognizer,
    LoudnessVad,
    audio,
    chunks,
)

LIGHT_ON = "light on"


@dataclass
class Scripted:
    """Hears the same sentence in any speech, and notes how much of it was fed."""

    text: str = LIGHT_ON
    confidence: float = 0.99
    fails: bool = False
    fed: list[int] = field(default_factory=list[int])
    freed: int = 0
    name = "sphinx"
    capabilities = RecognizerCapabilities(languages=frozenset({"en"}), streaming=True, closed=True)

    def open(self, language: str | None) -> ScriptedStream:
        self.fed.append(0)
        return ScriptedStream(self, language or "en")


@dataclass
class ScriptedStream:
    lane: Scripted
    language: str

    async def feed(self, pcm: Pcm) -> None:
        self.lane.fed[-1] += int(np.count_nonzero(pcm)) // FRAME

    async def finish(self) -> Guess:
        if self.lane.fails:
            raise EngineError(engine="scripted")
        return Guess(self.lane.text, self.language, self.lane.confidence, final=True)

    async def aclose(self) -> None:
        self.lane.freed += 1


class Free(CountingRecognizer):
    """Hears a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    async def transcribe(self, pcm: Pcm, language: str | None, **how: object) -> Guess:
        counted = await super().transcribe(pcm, language, urgent=bool(how.get("urgent")))
        return Guess(self.text or counted.text, "en", 0.9)


async def judge(guess: Guess) -> Verdict:
    return Verdict(Finish.COMPLETE if guess.text == LIGHT_ON else Finish.UNKNOWN)


async def heard(
    data: bytes,
    lane: Scripted,
    free: CountingRecognizer,
    *,
    pace: Pace = IN_PAUSES,
    failed: list[EngineError] | None = None,
) -> list[Heard]:
    failures = [] if failed is None else failed
    return [
        what
        async for what in listen(
            chunks(data),
            free,
            language="en",
            settings=EndpointSettings(),
            pace=pace,
            judge=judge,
            vad=LoudnessVad(),
            lane=lane,
            lane_failed=failures.append,
        )
    ]


def said(found: list[Heard]) -> tuple[str, str, int]:
    """What was said, who heard it, and when the end was decided."""
    assert isinstance(found[-1], Guess)
    assert isinstance(found[-2], Ended)
    return found[-1].text, found[-1].engine, found[-2].endpoint_ms


async def test_a_command_that_the_lane_hears_is_taken_at_once() -> None:
    lane, free = Scripted(), CountingRecognizer()
    text, engine, ended_ms = said(await heard(audio((SPOKEN, 1), (SILENT, 2)), lane, free))
    assert (text, engine) == (LIGHT_ON, "sphinx")
    assert 1120 <= ended_ms <= 1160
    assert free.asked == []  # Nobody waited for it.
    assert (lane.fed, lane.freed) == ([100], 1)


@pytest.mark.parametrize(
    "lane",
    [Scripted(text="lights off"), Scripted(text=""), Scripted(confidence=0.7)],
    ids=["no whole command", "nothing", "unsure"],
)
async def test_otherwise_the_free_lane_decides(lane: Scripted) -> None:
    free = CountingRecognizer()
    text, engine, ended_ms = said(await heard(audio((SPOKEN, 1), (SILENT, 2)), lane, free))
    assert (text, engine) == ("100", "")
    assert 1500 <= ended_ms <= 1540
    assert free.urgent == ["100"]


@pytest.mark.parametrize(
    ("partial", "engine"), [("Light", "sphinx"), ("Li", "sphinx"), ("Play", ""), ("Door on", "")]
)
async def test_what_the_free_lane_has_heard_so_far_must_be_the_same(
    partial: str, engine: str
) -> None:
    pace = Pace(partial_every_s=0.3, partial_after_s=0.5)
    found = await heard(audio((SPOKEN, 1), (SILENT, 2)), Scripted(), Free(partial), pace=pace)
    assert said(found)[1] == engine


async def test_a_partial_that_comes_later_may_still_object() -> None:
    free = Free("Play some music")
    free.leave.clear()
    pace = Pace(partial_every_s=10, partial_after_s=0.5)

    async def data() -> AsyncGenerator[bytes, None]:
        async for chunk in chunks(audio((SPOKEN, 1), (SILENT, 0.08))):
            yield chunk
        free.leave.set()
        async for chunk in chunks(audio((SILENT, 2))):
            yield chunk

    found = [
        what
        async for what in listen(
            data(), free, pace=pace, judge=judge, vad=LoudnessVad(), lane=Scripted()
        )
    ]
    assert next(what.engine for what in found if isinstance(what, Guess)) == "sphinx"
    assert said(found)[:2] == ("Play some music", "")


async def test_where_speech_goes_on_the_lane_hears_all_of_it_anew() -> None:
    lane, free = Scripted(), CountingRecognizer()
    data = audio((SPOKEN, 0.5), (SILENT, 0.08), (SPOKEN, 0.5), (SILENT, 2))
    text, engine, _ = said(await heard(data, lane, free))
    assert (text, engine) == (LIGHT_ON, "sphinx")
    assert (lane.fed, lane.freed) == ([50, 100], 2)


async def test_audio_that_stops_at_once_is_asked_of_the_lane_too() -> None:
    lane, free = Scripted(), CountingRecognizer()
    assert said(await heard(audio((SPOKEN, 1)), lane, free))[1] == "sphinx"
    assert free.asked == []


async def test_a_lane_that_fails_is_told_and_the_free_lane_goes_on() -> None:
    lane, failed = Scripted(fails=True), list[EngineError]()
    found = await heard(audio((SPOKEN, 1), (SILENT, 2)), lane, CountingRecognizer(), failed=failed)
    assert said(found)[:2] == ("100", "")
    assert len(failed) == 1
    assert lane.freed == 1


async def test_a_lane_that_hangs_is_left() -> None:
    class Hanging(ScriptedStream):
        async def finish(self) -> Guess:
            return await asyncio.Future[Guess]()

    class Slow(Scripted):
        def open(self, language: str | None) -> ScriptedStream:
            super().open(language)
            return Hanging(self, "en")

    lane = Slow()
    found = await heard(audio((SPOKEN, 1), (SILENT, 2)), lane, CountingRecognizer())
    assert said(found)[:2] == ("100", "")
    assert lane.freed == 1


async def test_leaving_early_frees_the_lane() -> None:
    lane = Scripted()
    hearing = listen(
        chunks(audio((SPOKEN, 1), (SILENT, 1))),
        CountingRecognizer(),
        judge=judge,
        vad=LoudnessVad(),
        lane=lane,
    )
    async with aclosing(hearing) as listening:
        async for what in listening:
            if isinstance(what, SpeechStarted):
                await asyncio.sleep(0)
                break
    assert lane.freed == len(lane.fed)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("free", "heard_ms", "same"),
    [
        ("Turn on the", 900, True),
        ("Turn on the kit", 900, True),
        ("Set the lamp to 30%", 900, False),
        ("Turn on the bed", 900, False),
        ("Turn on the kitchen light now", 2000, False),
        ("Turn on the kitchen light.", 2000, True),
        ("Turn on the kitchen.", 2000, False),
    ],
)
def test_the_beginning_of_a_sentence_bears_it_out(free: str, heard_ms: int, *, same: bool) -> None:
    words = ["turn", "on", "the", "kitchen", "light"]
    timed = tuple(Word(word, 300 * n, 300 * n + 300, 1.0) for n, word in enumerate(words))
    guess = Guess(" ".join(words), "en", 0.9, words=timed)
    assert bears_out(Guess(free, "en", 0.9), heard_ms, guess) == same


@pytest.mark.parametrize(
    ("free", "lane", "same"),
    [
        ("Set it to 30%.", "set it to thirty percent", True),
        ("Set it to 13%.", "set it to thirty percent", False),
        ("Set it to 22°", "set it to twenty two degrees", True),
        ("Set it to 21 degrees", "set it to twenty two degrees", False),
        ("Set it to 2", "set it to twenty two degrees", True),
    ],
)
def test_numbers_must_be_the_same(free: str, lane: str, *, same: bool) -> None:
    assert bears_out(Guess(free, "en", 0.9), 0, Guess(lane, "en", 0.9)) == same


async def test_a_sentence_that_is_only_known_to_be_told_apart_is_never_given() -> None:
    given = Allowed(Scripted(), [LIGHT_ON]).open("en")
    kept = Allowed(Scripted(text="unlock the door"), [LIGHT_ON]).open("en")
    assert (await given.finish()).text == LIGHT_ON
    assert (await kept.finish()).text == ""


async def test_without_its_engine_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> Sayable:
        return Sayable([LIGHT_ON], [], 1)

    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(DependencyMissingError, match=r"alicia\[grammar\]"):
        CommandLane(ask)


async def test_there_is_no_lane_until_somebody_tells_what_can_be_said() -> None:
    pytest.importorskip("pocketsphinx", reason="needs alicia[grammar]")
    answers: asyncio.Queue[Sayable] = asyncio.Queue()
    told: asyncio.Queue[int] = asyncio.Queue()
    lane = CommandLane(answers.get)
    following = asyncio.create_task(lane.follow(lambda count, _: told.put_nowait(count)))
    assert lane.streams is None
    answers.put_nowait(Sayable(["turn on the light"], ["open the door"], 1))
    assert await told.get() == 2
    assert lane.streams is not None
    lane.note(1)  # Nothing has changed.
    lane.note(2)
    answers.put_nowait(Sayable(["turn on the lamp"], [], 2))
    assert await told.get() == 1
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await lane.aclose()
