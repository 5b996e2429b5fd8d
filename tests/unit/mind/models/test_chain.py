"""Providers in an order, against scripted servers over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest

from alicia.errors import (
    ConnectivityError,
    DeclinedError,
    LateError,
    NoProviderError,
    QuotaError,
    ServerError,
    UpstreamError,
)
from alicia.mind.models.breaker import Breaker
from alicia.mind.models.chain import Chain, Link
from alicia.mind.models.costs import Costs, Price
from alicia.mind.models.openai_chat import OpenAiChat
from alicia.mind.models.port import Asked, ChatMessage, Part, TextDelta, Usage
from alicia.testing.openai_server import OpenAiServer, Reply
from alicia.testing.waiting import PATIENCE_S, Stopwatch

ASKED = [ChatMessage("user", "Is it warm?")]
FREE = Price(0, 0)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A chain of scripted servers."""

    def __init__(self, chain: Chain, servers: list[OpenAiServer], links: list[Link]) -> None:
        self.chain = chain
        self.servers = servers
        self.links = links
        self.failures: list[tuple[str, str]] = []

    def failed(self, provider: str, error: UpstreamError) -> None:
        self.failures.append((provider, error.code))

    async def parts(self, within_s: float | None = None) -> list[Part]:
        asked = self.chain.complete(ASKED, max_tokens=100, within_s=within_s)
        async with aclosing(asked) as parts:
            return [part async for part in parts]

    async def answered_by(self) -> str:
        return [part.provider for part in await self.parts() if isinstance(part, Asked)][-1]

    async def text(self, within_s: float | None = None) -> str:
        text = ""
        for part in await self.parts(within_s):
            if isinstance(part, Asked):
                text = ""
            elif isinstance(part, TextDelta):
                text += part.text
        return text


@asynccontextmanager
async def bench(
    count: int = 2,
    *,
    price: Price = FREE,
    cap_usd: float = 1.0,
    within_s: float = 12.0,
    first_token_s: float = 2.5,
    path: Path | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[Bench, None]:
    clock = clock or Clock()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(OpenAiServer().running()) for _ in range(count)]
        links = [
            Link(
                OpenAiChat(f"p{number}", url=server.url, model="m", key="", timeout_s=10),
                price,
                first_token_s,
                Breaker(clock=clock),
            )
            for number, server in enumerate(servers)
        ]
        costs = Costs(path, cap_usd=cap_usd, clock=clock)
        stack.callback(costs.close)
        made = Bench(Chain([], costs, within_s=within_s), servers, links)
        made.chain = Chain(links, costs, within_s=within_s, failed=made.failed)
        stack.push_async_callback(made.chain.close)
        yield made


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (Reply(status=500), "upstream.server"),
        (Reply(status=429), "upstream.rate_limit"),
        (Reply(status=401), "upstream.auth"),
        (Reply(hang=True), "upstream.late"),
        (Reply("It is", before_s=10), "upstream.late"),
        (Reply("It is warm.", break_after=0), "upstream.connectivity"),
        (Reply("It is warm.", break_after=2), "upstream.connectivity"),
        (Reply("It is warm.", garbage=True), "upstream.garbled"),
        (Reply(refusal="No."), "upstream.declined"),
    ],
)
async def test_where_one_fails_the_next_answers(bad: Reply, code: str) -> None:
    async with bench() as chain:
        chain.servers[0].script(bad)
        chain.servers[1].script(Reply("Yes, it is."))
        assert await chain.text() == "Yes, it is."
        assert chain.failures == [("p0", code)]


async def test_what_a_broken_answer_began_with_is_void() -> None:
    async with bench() as chain:
        chain.servers[0].script(Reply("It is cold.", break_after=2))
        chain.servers[1].script(Reply("Yes.", reports_usage=False))
        assert await chain.parts() == [
            Asked("p0"),
            TextDelta("It "),
            Asked("p1"),
            TextDelta("Yes."),
        ]


async def test_where_all_fail_the_last_one_s_error_is_raised() -> None:
    async with bench() as chain:
        chain.servers[0].script(Reply(status=500))
        chain.servers[1].script(Reply(refusal="No."))
        with pytest.raises(DeclinedError):
            await chain.parts()


async def test_without_providers_nobody_can_be_asked() -> None:
    async with bench(0) as chain:
        with pytest.raises(NoProviderError):
            await chain.parts()


async def test_all_of_them_together_end_in_time() -> None:
    async with bench(first_token_s=5) as chain:
        for server in chain.servers:
            server.script(Reply("It is warm.", before_s=10))
        began = Stopwatch()
        with pytest.raises(LateError):
            await chain.parts(within_s=0.4)
        assert began.seconds < 1.5
        assert [len(server.requests) for server in chain.servers] == [1, 0]


async def test_a_stream_that_does_not_end_is_ended() -> None:
    async with bench(1) as chain:
        chain.servers[0].script(Reply("one two three four five six seven", between_s=0.2))
        with pytest.raises(LateError):
            await chain.parts(within_s=0.5)
        async with asyncio.timeout(PATIENCE_S):
            await chain.servers[0].requests[0].abandoned.wait()


async def test_who_has_no_time_left_is_not_blamed() -> None:
    async with bench(1, first_token_s=5) as chain:
        chain.servers[0].script(Reply(hang=True))
        for _ in range(4):
            with pytest.raises(LateError):
                await chain.parts(within_s=0.05)
        assert not chain.links[0].breaker.is_open


# ---- breaker ------------------------------------------------------------------------------------


async def test_who_failed_three_times_rests_and_is_tried_once() -> None:
    clock = Clock()
    async with bench(clock=clock) as chain:
        chain.servers[0].script(Reply(status=500))
        chain.servers[1].script(Reply("Yes."))
        for _ in range(5):
            assert await chain.text() == "Yes."
        assert len(chain.servers[0].requests) == 3
        clock.now += 31
        await chain.text()
        await chain.text()
        assert len(chain.servers[0].requests) == 4, "one trial, and it rests again"
        clock.now += 31
        chain.servers[0].script(Reply("I'm back."))
        assert await chain.text() == "I'm back."
        assert await chain.text() == "I'm back."


async def test_while_all_rest_nobody_is_asked_and_it_fails_at_once() -> None:
    async with bench(1) as chain:
        chain.servers[0].script(Reply(status=500))
        for _ in range(3):
            with pytest.raises(ServerError):
                await chain.parts()
        with pytest.raises(UpstreamError) as raised:
            await chain.parts()
        assert raised.value.fields == {"provider": "p0", "resting": True}
        assert len(chain.servers[0].requests) == 3


async def test_the_wait_that_a_server_asks_for_is_kept() -> None:
    clock = Clock()
    async with bench(clock=clock) as chain:
        chain.servers[0].script(Reply(status=429, retry_after="90"), Reply("Yes."))
        chain.servers[1].script(Reply("No."))
        assert await chain.text() == "No."
        clock.now += 80
        assert await chain.text() == "No."
        clock.now += 11
        assert await chain.text() == "Yes."


async def test_a_trial_that_is_given_up_is_no_verdict() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, clock=clock)
    breaker.begin()
    breaker.failed()
    clock.now += 31
    breaker.begin()
    assert breaker.is_open, "one trial at a time"
    breaker.given_up()
    assert not breaker.is_open


# ---- costs --------------------------------------------------------------------------------------


async def test_a_day_costs_no_more_than_its_cap(tmp_path: Path) -> None:
    clock = Clock()
    dear = Price(1_000.0, 1_000.0)  # a thousandth of a dollar for each token
    path = tmp_path / "costs.db"
    async with bench(1, price=dear, cap_usd=0.3, path=path, clock=clock) as chain:
        chain.servers[0].script(Reply("Yes.", usage=(100, 20)))
        assert await chain.text() == "Yes."
        assert await chain.text() == "Yes."
        with pytest.raises(QuotaError) as raised:
            await chain.text()
        assert raised.value.fields == {"cap_usd": 0.3, "left_usd": 0.06}
        assert len(chain.servers[0].requests) == 2, "nothing was sent"
    async with bench(1, price=dear, cap_usd=0.3, path=path, clock=clock) as chain:
        with pytest.raises(QuotaError):  # what was spent outlives the process
            await chain.text()
        clock.now += 86_400
        assert await chain.text() == "Hello."


async def test_who_costs_nothing_answers_when_the_day_is_spent() -> None:
    async with bench(2, price=FREE, cap_usd=0.0) as chain:
        chain.links[0].price = Price(5.0, 15.0)
        assert await chain.answered_by() == "p1"
        assert chain.servers[0].requests == []


async def test_who_hangs_up_has_paid_for_what_was_read(tmp_path: Path) -> None:
    costs = Costs(tmp_path / "costs.db", cap_usd=1.0)
    async with bench(1) as chain:
        chain.servers[0].script(Reply("one two three", between_s=30))
        paid = Chain([Link(chain.links[0].provider, Price(1.0, 1.0), 5)], costs, within_s=5)
        parts = paid.complete(ASKED, max_tokens=100)
        assert await anext(parts) == Asked("p0")
        assert await anext(parts) == TextDelta("one ")
        await parts.aclose()
    assert await costs.spent() > 0
    await costs.reserve(0.9)  # what had been set aside is free again
    costs.close()


async def test_a_request_that_was_refused_costs_nothing(tmp_path: Path) -> None:
    async with bench(1, price=Price(5, 5), path=tmp_path / "costs.db") as chain:
        chain.servers[0].script(Reply(status=500))
        with pytest.raises(ServerError):
            await chain.parts()
    costs = Costs(tmp_path / "costs.db", cap_usd=1.0)
    assert await costs.spent() == 0
    costs.close()


async def test_two_at_once_do_not_spend_the_same_money() -> None:
    costs = Costs(None, cap_usd=1.0)
    await costs.reserve(0.7)
    with pytest.raises(QuotaError):
        await costs.reserve(0.7)
    await costs.settle(0.7, "p", Usage(1, 1), 0.1)
    await costs.reserve(0.7)
    costs.close()


# ---- what leaves --------------------------------------------------------------------------------


async def test_secrets_do_not_leave() -> None:
    async with bench(1) as chain:
        said = "Tell anna@example.org that the alarm PIN is 4711, and call +49 170 1234567."
        asked = chain.chain.complete([ChatMessage("user", said)], max_tokens=10)
        async with aclosing(asked) as parts:
            assert [part async for part in parts]
        sent = chain.servers[0].requests[0].said
        for secret in ("anna", "4711", "1234567"):
            assert secret not in sent
        assert "[e-mail]" in sent


async def test_who_cancels_closes_the_connection_of_who_is_asked() -> None:
    async with bench(1) as chain:
        chain.servers[0].script(Reply(hang=True))
        waiting = asyncio.create_task(chain.parts())
        request = await chain.servers[0].asked(1)
        waiting.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await request.abandoned.wait()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert chain.failures == []


async def test_a_server_that_is_gone_is_passed_over() -> None:
    async with bench() as chain:
        chain.links[0].provider = OpenAiChat(
            "gone", url="http://127.0.0.1:9/v1", model="m", key="", timeout_s=2
        )
        assert await chain.text() == "Hello."
        assert chain.failures == [("gone", ConnectivityError.code)]
