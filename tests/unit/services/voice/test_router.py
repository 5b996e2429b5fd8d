from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from alicia.contracts.conversation import Topic, TopicAction
from alicia.contracts.system import SPANS, Span, Spans
from alicia.contracts.voice import (
    GET_TRACE,
    OPEN_TURN,
    SAY_TEXT,
    TURN,
    GetTrace,
    OpenTurn,
    SayText,
    TurnPhase,
    TurnRecord,
)
from alicia.errors import (
    AliciaError,
    AmbiguousError,
    AudioLostError,
    DeadlineError,
    EngineError,
    MalformedMessageError,
    MissingSlotError,
    NoSpeechError,
    NotReadyError,
    NotUnderstoodError,
    UnclearSpeechError,
    UnknownEntityError,
    UnsupportedAudioError,
    UnsupportedLanguageError,
    UtteranceTooLongError,
)
from alicia.language.phrases import phrase, phrase_for
from alicia.services.voice.router import Router
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import until

from .others import Ear, Mind, Mouth, Onlooker, Other

SPOKEN_TURN = ["listening", "thinking", "speaking", "idle"]
CANARY = "open the canary cage"


@dataclass
class Scene:
    """A router among others, and somebody who looks on."""

    home: RunningHouse
    ear: Ear
    mind: Mind
    mouth: Mouth
    seen: Onlooker

    async def open(
        self, turn_id: str = "t1", *, satellite: str = "s1", language: str = "en"
    ) -> None:
        opened = await self.home.bus.ask(OPEN_TURN, open_turn(turn_id, satellite, language))
        assert opened.turn_id == turn_id

    async def spoken(self, turn_id: str = "t1", *, language: str = "en") -> TurnRecord:
        await self.open(turn_id, language=language)
        return await self.seen.end(turn_id)

    async def typed(self, text: str = "turn on the light", *, turn_id: str = "t1") -> TurnRecord:
        return await self.home.bus.ask(
            SAY_TEXT, SayText(turn_id=turn_id, satellite="s1", text=text, speak=True)
        )


def open_turn(turn_id: str = "t1", satellite: str = "s1", language: str = "en") -> OpenTurn:
    return OpenTurn(
        turn_id=turn_id,
        utterance_id=f"u-{turn_id}",
        satellite=satellite,
        area_id="kitchen",
        language=language,
    )


@asynccontextmanager
async def scene(
    folder: Path, *, access_rules: bool = False, **settings: object
) -> AsyncGenerator[Scene, None]:
    async with house(
        folder=folder, settings={"router": settings}, access_rules=access_rules
    ) as home:
        ear, mind, mouth = [await home.start(kind) for kind in (Ear, Mind, Mouth)]
        assert isinstance(ear, Ear)
        assert isinstance(mind, Mind)
        assert isinstance(mouth, Mouth)
        async with Onlooker(home) as seen:
            await home.start(Router)
            yield Scene(home, ear, mind, mouth, seen)


def journal(folder: Path) -> Path:
    return folder / "state" / "router" / "open"


def written(folder: Path, text: str) -> list[Path]:
    """The files in which the text stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


# ---- a turn -------------------------------------------------------------------------------------


async def test_a_spoken_turn_goes_through_its_phases_and_ends_in_a_record(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        record = await s.spoken()
        assert s.seen.phases() == SPOKEN_TURN
        assert [turn.turn_id for turn in s.seen.turns] == ["t1", "t1", "t1", None]
        assert (record.transcript, record.reply) == ("turn on the light", "Done: turn on the light")
        assert (record.intent, record.error, record.spoken) == ("TurnOn", None, True)
        assert (record.confidence, record.speech_end_ms) == (0.9, 900)
        assert record.speech_rate_hz == 16_000
        assert [stage.stage for stage in record.stages] == [
            "listen",
            "recognize",
            "understand and act",
            "first audio",
            "speak",
        ]
        assert record.ended_at is not None
        assert record.first_audio_at is not None
        assert record.started_at <= record.ended_at <= record.first_audio_at
        assert len(s.seen.ended) == 1


async def test_each_stage_is_told_what_it_needs(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.spoken(language="de")
        transcribe, understand, speak = s.ear.asked[0], s.mind.asked[0], s.mouth.asked[0]
        assert (transcribe.utterance_id, transcribe.language) == ("u-t1", "de")
        assert (understand.text, understand.language) == ("turn on the light", "de")
        assert (understand.area_id, understand.satellite) == ("kitchen", "s1")
        assert understand.alternatives == ["turn on the right"]
        assert (speak.turn_id, speak.text, speak.language) == (
            "t1",
            "Done: turn on the light",
            "de",
        )


LAMP = Topic(
    intent="HassTurnOn",
    actions=[TopicAction(entities=["light.lamp"], capability="power", value=True)],
)


async def test_a_turn_is_told_what_the_one_before_was_about(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.topics["t1"] = LAMP
        await s.spoken("t1")
        await s.open("t2")
        await s.seen.end("t2")
        await s.open("t3", satellite="s2")
        await s.seen.end("t3")
        heard = {ask.turn_id: ask.topic for ask in s.ear.asked}
        told = {ask.turn_id: ask.topic for ask in s.mind.asked}
        assert heard == told == {"t1": None, "t2": LAMP, "t3": None}


async def test_what_was_spoken_of_long_ago_is_forgotten(tmp_path: Path) -> None:
    async with scene(tmp_path, topic_s=0) as s:
        s.mind.topics["t1"] = LAMP
        await s.spoken("t1")
        await s.spoken("t2")
        assert [ask.topic for ask in s.mind.asked] == [None, None]


async def test_between_what_it_was_asked_back_is_known_in_the_next_turn(tmp_path: Path) -> None:
    which = LAMP.model_copy(update={"which": True})
    async with scene(tmp_path) as s:
        which_one = AmbiguousError(choices=["a", "b"], topic=which.model_dump(mode="json"))
        s.mind.errors.append(which_one)
        await s.spoken("t1")
        await s.spoken("t2")
        assert [ask.topic for ask in s.mind.asked] == [None, which]


async def test_a_turn_works_under_the_access_rules_of_the_real_house(tmp_path: Path) -> None:
    async with scene(tmp_path, access_rules=True) as s:
        assert (await s.spoken()).error is None


async def test_a_turn_that_is_opened_twice_runs_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.leave.clear()
        await s.open()
        await s.open()
        s.ear.leave.set()
        await s.seen.end()
        await s.open()
        await s.spoken("t2")
        assert [ask.turn_id for ask in s.ear.asked] == ["t1", "t2"]
        assert [record.turn_id for record in s.seen.ended] == ["t1", "t2"]


async def test_two_satellites_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.leave.clear()
        s.ear.texts = {"u-t1": "turn on the lamp", "u-t2": "close the blinds"}
        await s.open("t1", satellite="s1")
        await s.open("t2", satellite="s2")
        await until(lambda: len(s.ear.asked) == 2)
        s.ear.leave.set()
        await until(lambda: len(s.seen.ended) == 2)
        await until(lambda: s.seen.phases("s1") == s.seen.phases("s2") == SPOKEN_TURN)
        replies = {record.satellite: record.reply for record in s.seen.ended}
        assert replies == {"s1": "Done: turn on the lamp", "s2": "Done: close the blinds"}


# ---- what goes wrong is said --------------------------------------------------------------------

HEARING = [NoSpeechError(), UnclearSpeechError(confidence=0.1), UtteranceTooLongError(limit_s=15)]
UNDERSTANDING = [
    NotUnderstoodError(),
    AmbiguousError(choices=["Kitchen Spot", "Hallway Spot"]),
    MissingSlotError(slot="temperature"),
    UnknownEntityError(entity="light.nowhere"),
]


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize(
    "error", [*HEARING, UnsupportedAudioError(), EngineError()], ids=lambda e: e.code
)
async def test_what_goes_wrong_in_hearing_is_said_in_the_persons_language(
    tmp_path: Path, error: AliciaError, language: str
) -> None:
    async with scene(tmp_path) as s:
        s.ear.errors = [error]
        record = await s.spoken(language=language)
        assert (record.error, record.spoken) == (error.code, True)
        assert record.reply == phrase_for(error, language)
        assert [(ask.text, ask.language) for ask in s.mouth.asked] == [(record.reply, language)]
        assert s.seen.phases() == ["listening", "speaking", "idle"]
        assert record.transcript is None


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("error", UNDERSTANDING, ids=lambda e: e.code)
async def test_what_goes_wrong_in_understanding_is_said_in_the_persons_language(
    tmp_path: Path, error: AliciaError, language: str
) -> None:
    async with scene(tmp_path) as s:
        s.mind.errors = [error]
        record = await s.spoken(language=language)
        assert (record.error, record.spoken) == (error.code, True)
        assert record.reply == phrase_for(error, language) == s.mouth.asked[0].text
        assert record.transcript == "turn on the light"
        assert s.seen.phases() == SPOKEN_TURN


@pytest.mark.parametrize("kind", [Ear, Mind])
async def test_a_defect_of_another_room_is_said_too(tmp_path: Path, kind: type[Other]) -> None:
    async with scene(tmp_path) as s:
        (s.ear if kind is Ear else s.mind).errors = [ValueError("a defect")]
        record = await s.spoken()
        assert (record.error, record.spoken) == ("internal", True)
        assert record.reply == phrase("internal", "en")


@pytest.mark.parametrize("kind", [Ear, Mind])
async def test_a_room_that_is_not_there_is_said(tmp_path: Path, kind: type[Other]) -> None:
    others = [other for other in (Ear, Mind, Mouth) if other is not kind]
    async with house(*others, Router, folder=tmp_path) as home, Onlooker(home) as seen:
        await home.bus.ask(OPEN_TURN, open_turn())
        record = await seen.end()
        assert (record.error, record.spoken) == ("bus.no_responder", True)
        assert record.reply == phrase("bus.no_responder", "en")


@pytest.mark.parametrize(
    ("kind", "settings"), [(Ear, {"transcribe_s": 0.1}), (Mind, {"understand_s": 0.1})]
)
async def test_a_room_that_takes_too_long_is_said(
    tmp_path: Path, kind: type[Other], settings: dict[str, Any]
) -> None:
    async with scene(tmp_path, **settings) as s:
        (s.ear if kind is Ear else s.mind).leave.clear()
        record = await s.spoken()
        assert (record.error, record.spoken) == ("bus.deadline", True)
        assert record.reply == phrase("bus.deadline", "en")
        s.ear.leave.set()
        s.mind.leave.set()


async def test_a_reply_that_can_not_be_spoken_leaves_the_record(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mouth.errors = [EngineError()]
        record = await s.spoken()
        assert (record.spoken, record.error) == (False, "voice.engine")
        assert (record.reply, record.intent) == ("Done: turn on the light", "TurnOn")
        assert record.first_audio_at is None
        assert (await s.spoken("t2")).spoken


async def test_the_first_error_is_the_one_that_counts(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.errors, s.mouth.errors = [NotUnderstoodError()], [EngineError()]
        record = await s.spoken()
        assert (record.spoken, record.error) == (False, "intent.not_understood")


async def test_a_language_that_nobody_speaks_is_answered_in_english(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.errors = [UnsupportedLanguageError(language="tlh")]
        record = await s.spoken(language="tlh")
        assert (record.error, record.spoken) == ("voice.unsupported_language", True)
        assert record.reply == phrase("voice.unsupported_language", "en")
        assert s.mouth.asked[0].language == "en"
        assert (await s.spoken("t2")).error is None, "the router lives"


@pytest.mark.parametrize("satellite", ["", "a/b", "+", "#"])
async def test_a_satellite_that_has_no_name_is_refused(tmp_path: Path, satellite: str) -> None:
    async with scene(tmp_path) as s:
        with pytest.raises(MalformedMessageError):
            await s.home.bus.ask(OPEN_TURN, open_turn(satellite=satellite))
        with pytest.raises(MalformedMessageError):
            await s.home.bus.ask(SAY_TEXT, SayText(turn_id="t2", satellite=satellite, text="on"))
        assert list(journal(tmp_path).iterdir()) == []
        assert (await s.spoken("t3")).error is None, "the router lives"


async def test_a_full_disk_costs_the_trace_and_not_the_turn(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        turns = tmp_path / "state" / "router" / "turns"
        turns.rmdir()
        turns.write_text("no folder")
        assert (await s.spoken()).error is None
        assert (await s.spoken("t2")).error is None


# ---- lost on the way ----------------------------------------------------------------------------


async def test_lost_audio_is_heard_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.errors = [AudioLostError(missing=3, got=5), AudioLostError(after_chunks=9)]
        record = await s.spoken()
        assert (record.error, record.transcript) == (None, "turn on the light")
        assert [ask.utterance_id for ask in s.ear.asked] == ["u-t1"] * 3


async def test_audio_that_is_lost_again_and_again_is_given_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.errors = [AudioLostError() for _ in range(9)]
        record = await s.spoken()
        assert (record.error, record.spoken) == ("voice.audio_lost", True)
        assert len(s.ear.asked) == 4


async def test_a_recognizer_that_dies_is_asked_again_when_it_is_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.leave.clear()
        await s.open()
        await until(lambda: s.ear.asked)
        await s.home.kill(Ear)
        again = await s.home.start(Ear)
        record = await s.seen.end()
        assert (record.error, record.transcript) == (None, "turn on the light")
        assert [ask.utterance_id for ask in again.asked] == ["u-t1"]
        assert len(s.mind.asked) == 1


@pytest.mark.parametrize("kind", [Mind, Mouth])
async def test_a_room_that_dies_with_the_turn_in_hand_is_asked_again(
    tmp_path: Path, kind: type[Other]
) -> None:
    async with scene(tmp_path) as s:
        other = s.mind if kind is Mind else s.mouth
        other.leave.clear()
        await s.open()
        await until(lambda: other.asked)
        await s.home.kill(kind)
        again = await s.home.start(kind)
        record = await s.seen.end()
        assert (record.error, record.spoken) == (None, True)
        assert [ask.turn_id for ask in again.asked] == ["t1"]


# ---- the router itself dies ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "understood"),
    [(TurnPhase.LISTENING, 1), (TurnPhase.THINKING, 2), (TurnPhase.SPEAKING, 2)],
)
async def test_a_turn_is_taken_up_by_the_next_router(
    tmp_path: Path, phase: TurnPhase, understood: int
) -> None:
    async with scene(tmp_path) as s:
        held = {
            TurnPhase.LISTENING: s.ear,
            TurnPhase.THINKING: s.mind,
            TurnPhase.SPEAKING: s.mouth,
        }[phase]
        held.leave.clear()
        await s.open()
        await until(lambda: held.asked)
        await s.home.kill(Router)
        held.leave.set()
        await s.home.start(Router)

        record = await s.seen.end()
        assert (record.error, record.spoken) == (None, True)
        assert record.transcript == "turn on the light"
        assert [ask.turn_id for ask in s.mind.asked] == ["t1"] * understood
        assert len(s.ear.asked) == (2 if phase is TurnPhase.LISTENING else 1)
        assert len(s.seen.ended) == 1
        assert list(journal(tmp_path).iterdir()) == []

        await s.spoken("t2")
        assert len(s.seen.ended) == 2


async def test_a_turn_keeps_its_start_and_its_trace_over_a_kill(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.leave.clear()
        before = time.time()
        await s.open()
        await until(lambda: s.mind.asked)
        [file] = journal(tmp_path).iterdir()
        entry = json.loads(file.read_text())
        await s.home.kill(Router)
        s.mind.leave.set()
        await s.home.start(Router)
        record = await s.seen.end()
        assert record.trace_id == entry["trace_id"]
        assert before <= record.started_at == entry["started_at"]


async def test_a_turn_that_nobody_waits_for_any_more_is_not_taken_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.leave.clear()
        await s.open()
        await until(lambda: s.mind.asked)
        await s.home.kill(Router)
        [file] = journal(tmp_path).iterdir()
        entry = json.loads(file.read_text())
        entry["started_at"] -= 31
        file.write_text(json.dumps(entry))
        s.mind.leave.set()
        await s.home.start(Router)
        await s.spoken("t2")
        assert [record.turn_id for record in s.seen.ended] == ["t2"]
        assert [ask.turn_id for ask in s.mind.asked] == ["t1", "t2"]
        assert list(journal(tmp_path).iterdir()) == []


async def test_a_satellite_is_idle_again_though_its_turn_is_not_taken_up(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.leave.clear()
        await s.open()
        await until(lambda: s.mind.asked)
        await s.home.kill(Router)
        [file] = journal(tmp_path).iterdir()
        entry = json.loads(file.read_text())
        entry["started_at"] -= 31
        file.write_text(json.dumps(entry))
        await s.home.start(Router)
        turn = await s.home.until(TURN, lambda t: t.phase is TurnPhase.IDLE, satellite="s1")
        assert turn.turn_id is None
        s.mind.leave.set()


async def test_a_journal_that_can_not_be_read_is_passed_over(tmp_path: Path) -> None:
    journal(tmp_path).mkdir(parents=True)
    for name, content in {"a": b"{", "b": b"\xff\xfe", "c": b"{}", "d": b""}.items():
        (journal(tmp_path) / f"{name}.json").write_bytes(content)
    (journal(tmp_path) / "half-written.new").write_bytes(b"{")
    async with scene(tmp_path) as s:
        assert (await s.spoken()).error is None
        assert list(journal(tmp_path).iterdir()) == []


async def test_a_typed_turn_whose_router_dies_is_an_error_in_time(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.leave.clear()
        ask = SayText(turn_id="t1", satellite="s1", text="turn on the light")
        asking = asyncio.create_task(s.home.bus.ask(SAY_TEXT, ask, deadline_s=0.3))
        await until(lambda: s.mind.asked)
        await s.home.kill(Router)
        with pytest.raises(DeadlineError):
            await asking
        s.mind.leave.set()
        await s.home.start(Router)
        record = await s.home.bus.ask(SAY_TEXT, ask)
        assert (record.turn_id, record.error) == ("t1", None)
        assert {asked.turn_id for asked in s.mind.asked} == {"t1"}, "so its changes have one id"


# ---- typed --------------------------------------------------------------------------------------


async def test_a_typed_turn_is_answered_with_its_record(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        record = await s.typed("open the blinds")
        assert (record.transcript, record.reply) == ("open the blinds", "Done: open the blinds")
        assert (record.spoken, record.error, record.confidence) == (True, None, None)
        await s.seen.end()
        assert s.seen.phases() == ["thinking", "speaking", "idle"]
        assert s.seen.ended == [record]
        assert s.ear.asked == []


async def test_a_typed_turn_is_silent_unless_asked_to_speak(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        ask = SayText(turn_id="t1", satellite="s1", text="hello")
        record = await s.home.bus.ask(SAY_TEXT, ask)
        assert (record.spoken, record.error) == (False, None)
        assert s.mouth.asked == []


async def test_a_typed_turn_that_is_asked_twice_runs_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.leave.clear()
        both = [asyncio.create_task(s.typed()) for _ in range(2)]
        await until(lambda: s.mind.asked)
        s.mind.leave.set()
        first, second = await asyncio.gather(*both)
        third = await s.typed()
        assert first == second == third
        assert len(s.mind.asked) == len(s.seen.ended) == 1


async def test_an_asker_of_a_typed_turn_who_leaves_does_not_end_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.leave.clear()
        asking = asyncio.create_task(s.typed())
        await until(lambda: s.mind.asked)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        s.mind.leave.set()
        assert (await s.seen.end()).error is None


async def test_an_error_of_a_typed_turn_stands_in_its_record(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.mind.errors = [NotUnderstoodError()]
        record = await s.typed("gibberish")
        assert (record.error, record.spoken) == ("intent.not_understood", True)
        assert (record.transcript, record.reply) == (
            "gibberish",
            phrase("intent.not_understood", "en"),
        )


# ---- what is kept -------------------------------------------------------------------------------


async def test_the_trace_of_a_turn_shows_who_did_what(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        record = await s.spoken()

        async def services() -> set[str]:
            trace = await s.home.bus.ask(GET_TRACE, GetTrace(turn_id="t1"))
            assert trace.record == record
            return {span.service for span in trace.spans}

        deadline = time.monotonic() + 5
        while await services() != {"router", "stt", "ai", "tts"}:
            assert time.monotonic() < deadline, "spans are missing"
            await asyncio.sleep(0.01)
        last = await s.home.bus.ask(GET_TRACE, GetTrace())
        assert last.record.turn_id == "t1"
        assert last.spans[0].name == "turn"
        assert (last.spans[0].depth, last.spans[0].start_ms) == (0, 0)


async def test_a_trace_of_no_turn_is_an_error(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        with pytest.raises(NotReadyError):
            await s.home.bus.ask(GET_TRACE, GetTrace())
        await s.spoken()
        with pytest.raises(NotReadyError):
            await s.home.bus.ask(GET_TRACE, GetTrace(turn_id="another"))


async def test_turns_are_kept_over_a_restart_without_their_words(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.ear.texts = {"u-t1": CANARY}
        record = await s.spoken()
        assert CANARY in (record.reply or "")
        await s.home.stop(Router)
        await s.home.start(Router)
        for ask in (GetTrace(), GetTrace(turn_id="t1")):
            kept = (await s.home.bus.ask(GET_TRACE, ask)).record
            assert (kept.turn_id, kept.intent, kept.spoken) == ("t1", "TurnOn", True)
            assert (kept.transcript, kept.reply) == (None, None)
    assert written(tmp_path, "canary") == []


async def test_words_are_kept_where_the_house_wants_it(tmp_path: Path) -> None:
    async with scene(tmp_path, log_turns=True) as s:
        s.ear.texts = {"u-t1": CANARY}
        await s.spoken()
        await s.home.stop(Router)
        await s.home.start(Router)
        kept = (await s.home.bus.ask(GET_TRACE, GetTrace())).record
        assert (kept.transcript, kept.reply) == (CANARY, f"Done: {CANARY}")


async def test_only_the_last_turns_are_kept(tmp_path: Path) -> None:
    async with scene(tmp_path, keep_turns=2) as s:
        for number in range(4):
            await s.spoken(f"t{number}")
        late = Span(
            trace_id=s.seen.ended[0].trace_id,
            span_id="a" * 16,
            service="stt",
            instance="stt-1",
            name="late",
            start=time.time(),
            duration_ms=1,
        )
        await s.home.bus.say(SPANS, Spans(service="stt", spans=[late]))
        await s.spoken("t4")
        stored = {path.stem for path in (tmp_path / "state" / "router" / "turns").glob("*.json")}
        assert stored == {"t3", "t4"}


async def test_nothing_that_was_said_stands_in_the_log(tmp_path: Path, logged: StringIO) -> None:
    async with scene(tmp_path) as s:
        s.ear.texts = {"u-t1": CANARY}
        s.mouth.errors = [EngineError()]
        await s.spoken()
        s.mind.errors = [NotUnderstoodError()]
        await s.typed(CANARY, turn_id="t2")
        s.mind.leave.clear()
        s.ear.texts["u-t3"] = CANARY
        await s.open("t3")
        await until(lambda: len(s.mind.asked) == 3)
        await s.home.kill(Router)
        s.mind.leave.set()
        await s.home.start(Router)
        await s.seen.end("t3")
    assert "taking a turn up again" in logged.getvalue()
    assert "canary" not in logged.getvalue()
