"""What a conversation is about, without its words; and, for a language model, with them."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from alicia.contracts.devices import Value
from alicia.contracts.kinds import SECRET_BYTES, Message, Personal


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


MOST_PICTURE_BYTES = 500_000
"""Of a picture on the bus: with what base64 adds, a third of the largest packet."""


class Picture(Message):
    """What somebody shows with a sentence: it travels with the turn, and nobody keeps it.

    What is in it was made by others: in its turn nothing in the home is changed.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    jpeg: bytes = Field(max_length=MOST_PICTURE_BYTES, repr=False, json_schema_extra=SECRET_BYTES)
    """In base64 (URL-safe)."""
