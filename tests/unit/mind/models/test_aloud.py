from __future__ import annotations

import pytest

from alicia.mind.models.aloud import LONGEST, Aloud, plain
from alicia.speech.clauses import clauses, settled

TEXTS = (
    "It was built in 1889. It is 330 metres high, and made of iron, all of it. Do you like it?",
    "I met Dr. Smith at 21.5 degrees, e.g. yesterday. He said 1,000 things!",
    "Yes, no, maybe, who knows. It depends on the weather, the hour, and you.",
    "東京タワーは高さ333メートルです。「とても高い。」そう言われています、たぶん。",
    "埃菲尔铁塔高330米，位于巴黎。它建于1889年！",
    "에펠탑은 파리에 있어요. 높이는 330미터예요.",
)


class Heard:
    def __init__(self) -> None:
        self.clauses: list[str] = []
        self.aloud = Aloud(self._say)

    async def _say(self, number: int, text: str) -> None:
        assert number == len(self.clauses)
        self.clauses.append(text)

    async def take(self, text: str) -> None:
        """As it comes from a model."""
        for end in range(1, len(text) + 1):
            await self.aloud.take(text[:end])


@pytest.mark.parametrize("text", TEXTS)
async def test_what_is_said_is_how_the_reply_begins_and_the_same_clauses(text: str) -> None:
    heard = Heard()
    await heard.take(text)
    reply = heard.aloud.reply(text)
    assert reply == text
    assert reply.startswith("".join(heard.clauses))
    signs = "".join(heard.clauses).replace(" ", "")
    assert signs == "".join(clauses(text)[:-1]).replace(" ", "")


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_settled_never_changes(text: str) -> None:
    ends = [settled(text[:end]) for end in range(len(text) + 1)]
    assert ends == sorted(ends)
    assert 0 < ends[-1] < len(text)


async def test_one_clause_alone_is_not_said_before_it_is_known_what_follows() -> None:
    heard = Heard()
    await heard.take("I have turned on the kitchen light for you.")
    assert heard.clauses == []
    heard.aloud.again()
    assert heard.aloud.reply("It is on.") == "It is on."


async def test_what_was_said_before_a_query_stays_said() -> None:
    heard = Heard()
    await heard.take("Let me see what that is. I'll look. Just a m")
    said = "".join(heard.clauses)
    heard.aloud.again()
    await heard.take("It is off. Shall I turn it on?")
    assert heard.clauses[-1] == "It is off. "
    assert heard.aloud.reply("It is off. Shall I turn it on?") == (
        said + "It is off. Shall I turn it on?"
    )


async def test_markup_is_not_said() -> None:
    heard = Heard()
    await heard.take("**Open** the\n`blinds`. It is *sunny* outside.")
    assert heard.clauses == ["Open the blinds. "]
    assert plain("# a  *b*") == "a b"


async def test_no_more_is_said_than_anybody_listens_to() -> None:
    heard = Heard()
    text = "This is a sentence that goes on. " * 40
    await heard.take(text)
    reply = heard.aloud.reply(text)
    assert len(reply) <= LONGEST
    assert reply.startswith("".join(heard.clauses).strip())


async def test_whoever_wants_it_whole_is_told_nothing_before() -> None:
    aloud = Aloud(None)
    await aloud.take(TEXTS[0])
    assert (aloud.said, aloud.reply(TEXTS[0])) == ("", TEXTS[0])
