"""What we need of a model's server, asked of a real one, where somebody has one.

    llama-server -m MODEL.gguf --jinja --port 8080
    make test-model URL=http://localhost:8080/v1

What a model says is its own; what is checked is the protocol, and that nothing unasked is done.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from io import BytesIO

import pytest

from alicia.contracts.conversation import Exchange
from alicia.errors import GarbledError, UpstreamError
from alicia.home.demo import load
from alicia.home.protection import is_protected
from alicia.mind.models.chain import Chain, Link, Sight
from alicia.mind.models.costs import Costs, Price
from alicia.mind.models.openai_chat import OpenAiChat
from alicia.mind.models.port import ChatMessage, TextDelta, Usage
from alicia.mind.models.thinking import Limits, Thought, look, think

URL = os.environ.get("ALICIA_TEST_OPENAI_URL", "")
MODEL = os.environ.get("ALICIA_TEST_OPENAI_MODEL", "local")
KEY = os.environ.get("ALICIA_TEST_OPENAI_KEY", "")
SIGHT = os.environ.get("ALICIA_TEST_OPENAI_SIGHT", "")
WITHIN_S = 90.0
"""A model on a processor takes its time; how long is not what is tested."""

pytestmark = [
    pytest.mark.skipif(not URL, reason="ALICIA_TEST_OPENAI_URL is not set: see docs/models.md"),
    pytest.mark.timeout(300),
]


@pytest.fixture
async def server() -> AsyncGenerator[OpenAiChat, None]:
    chat = OpenAiChat("real", url=URL, model=MODEL, key=KEY, timeout_s=WITHIN_S)
    yield chat
    await chat.close()


async def thought(
    server: OpenAiChat, text: str, history: tuple[Exchange, ...] = (), said: list[str] | None = None
) -> Thought:
    async def say(number: int, clause: str) -> None:
        assert said is not None
        assert number == len(said)
        said.append(clause)

    costs = Costs(None, cap_usd=0)
    chain = Chain([Link(server, Price(0, 0), WITHIN_S)], costs, within_s=WITHIN_S)
    try:
        return await think(
            chain,
            text,
            home=load().picture(),
            language="en",
            area_id="kitchen",
            limits=Limits(within_s=WITHIN_S, aloud_s=WITHIN_S, home_tokens=1600, max_tokens=300),
            refused=lambda _: None,
            history=history,
            say=say if said is not None else None,
        )
    finally:
        costs.close()


async def test_it_streams_text_and_tells_the_tokens(server: OpenAiChat) -> None:
    asked = [ChatMessage("user", "Count from one to ten in words.")]
    parts = [part async for part in server.complete(asked, max_tokens=200)]
    assert len([part for part in parts if isinstance(part, TextDelta)]) > 1, "it came in pieces"
    (usage,) = [part for part in parts if isinstance(part, Usage)]
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0


async def test_it_keeps_the_limit_or_is_cut_off(server: OpenAiChat) -> None:
    asked = [ChatMessage("user", "Tell a long story of a lighthouse.")]
    with pytest.raises(GarbledError):
        async for _ in server.complete(asked, max_tokens=16):
            pass


async def test_who_leaves_may_come_back(server: OpenAiChat) -> None:
    asked = [ChatMessage("user", "Tell a long story of a lighthouse.")]
    parts = server.complete(asked, max_tokens=300)
    await anext(parts)
    await parts.aclose()
    async with asyncio.timeout(WITHIN_S):
        assert [p async for p in server.complete([ChatMessage("user", "Say hi.")], max_tokens=200)]


async def test_a_question_is_answered_clause_by_clause(server: OpenAiChat) -> None:
    said: list[str] = []
    found = await thought(server, "why is the sky blue? answer in two sentences", said=said)
    assert found.changes == ()
    assert found.reply.startswith("".join(said).strip())


async def test_it_knows_what_was_said_before(server: OpenAiChat) -> None:
    history = (Exchange(said="what is the Eiffel tower?", replied="A tower of iron in Paris."),)
    assert (await thought(server, "and in which city is it?", history)).reply


@pytest.mark.skipif(not SIGHT, reason="ALICIA_TEST_OPENAI_SIGHT is not set: it need not see")
async def test_it_sees_what_it_is_shown(server: OpenAiChat) -> None:
    from PIL import Image  # noqa: PLC0415 - optional

    out = BytesIO()
    Image.new("RGB", (256, 256), "red").save(out, "JPEG")
    costs = Costs(None, cap_usd=0)
    sight = Sight(Price(0, 0), WITHIN_S, 4096)
    chain = Chain([Link(server, Price(0, 0), WITHIN_S, sight=sight)], costs, within_s=WITHIN_S)
    limits = Limits(within_s=WITHIN_S, home_tokens=200, max_tokens=300)
    try:
        found = await look(
            chain,
            "Which colour is this?",
            out.getvalue(),
            language="en",
            limits=limits,
            refused=lambda _: None,
        )
    finally:
        costs.close()
    assert "red" in found.reply.lower()


async def test_what_it_calls_is_valid_or_not_done(server: OpenAiChat) -> None:
    home = load().picture()
    for text in ("turn on the kitchen light", "unlock the front door", "open the garage"):
        try:
            changes = (await thought(server, text)).changes
        except UpstreamError:
            continue  # it called what may not be called, and nothing is done
        for change in changes:
            assert not is_protected(home.entity(change.entity_id))
