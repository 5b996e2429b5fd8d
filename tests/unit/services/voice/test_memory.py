"""The memory in the house: by voice, over a kill, in no file, and never the cause of an act."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from alicia.contracts.advanced import THINK, ProposedChange, Think, Thought
from alicia.contracts.memory import (
    FORGET_FACTS,
    LIST_FACTS,
    PUT_FACT,
    ForgetFacts,
    ListFacts,
    PutFact,
)
from alicia.contracts.voice import GET_TRACE, PREVIEW, Completeness, GetTrace, Preview
from alicia.errors import SecretNotKeptError
from alicia.language.phrases import phrase
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.security.permissions import Role
from alicia.services.voice.ai import Ai
from alicia.services.voice.router import Router
from alicia.testing.people import lives_here

from .test_pin_by_voice import Talk, files, talk

TOLD = "Remember that Zanzibar is where my aunt lives."
ASKED = "Where does my aunt live?"
REPLY = "I remember: Zanzibar is where my aunt lives."


async def facts(t: Talk) -> list[tuple[str, str]]:
    found = await t.home.bus.ask(LIST_FACTS, ListFacts())
    return [(one.person_id, one.text) for one in found.facts]


def clear(folder: Path) -> list[Path]:
    return [path for path in files(folder) if b"anzibar" in path.read_bytes()]


async def test_a_fact_is_told_to_who_told_it_alone_outlives_ai_and_is_gone_when_forgotten(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lives_here(tmp_path, "Gus", Role.GUEST)
    async with talk(tmp_path, router={"log_turns": True, "record": "*"}) as t:
        kept = await t.speak(TOLD, by="maria")
        assert kept.reply == "I'll remember: Zanzibar is where my aunt lives."
        assert (kept.secret, kept.transcript, kept.actions) == (True, None, [])
        assert await facts(t) == [("maria", "Zanzibar is where my aunt lives")]
        await t.home.kill(Ai)
        await t.home.start(Ai)
        told = await t.speak(ASKED, by="maria")
        assert (told.reply, told.error, told.actions) == (REPLY, None, [])
        # Nor is there a way around: what was said last is told to nobody else, nor shown.
        for who in ("gus", None):
            for said in ("Why did you do that?", "What did you say?", "What did I ask?", ASKED):
                record = await t.speak(said, by=who)
                assert "anzibar" not in (record.reply or ""), said
        shown = await t.home.bus.ask(GET_TRACE, GetTrace(turn_id=told.turn_id))
        assert shown.record.reply is None
        for who in ("gus", None):
            record = await t.speak("Remember that I was here.", by=who)
            assert record.reply == phrase("memory.not_kept", "en")
        assert len(await facts(t)) == 1

        assert clear(tmp_path) == []
        own = tmp_path / "state" / "ai"
        assert stat.S_IMODE((own / "memory.key").stat().st_mode) == 0o600
        sealed, key = (own / "memory").read_bytes(), (own / "memory.key").read_bytes()
        await t.speak("Forget everything about me.", by="maria")
        assert (await t.speak("Yes.", by="maria")).reply == "All of it is erased."
        assert await facts(t) == []
        left = b"".join(path.read_bytes() for path in files(tmp_path))
        assert sealed not in left
        assert key not in left
    assert clear(tmp_path) == []
    assert "anzibar" not in "".join(capfd.readouterr())


async def test_what_is_kept_can_be_changed_and_erased_from_outside(tmp_path: Path) -> None:
    async with talk(tmp_path) as t:
        bus = t.home.bus
        await t.speak(TOLD, by="maria")
        [fact] = (await bus.ask(LIST_FACTS, ListFacts(person_id="maria"))).facts
        text = "Lagos is where my aunt lives"
        await bus.ask(PUT_FACT, PutFact(fact_id=fact.fact_id, text=text))
        assert (await t.speak(ASKED, by="maria")).reply == f"I remember: {text}."
        with pytest.raises(SecretNotKeptError):
            await bus.ask(PUT_FACT, PutFact(text="the password is seeds"))
        erased = await bus.ask(FORGET_FACTS, ForgetFacts(fact_ids=[fact.fact_id]))
        assert erased.count == 1
        assert (await t.speak(ASKED, by="maria")).error == "intent.not_understood"
        looked = await bus.ask(
            PREVIEW,
            Preview(
                utterance_id="u",
                turn_id="t",
                text="Remember that the kitchen light is on",
                language="en",
            ),
        )
        assert (looked.completeness, looked.likely) == (Completeness.UNKNOWN, [])


class Scribe(Service[Settings]):
    """A model that turns the light on whatever it is asked, and notes what it was told."""

    name = "grok"

    def __init__(self) -> None:
        self.told: list[Think] = []
        self.changes: list[ProposedChange] = []

    @serves(THINK)
    async def think(self, ask: Think) -> Thought:
        self.told.append(ask)
        return Thought(
            turn_id=ask.turn_id,
            reply="How about a kite?",
            language=ask.language,
            changes=self.changes,
            provider="scribe",
        )


async def test_a_model_answers_from_notes_and_moves_nothing_because_of_them(
    tmp_path: Path,
) -> None:
    async with talk(tmp_path, ai={"think_within_s": 2.0}) as t:
        model = await t.home.start(Scribe)
        await t.speak(TOLD, by="maria")
        question = "What might please my aunt on a rainy Sunday"
        assert (await t.speak(question, by="maria")).reply == "How about a kite?"
        assert [ask.facts for ask in model.told] == [["Zanzibar is where my aunt lives"]]
        await t.speak(question, by="bob")
        assert model.told[-1].facts == []
        model.changes = [ProposedChange(entity="light.kitchen", capability="power", value=True)]
        refused = await t.speak(question, by="maria")
        assert (refused.error, refused.actions) == ("intent.not_understood", [])


async def test_it_is_known_what_was_asked_and_answered_though_the_router_was_killed(
    tmp_path: Path,
) -> None:
    async with talk(tmp_path) as t:
        on = await t.speak("Turn on the kitchen light.", by="maria")
        await t.speak("Turn on the bedroom lamp.", satellite="bed", by="bob")
        assert b"kitchen" not in (tmp_path / "state/router/conversation").read_bytes()
        await t.home.kill(Router)
        await t.home.start(Router)
        asked = await t.speak("What did I ask you?", by="maria")
        assert asked.reply == "The words were: Turn on the kitchen light."
        heard = await t.speak("Was hast du gesagt?", language="de", by="bob")
        assert heard.reply == f"Geantwortet habe ich: {on.reply}"
        off = await t.speak("Turn it off.", by="bob")
        assert [(a.entity, a.value) for a in off.actions] == [("light.kitchen", False)]
        unknown = await t.speak("What did I ask?")
        assert unknown.reply == phrase("recall.nothing", "en"), "those were others' words"
