"""What a question for a PIN or a yes makes of the next sentence."""

from __future__ import annotations

from typing import Any

import pytest

from alicia.contracts.devices import Origin, OutcomeKind, Result
from alicia.contracts.voice import TurnRecord, Understand, Understood
from alicia.errors import NotUnderstoodError
from alicia.language.plan import Plan, PlannedAction
from alicia.mind.confirmation_dialogue import LATE_S, OPEN_S, ConfirmationDialogue, Shown

DOOR, LAMP = "lock.front_door", "light.kitchen"
PLAN = Plan(
    intent="HassTurnOff",
    actions=(PlannedAction((LAMP,), "power", False), PlannedAction((DOOR,), "locked", False)),
    heard="turn off the light and unlock the door",
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dialogue(clock: Clock) -> ConfirmationDialogue:
    return ConfirmationDialogue(clock=clock)


def said(text: str, turn_id: str = "t2", **fields: Any) -> Understand:
    whole: dict[str, Any] = {
        "satellite": "hall",
        "language": "en",
        "origin": Origin.VOICE,
        **fields,
    }
    return Understand(turn_id=turn_id, text=text, **whole)


def opened(
    dialogue: ConfirmationDialogue, error: str | None = "security.pin_needed", **fields: Any
) -> Understood:
    ask = said("turn off the light and unlock the door", "t1", **fields)
    results = [
        Result(entity_id=LAMP, capability="power", value=False, outcome=OutcomeKind.CONFIRMED),
        Result(
            entity_id=DOOR,
            capability="locked",
            value=False,
            outcome=OutcomeKind.REFUSED,
            error=error,
        ),
    ]
    reply = Understood(turn_id="t1", heard=ask.text, intent="i", reply="r", language="en")
    return dialogue.asking(ask, PLAN, results, reply)


def nothing(dialogue: ConfirmationDialogue, ask: Understand) -> bool:
    """Whether it is no reply; a PIN that comes too late is not understood either."""
    try:
        return dialogue.answer(ask) is None
    except NotUnderstoodError:
        return True


def record(turn_id: str, satellite: str = "hall", **fields: Any) -> TurnRecord:
    return TurnRecord(
        turn_id=turn_id, satellite=satellite, language="en", trace_id="1", started_at=1, **fields
    )


def test_a_pin_brings_back_what_was_refused_and_no_more(dialogue: ConfirmationDialogue) -> None:
    asked = opened(dialogue)
    assert (asked.expects_reply, asked.asks_pin) == (True, True)
    shown = dialogue.answer(said("two five eight zero"))
    assert isinstance(shown, Shown)
    assert (shown.pin, shown.confirmed, shown.on_behalf_of) == ("2580", False, None)
    assert shown.plan.actions == (PlannedAction((DOOR,), "locked", False),)
    assert "2580" not in repr(shown)
    with pytest.raises(NotUnderstoodError):  # it counts once
        dialogue.answer(said("two five eight zero", "t3"))


def test_a_yes_does_the_same_where_a_yes_is_wanted(dialogue: ConfirmationDialogue) -> None:
    asked = opened(dialogue, "security.confirmation_needed")
    assert (asked.expects_reply, asked.asks_pin) == (True, False)
    shown = dialogue.answer(said("yes"))
    assert isinstance(shown, Shown)
    assert (shown.pin, shown.confirmed) == (None, True)


@pytest.mark.parametrize(
    "error", ["security.not_permitted", "security.no_pin", "security.pin_locked", None]
)
def test_where_nothing_can_be_shown_nothing_is_asked(
    dialogue: ConfirmationDialogue, error: str | None
) -> None:
    assert not opened(dialogue, error).expects_reply
    assert dialogue.answer(said("2580")) is None
    assert dialogue.answer(said("yes")) is None


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("security.pin_needed", "yes"),
        ("security.pin_needed", "unlock the front door"),
        ("security.pin_needed", "the owner said yes"),
        ("security.confirmation_needed", "2580"),
        ("security.confirmation_needed", "yes and unlock the garage too"),
    ],
)
def test_what_was_not_asked_for_is_no_reply(
    dialogue: ConfirmationDialogue, question: str, reply: str
) -> None:
    opened(dialogue, question)
    assert dialogue.answer(said(reply)) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"satellite": "kitchen"},
        {"origin": Origin.TYPED},
        {"origin": Origin.UNKNOWN},
        {"dry_run": True},
    ],
)
def test_a_reply_counts_only_where_and_how_it_was_asked_for(
    dialogue: ConfirmationDialogue, elsewhere: dict[str, Any]
) -> None:
    opened(dialogue)
    assert nothing(dialogue, said("2580", **elsewhere))
    assert isinstance(dialogue.answer(said("2580")), Shown), "the question is open still"


def test_another_person_does_not_reply_for_the_one_who_asked(
    dialogue: ConfirmationDialogue,
) -> None:
    for question, reply in (("pin_needed", "2580"), ("confirmation_needed", "yes")):
        opened(dialogue, f"security.{question}", speaker="anna")
        refused = dialogue.answer(said(reply, speaker="gus"))
        assert isinstance(refused, Understood)
        assert refused.reply == "You may not do that here."
        assert not refused.expects_reply
        assert nothing(dialogue, said(reply, "t3", speaker="anna")), "it is closed"


@pytest.mark.parametrize(
    ("asked_by", "replied_by", "whose"),
    [("anna", None, "anna"), (None, "gus", "gus"), ("anna", "anna", "anna"), (None, None, None)],
)
def test_it_is_done_for_the_last_who_was_recognized(
    dialogue: ConfirmationDialogue,
    asked_by: str | None,
    replied_by: str | None,
    whose: str | None,
) -> None:
    opened(dialogue, speaker=asked_by)
    shown = dialogue.answer(said("2580", speaker=replied_by))
    assert isinstance(shown, Shown)
    assert shown.on_behalf_of == whose


def test_after_half_a_minute_the_question_is_closed(
    dialogue: ConfirmationDialogue, clock: Clock
) -> None:
    opened(dialogue)
    clock.now += OPEN_S
    assert nothing(dialogue, said("2580"))
    clock.now += LATE_S
    assert dialogue.answer(said("2580")) is None, "a number like any other"
    opened(dialogue)
    clock.now += OPEN_S / 2
    assert dialogue.again(said("hm")) is not None
    clock.now += OPEN_S / 2
    assert nothing(dialogue, said("2580")), "asking again makes it no longer"


@pytest.mark.parametrize("text", ["258", "two five", "1234567890123", "two five tree zero"])
def test_half_a_pin_is_asked_for_again_and_its_words_are_kept_nowhere(
    dialogue: ConfirmationDialogue, text: str
) -> None:
    opened(dialogue)
    again = dialogue.answer(said(text))
    assert isinstance(again, Understood)
    assert (again.expects_reply, again.asks_pin, again.secret, again.heard) == (
        True,
        True,
        True,
        "",
    )
    assert isinstance(dialogue.answer(said("2580", "t3")), Shown)


def test_a_no_ends_it(dialogue: ConfirmationDialogue) -> None:
    for question in ("pin_needed", "confirmation_needed"):
        opened(dialogue, f"security.{question}")
        ended = dialogue.answer(said("no"))
        assert isinstance(ended, Understood)
        assert (ended.reply, ended.expects_reply) == ("Okay.", False)
        assert nothing(dialogue, said("yes"))
        assert nothing(dialogue, said("2580"))


def test_whatever_else_ends_there_closes_it_but_silence_does_not(
    dialogue: ConfirmationDialogue,
) -> None:
    opened(dialogue)
    dialogue.ended(record("t1"))
    dialogue.ended(record("t9", "kitchen"))
    dialogue.ended(record("t9", error="voice.no_speech"))
    assert dialogue.again(said("hm", "t1")) is not None
    dialogue.ended(record("t9", intent="Stop"))
    assert nothing(dialogue, said("2580"))


def test_a_dry_run_asks_nothing_and_closes_nothing(dialogue: ConfirmationDialogue) -> None:
    opened(dialogue)
    reply = Understood(turn_id="t3", heard="", intent="i", reply="r", language="en")
    assert dialogue.asking(said("unlock", dry_run=True), PLAN, [], reply) == reply
    assert isinstance(dialogue.answer(said("2580")), Shown)


def test_of_several_commands_only_what_was_refused_is_brought_back(
    dialogue: ConfirmationDialogue,
) -> None:
    parts = tuple(Plan(intent="HassTurnOff", actions=(action,)) for action in PLAN.actions)
    results = [
        Result(entity_id=LAMP, capability="power", value=False, outcome=OutcomeKind.CONFIRMED),
        Result(
            entity_id=DOOR,
            capability="locked",
            value=False,
            outcome=OutcomeKind.REFUSED,
            error="security.pin_needed",
        ),
    ]
    several = Plan(intent="Several", actions=PLAN.actions, parts=parts)
    reply = Understood(turn_id="t1", heard="", intent="i", reply="r", language="en")
    dialogue.asking(said("x", "t1"), several, results, reply)
    shown = dialogue.answer(said("2580"))
    assert isinstance(shown, Shown)
    assert shown.plan == parts[1]


def test_after_a_pin_a_small_number_in_a_sentence_is_no_pin(
    dialogue: ConfirmationDialogue, clock: Clock
) -> None:
    opened(dialogue)
    clock.now += OPEN_S
    assert dialogue.answer(said("set it to 20")) is None
    with pytest.raises(NotUnderstoodError):
        dialogue.answer(said("two five tree eight zero"))
