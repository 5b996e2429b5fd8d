"""The four kinds of message, and what a payload must be able to do.

A declaration is a value: `PARTIAL = Event("voice/stt/partial/{utterance_id}", Partial)`. Its topic
is relative to the root (a setting of the bus). A `{place}` names a field of the payload, so a topic
and its payload can't disagree and publishing takes only the message.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alicia.errors import MalformedMessageError

_PLACE = re.compile(r"\{(\w+)\}")

Personal = Annotated[str, Field(json_schema_extra={"pii": True})]
"""Text that is somebody's own: never in a log, hidden in a tap unless asked for."""

Secret = Annotated[str, Field(json_schema_extra={"pii": True, "secret": True})]
"""A PIN: hidden in every tap, never logged, never stored."""

SECRET_BYTES: dict[str, Any] = {"pii": True, "secret": True}
"""The same of bytes, as what a field's schema says besides: of a picture."""


@runtime_checkable
class Payload(Protocol):
    """What can travel: JSON messages, and binary chunks."""

    schema_version: ClassVar[int]

    def encode(self) -> bytes: ...

    @classmethod
    def decode(cls, payload: bytes, places: dict[str, str]) -> Self:
        """Raises MalformedMessageError."""
        ...


class Message(BaseModel):
    """A JSON message. Unknown fields are ignored, so that a newer peer may add optional ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    schema_version: ClassVar[int] = 1

    def encode(self) -> bytes:
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def decode(cls, payload: bytes, places: dict[str, str]) -> Self:
        try:
            message = cls.model_validate_json(payload)
        except ValidationError as error:
            raise MalformedMessageError(
                schema=cls.__name__, reason=error.errors(include_url=False, include_input=False)
            ) from error
        for place, value in places.items():
            if str(getattr(message, place)) != value:
                raise MalformedMessageError(
                    schema=cls.__name__, reason=f"the topic says {place}={value}, the payload not"
                )
        return message


_CHUNK = struct.Struct("<IIHBx")


class AudioPayload(Message):
    """Binary audio; its id stands in the topic alone.

    A header of 12 bytes (sequence, position in samples, rate in Hz / 10, flags), then mono signed
    16-bit little-endian samples.
    """

    sequence: int = Field(ge=0, le=0xFFFFFFFF)
    """Counts from 0 in each stream; a gap means loss."""
    position: int = Field(ge=0, le=0xFFFFFFFF)
    """Samples before this chunk since the stream's start."""
    rate_hz: int = Field(ge=8000, le=96000, multiple_of=10)
    last: bool = False
    """Nothing follows."""
    pcm: bytes = b""

    def encode(self) -> bytes:
        return _CHUNK.pack(self.sequence, self.position, self.rate_hz // 10, self.last) + self.pcm

    @classmethod
    def decode(cls, payload: bytes, places: dict[str, str]) -> Self:
        if len(payload) < _CHUNK.size or len(payload) % 2:
            raise MalformedMessageError(schema=cls.__name__, reason="not a chunk of 16-bit audio")
        sequence, position, rate, flags = _CHUNK.unpack_from(payload)
        try:
            return cls.model_validate(
                {
                    **places,
                    "sequence": sequence,
                    "position": position,
                    "rate_hz": rate * 10,
                    "last": bool(flags & 1),
                    "pcm": payload[_CHUNK.size :],
                }
            )
        except ValidationError as error:
            raise MalformedMessageError(schema=cls.__name__, reason=str(error)) from error


M = TypeVar("M", bound=Payload)
Q = TypeVar("Q", bound=Payload)
R = TypeVar("R", bound=Payload)


@dataclass(frozen=True, eq=False)
class Topic(Generic[M]):
    """A declared topic. Compared by identity: a topic is declared once."""

    pattern: str
    payload: type[M]
    doc: str = field(default="", kw_only=True)
    expiry_s: float | None = field(default=None, kw_only=True)
    """How long the broker may keep it for somebody who is slow or away."""
    each_own: bool = field(default=False, kw_only=True)
    """Every service has it for itself, under its own name alone (`{service}` is a place)."""

    qos: ClassVar[int] = 1
    retain: ClassVar[bool] = False

    @cached_property
    def places(self) -> tuple[str, ...]:
        return tuple(_PLACE.findall(self.pattern))

    @cached_property
    def _parts(self) -> tuple[tuple[str, bool], ...]:
        return tuple(
            (m.group(1), True) if (m := _PLACE.fullmatch(part)) else (part, False)
            for part in self.pattern.split("/")
        )

    def name(self, message: M) -> str:
        """The topic of this message, relative to the root."""
        if not self.places:
            return self.pattern
        return "/".join(
            segment(getattr(message, part)) if is_place else part for part, is_place in self._parts
        )

    def filter(self, **places: str) -> str:
        """An MQTT filter; a place that is not given is `+`."""
        return "/".join(
            (segment(places[part]) if part in places else "+") if is_place else part
            for part, is_place in self._parts
        )

    def match(self, topic: str) -> dict[str, str] | None:
        """The places in a topic relative to the root, or None where it is another topic."""
        parts = topic.split("/")
        if len(parts) != len(self._parts):
            return None
        found: dict[str, str] = {}
        for part, (own, is_place) in zip(parts, self._parts, strict=True):
            if is_place:
                found[own] = part
            elif part != own:
                return None
        return found

    @property
    def schema(self) -> str:
        return f"{self.payload.__name__}/{self.payload.schema_version}"


def segment(value: object) -> str:
    """A value as one level of a topic.

    Raises MalformedMessageError where MQTT would read more than a name in it.
    """
    text = str(value)
    if not text or any(c in text for c in "/+#\0"):
        raise MalformedMessageError(reason=f"{text!r} can't be a level of a topic")
    return text


class Event(Topic[M]):
    """Something happened: to everyone who hears it, at least once."""


class State(Topic[M]):
    """What is true now: retained, one writer."""

    retain: ClassVar[bool] = True


class Stream(Topic[M]):
    """Ordered and lossy: audio, meters. Never shared between instances."""

    qos: ClassVar[int] = 0


@dataclass(frozen=True, eq=False)
class Command(Topic[Q], Generic[Q, R]):
    """Ask one, get its answer or its error."""

    reply: type[R] = field(kw_only=True)
    deadline_s: float = field(default=5.0, kw_only=True)
    """How long the asker waits unless it says otherwise."""
    idempotent: bool = field(default=False, kw_only=True)
    """Asking twice does no more than asking once, so that the runtime may ask again."""


AnyTopic = Topic[Any]
