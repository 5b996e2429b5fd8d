"""What a model is told of who answers and of what was said before; and its words as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from alicia.contracts.conversation import Exchange
from alicia.errors import AliciaError, BrokeOffError, LateError
from alicia.home.demo import load
from alicia.language.tables import LANGUAGES
from alicia.mind.casting import NOBODY, Answerer
from alicia.mind.models.chain import Chain, Link
from alicia.mind.models.costs import Costs, Price
from alicia.mind.models.openai_chat import OpenAiChat
from alicia.mind.models.thinking import Limits, Thought, think
from alicia.mind.models.tools import Change
from alicia.mind.personas import bundled
from alicia.testing.openai_server import Call, OpenAiServer, Reply
from alicia.testing.waiting import PATIENCE_S

FIRST, REST = "It was built in 1889. ", "It is made of iron."
ON = Call("set_power", {"entities": ["light.kitchen"], "value": True})
BROKEN = Call("set_power", '{"entities": ["light.kit')


@dataclass
class Mind:
    chain: Chain
    server: OpenAiServer
    heard: list[str] = field(default_factory=list[str])
    refused: list[AliciaError] = field(default_factory=list[AliciaError])

    async def think(
        self,
        *,
        manner: str = "",
        history: list[Exchange] | None = None,
        language: str = "en",
        within_s: float = 30.0,
        history_tokens: int = 400,
    ) -> Thought:
        async def say(number: int, text: str) -> None:
            assert number == len(self.heard)
            self.heard.append(text)
            self.server.requests[-1].go.set()

        return await think(
            self.chain,
            "and how tall is it?",
            home=load().picture(),
            language=language,
            area_id="kitchen",
            limits=Limits(
                within_s=within_s,
                aloud_s=5,
                home_tokens=1600,
                history_tokens=history_tokens,
                max_tokens=200,
            ),
            refused=self.refused.append,
            manner=manner,
            history=history or [],
            say=say,
        )


@asynccontextmanager
async def mind_of(servers: int) -> AsyncGenerator[Mind, None]:
    async with OpenAiServer().running() as first, OpenAiServer().running() as second:
        costs = Costs(None, cap_usd=1)
        chats = [
            OpenAiChat(f"p{at}", url=server.url, model="m", key="", timeout_s=30)
            for at, server in enumerate((first, second)[:servers])
        ]
        chain = Chain([Link(chat, Price(0, 0), 20.0) for chat in chats], costs, within_s=30)
        second.script(Reply("Somebody else's answer. All of it."))
        yield Mind(chain, first)
        await chain.close()
        costs.close()
        assert second.requests == [], "what was begun by one is not ended by another"


@pytest.fixture
async def mind() -> AsyncGenerator[Mind, None]:
    async with mind_of(1) as made:
        yield made


# ---- who answers, and what was said --------------------------------------------------------------


def system(mind: Mind) -> str:
    return mind.server.requests[-1].body["messages"][0]["content"]


async def test_a_model_is_told_who_answers_and_how(mind: Mind) -> None:
    albert = Answerer(bundled()["albert"])
    await mind.think(manner=albert.manner("de"), language="de")
    for told in ("Albert", "butler", "formally", "'Sie'", "German"):
        assert told in system(mind)
    mia = Answerer(bundled()["mia"])
    await mind.think(manner=mia.manner("de"), language="de")
    for told in ("Mia", "warm and friendly", "casually", "'du'", "kind joke"):
        assert told in system(mind)
    assert "'Sie'" not in system(mind)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_nobody_is_assigned_people_are_addressed_as_by_the_home(
    mind: Mind, language: str
) -> None:
    await mind.think(manner=NOBODY.manner(language), language=language)
    assert "You are Alicia" in system(mind)
    assert ("Address the person" in system(mind)) == (language != "en")


async def test_it_is_told_what_was_said_before_as_what_was_said(mind: Mind) -> None:
    history = [Exchange(said="what is the Eiffel tower", replied="A tower in Paris.")]
    await mind.think(history=history)
    _, asked, answered, now = mind.server.requests[0].body["messages"]
    assert asked == {"role": "user", "content": "what is the Eiffel tower"}
    assert answered == {"role": "assistant", "content": "A tower in Paris."}
    assert now["content"].endswith("and how tall is it?")


async def test_of_a_long_conversation_the_latest_is_told(mind: Mind) -> None:
    history = [Exchange(said=f"sentence {n}", replied="word " * 50) for n in range(9)]
    await mind.think(history=history, history_tokens=200)
    told = [m["content"] for m in mind.server.requests[0].body["messages"] if m["role"] == "user"]
    assert [text.split()[-1] for text in told[:-1]] == ["6", "7", "8"]
    await mind.think(history=history, history_tokens=0)
    assert len(mind.server.requests[1].body["messages"]) == 2


async def test_what_is_nobodys_business_leaves_in_no_history(mind: Mind) -> None:
    await mind.think(history=[Exchange(said="my pin is 1234", replied="Call +49 170 1234567.")])
    assert "1234" not in mind.server.requests[0].said


# ---- as it comes ---------------------------------------------------------------------------------


async def test_the_first_clause_is_said_before_the_last_token_is_sent(mind: Mind) -> None:
    mind.server.script(Reply(FIRST + REST, hold_after=7))  # "iron." waits until FIRST was said
    thought = await mind.think()
    assert mind.heard == [FIRST]
    assert thought.reply == FIRST + REST


async def test_once_it_is_said_the_rest_may_take_longer(mind: Mind) -> None:
    mind.server.script(Reply(FIRST + REST, between_s=0.25))
    assert (await mind.think(within_s=2.2)).reply == FIRST + REST
    with pytest.raises(LateError):
        await mind.think(within_s=0.2)
    assert mind.heard == [FIRST]


async def test_an_answer_that_breaks_off_is_not_ended_by_another() -> None:
    async with mind_of(2) as mind:
        mind.server.script(Reply(FIRST + REST, break_after=8))
        with pytest.raises(BrokeOffError):
            await mind.think()
        assert mind.heard == [FIRST]


@pytest.mark.parametrize("calls", [(BROKEN,), (ON, BROKEN)], ids=["broken", "half broken"])
async def test_no_call_counts_that_is_not_whole_whatever_was_said(
    mind: Mind, calls: tuple[Call, ...]
) -> None:
    mind.server.script(Reply(FIRST + REST, calls=calls))
    with pytest.raises(BrokeOffError):
        await mind.think()
    assert mind.heard == [FIRST]
    assert mind.refused


async def test_a_call_that_breaks_off_is_none(mind: Mind) -> None:
    # Nine pieces of words, the first half of the call, and no more.
    mind.server.script(Reply(FIRST + REST, calls=(ON,), break_after=12))
    with pytest.raises(BrokeOffError):
        await mind.think()


async def test_calls_after_words_are_whole_and_valid(mind: Mind) -> None:
    mind.server.script(Reply("I have turned it on.", calls=(ON,)))
    thought = await mind.think()
    assert thought.changes == (Change("light.kitchen", "power", value=True),)
    assert mind.heard == [], "one sentence before a call is not known to be true"


async def test_who_interrupts_ends_the_generation(mind: Mind) -> None:
    mind.server.script(Reply(FIRST + REST + " More. " * 20, between_s=0.1))
    thinking = asyncio.create_task(mind.think())
    request = await mind.server.asked(1)
    async with asyncio.timeout(PATIENCE_S):
        await request.go.wait()
    thinking.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await request.abandoned.wait()
    await asyncio.gather(thinking, return_exceptions=True)
    assert not request.answered.is_set()
