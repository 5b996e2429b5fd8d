"""A provider against the scripted server, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from alicia.errors import (
    ConnectivityError,
    DeclinedError,
    GarbledError,
    LateError,
    QuotaError,
    RateLimitError,
    ServerError,
    UpstreamAuthError,
    UpstreamError,
)
from alicia.mind.models.openai_chat import OpenAiChat
from alicia.mind.models.port import ChatMessage, Part, TextDelta, Tool, ToolCall, Usage
from alicia.testing.openai_server import Call, OpenAiServer, Reply
from alicia.testing.waiting import PATIENCE_S

ASKED = [ChatMessage("system", "Be brief."), ChatMessage("user", "Is it warm?")]
TOOL = Tool("set_power", "Set power.", {"type": "object", "properties": {}})


@pytest.fixture
async def server() -> AsyncGenerator[OpenAiServer, None]:
    async with OpenAiServer().running() as running:
        yield running


@pytest.fixture
async def chat(server: OpenAiServer) -> AsyncGenerator[OpenAiChat, None]:
    provider = OpenAiChat("grok", url=server.url, model="m", key="k-1", timeout_s=5)
    yield provider
    await provider.close()


async def parts_of(chat: OpenAiChat) -> list[Part]:
    async with aclosing(chat.complete(ASKED, [TOOL], max_tokens=50)) as parts:
        return [part async for part in parts]


async def test_text_comes_piece_by_piece_and_usage_last(
    server: OpenAiServer, chat: OpenAiChat
) -> None:
    server.script(Reply("It is warm.", usage=(120, 4)))
    assert await parts_of(chat) == [
        TextDelta("It "),
        TextDelta("is "),
        TextDelta("warm."),
        Usage(120, 4),
    ]
    asked = await server.asked(1)
    assert asked.headers["authorization"] == "Bearer k-1"
    assert asked.body["model"] == "m"
    assert asked.body["max_completion_tokens"] == 50
    assert asked.body["stream"] is True
    assert [message["content"] for message in asked.body["messages"]] == [
        "Be brief.",
        "Is it warm?",
    ]
    assert asked.body["tools"][0]["function"]["name"] == "set_power"


async def test_calls_come_whole_though_they_are_sent_in_parts(
    server: OpenAiServer, chat: OpenAiChat
) -> None:
    server.script(
        Reply(calls=(Call("set_power", {"value": True}), Call("query", "{broken"))),
    )
    calls = [part for part in await parts_of(chat) if isinstance(part, ToolCall)]
    assert calls == [
        ToolCall("call_0", "set_power", '{"value": true}'),
        ToolCall("call_1", "query", "{broken"),
    ]


async def test_a_server_that_wants_no_key_is_sent_none(server: OpenAiServer) -> None:
    chat = OpenAiChat("local", url=server.url, model="m", key="", timeout_s=5)
    await parts_of(chat)
    await chat.close()
    assert "authorization" not in (await server.asked(1)).headers


async def test_a_server_is_told_the_limit_by_its_own_word_and_held_to_it(
    server: OpenAiServer,
) -> None:
    server.script(Reply("so " * 200))
    chat = OpenAiChat("p", url=server.url, model="m", key="", timeout_s=5, limit_name="max_tokens")
    with pytest.raises(GarbledError):
        await parts_of(chat)
    await chat.close()
    asked = (await server.asked(1)).body
    assert asked["max_tokens"] == 50
    assert "max_completion_tokens" not in asked


async def test_nothing_of_the_environment_is_sent(
    server: OpenAiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k-of-somebody")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody")
    chat = OpenAiChat("local", url=server.url, model="m", key="", timeout_s=5)
    await parts_of(chat)
    await chat.close()
    assert not [v for v in (await server.asked(1)).headers.values() if "of-somebody" in v]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401), UpstreamAuthError),
        (Reply(status=403), UpstreamAuthError),
        (Reply(status=429), RateLimitError),
        (Reply(status=429, code="insufficient_quota"), QuotaError),
        (Reply(status=500), ServerError),
        (Reply(status=503), ServerError),
        (Reply(status=404), UpstreamError),
        (Reply(status=302), UpstreamError),
        (Reply("It is warm.", break_after=0), ConnectivityError),
        (Reply("It is warm.", break_after=2), ConnectivityError),
        (Reply("It is warm.", garbage=True), GarbledError),
        (Reply(), GarbledError),
        (Reply("It is", finish="length"), GarbledError),
        (Reply("It is", finish="content_filter"), DeclinedError),
        (Reply(refusal="I can't help with that."), DeclinedError),
        (Reply(calls=tuple(Call("set_power", "{}") for _ in range(17))), GarbledError),
        (Reply(calls=(Call("set_power", "x" * 9000),)), GarbledError),
    ],
)
async def test_what_goes_wrong_is_an_error_of_its_own(
    server: OpenAiServer, chat: OpenAiChat, reply: Reply, error: type[UpstreamError]
) -> None:
    server.script(reply)
    with pytest.raises(error) as raised:
        await parts_of(chat)
    assert type(raised.value) is error
    assert raised.value.fields["provider"] == "grok"
    assert len(server.requests) == 1, "retries are the chain's"
    assert "warm" not in str(raised.value)


async def test_the_wait_that_a_server_asks_for_is_told(
    server: OpenAiServer, chat: OpenAiChat
) -> None:
    server.script(Reply(status=429, retry_after="7"), Reply(status=429, retry_after="soon"))
    with pytest.raises(RateLimitError) as raised:
        await parts_of(chat)
    assert raised.value.fields["retry_after_s"] == 7
    with pytest.raises(RateLimitError) as raised:
        await parts_of(chat)
    assert raised.value.fields["retry_after_s"] is None


async def test_a_server_that_is_not_there_can_not_be_reached() -> None:
    chat = OpenAiChat("local", url="http://127.0.0.1:9/v1", model="m", key="", timeout_s=5)
    with pytest.raises(ConnectivityError):
        await parts_of(chat)
    await chat.close()


async def test_silence_ends(server: OpenAiServer) -> None:
    server.script(Reply(hang=True))
    chat = OpenAiChat("slow", url=server.url, model="m", key="", timeout_s=0.1)
    with pytest.raises(LateError):
        await parts_of(chat)
    await chat.close()


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply("It is warm.", between_s=30)])
async def test_who_cancels_closes_the_connection(
    server: OpenAiServer, chat: OpenAiChat, reply: Reply
) -> None:
    server.script(reply)
    waiting = asyncio.create_task(parts_of(chat))
    request = await server.asked(1)
    await asyncio.sleep(0.05)
    waiting.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await request.abandoned.wait()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_has_heard_enough_closes_the_connection(
    server: OpenAiServer, chat: OpenAiChat
) -> None:
    server.script(Reply("It is warm today.", between_s=5))
    async with aclosing(chat.complete(ASKED, max_tokens=50)) as parts:
        assert await anext(parts) == TextDelta("It ")
    request = await server.asked(1)
    async with asyncio.timeout(PATIENCE_S):
        await request.abandoned.wait()


async def test_a_connection_is_used_again(server: OpenAiServer, chat: OpenAiChat) -> None:
    for text in ("One.", "Two."):
        server.script(Reply(text))
        assert TextDelta(text) in await parts_of(chat)
        await asyncio.wait_for(server.requests[-1].answered.wait(), PATIENCE_S)
