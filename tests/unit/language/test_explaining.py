"""Why, in nine languages."""

from __future__ import annotations

import pytest

from alicia.contracts.devices import OutcomeKind
from alicia.contracts.voice import Action, TurnRecord
from alicia.language.explaining import explain, is_why
from alicia.language.tables import LANGUAGES

WHY = {
    "en": "Why did you do that?",
    "es": "¿Por qué has hecho eso?",
    "fr": "Pourquoi as-tu fait ça ?",
    "de": "Warum hast du das gemacht?",
    "it": "Perché l'hai fatto?",
    "pt": "Por que você fez isso?",
    "zh": "你为什么这么做？",
    "ja": "どうしてそうしたの？",
    "ko": "왜 그렇게 했어?",
}


def record(*outcomes: OutcomeKind, **more: object) -> TurnRecord:
    actions = [
        Action(entity=f"light.{at}", capability="power", value=True, outcome=outcome)
        for at, outcome in enumerate(outcomes)
    ]
    given = {
        "turn_id": "t",
        "satellite": "s",
        "language": "en",
        "trace_id": "1",
        "transcript": "turn on the kitchen lied",
        "heard": "turn on the kitchen light",
        "reply": "Turned on the kitchen light.",
        "actions": actions,
        "started_at": 0.0,
        **more,
    }
    return TurnRecord.model_validate(given)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_asked_in_every_language(language: str) -> None:
    assert is_why(WHY[language], language)
    assert is_why(f"Alicia, {WHY[language]}", language)
    assert not is_why("", language)
    assert not is_why("Why is the kitchen light on?", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_real_chain_is_told_in_every_language(language: str) -> None:
    told = explain(record(OutcomeKind.CONFIRMED, OutcomeKind.UNREACHABLE), language)
    for part in ("turn on the kitchen lied", "turn on the kitchen light", "Turned on the kitchen"):
        assert part in told
    assert "1" in told
    assert "2" in told
    assert told != explain(record(OutcomeKind.CONFIRMED, OutcomeKind.CONFIRMED), language)
    nothing = explain(None, language)
    assert nothing
    assert nothing not in told


def test_what_was_understood_as_it_was_heard_is_told_once() -> None:
    told = explain(record(OutcomeKind.CONFIRMED, heard="Turn on the kitchen lied!"), "en")
    assert told == (
        "I heard: turn on the kitchen lied. I answered: Turned on the kitchen light. "
        "All of it was confirmed by the devices themselves: 1 of 1."
    )


def test_a_question_moved_nothing_and_an_error_is_told_by_its_reply() -> None:
    asked = record(transcript="is it on", heard=None, reply="Yes.")
    assert explain(asked, "en").endswith("I answered: Yes. No device was told anything.")
    failed = record(transcript=None, heard=None, reply="Sorry.", error="voice.no_speech")
    assert explain(failed, "en") == "I could not hear any words. I answered: Sorry."
