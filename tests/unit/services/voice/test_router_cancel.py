"""Turns that end early: stopped, spoken over, superseded, revoked, vanished; and who answers."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alicia.contracts.satellites import PLAYED, Played
from alicia.contracts.system import PRESENCE, Phase, Presence
from alicia.contracts.voice import (
    CANCEL,
    OPEN_TURN,
    SAY_TEXT,
    STOP_TURN,
    TURN,
    Cancel,
    CancelReason,
    OpenTurn,
    SayText,
    StopTurn,
    TurnPhase,
    TurnRecord,
    Wake,
)
from alicia.errors import AmbiguousError, AnsweredElsewhereError, TurnCancelledError
from alicia.services.voice.router import Router
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, settled, until

from .others import Ear, Mind, Mouth, Onlooker, Other


@dataclass
class Scene:
    home: RunningHouse
    router: Router
    ear: Ear
    mind: Mind
    mouth: Mouth
    seen: Onlooker
    cancels: list[Cancel]

    async def open(self, turn_id: str = "t1", satellite: str = "s1", **more: Any) -> None:
        await self.home.bus.ask(OPEN_TURN, turn(turn_id, satellite, **more))

    async def ended(self, turn_id: str = "t1") -> TurnRecord:
        await until(lambda: any(r.turn_id == turn_id for r in self.seen.ended))
        return next(r for r in self.seen.ended if r.turn_id == turn_id)

    def phase(self, satellite: str = "s1") -> TurnPhase:
        return self.router._machines.of(satellite).phase


def turn(turn_id: str, satellite: str = "s1", **more: Any) -> OpenTurn:
    return OpenTurn(turn_id=turn_id, utterance_id=f"u-{turn_id}", satellite=satellite, **more)


@asynccontextmanager
async def scene(folder: Path, **settings: object) -> AsyncGenerator[Scene, None]:
    async with house(folder=folder, settings={"router": settings}) as home:
        ear, mind, mouth = [await home.start(kind) for kind in (Ear, Mind, Mouth)]
        assert isinstance(ear, Ear)
        assert isinstance(mind, Mind)
        assert isinstance(mouth, Mouth)
        cancels: list[Cancel] = []

        async def note() -> None:
            async with home.bus.hear(CANCEL) as hearing:
                async for delivery in hearing:
                    cancels.append(delivery.message)  # noqa: PERF401 - as they come

        noting = asyncio.create_task(note())
        try:
            async with Onlooker(home) as seen:
                router = await home.start(Router)
                yield Scene(home, router, ear, mind, mouth, seen, cancels)
        finally:
            noting.cancel()
            await asyncio.gather(noting, return_exceptions=True)


async def held(s: Scene, kind: str, turn_id: str = "t1", **more: Any) -> Other:
    """A turn that is at this stage and stays there."""
    other: Other = getattr(s, kind)
    other.leave.clear()
    await s.open(turn_id, **more)
    await until(lambda: other.asked)
    return other


# ---- cancel -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["ear", "mind", "mouth"])
async def test_a_turn_is_stopped_at_any_stage_and_its_work_with_it(
    tmp_path: Path, stage: str
) -> None:
    async with scene(tmp_path) as s:
        other = await held(s, stage)
        stopped = await s.home.bus.ask(STOP_TURN, StopTurn(satellite="s1"))
        record = await s.ended()
        assert stopped.turn_ids == ["t1"]
        assert (record.error, record.cancelled) == ("voice.cancelled", CancelReason.STOP)
        assert not record.spoken
        assert s.phase() is TurnPhase.IDLE
        assert other.bus.busy == 0, "the one who worked for it has stopped"
        assert [(c.turn_id, c.reason) for c in s.cancels] == [("t1", CancelReason.STOP)]
        assert s.router._machines.refused == 0
        other.leave.set()
        await s.open("t2")
        assert (await s.ended("t2")).error is None


async def test_work_that_comes_after_its_cancel_is_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        said = Cancel(turn_id="late", satellite="s1", reason=CancelReason.STOP)
        await s.home.bus.say(CANCEL, said)
        await until(lambda: s.cancels)
        await s.open("late")
        record = await s.ended("late")
        assert record.error == "voice.cancelled"
        assert s.ear.asked == []


async def test_who_does_not_answer_a_cancel_is_not_waited_for(tmp_path: Path) -> None:
    class Deaf(Ear):
        hears = ()

    async with house(folder=tmp_path, settings={"router": {"cancel_s": 0.05}}) as home:
        ear = await home.start(Deaf)
        ear.leave.clear()
        async with Onlooker(home) as seen:
            await home.start(Router)
            await home.bus.ask(OPEN_TURN, turn("t1"))
            await until(lambda: ear.asked)
            await home.bus.ask(STOP_TURN, StopTurn(turn_id="t1"))
            assert (await seen.end()).cancelled is CancelReason.STOP
        ear.leave.set()


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Stop."), ("de", "Sei still!"), ("ja", "止めて")]
)
async def test_stop_is_heard_without_asking_anybody_what_it_means(
    tmp_path: Path, language: str, text: str
) -> None:
    async with scene(tmp_path) as s:
        s.ear.texts = {"u-t2": text}
        mouth = await held(s, "mouth")
        await s.open("t2", language=language, follows="t1")
        first, second = await s.ended("t1"), await s.ended("t2")
        assert first.cancelled is CancelReason.BARGE_IN
        assert (second.intent, second.reply, second.error) == ("Stop", None, None)
        assert len(s.mind.asked) == 1, "not for stop"
        assert [ask.turn_id for ask in s.mouth.asked] == ["t1"], "it is answered with silence"
        mouth.leave.set()


async def test_stop_can_be_typed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        mouth = await held(s, "mouth")
        await s.home.bus.ask(SAY_TEXT, SayText(turn_id="t2", satellite="s1", text="stop"))
        assert (await s.ended()).cancelled is CancelReason.STOP
        mouth.leave.set()


@pytest.mark.parametrize(
    ("follows", "reason"),
    [("t1", CancelReason.BARGE_IN), (None, CancelReason.SUPERSEDED)],
)
async def test_a_new_turn_ends_the_one_before(
    tmp_path: Path, follows: str | None, reason: CancelReason
) -> None:
    async with scene(tmp_path) as s:
        mind = await held(s, "mind")
        await s.open("t2", follows=follows)
        assert (await s.ended("t1")).cancelled is reason
        mind.leave.set()
        assert (await s.ended("t2")).error is None
        assert [ask.follows for ask in s.mind.asked] == [None, follows]
        await until(lambda: s.phase() is TurnPhase.IDLE)


async def test_a_turn_that_was_cancelled_is_not_taken_up_by_the_next_router(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await held(s, "ear")
        await s.home.bus.ask(STOP_TURN, StopTurn(turn_id="t1"))
        await s.home.kill(Router)
        s.ear.leave.set()
        await s.home.start(Router)
        await s.open("t2")
        await s.ended("t2")
        assert [ask.turn_id for ask in s.ear.asked] == ["t1", "t2"]


# ---- the reply sounds ---------------------------------------------------------------------------


async def test_a_satellite_speaks_until_it_says_that_it_was_heard(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.open(plays=True)
        assert (await s.ended()).spoken
        assert s.phase() is TurnPhase.SPEAKING
        await s.home.bus.say(PLAYED, Played(turn_id="t1", satellite="s1", ms=20))
        await until(lambda: s.phase() is TurnPhase.IDLE)


async def test_a_reply_that_is_spoken_over_is_cancelled_though_its_turn_was_over(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.open(plays=True)
        await s.ended()
        await s.open("t2", follows="t1", plays=True)
        await until(lambda: s.cancels)
        assert (s.cancels[0].turn_id, s.cancels[0].reason) == ("t1", CancelReason.BARGE_IN)
        over = s.router._traces.record("t1")
        assert over is not None
        assert over.cancelled is CancelReason.BARGE_IN
        await s.ended("t2")


async def test_after_a_question_the_satellite_waits_for_an_answer(tmp_path: Path) -> None:
    async with scene(tmp_path, follow_up_s=0.2) as s:
        s.mind.errors = [AmbiguousError(choices=["Spot", "Lamp"])]
        await s.open(plays=True, language="de")
        record = await s.ended()
        assert record.expects_reply
        await s.home.bus.say(PLAYED, Played(turn_id="t1", satellite="s1", ms=20))
        await until(lambda: s.phase() is TurnPhase.FOLLOW_UP)
        await s.open("t2", follows="t1", language="de")
        assert (await s.ended("t2")).language == "de"
        assert s.cancels == [], "an answer interrupts nothing"
        assert s.router._machines.refused == 0


async def test_a_question_that_nobody_answers_is_over(tmp_path: Path) -> None:
    async with scene(tmp_path, follow_up_s=0.05) as s:
        s.mind.errors = [AmbiguousError(choices=["Spot", "Lamp"])]
        await s.open(plays=True)
        await s.ended()
        await s.home.bus.say(PLAYED, Played(turn_id="t1", satellite="s1", ms=20))
        await s.home.until(TURN, lambda t: t.phase is TurnPhase.IDLE, satellite="s1")


# ---- a satellite that is gone -------------------------------------------------------------------


def presence(phase: Phase, instance: str = "satellite-1") -> Presence:
    return Presence(
        service="satellite",
        instance=instance,
        phase=phase,
        version="0",
        pid=1,
        host="h",
        serves=[],
        started_at=0,
    )


async def test_a_satellite_that_vanishes_ends_its_turn(tmp_path: Path) -> None:
    async with scene(tmp_path, vanished_s=0.05) as s:
        await s.home.bus.say(PRESENCE, presence(Phase.READY))
        ear = await held(s, "ear", instance="satellite-1")
        await s.home.bus.say(PRESENCE, presence(Phase.LOST))
        record = await s.ended()
        assert (record.error, record.cancelled) == ("voice.cancelled", CancelReason.VANISHED)
        await until(lambda: s.phase() is TurnPhase.IDLE)
        ear.leave.set()


async def test_a_satellite_that_is_back_in_a_moment_keeps_its_turn(tmp_path: Path) -> None:
    async with scene(tmp_path, vanished_s=0.6) as s:
        ear = await held(s, "ear", instance="satellite-1")
        await s.home.bus.say(PRESENCE, presence(Phase.LOST))
        await settled()
        await s.home.bus.say(PRESENCE, presence(Phase.READY))
        await asyncio.sleep(0.7)
        ear.leave.set()
        assert (await s.ended()).error is None


# ---- several satellites heard the same word -----------------------------------------------------


def wake(level_db: float, age_ms: float = 0) -> Wake:
    return Wake(word="alicia", score=0.9, level_db=level_db, age_ms=age_ms)


async def test_a_better_satellite_takes_the_turn_and_the_first_is_silent(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        ear = await held(s, "ear", "far", satellite="far", wake=wake(-50))
        await s.open("near", satellite="near", wake=wake(-30))
        with pytest.raises(AnsweredElsewhereError):
            await s.open("third", satellite="third", wake=wake(-40))
        ear.leave.set()
        assert (await s.ended("far")).cancelled is CancelReason.REVOKED
        assert (await s.ended("near")).spoken
        assert [ask.turn_id for ask in s.mouth.asked] == ["near"]
        with pytest.raises(AnsweredElsewhereError):
            await s.open("far", satellite="far", wake=wake(-50))


async def test_without_a_wake_word_nobody_is_refused(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.open("t1", "s1")
        await s.open("t2", "s2")
        assert (await s.ended("t1")).spoken
        assert (await s.ended("t2")).spoken


ROUNDS, AT_ONCE = 1000, 10


@pytest.mark.timeout(300)
async def test_of_a_thousand_wake_words_heard_by_several_each_has_one_answer(
    tmp_path: Path,
) -> None:
    """2 to 6 satellites, their delays, repetitions and losses at random; on the real router."""
    areas = ",".join(f"a{number}" for number in range(AT_ONCE))
    times = {"wake_window_s": 0.08, "same_wake_s": 60.0}
    async with scene(tmp_path, earshot=areas, **times) as s:
        s.ear.leave.clear()
        chance = random.Random(11)
        answered: Counter[str] = Counter()

        async def detect(round_: str, number: int, area: str) -> str:
            late = chance.random() * 0.1
            await asyncio.sleep(late)
            ask = turn(
                f"{round_}-{number}",
                f"{area}-{number}",
                area_id=area,
                # Its clock is wrong by half a minute; nobody asks it.
                wake=wake(chance.uniform(-60, -20), age_ms=late * 1000),
            )
            lost = chance.random() < 0.1
            for _ in range(2 if lost or chance.random() < 0.2 else 1):
                try:
                    await s.home.bus.ask(OPEN_TURN, ask, deadline_s=PATIENCE_S)
                except AnsweredElsewhereError:
                    return "elsewhere"
            return ask.turn_id

        async def one(round_: str, area: str) -> None:
            outcomes = await asyncio.gather(
                *(detect(round_, number, area) for number in range(chance.randint(2, 6)))
            )
            opened = [turn_id for turn_id in outcomes if turn_id != "elsewhere"]
            await until(lambda: sum(_is_over(s, t) for t in opened) >= len(opened) - 1, 30)
            alive = [t for t in opened if not _is_over(s, t)]
            answered[round_] = len(alive)
            for turn_id in alive:
                await s.home.bus.ask(STOP_TURN, StopTurn(turn_id=turn_id))

        for block in range(ROUNDS // AT_ONCE):
            await asyncio.gather(*(one(f"r{block}x{n}", f"a{n}") for n in range(AT_ONCE)))
            s.router._arbiter._claims.clear()  # the next block is minutes later
        assert len(answered) == ROUNDS
        assert set(answered.values()) == {1}
        s.ear.leave.set()


def _is_over(s: Scene, turn_id: str) -> bool:
    record = s.router._traces.record(turn_id)
    return record is not None and record.cancelled is CancelReason.REVOKED


async def test_a_cancelled_ask_is_the_same_error_at_its_asker(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        mind = await held(s, "mind")
        await s.home.bus.ask(STOP_TURN, StopTurn())
        record = await s.ended()
        assert record.error == TurnCancelledError.code
        mind.leave.set()
