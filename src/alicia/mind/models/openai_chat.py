"""A provider that speaks OpenAI's chat completions: xAI's Grok, llama.cpp, and many others.

The library `openai` does HTTP and reads the stream. Retries, deadlines and keys are ours: it is
told to retry nothing, to follow no redirect, and to take no key from the environment.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from alicia.errors import (
    ConnectivityError,
    DeclinedError,
    DependencyMissingError,
    GarbledError,
    LateError,
    QuotaError,
    RateLimitError,
    ServerError,
    UpstreamAuthError,
    UpstreamError,
)
from alicia.mind.models.port import ChatMessage, Part, TextDelta, Tool, ToolCall, Usage

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

CALLS = 16
"""Tool calls in one completion; a model that wants more is not well."""
ARGUMENTS = 8_192
"""Characters of one call's arguments."""
CHARACTERS = 8
"""Of a token, at most: a server that ignores the limit it is told is cut off."""
LimitName = Literal["max_completion_tokens", "max_tokens"]


class OpenAiChat:
    """One model at one address."""

    def __init__(
        self,
        name: str,
        *,
        url: str,
        model: str,
        key: str,
        timeout_s: float,
        limit_name: LimitName = "max_completion_tokens",
        vision_model: str = "",
    ) -> None:
        """`key` may be empty, where the server wants none. `timeout_s`: for silence of the server.

        `limit_name`: what it calls the longest answer. `vision_model`: who is asked in place of
        `model` where there is a picture. Raises DependencyMissingError.
        """
        try:
            import openai  # noqa: PLC0415 - heavy, and an extra
        except ImportError as error:
            raise DependencyMissingError(
                "The package openai is missing: install alicia[models]."
            ) from error
        self._name = name
        self._model = model
        self._vision_model = vision_model or model
        self._limit_name = limit_name
        # What the library would take from the environment is none of this home's settings.
        unsent = ("OpenAI-Organization", "OpenAI-Project", *([] if key else ["Authorization"]))
        self._unsent = dict.fromkeys(unsent, openai.Omit())
        self._client: AsyncOpenAI = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=url,
            max_retries=0,
            timeout=timeout_s,
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout_s),
        )

    @property
    def name(self) -> str:
        return self._name

    async def complete(
        self, messages: Sequence[ChatMessage], tools: Sequence[Tool] = (), *, max_tokens: int
    ) -> AsyncGenerator[Part, None]:
        """One request. Raises UpstreamError."""
        asked: dict[str, Any] = {
            "model": self._vision_model if any(m.picture for m in messages) else self._model,
            "messages": [_message(message) for message in messages],
            self._limit_name: max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "extra_headers": self._unsent,
        }
        if tools:
            asked["tools"] = [_tool(tool) for tool in tools]
        with _explained(self._name):
            stream = await self._client.chat.completions.create(**asked)
            completion = _Completion(self._name, longest=max_tokens * CHARACTERS)
            try:
                async for chunk in stream:
                    for part in completion.take(chunk):
                        yield part
            finally:
                await stream.close()
            for part in completion.end():
                yield part

    async def close(self) -> None:
        await self._client.close()


class _Completion:
    """What has come of one completion."""

    def __init__(self, provider: str, *, longest: int) -> None:
        self._provider = provider
        self._left = longest
        """Characters that it may still say."""
        self._calls: dict[int, list[str]] = {}
        """By index: id, name, arguments so far."""
        self._finish: str | None = None
        self._refused = False
        self._said = False

    def take(self, chunk: ChatCompletionChunk) -> Generator[Part, None, None]:
        if chunk.usage is not None:
            yield Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices or []:
            self._finish = choice.finish_reason or self._finish
            self._refused = self._refused or bool(choice.delta.refusal)
            for call in choice.delta.tool_calls or []:
                self._take_call(call)
            if choice.delta.content:
                self._said = True
                self._left -= len(choice.delta.content)
                if self._left < 0:
                    raise GarbledError(provider=self._provider, reason="the answer is too long")
                yield TextDelta(choice.delta.content)

    def _take_call(self, call: ChoiceDeltaToolCall) -> None:
        parts = self._calls.setdefault(call.index, ["", "", ""])
        parts[0] = parts[0] or call.id or ""
        if call.function is not None:
            parts[1] += call.function.name or ""
            parts[2] += call.function.arguments or ""
        if len(self._calls) > CALLS or len(parts[2]) > ARGUMENTS:
            raise GarbledError(provider=self._provider, reason="too much is called")

    def end(self) -> Generator[Part, None, None]:
        """Raises UpstreamError where it is no whole answer."""
        if self._refused or self._finish == "content_filter":
            raise DeclinedError(provider=self._provider)
        if self._finish is None:
            raise ConnectivityError(provider=self._provider, reason="the answer broke off")
        if self._finish == "length":
            raise GarbledError(provider=self._provider, reason="the answer is too long")
        if not self._said and not self._calls:
            raise GarbledError(provider=self._provider, reason="the answer is empty")
        for number, (call_id, name, arguments) in sorted(self._calls.items()):
            yield ToolCall(call_id or f"call_{number}", name, arguments)


def _message(message: ChatMessage) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    told: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.calls:
        told["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    return told


def _content(message: ChatMessage) -> str | list[dict[str, Any]]:
    if not message.picture:
        return message.text
    url = f"data:image/jpeg;base64,{base64.b64encode(message.picture).decode('ascii')}"
    return [
        {"type": "text", "text": message.text},
        {"type": "image_url", "image_url": {"url": url}},
    ]


def _tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


@contextmanager
def _explained(provider: str) -> Generator[None, None, None]:
    """The library's errors as ours. What the server said stays out: it may quote what was asked."""
    import openai  # noqa: PLC0415 - heavy, and an extra

    try:
        yield
    except openai.APITimeoutError as error:
        raise LateError(provider=provider) from error
    except openai.APIConnectionError as error:
        raise ConnectivityError(provider=provider) from error
    except openai.APIStatusError as error:
        raise _status(provider, error) from error
    except openai.APIError as error:
        raise ServerError(provider=provider) from error
    except (ValueError, AttributeError, TypeError) as error:
        # The library does not check what it reads against its own types.
        raise GarbledError(provider=provider, reason="no chat completion") from error


def _status(provider: str, error: APIStatusError) -> UpstreamError:
    status = error.status_code
    if status in (401, 403):
        return UpstreamAuthError(provider=provider, status=status)
    if status == 402 or error.code == "insufficient_quota":
        return QuotaError(provider=provider, status=status)
    if status == 429:
        rest_s = _seconds(error)
        return RateLimitError(provider=provider, status=status, retry_after_s=rest_s)
    if status >= 500 or status == 408:
        return ServerError(provider=provider, status=status)
    return UpstreamError(
        "A server outside this home does not take what was asked.", provider=provider, status=status
    )


def _seconds(error: APIStatusError) -> float | None:
    """The wait that the server asks for, where it gives seconds."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
