"""What is put to a model to be summed up, and what is taken of its answer."""

from __future__ import annotations

from alicia.mind.conversation import Overflow, PastTurn
from alicia.mind.models.redaction import redacted
from alicia.mind.models.summaries import instructions, taken, told


def turn(asked: str, replied: str) -> PastTurn:
    return PastTurn(
        satellite="hall",
        speaker=None,
        language="de",
        asked=asked,
        answered=replied,
        private=False,
        at=0,
        replied=replied,
    )


def test_what_is_nobody_elses_business_is_not_in_it() -> None:
    turns = (
        turn("my password is hunter2", "Call +49 170 1234567."),
        turn("the code 0532 and 4711", ""),
    )
    text = told(Overflow("hall", None, "de", turns, "Of a mail to a@b.org.", 0))
    assert "hunter2" not in text
    assert not any(digits in text for digits in ("1234567", "0532", "4711"))
    assert "a@b.org" not in text
    assert redacted(text) == text, "else it would not be taken as it is"
    assert text.startswith("Before: Of a mail to")
    assert text.count("Person: ") == text.count("Alicia: ") == 2
    assert "German" in instructions("de")


def test_it_is_one_short_paragraph() -> None:
    assert taken("**They** spoke\nof `it`. Mail a@b.org.") == "They spoke of it. Mail [e-mail]."
    assert len(taken("Long. " * 500)) <= 600
