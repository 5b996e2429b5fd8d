"""What people told Alicia to remember: theirs to see, to change and to have forgotten."""

from __future__ import annotations

from pydantic import Field

from alicia.contracts.kinds import Command, Message, Personal

HOUSEHOLD = ""
"""Whose facts are for everybody here."""
LONGEST_FACT = 400
"""Characters."""
KEPT, TOLD, FORGOT, FORGOT_ALL = "Remember", "Recall", "Forget", "ForgetAll"
"""Intents of turns that are about what is remembered: nobody else keeps their words."""
INTENTS = frozenset({KEPT, TOLD, FORGOT, FORGOT_ALL})


class Fact(Message):
    """Something that a person said, in their words: text, and nothing is done because of it."""

    fact_id: str
    person_id: str = HOUSEHOLD
    """Whose it is, and who alone is told it; empty: everybody's here."""
    text: Personal
    language: str
    told_at: float
    """Seconds since the epoch."""


class ListFacts(Message):
    person_id: str | None = None
    """Of one person, or (empty) of the household; of all where it is absent."""


class Facts(Message):
    facts: list[Fact]
    """The oldest first."""


class PutFact(Message):
    """A new fact, or other words for one that is there."""

    fact_id: str | None = None
    person_id: str = HOUSEHOLD
    text: Personal
    """Not empty, and no longer than `LONGEST_FACT`."""
    language: str = "en"


class ForgetFacts(Message):
    """Erase for good: these, or all of a person."""

    fact_ids: list[str] = Field(default_factory=list[str])
    person_id: str | None = None
    """All of this person's, or (empty) of the household's."""


class FactsForgotten(Message):
    count: int


LIST_FACTS: Command[ListFacts, Facts] = Command(
    "voice/ai/memory/list", ListFacts, reply=Facts, idempotent=True
)
PUT_FACT: Command[PutFact, Fact] = Command("voice/ai/memory/put", PutFact, reply=Fact)
FORGET_FACTS: Command[ForgetFacts, FactsForgotten] = Command(
    "voice/ai/memory/forget", ForgetFacts, reply=FactsForgotten
)
