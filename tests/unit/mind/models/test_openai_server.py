"""The scripted server, read by OpenAI's own library: what it can't read would prove nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import openai
import pytest

from alicia.testing.openai_server import MODEL, Call, OpenAiServer, Reply
from alicia.testing.waiting import PATIENCE_S


@pytest.fixture
async def server() -> AsyncGenerator[OpenAiServer, None]:
    async with OpenAiServer().running() as running:
        yield running


@pytest.fixture
async def client(server: OpenAiServer) -> AsyncGenerator[openai.AsyncOpenAI, None]:
    async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as made:
        yield made


async def test_it_has_one_model(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == [MODEL]


async def test_a_whole_answer(server: OpenAiServer, client: openai.AsyncOpenAI) -> None:
    server.script(Reply("It is warm.", calls=(Call("look", {"at": "x"}),), usage=(7, 3)))
    found = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Is it warm?"}]
    )
    assert found.choices[0].message.content == "It is warm."
    assert found.choices[0].finish_reason == "tool_calls"
    (call,) = found.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("look", '{"at": "x"}')
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.total_tokens) == (7, 10)


async def test_a_stream_tells_usage_to_who_asks_for_it(
    server: OpenAiServer, client: openai.AsyncOpenAI
) -> None:
    server.script(Reply("It is warm.", usage=(7, 3)))
    for wanted in (True, False):
        stream = await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "Is it warm?"}],
            stream=True,
            stream_options={"include_usage": wanted},
        )
        chunks = [chunk async for chunk in stream]
        told = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
        assert told == ([10] if wanted else [])
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == "It is warm."


async def test_an_error_has_its_code_and_its_wait(
    server: OpenAiServer, client: openai.AsyncOpenAI
) -> None:
    server.script(Reply(status=429, retry_after="3"))
    with pytest.raises(openai.RateLimitError) as raised:
        await client.chat.completions.create(model="m", messages=[])
    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["retry-after"] == "3"


@pytest.mark.parametrize("reply", [Reply("x", break_after=0), Reply("x", garbage=True)])
async def test_a_whole_answer_may_break_too(
    server: OpenAiServer, client: openai.AsyncOpenAI, reply: Reply
) -> None:
    server.script(reply)
    with pytest.raises((openai.OpenAIError, ValueError)):
        await client.chat.completions.create(model="m", messages=[])


async def test_another_address_is_not_found(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="m", input="x")


async def test_a_client_that_hangs_up_is_noticed(server: OpenAiServer) -> None:
    server.script(Reply(hang=True))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
    request = await server.asked(1)
    assert not request.abandoned.is_set()
    writer.close()
    await asyncio.wait_for(request.abandoned.wait(), PATIENCE_S)
    assert not request.answered.is_set()
    del reader
