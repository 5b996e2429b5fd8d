"""The port to a language model: what it is told, and what comes back piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants used. Nothing of it has been checked."""

    call_id: str
    name: str
    arguments: str
    """What should be JSON."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    """Of the assistant."""
    call_id: str = ""
    """Of a tool: the call that this is the result of."""
    picture: bytes = b""
    """Of the user: a JPEG that the text is about."""


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    """Letters, digits, `_` and `-`, at most 64."""
    description: str
    parameters: Mapping[str, Any]
    """A JSON Schema, an object at its root."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counts them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What follows is this provider's own: what came before of the completion is void."""

    provider: str


Part = TextDelta | ToolCall | Usage | Asked


class Provider(Protocol):
    """Who completes a conversation: one server, or several in an order."""

    @property
    def name(self) -> str: ...

    def complete(
        self, messages: Sequence[ChatMessage], tools: Sequence[Tool] = (), *, max_tokens: int
    ) -> AsyncGenerator[Part, None]:
        """The completion as it comes: text, then calls; usage last, where the server tells it.

        To close it, or to cancel who waits for it, closes the connection. Raises UpstreamError.
        """
        ...

    async def close(self) -> None: ...


class Lookup(Protocol):
    """Where a model may have something looked up outside this home."""

    @property
    def tools(self) -> list[Tool]: ...

    def has(self, name: str) -> bool: ...

    async def call(self, call: ToolCall, within_s: float) -> str:
        """Untrusted text in its frame; or why there is none."""
        ...
