"""The router has what no longer fits summed up: beside the turns, and never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from alicia.contracts.advanced import COMPLETE, Complete, Completion
from alicia.contracts.voice import FORGET_CONVERSATIONS, ForgetConversations, Understand
from alicia.errors import QuotaError
from alicia.language.phrases import word
from alicia.runtime.service import serves
from alicia.services.voice.router import Router

from .others import Other, until
from .test_router import Scene, scene, written
from .test_router_aloud import said, understood

SUMMARY = "Canary summary of towers."


class Summer(Other):
    """Completes whatever it is given, when it may."""

    name = "grok"

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = 0

    @serves(COMPLETE, concurrency=4)
    async def complete(self, ask: Complete) -> Completion:
        try:
            await self._come(ask)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Completion(text=SUMMARY, provider="p")


@asynccontextmanager
async def summing(folder: Path, **settings: object) -> AsyncGenerator[tuple[Scene, Summer], None]:
    async with scene(folder, access_rules=True, history_tokens=20, **settings) as s:
        summer = await s.home.start(Summer)
        yield s, summer


async def towers(s: Scene, *numbers: int) -> None:
    for number in numbers:
        await said(s, number, f"what is tower {number}", "It is a tower in a town far away.")


async def overflow(s: Scene, folder: Path, first: int) -> None:
    """Two turns, one too many; until what was is written under a new key, as their summary."""
    await towers(s, first)
    key = folder / "state" / "router" / "conversation.key"
    before = key.read_bytes()
    await towers(s, first + 1)
    await until(lambda: key.read_bytes() != before)


def last(s: Scene) -> Understand:
    return understood(s)[-1]


async def test_what_overflows_is_summed_up_and_told_in_place_of_its_turns(tmp_path: Path) -> None:
    async with summing(tmp_path) as (s, summer):
        await overflow(s, tmp_path, 1)
        (ask,) = summer.asked
        assert isinstance(ask, Complete)
        assert "Person: what is tower 1\n" in ask.text
        assert "tower 2" not in ask.text
        await said(s, 3, "lock the door")
        assert last(s).summary == SUMMARY
        assert [one.said for one in last(s).history] == ["what is tower 2"]
        assert written(tmp_path, SUMMARY) == [], "it is sealed"
        await s.home.kill(Router)
        await s.home.start(Router)
        await towers(s, 30)
        assert last(s).summary == SUMMARY


async def test_nobody_waits_for_a_summary_and_who_speaks_puts_it_off(tmp_path: Path) -> None:
    async with summing(tmp_path) as (s, summer):
        summer.leave.clear()
        await towers(s, 1, 2)
        await until(lambda: summer.asked)
        await said(s, 3, "lock the door")
        await until(lambda: summer.cancelled == 1)
        assert last(s).summary == ""
        assert len(summer.asked) == 1, "it was no model that answered"
        summer.leave.set()
        await towers(s, 4)
        await until(lambda: len(summer.asked) == 2)
        assert "tower 2" in summer.asked[1].text, "what has come since is in it"


async def test_where_nobody_sums_up_the_turn_is_as_it_was(tmp_path: Path) -> None:
    async with summing(tmp_path) as (s, summer):
        summer.errors = [QuotaError() for _ in range(9)]
        for number in range(1, 5):
            await towers(s, number)
            await until(lambda count=number: len(summer.asked) == count - 1)
        assert last(s).summary == ""
        assert [one.said for one in last(s).history] == ["what is tower 3"]


async def test_it_is_forgotten_by_voice_and_by_whoever_keeps_the_house(tmp_path: Path) -> None:
    by_hand = (ForgetConversations(), ForgetConversations(satellite="s1"))
    async with summing(tmp_path) as (s, _):
        for base, ask in ((10, None), (40, by_hand[0]), (70, by_hand[1])):
            await overflow(s, tmp_path, base)
            await said(s, base + 2, "lock the door")
            assert last(s).summary == SUMMARY
            if ask is None:
                record = await said(s, base + 22, "forget what we talked about")
                assert record.reply == word("recall.forgotten", "en")
                assert record.intent == "ForgetConversation"
            else:
                assert (await s.home.bus.ask(FORGET_CONVERSATIONS, ask)).turns > 0
            await said(s, base + 23, "and how tall is it")
            assert (last(s).summary, last(s).history) == ("", [])
