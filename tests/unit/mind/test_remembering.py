"""Whose facts they are, and what becomes of a sentence for the memory; in nine languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.language.test_remembering import ASKED, KEEP, SAID

from alicia.contracts.devices import Origin
from alicia.contracts.memory import FORGOT_ALL, INTENTS
from alicia.contracts.voice import TurnRecord, Understand, Understood
from alicia.language.phrases import phrase, word
from alicia.language.remembering import Wish
from alicia.language.tables import LANGUAGES
from alicia.mind.remembering import OPEN_S, THAT_S, Remembering


class Hall:
    """A satellite where people speak to the memory."""

    def __init__(self, folder: Path, language: str = "en", *, of_anyone: bool = False) -> None:
        self.now, self.turns, self.language = 0.0, 0, language
        self.memory = Remembering(folder, keep_of_anyone=of_anyone, clock=lambda: self.now)

    def ask(self, text: str, by: str | None = "maria", *, typed: bool = False) -> Understand:
        self.turns += 1
        return Understand(
            turn_id=f"t{self.turns}",
            text=text,
            language=self.language,
            satellite="hall",
            speaker=by,
            origin=Origin.TYPED if typed else Origin.VOICE,
        )

    def understood(
        self, text: str, by: str | None = "maria", *, typed: bool = False, guest: bool = False
    ) -> Understood | None:
        ask = self.ask(text, by, typed=typed)
        heard = self.memory.heard(ask)
        if heard is None:
            return self.memory.recall(ask)
        return self.memory.answer(ask, heard, guest=guest)

    def say(
        self, text: str, by: str | None = "maria", *, typed: bool = False, guest: bool = False
    ) -> str | None:
        understood = self.understood(text, by, typed=typed, guest=guest)
        if understood is None:
            return None
        assert understood.secret
        assert (understood.heard, understood.actions) == ("", [])
        assert understood.intent in INTENTS
        return understood.reply

    @property
    def facts(self) -> list[tuple[str, str]]:
        return [(one.person_id, one.text) for one in self.memory.store.all()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fact_is_kept_told_and_forgotten_in_every_language(tmp_path: Path, language: str) -> None:
    hall = Hall(tmp_path, language)
    fact, said = KEEP[language][1], SAID[language]
    for text in (KEEP[language][0], ASKED[language], said[Wish.ALL]):
        assert fact in (hall.say(text) or ""), text
    assert fact in (hall.say(said[Wish.FORGET_THAT]) or "")
    assert hall.facts == []
    assert hall.say(said[Wish.ALL]) == word("remember.nothing", language)
    like = said[Wish.LIKE].rstrip(".。")
    hall.say(said[Wish.KEEP_FOR_ALL])
    assert like in (hall.say(said[Wish.LIKE]) or "")
    told, gone = hall.say(said[Wish.ABOUT]), hall.say(said[Wish.FORGET_ABOUT])
    assert told
    assert gone
    assert like not in told + gone
    assert hall.facts == [("maria", like)]
    asked = hall.understood(said[Wish.FORGET_ALL])
    assert asked is not None
    assert asked.expects_reply
    assert asked.reply.endswith(phrase("security.confirmation_needed", language))


def test_what_somebody_told_is_told_to_nobody_else(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.say(KEEP["en"][0])
    for by in ("bob", None):
        assert hall.say(ASKED["en"], by) is None
        assert hall.say("What do you know about me?", by) == word("remember.nothing", "en")
        hall.say("Forget that.", by)
        hall.say("Forget what I told you about my daughter.", by)
        hall.say("Forget everything about me.", by)
        hall.say("Yes.", by)
    assert len(hall.facts) == 1
    assert hall.say(ASKED["en"]) == "I remember: my daughter's name is Ana."


def test_what_is_for_all_is_told_to_anybody_and_erased_by_whom_is_known(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.say(SAID["en"][Wish.KEEP_FOR_ALL])
    told = "For everyone here I remember: the bins go out on Tuesday."
    assert hall.say("When do the bins go out?", None) == told
    assert hall.say(SAID["en"][Wish.FORGET_ABOUT], None) == phrase("security.not_permitted", "en")
    assert len(hall.facts) == 1
    gone = hall.say(SAID["en"][Wish.FORGET_ABOUT], "bob")
    assert gone == "Forgotten: the bins go out on Tuesday."
    assert hall.facts == []


def test_guests_and_strangers_leave_nothing_behind_and_are_told_so(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    for said in (KEEP["en"][0], SAID["en"][Wish.KEEP_FOR_ALL], SAID["en"][Wish.LIKE]):
        assert hall.say(said, "gus", guest=True) == phrase("memory.not_kept", "en")
        assert hall.say(said, None) == phrase("memory.not_kept", "en")
    assert hall.facts == []


def test_a_home_may_keep_what_anybody_tells(tmp_path: Path) -> None:
    hall = Hall(tmp_path, of_anyone=True)
    hall.say(KEEP["en"][0], "gus", guest=True)
    hall.say("Remember that the bins go out on Tuesday.", None, typed=True)
    assert hall.facts == [
        ("gus", "my daughter's name is Ana"),
        ("", "the bins go out on Tuesday"),
    ]


def test_all_is_erased_by_a_yes_of_the_same_person_there_and_then(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.say(KEEP["en"][0])
    hall.say("Remember that my dog is called Rex.", "bob")
    everything = "Forget everything about me."
    for answer, by, typed in (
        ("No.", "maria", False),
        ("Yes.", "bob", False),
        ("Yes.", None, True),
    ):
        assert "one person alone: 1." in (hall.say(everything) or "")
        hall.say(answer, by, typed=typed)
        assert hall.say("Yes.") is None, "the question is closed"
    hall.say(everything)
    hall.now += OPEN_S
    assert hall.say("Yes.") is None
    hall.say(everything)
    hall.memory.ended(record("another turn"))
    assert hall.say("Yes.") is None
    assert len(hall.facts) == 2
    hall.say(everything)
    hall.memory.ended(record(f"t{hall.turns}"))
    hall.memory.ended(record("silence", error="voice.no_speech"))
    done = hall.understood("Yes.", None)
    assert done is not None
    assert (done.reply, done.intent) == ("All of it is erased.", FORGOT_ALL)
    assert hall.facts == [("bob", "my dog is called Rex")]


def record(turn_id: str, *, error: str | None = None) -> TurnRecord:
    return TurnRecord(
        turn_id=turn_id, satellite="hall", language="en", trace_id="1", error=error, started_at=0
    )


def test_that_is_the_one_fact_of_just_now(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.say(KEEP["en"][0])
    hall.say("Remember that my dog is called Rex.")
    hall.say("What do you know about me?")
    assert hall.say("Forget that.") == word("remember.which", "en"), "two were told"
    hall.say(ASKED["en"])
    hall.now += THAT_S + 1
    assert hall.say("Forget that.") == word("remember.which", "en")
    hall.say(ASKED["en"])
    assert hall.say("Forget that.") == "Forgotten: my daughter's name is Ana."
    assert hall.facts == [("maria", "my dog is called Rex")]


def test_pins_passwords_and_novels_are_not_kept(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    assert hall.say("Remember that my PIN is 258014.") == phrase("memory.confidential", "en")
    assert hall.say("Remember that " + "very " * 100 + "long") == phrase("voice.too_long", "en")
    assert hall.facts == []


def test_a_dry_run_keeps_and_erases_nothing(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    for text in (KEEP["en"][0], "Forget everything about me."):
        dry = hall.ask(text).model_copy(update={"dry_run": True})
        heard = hall.memory.heard(dry)
        assert heard is not None
        hall.memory.answer(dry, heard, guest=False)
    assert hall.facts == []
    assert hall.say("Yes.") is None


def test_many_facts_are_told_in_part(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    for number in range(8):
        hall.say(f"Remember that house number {number} is blue.")
    told = hall.say("What do you know about me?") or ""
    assert "number 7" in told
    assert "number 1" not in told
    assert told.endswith("And 2 more.")


def test_a_model_is_told_what_bears_on_a_question_alone(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    hall.say(KEEP["en"][0])
    hall.say("Remember that my dog is called Rex.")
    question = "What might please my daughter on a rainy Sunday?"
    assert hall.memory.notes(hall.ask(question)) == ["my daughter's name is Ana"]
    assert hall.memory.notes(hall.ask(question, "bob")) == []
    assert hall.memory.notes(hall.ask("Could you dim my daughter's lamp?")) == []
