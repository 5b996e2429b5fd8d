from __future__ import annotations

from datetime import datetime

import pytest

from alicia.contracts.personas import Assignment, AssignmentScope, Cast, Persona, ReplyKind, Traits
from alicia.errors import AmbiguousError, NotUnderstoodError, UnsupportedLanguageError
from alicia.language.phrases import phrase
from alicia.mind.casting import NOBODY, REMEMBERED, Casting, answering, apologised
from alicia.mind.personas import bundled
from alicia.mind.trying import samples

NOON, NIGHT = datetime(2026, 6, 1, 12, 0), datetime(2026, 6, 1, 23, 30)  # noqa: DTZ001 - by the clock
EVERYBODY = list(bundled().values())


def cast(*assigned: tuple[str, str, str], more: tuple[Persona, ...] = ()) -> Casting:
    made = [
        Assignment(scope=AssignmentScope(scope), who=who, persona_id=persona_id)
        for scope, who, persona_id in assigned
    ]
    return Casting(Cast(personas=[*EVERYBODY, *more], assignments=made))


def who(casting: Casting, speaker: str | None, area: str | None, language: str = "en") -> str:
    return casting.answerer(speaker, area, language, NOON).persona_id


def test_a_person_goes_before_a_room_and_a_room_before_the_home() -> None:
    casting = cast(("person", "emma", "mia"), ("area", "bedroom", "luna"), ("home", "", "albert"))
    assert who(casting, "emma", "bedroom") == "mia"
    assert who(casting, "emma", None) == "mia"
    assert who(casting, "otto", "bedroom") == "luna"
    assert who(casting, None, "bedroom") == "luna"
    assert who(casting, None, "kitchen") == "albert"
    assert who(casting, None, None) == "albert"


def test_where_nobody_is_assigned_alicia_answers_as_ever() -> None:
    assert Casting().answerer("emma", "bedroom", "en") is NOBODY
    assert cast(("area", "bedroom", "luna")).answerer(None, "kitchen", "en") is NOBODY
    assert cast(("home", "", "alicia")).answerer(None, None, "en") is NOBODY
    assert NOBODY.say("Done.", ReplyKind.DONE, "en") == "Done."


def test_alicia_herself_may_be_changed() -> None:
    changed = bundled()["nova"].model_copy(update={"persona_id": "alicia"})
    told = Casting(Cast(personas=[changed])).answerer(None, None, "en", NOON)
    assert told.say("Turned on the lamp.", ReplyKind.DONE, "en") == "Done."


def test_who_does_not_speak_the_language_is_passed_over() -> None:
    opa = Persona(persona_id="opa", name="Opa", traits=Traits(warmth=0.9), languages=["de"])
    casting = cast(("person", "emma", "opa"), ("home", "", "albert"), more=(opa,))
    assert who(casting, "emma", None, "de-DE") == "opa"
    assert who(casting, "emma", None, "en") == "albert"
    with pytest.raises(UnsupportedLanguageError):
        who(casting, "emma", None, "tlh")


def test_an_assignment_to_somebody_unknown_is_passed_over() -> None:
    assert who(cast(("person", "emma", "gone"), ("home", "", "nova")), "emma", None) == "nova"


def test_the_hour_counts() -> None:
    casting = cast(("home", "", "luna"))
    day = casting.answerer(None, None, "en", NOON)
    night = casting.answerer(None, None, "en", NIGHT)
    assert night.style.volume_db < day.style.volume_db
    assert night.style.rate < day.style.rate
    assert "Turned on" in day.say("Turned on the lamp.", ReplyKind.DONE, "en")
    assert "Turned on" not in night.say("Turned on the lamp.", ReplyKind.DONE, "en")


def test_who_speaks_is_remembered_for_a_while() -> None:
    casting = Casting()
    for number in range(REMEMBERED + 1):
        casting.recognized(f"u{number}", f"person{number}")
    assert casting.speaker("u0") is None
    assert casting.speaker(f"u{REMEMBERED}") == f"person{REMEMBERED}"


def test_a_greeting_of_ones_own_is_said_in_its_language() -> None:
    grete = Persona(persona_id="grete", name="Grete", greetings={"de": "Moin."})
    told = answering(grete, 12)
    assert told.say("Hallo.", ReplyKind.HELLO, "de-DE") == "Moin."
    assert told.say("Hello.", ReplyKind.HELLO, "en") == "Hello."
    assert told.say("Okay.", ReplyKind.OKAY, "de") == "Okay."


def test_alicias_own_errors_have_the_address_of_who_answers_and_all_their_words() -> None:
    albert = answering(bundled()["albert"], 12)
    asked = AmbiguousError(choices=["die Lampe, die du meinst", "das Licht"])
    plain = phrase(asked.code, "de", **asked.fields)
    assert apologised(asked, "de", NOBODY) == plain
    told = apologised(asked, "de", albert)
    assert told == plain.replace("Was meinst du", "Was meinen Sie") != plain
    assert "die Lampe, die du meinst" in told, "a name stays what it is"
    nova = answering(bundled()["nova"], 12)
    assert apologised(NotUnderstoodError(), "en", nova) == phrase("intent.not_understood", "en")


def test_samples_are_replies_of_each_kind_or_the_text_that_was_given() -> None:
    albert = answering(bundled()["albert"], 12)
    found = {sample.kind: sample for sample in samples(albert, "en", None, ReplyKind.DONE)}
    assert found[ReplyKind.HELLO].text == "At your service."
    assert found[ReplyKind.FAILED].text.endswith("did not confirm it.")
    [one] = samples(albert, "en", "It didn't work.", ReplyKind.FAILED)
    assert (one.plain, one.text) == ("It didn't work.", "It did not work.")
