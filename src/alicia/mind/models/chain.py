"""Providers in an order: who fails, is late or rests is passed over for the next.

Before anything leaves, it is redacted and its cost set aside. A provider has a deadline to its
first token, and all of them together one to the end.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from alicia.errors import (
    DeclinedError,
    LateError,
    NoProviderError,
    NoSightError,
    QuotaError,
    RateLimitError,
    UpstreamAuthError,
    UpstreamError,
)
from alicia.mind.models.breaker import REST_S, Breaker
from alicia.mind.models.costs import Costs, Price
from alicia.mind.models.port import (
    Asked,
    ChatMessage,
    Part,
    Provider,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
)
from alicia.mind.models.redaction import redacted_message
from alicia.mind.models.tokens import at_most

AUTH_REST_S = 300.0
"""A key that is not taken is hardly taken a minute later."""

Failed = Callable[[str, UpstreamError], None]


@dataclass(frozen=True, slots=True)
class Sight:
    """What is agreed about looking at a picture."""

    price: Price
    first_token_s: float
    picture_tokens: int
    """What a picture counts for at most: set aside until the server tells its own count."""


@dataclass(slots=True)
class Link:
    """A provider and what is agreed about it."""

    provider: Provider
    price: Price
    first_token_s: float
    breaker: Breaker = field(default_factory=Breaker)
    sight: Sight | None = None
    """None where it sees nothing."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for one request."""

    price: Price
    first_token_s: float
    picture_tokens: int = 0

    @classmethod
    def of(cls, link: Link, pictures: int) -> _Terms:
        if not pictures or link.sight is None:
            return cls(link.price, link.first_token_s)
        sight = link.sight
        return cls(sight.price, sight.first_token_s, pictures * sight.picture_tokens)


@dataclass(slots=True)
class _Told:
    """What a provider has said so far."""

    characters: list[str] = field(default_factory=list[str])
    usage: Usage | None = None

    def take(self, part: Part) -> None:
        match part:
            case TextDelta():
                self.characters.append(part.text)
            case ToolCall():
                self.characters.append(part.name + part.arguments)
            case Usage():
                self.usage = part
            case Asked():
                pass

    @property
    def began(self) -> bool:
        return bool(self.characters)


@dataclass(frozen=True, slots=True)
class _Ends:
    """When a completion must have ended, by the monotonic clock."""

    until: float
    longer_s: Callable[[], float]

    @property
    def at(self) -> float:
        return self.until + self.longer_s()


class Chain:
    """A provider of several."""

    def __init__(
        self, links: Sequence[Link], costs: Costs, *, within_s: float, failed: Failed | None = None
    ) -> None:
        """`within_s`: to the end of a completion, whoever gives it. `failed` hears of failures."""
        self._links = list(links)
        self._costs = costs
        self._within_s = within_s
        self._failed = failed

    @property
    def name(self) -> str:
        return ", ".join(link.provider.name for link in self._links)

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[Tool] = (),
        *,
        max_tokens: int,
        within_s: float | None = None,
        longer_s: Callable[[], float] = lambda: 0.0,
    ) -> AsyncGenerator[Part, None]:
        """From the first that gives a whole answer.

        Before each one's parts comes `Asked`, also where another failed in the middle of an answer.
        `within_s`: a sooner end than the chain's own. `longer_s`: how much later the end has become
        since, asked at each part. Raises UpstreamError: the last one's, NoProviderError where
        nobody could be asked, or NoSightError where there is a picture and nobody sees.
        """
        now = time.monotonic()
        until = now + min(self._within_s, self._within_s if within_s is None else within_s)
        messages = [redacted_message(message) for message in messages]
        looks = any(message.picture for message in messages)
        links = [link for link in self._links if link.sight is not None or not looks]
        last: UpstreamError = NoProviderError() if links or not looks else NoSightError()
        for link in links:
            if link.breaker.is_open:
                last = last if not isinstance(last, NoProviderError) else _resting(link)
                continue
            if time.monotonic() >= until:
                last = LateError(provider=link.provider.name)
                break
            told = _Told()
            try:
                yield Asked(link.provider.name)
                ends = _Ends(until, longer_s)
                parts = self._ask(link, told, messages, tools, max_tokens, ends)
                async with aclosing(parts):
                    async for part in parts:
                        yield part
            except UpstreamError as error:
                last = error
                if self._failed is not None:
                    self._failed(link.provider.name, error)
            else:
                return
        raise last

    async def close(self) -> None:
        for link in self._links:
            await link.provider.close()

    async def _ask(
        self,
        link: Link,
        told: _Told,
        messages: Sequence[ChatMessage],
        tools: Sequence[Tool],
        max_tokens: int,
        ends: _Ends,
    ) -> AsyncGenerator[Part, None]:
        """One provider's answer, paid for and noted by its breaker, however it ends."""
        terms = _Terms.of(link, sum(bool(message.picture) for message in messages))
        sent = at_most(_written(messages, tools)) + terms.picture_tokens
        most_usd = terms.price.of(Usage(sent, max_tokens))
        await self._costs.reserve(most_usd)
        link.breaker.begin()
        refused = False
        try:
            asked = link.provider.complete(messages, tools, max_tokens=max_tokens)
            parts = _in_time(asked, link.provider.name, terms.first_token_s, ends)
            async with aclosing(parts):
                async for part in parts:
                    told.take(part)
                    yield part
        except UpstreamError as error:
            refused = not told.began and _was_not_worked_on(error)
            _note(link.breaker, error)
            raise
        except BaseException:
            link.breaker.given_up()
            raise
        else:
            link.breaker.succeeded()
        finally:
            # Who hangs up pays for what was read and said; the server tells no figure then.
            said = at_most("".join(told.characters))
            usage = Usage(0, 0) if refused else told.usage or Usage(sent, said)
            usd = terms.price.of(usage)
            await asyncio.shield(self._costs.settle(most_usd, link.provider.name, usage, usd))


async def _in_time(
    parts: AsyncGenerator[Part, None], provider: str, first_token_s: float, ends: _Ends
) -> AsyncGenerator[Part, None]:
    """The parts while they come in time. Raises LateError."""
    first_until = time.monotonic() + first_token_s
    hurried = ends.until < first_until
    began = False
    async with aclosing(parts):
        while True:
            until = ends.at if began else min(ends.at, first_until)
            left = until - time.monotonic()
            try:
                part = await asyncio.wait_for(anext(parts), max(0.0, left))
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise LateError(provider=provider, hurried=hurried) from None
            began = True
            yield part


def _written(messages: Sequence[ChatMessage], tools: Sequence[Tool]) -> str:
    """About what is sent, as one text."""
    told = [
        message.role + message.text + "".join(c.arguments for c in message.calls)
        for message in messages
    ]
    return "\n".join(
        [*told, *(json.dumps([t.name, t.description, dict(t.parameters)]) for t in tools)]
    )


def _resting(link: Link) -> UpstreamError:
    return UpstreamError(
        "A server outside this home failed repeatedly and is left alone for a while.",
        provider=link.provider.name,
        resting=True,
    )


def _was_not_worked_on(error: UpstreamError) -> bool:
    """The server said no before any model read it: nobody is charged for that."""
    return "status" in error.fields and not isinstance(error, DeclinedError)


def _note(breaker: Breaker, error: UpstreamError) -> None:
    match error:
        case LateError() if error.fields.get("hurried"):
            breaker.given_up()  # others had used its time up
        case DeclinedError():
            breaker.succeeded()  # it works; it does not want to
        case RateLimitError():
            rest_s = error.fields.get("retry_after_s")
            breaker.failed(REST_S if rest_s is None else float(rest_s))
        case UpstreamAuthError() | QuotaError():
            breaker.failed(AUTH_REST_S)
        case _:
            breaker.failed()
