"""A persona in the path of a turn: what is said, and how it sounds, by who asks and where."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from alicia.contracts.advanced import SPEAKER_RECOGNIZED, SpeakerRecognized
from alicia.contracts.personas import (
    ASSIGN_PERSONA,
    CAST,
    Assignment,
    AssignmentScope,
    AssignPersona,
    Cast,
    VoiceStyle,
)
from alicia.contracts.voice import (
    PREPARE,
    PREVIEW,
    SAY_TEXT,
    SPEAK,
    SPEECH,
    UNDERSTAND,
    Prepare,
    Prepared,
    Preview,
    SayText,
    Speak,
    SpeechChunk,
    Spoken,
    TurnRecord,
    Understand,
)
from alicia.errors import AmbiguousError, NotUnderstoodError
from alicia.language.phrases import phrase
from alicia.mind.personas import bundled, style
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.services.advanced.personality import Personality
from alicia.services.voice.router import Router
from alicia.testing.running import RunningHouse
from alicia.testing.waiting import settled, until

from .test_ai import demo
from .test_router import scene

NOVA = style(bundled()["nova"])
ALBERT = style(bundled()["albert"])


class Voice(Service[Settings]):
    """Speech as it looks from here: notes what it is to say, and to have ready."""

    name = "tts"
    says = (SPEECH,)

    def __init__(self) -> None:
        self.said: list[Speak] = []
        self.ready: list[Prepare] = []

    @serves(PREPARE, concurrency=4)
    async def prepare(self, ask: Prepare) -> Prepared:
        self.ready.append(ask)
        return Prepared(turn_id=ask.turn_id, ready=True)

    @serves(SPEAK, concurrency=4)
    async def speak(self, ask: Speak) -> Spoken:
        self.said.append(ask)
        await self.say(
            SPEECH,
            SpeechChunk(turn_id=ask.turn_id, sequence=0, position=0, rate_hz=16_000, last=True),
        )
        return Spoken(
            turn_id=ask.turn_id, duration_ms=1, rate_hz=16_000, first_audio_at=time.time()
        )


def how(ask: Speak) -> VoiceStyle:
    return VoiceStyle(rate=ask.rate, pitch=ask.pitch, volume_db=ask.volume_db, voice=ask.voice)


@dataclass
class Answered:
    home: RunningHouse
    voice: Voice

    async def assign(self, scope: str, who: str, persona_id: str | None) -> None:
        """Once it counts: whoever answers has heard of it."""
        ask = AssignPersona(scope=AssignmentScope(scope), who=who, persona_id=persona_id)
        await self.home.bus.ask(ASSIGN_PERSONA, ask)
        await settled()

    async def typed(self, text: str, area_id: str, turn_id: str) -> TurnRecord:
        ask = SayText(turn_id=turn_id, satellite="s1", text=text, area_id=area_id, speak=True)
        return await self.home.bus.ask(SAY_TEXT, ask)


@asynccontextmanager
async def answered(folder: Path, *, access_rules: bool = False) -> AsyncGenerator[Answered, None]:
    async with demo(folder, access_rules=access_rules) as home:
        for kind in (Personality, Voice, Router):
            await home.start(kind)
        voice = home._running[-2].runner.service
        assert isinstance(voice, Voice)
        yield Answered(home, voice)


async def test_a_rooms_persona_changes_what_is_said_and_how_it_sounds(tmp_path: Path) -> None:
    async with answered(tmp_path, access_rules=True) as s:
        plain = await s.typed("turn on the kitchen light", "kitchen", "t1")
        await s.assign("area", "kitchen", "nova")
        brief = await s.typed("turn on the kitchen light", "kitchen", "t2")
        elsewhere = await s.typed("turn on the kitchen light", "bathroom", "t3")
        await s.assign("area", "kitchen", None)
        again = await s.typed("turn on the kitchen light", "kitchen", "t4")
    assert plain.reply == elsewhere.reply == again.reply == "Turned on the kitchen light."
    assert brief.reply == "Done."
    assert brief.actions == plain.actions
    assert [how(ask) for ask in s.voice.said] == [VoiceStyle(), NOVA, VoiceStyle(), VoiceStyle()]
    assert VoiceStyle() != NOVA


async def test_what_is_prepared_is_what_will_be_spoken(tmp_path: Path) -> None:
    async with answered(tmp_path) as s:
        await s.assign("area", "kitchen", "nova")
        words = "turn on the kitchen light"
        await s.home.bus.ask(
            PREVIEW,
            Preview(utterance_id="u1", turn_id="t1", text=words, language="en", area_id="kitchen"),
            deadline_s=5,
        )
        await until(lambda: s.voice.ready)
        await s.typed(words, "kitchen", "t1")
    [ready], [said] = s.voice.ready, s.voice.said
    assert ready.model_dump() == said.model_dump()
    assert (said.text, how(said)) == ("Done.", NOVA)


async def test_a_person_who_is_recognized_is_prepared_for_and_answered_by_theirs(
    tmp_path: Path,
) -> None:
    async with answered(tmp_path) as s:
        await s.assign("area", "kitchen", "albert")
        await s.assign("person", "emma", "nova")
        who = SpeakerRecognized(utterance_id="u1", speaker_id="emma", score=0.9, after_s=1)
        await s.home.bus.say(SPEAKER_RECOGNIZED, who)
        await settled()
        for utterance in ("u1", "u2"):
            ask = Preview(
                utterance_id=utterance,
                turn_id=utterance,
                text="turn on the kitchen light",
                language="en",
                area_id="kitchen",
            )
            await s.home.bus.ask(PREVIEW, ask, deadline_s=5)
        await until(lambda: len(s.voice.ready) == 2)
        told = await s.home.bus.ask(
            UNDERSTAND,
            Understand(
                turn_id="t1",
                text="turn on the kitchen light",
                language="en",
                area_id="kitchen",
                satellite="s1",
                speaker="emma",
            ),
        )
    assert {ask.turn_id: how(ask) for ask in s.voice.ready} == {"u1": NOVA, "u2": ALBERT}
    assert told.reply == "Done."


async def test_failures_and_locks_are_told_in_full_by_whoever_is_brief(tmp_path: Path) -> None:
    async with answered(tmp_path) as s:
        await s.assign("home", "", "nova")
        locked = await s.typed("lock the front door", "hallway", "t1")
        unknown = await s.typed("what time is it in the fridge of my aunt", "kitchen", "t2")
    assert "front door" in (locked.reply or "").lower()
    assert unknown.error
    assert len(unknown.reply or "") > len("Done.")
    assert [how(ask) for ask in s.voice.said] == [NOVA, NOVA], "an error has the same voice"


async def test_who_answers_outlives_the_room_that_knows_it(tmp_path: Path) -> None:
    async with answered(tmp_path) as s:
        await s.assign("home", "", "nova")
        await s.home.stop(Personality)
        assert (await s.typed("turn on the kitchen light", "kitchen", "t1")).reply == "Done."
        await s.home.kill(Router)
        await s.home.start(Router)
        await settled()
        await s.typed("turn off the kitchen light", "kitchen", "t2")
    assert [how(ask) for ask in s.voice.said] == [NOVA, NOVA]


# ---- what the router says itself ----------------------------------------------------------------


def _spoken_by(name: str, scope: str, who: str) -> Cast:
    assigned = Assignment(scope=AssignmentScope(scope), who=who, persona_id=name)
    return Cast(personas=list(bundled().values()), assignments=[assigned])


async def test_alicias_own_errors_have_the_address_and_the_voice_of_who_answers(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.home.bus.say(CAST, _spoken_by("albert", "area", "kitchen"))
        await settled()
        s.mind.errors = [AmbiguousError(choices=["A", "B"]), NotUnderstoodError()]
        asked = await s.spoken("t1", language="de")
        sorry = await s.spoken("t2", language="de")
    plain = phrase(AmbiguousError.code, "de", choices=["A", "B"])
    assert asked.reply == plain.replace("meinst du", "meinen Sie") != plain
    assert sorry.reply == "Entschuldigen Sie bitte, das habe ich nicht verstanden."
    assert [how(ask) for ask in s.mouth.asked] == [ALBERT, ALBERT]


async def test_what_fails_before_the_words_are_known_is_said_by_who_answers_there(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.home.bus.say(CAST, _spoken_by("albert", "home", ""))
        await settled()
        s.ear.errors = [NotUnderstoodError()]
        record = await s.spoken("t1", language="de")
    assert (record.reply or "").startswith("Entschuldigen Sie")
    assert how(s.mouth.asked[0]) == ALBERT


async def test_a_voice_recognized_after_the_words_changes_neither_text_nor_voice(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        await s.home.bus.say(CAST, _spoken_by("albert", "person", "emma"))
        await settled()
        s.mind.leave.clear()
        await s.open("t1")
        await until(lambda: s.mind.asked)
        late = SpeakerRecognized(utterance_id="u-t1", speaker_id="emma", score=0.8, after_s=1)
        await s.home.bus.say(SPEAKER_RECOGNIZED, late)
        await settled()
        s.mind.leave.set()
        await s.seen.end("t1")
    assert s.mind.asked[0].speaker is None
    assert how(s.mouth.asked[0]) == VoiceStyle(), "as the words were"
