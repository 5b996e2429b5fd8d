"""Thinking: a sentence that this home's grammar does not know, put to a model.

    the sentence, the part of the home it may be about, tools -> reply, and changes that are valid

Nothing is changed here. All that one completion calls is valid, or none of it counts: it is told
why, and may try again once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from alicia.contracts.conversation import Exchange
from alicia.errors import (
    AliciaError,
    BrokeOffError,
    ForbiddenError,
    GarbledError,
    LateError,
    UpstreamError,
)
from alicia.home.model import Home
from alicia.mind.models import prompts
from alicia.mind.models.aloud import Aloud, Say
from alicia.mind.models.chain import Chain
from alicia.mind.models.grounding import Grounding, ground
from alicia.mind.models.port import (
    Asked,
    ChatMessage,
    Lookup,
    Part,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
)
from alicia.mind.models.tools import QUERY, Change, Toolbox

_NOT_DONE = "not done: another call was refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    within_s: float
    """To the end, whoever answers; or, where it is said aloud, to the first clause."""
    aloud_s: float = 0.0
    """To the end, once a clause was said."""
    home_tokens: int
    history_tokens: int = 2000
    """Of what was said before, whoever tells it: the window itself is the router's."""
    max_tokens: int
    """Of one completion."""
    rounds: int = 2
    """Completions for one sentence: after a query, or a call that was not valid."""


@dataclass(frozen=True, slots=True)
class Thought:
    untrusted: bool
    """Others' words were read for it, beside the home's."""
    reply: str
    """Empty where the changes say all."""
    changes: tuple[Change, ...]
    provider: str
    input_tokens: int
    output_tokens: int
    first_ms: float
    """To the first word or call."""
    grounded: int
    """Things that the model was told of."""


@dataclass(slots=True)
class _Completion:
    provider: str = ""
    text: str = ""
    calls: list[ToolCall] = field(default_factory=list[ToolCall])


@dataclass(slots=True)
class _Count:
    started: float
    input_tokens: int = 0
    output_tokens: int = 0
    first_ms: float = 0.0

    def take(self, part: Part) -> None:
        if isinstance(part, Usage):
            self.input_tokens += part.input_tokens
            self.output_tokens += part.output_tokens
        elif not self.first_ms and not isinstance(part, Asked):
            self.first_ms = (time.monotonic() - self.started) * 1000


async def think(
    chain: Chain,
    text: str,
    *,
    home: Home,
    language: str,
    area_id: str | None,
    limits: Limits,
    refused: Callable[[AliciaError], None],
    facts: Sequence[str] = (),
    manner: str = "",
    history: Sequence[Exchange] = (),
    summary: str = "",
    say: Say | None = None,
    borrowed: Lookup | None = None,
) -> Thought:
    """`facts` are the speaker's own notes; `summary` is of what was said before `history`.

    `refused` hears of each call that was not valid, `say` of each clause that is certain.
    `borrowed`: what may be looked up elsewhere; who has read that changes nothing any more. Nor
    does who has read the summary: a change is proposed by a model that was not told it.
    Raises UpstreamError, which is BrokeOffError where a clause was said; UnsupportedLanguageError.
    """
    known = ground(home, text, language=language, area_id=area_id, budget=limits.home_tokens)
    toolbox = Toolbox(home, known)
    lends = borrowed is not None and bool(borrowed.tools) and not summary

    def messages(summary: str) -> list[ChatMessage]:
        rules = prompts.rules(language, manner, untrusted=lends or bool(summary))
        asked = prompts.question(text, known.text, facts, summary)
        return [rules, *prompts.told_before(history, limits.history_tokens), asked]

    # Nor does a summary, which is of anybody's words, ask anything elsewhere.
    thinking = _Thinking(chain, toolbox, limits, Aloud(say), None if summary else borrowed)
    with _explained(thinking):
        thought = await thinking.go_through(messages(summary), refused)
        if summary and thought.changes:
            refused(ForbiddenError("A summary changes nothing in this home."))
            thinking.start_again()
            thought = await thinking.go_through(messages(""), refused)
    return thought


async def look(
    chain: Chain,
    text: str,
    picture: bytes,
    *,
    language: str,
    limits: Limits,
    refused: Callable[[AliciaError], None],
    manner: str = "",
    history: Sequence[Exchange] = (),
    say: Say | None = None,
) -> Thought:
    """What a model says of a picture: it is told nothing of the home, and changes nothing.

    Raises like `think`, and NoSightError.
    """
    messages = [
        prompts.sight(language, manner),
        *prompts.told_before(history, limits.history_tokens),
        ChatMessage("user", text, picture=picture),
    ]
    nothing = Toolbox(Home(), Grounding((), "", 0, 0))
    thinking = _Thinking(chain, nothing, limits, Aloud(say), None, untrusted=True)
    with _explained(thinking):
        return await thinking.go_through(messages, refused)


@contextmanager
def _explained(thinking: _Thinking) -> Generator[None, None, None]:
    """An answer that fails when its beginning was said has broken off."""
    try:
        yield
    except UpstreamError as error:
        if not thinking.aloud.said:
            raise
        raise BrokeOffError(provider=thinking.provider, reason=error.code) from error


class _Thinking:
    """One sentence, put to models until it is answered."""

    def __init__(
        self,
        chain: Chain,
        toolbox: Toolbox,
        limits: Limits,
        aloud: Aloud,
        borrowed: Lookup | None,
        *,
        untrusted: bool = False,
    ) -> None:
        self.aloud = aloud
        self._borrowed = borrowed
        self._untrusted = untrusted
        """Others' words are in the conversation: from here on it can't change the home."""
        self._chain = chain
        self._toolbox = toolbox
        self._limits = limits
        self._count = _Count(time.monotonic())
        self.provider = ""
        """Who was asked last."""

    def start_again(self) -> None:
        """The same sentence, told otherwise: nothing that was called counts.

        Raises GarbledError where the answer was begun to be said.
        """
        if self.aloud.said:
            raise GarbledError(provider=self.provider, reason="a summary changes nothing")
        self._untrusted = False
        self.aloud.again()

    async def go_through(
        self, messages: list[ChatMessage], refused: Callable[[AliciaError], None]
    ) -> Thought:
        """Raises UpstreamError."""
        changes: dict[tuple[str, str], Change] = {}
        rounds = self._limits.rounds + bool(self._borrowed is not None and self._borrowed.tools)
        for left in reversed(range(rounds)):
            said = await self._complete(messages)
            mine = [call for call in said.calls if not self._is_borrowed(call)]
            wanted, results, valid = _carried(
                self._toolbox, mine, refused, may_change=not self._untrusted
            )
            changes |= {(change.entity_id, change.capability): change for change in wanted}
            asked = any(call.name == QUERY for call in mine) or len(mine) < len(said.calls)
            elsewhere = [call for call in said.calls if self._is_borrowed(call)]
            if valid and left:
                results += await self._looked_up(elsewhere)
            elif left:
                results += [(call.call_id, _NOT_DONE) for call in elsewhere]
            if valid and (not asked or not left):
                return self._thought(said.text, tuple(changes.values()))
            if not valid and self.aloud.said:
                break  # another try would say it all again
            messages += [
                ChatMessage("assistant", said.text, tuple(said.calls)),
                *(ChatMessage("tool", told, call_id=call_id) for call_id, told in results),
            ]
            self.aloud.again()
        raise GarbledError(provider=self.provider, reason="what it called was not valid")

    def _is_borrowed(self, call: ToolCall) -> bool:
        return self._borrowed is not None and self._borrowed.has(call.name)

    async def _looked_up(self, calls: Sequence[ToolCall]) -> list[tuple[str, str]]:
        """What others answer, all at once."""
        if self._borrowed is None or not calls:
            return []
        left_s = self._left_s()
        self._untrusted = True
        told = await asyncio.gather(*(self._borrowed.call(call, left_s) for call in calls))
        return [(call.call_id, text) for call, text in zip(calls, told, strict=True)]

    def _tools(self) -> list[Tool]:
        borrowed = self._borrowed.tools if self._borrowed is not None else []
        if self._untrusted:
            return [tool for tool in self._toolbox.tools if tool.name == QUERY] + borrowed
        return [*self._toolbox.tools, *borrowed]

    def _left_s(self) -> float:
        """Raises LateError where that is nothing."""
        within_s = self._limits.within_s - (time.monotonic() - self._count.started)
        if within_s + self._longer_s() <= 0:
            raise LateError(provider=self._chain.name)
        return within_s + self._longer_s()

    def _longer_s(self) -> float:
        if not self.aloud.said:
            return 0.0
        return max(0.0, self._limits.aloud_s - self._limits.within_s)

    async def _complete(self, messages: Sequence[ChatMessage]) -> _Completion:
        within_s = self._left_s() - self._longer_s()
        said = _Completion()
        parts = self._chain.complete(
            messages,
            self._tools(),
            max_tokens=self._limits.max_tokens,
            within_s=within_s,
            longer_s=self._longer_s,
        )
        async with aclosing(parts):
            async for part in parts:
                self._count.take(part)
                match part:
                    case TextDelta():
                        said.text += part.text
                        await self.aloud.take(said.text)
                    case ToolCall():
                        said.calls.append(part)
                    case Asked() if self.aloud.said and (said.text or said.calls):
                        raise BrokeOffError(provider=said.provider)
                    case Asked():
                        said = _Completion(part.provider)
                        self.provider = part.provider
                    case Usage():
                        pass
        return said

    def _thought(self, text: str, changes: tuple[Change, ...]) -> Thought:
        reply = self.aloud.reply(text)
        if not reply and not changes:
            raise GarbledError(provider=self.provider, reason="nothing to say and nothing to do")
        return Thought(
            untrusted=self._untrusted,
            reply=reply,
            changes=changes,
            provider=self.provider,
            input_tokens=self._count.input_tokens,
            output_tokens=self._count.output_tokens,
            first_ms=self._count.first_ms,
            grounded=len(self._toolbox.entities),
        )


def _carried(
    toolbox: Toolbox,
    calls: Sequence[ToolCall],
    refused: Callable[[AliciaError], None],
    *,
    may_change: bool,
) -> tuple[list[Change], list[tuple[str, str]], bool]:
    """The changes, what each call is answered with, and whether all of them were valid."""
    changes: list[Change] = []
    results: list[tuple[str, str]] = []
    valid = True
    for call in calls:
        try:
            if call.name == QUERY:
                results.append((call.call_id, toolbox.query(call)))
                continue
            if not may_change:
                raise ForbiddenError("What others wrote changes nothing in this home.")
            changes += toolbox.changes(call)
            results.append((call.call_id, "valid"))
        except AliciaError as error:
            refused(error)
            valid = False
            results.append((call.call_id, f"refused: {error.message}"))
    wanted = {(change.entity_id, change.capability): change.value for change in changes}
    if any(wanted[change.entity_id, change.capability] != change.value for change in changes):
        refused(GarbledError(reason="two values for one thing"))
        valid = False
    if not valid:
        # Half of what was meant is not what was meant.
        results = [(call_id, _NOT_DONE if told == "valid" else told) for call_id, told in results]
        return [], results, False
    return [Change(*key, value) for key, value in wanted.items()], results, True
