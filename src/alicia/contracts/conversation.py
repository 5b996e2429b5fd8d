"""What a conversation is about, without its words; and, for a language model, with them."""

from __future__ import annotations

from pydantic import Field

from alicia.contracts.devices import Value
from alicia.contracts.kinds import Message, Personal


class TopicAction(Message):
    """One value for one capability of one or more entities."""

    entities: list[str]
    capability: str
    value: Value
    relative: bool = False
    """The number was added to what was true."""


class TopicQuestion(Message):
    """What was asked of which entities."""

    kind: str
    entities: list[str]
    capability: str | None = None
    wanted: Value | None = None


class Topic(Message):
    """What the last turn at a satellite was about: what "it" is in the next one."""

    intent: str = ""
    response: str = "default"
    """Key of the answer's template among those of the intent."""
    actions: list[TopicAction] = Field(default_factory=list[TopicAction])
    question: TopicQuestion | None = None
    which: bool = False
    """It was asked back which of the actions is meant; none of them has been done."""
    where: bool = False
    """It was asked back in which room: all of one room's are meant."""


class Exchange(Message):
    """A turn that a language model answered: all of it has been put to one before."""

    said: Personal
    replied: Personal
    """Empty where text from outside this home may speak out of it."""
