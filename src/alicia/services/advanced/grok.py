"""Grok: xAI's Grok, or any model that is spoken to by OpenAI's protocol, as a mind for ai.

    THINK asked -> GET_HOME asked -> a model is told the part of the home that matters
                   -> CLAUSE* said, where it is wanted -> replied

It does nothing: what a model wants changed is checked against this home and proposed to the asker,
and what is protected (locks, garage doors, alarms) no model is told of. Without a provider it
starts, is degraded, and says why.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alicia.contracts.advanced import (
    CLAUSE,
    COMPLETE,
    THINK,
    Clause,
    Complete,
    Completion,
    ProposedChange,
    Think,
    Thought,
)
from alicia.contracts.voice import CANCEL, GET_HOME, GetHome
from alicia.errors import (
    AliciaError,
    DependencyMissingError,
    QuotaError,
    SettingsError,
    UpstreamAuthError,
    UpstreamError,
)
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.mind.models.aloud import Say
    from alicia.mind.models.borrowed import Borrowed
    from alicia.mind.models.chain import Link
    from alicia.mind.models.costs import Costs

SILENCE_S = 60.0
"""Longer than any deadline of ours: the library's own limit, should ours fail."""


def _is_safe(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("it must be an http or https address")
    if parts.scheme == "http" and not _is_at_home(parts.hostname):
        raise ValueError("an address outside this home must be https")
    return url


def _is_reference(key: str) -> str:
    from alicia.mind.models.keys import is_reference  # noqa: PLC0415 - with what it imports

    if not is_reference(key):
        raise ValueError("it must be env:NAME or file:PATH; a key does not belong in settings")
    return key


class ProviderSettings(BaseModel):
    """One model, at one address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40)
    url: str
    """The base of its API: `https://api.x.ai/v1`, `http://localhost:8080/v1`."""
    model: str = Field(min_length=1)
    key: str = ""
    """Where its key is: `env:XAI_API_KEY`, or `file:` and a path. Never the key itself."""
    input_usd: float = Field(ge=0)
    """US dollars for a million tokens that it reads; 0 for a model of one's own."""
    output_usd: float = Field(ge=0)
    """US dollars for a million tokens that it writes."""
    first_token_s: float = Field(default=1.2, gt=0)
    """Silence after which the next provider is asked."""
    limit_name: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """What the server calls the longest answer: Ollama and older llama.cpp know `max_tokens`."""

    _url_is_safe = field_validator("url")(_is_safe)
    _key_is_reference = field_validator("key")(_is_reference)


class LenderSettings(BaseModel):
    """A server of the Model Context Protocol, and what of it a model may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,19}$")
    url: str = ""
    """Of streamable HTTP."""
    command: list[str] = Field(default_factory=list[str])
    """Or a program that speaks MCP over its standard input, with its arguments."""
    key: str = ""
    """Where its bearer token is: `env:NAME`, or `file:` and a path."""
    tools: dict[str, str] = Field(min_length=1)
    """Name of a tool there, and what it is for: in your words, as a model is told them."""
    acting: bool = False
    """Also tools that their server does not call read-only."""
    within_s: float = Field(default=1.0, gt=0)
    """The longest that a look-up may take."""

    _key_is_reference = field_validator("key")(_is_reference)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("it has either a url or a command")
        if self.url:
            _is_safe(self.url)
        return self


class GrokSettings(Settings):
    providers: list[ProviderSettings] = Field(default_factory=list[ProviderSettings])
    """In the order in which they are asked. As an environment variable: a list in JSON."""
    mcp: list[LenderSettings] = Field(default_factory=list[LenderSettings])
    """Where a model may look something up; as an environment variable, a list in JSON."""
    daily_cap_usd: float = Field(default=1.0, ge=0)
    """What all of them together may cost in a day."""
    within_s: float = Field(default=6.0, gt=0)
    """The longest that anybody waits for an answer."""
    home_tokens: int = Field(default=2000, ge=200)
    """How much a model is told of the home, its tools included."""
    history_tokens: int = Field(default=400, ge=0)
    """How much it is told again of the conversation so far."""
    max_tokens: int = Field(default=300, ge=16)
    """The longest answer."""

    @property
    def with_house(self) -> bool:
        """It starts with the house where there is somebody to ask."""
        return bool(self.providers)

    @field_validator("providers", "mcp", mode="before")
    @classmethod
    def _from_json(cls, given: object) -> object:
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError:
            raise ValueError("it must be a list in JSON") from None

    @field_validator("providers", "mcp")
    @classmethod
    def _have_names(
        cls, given: list[ProviderSettings] | list[LenderSettings]
    ) -> list[ProviderSettings] | list[LenderSettings]:
        if len({one.name for one in given}) != len(given):
            raise ValueError("two have one name")
        return given


class Grok(Service[GrokSettings]):
    """A mind that is asked, and not obeyed."""

    name = "grok"
    says = (CLAUSE,)
    hears = (CANCEL,)
    asks = (GET_HOME,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.mind.models.chain import Chain  # noqa: PLC0415 - heavy
        from alicia.mind.models.costs import Costs  # noqa: PLC0415 - heavy
        from alicia.mind.models.thinking import Limits, think  # noqa: PLC0415 - heavy

        mine = self.settings
        self._think, self._limits = think, Limits
        self._lacks: str | None = None
        self._troubled: set[str] = set()
        """Providers that take no key, or whose account is empty."""
        path = self.folder.state(self.name) / "costs.db"
        costs: Costs = await self.off_loop(Costs, path, cap_usd=mine.daily_cap_usd)
        links = [link for provider in mine.providers if (link := await self._link(provider))]
        if not mine.providers:
            self._lacks = "No provider is set: see docs/models.md."
        self.set_degraded(self._lacks)
        self._chain = Chain(links, costs, within_s=mine.within_s, failed=self._failed)
        try:
            async with self._lent():
                yield
        finally:
            await self._chain.close()
            await self.off_loop(costs.close)

    @asynccontextmanager
    async def _lent(self) -> AsyncGenerator[None, None]:
        """With the servers where something can be looked up; without those that can't be asked."""
        self._borrowed: Borrowed | None = None
        if not self.settings.mcp:
            yield
            return
        try:
            from alicia.mind.models.borrowed import Borrowed  # noqa: PLC0415 - optional
            from alicia.mind.models.lenders import lender  # noqa: PLC0415 - optional

            lenders = [
                await self.off_loop(lender, one.model_dump(), self.folder.root)
                for one in self.settings.mcp
            ]
        except (SettingsError, DependencyMissingError) as error:
            self.log.warning("nothing can be looked up", code=error.code)
            self._lacks = f"Nothing can be looked up elsewhere: {error.message}"
            self.set_degraded(self._lacks)
            yield
            return
        self._borrowed = Borrowed(lenders, self._lender_told)
        async with self._borrowed.running():
            yield

    def _lender_told(self, name: str, error: AliciaError | None) -> None:
        if error is None:
            self.log.info("something can be looked up", server=name)
        else:
            self.log.warning("a look-up failed", server=name, code=error.code)

    async def _link(self, provider: ProviderSettings) -> Link | None:
        """None where its key or the library is missing; the others are asked all the same."""
        from alicia.mind.models.chain import Link  # noqa: PLC0415 - heavy
        from alicia.mind.models.costs import Price  # noqa: PLC0415 - heavy
        from alicia.mind.models.keys import resolved  # noqa: PLC0415 - heavy
        from alicia.mind.models.openai_chat import OpenAiChat  # noqa: PLC0415 - heavy

        try:
            key = await self.off_loop(resolved, provider.key, self.folder.root)
            chat = await self.off_loop(
                OpenAiChat,
                provider.name,
                url=provider.url,
                model=provider.model,
                key=key,
                timeout_s=SILENCE_S,
                limit_name=provider.limit_name,
            )
        except (SettingsError, DependencyMissingError) as error:
            self.log.warning("a provider can't be asked", provider=provider.name, code=error.code)
            self._lacks = f"{provider.name} can't be asked: {error.message}"
            return None
        price = Price(provider.input_usd, provider.output_usd)
        return Link(chat, price, provider.first_token_s)

    @serves(THINK, concurrency=4)
    async def think(self, ask: Think) -> Thought:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy

        mine = self.settings
        until = time.monotonic() + min(mine.within_s, ask.within_s or mine.within_s)
        snapshot = ask.home or await self.ask(GET_HOME, GetHome())
        with self.span("model") as span:
            thought = await self._think(
                self._chain,
                ask.text,
                home=Home.of(snapshot),
                language=ask.language,
                area_id=ask.area_id,
                limits=self._limits(
                    within_s=until - time.monotonic(),
                    aloud_s=ask.aloud_s or 0.0,
                    home_tokens=mine.home_tokens,
                    history_tokens=mine.history_tokens,
                    max_tokens=mine.max_tokens,
                ),
                refused=self._refused,
                facts=ask.facts,
                manner=ask.manner,
                history=ask.history,
                say=self._saying(ask.turn_id) if ask.aloud_s else None,
                borrowed=self._borrowed,
            )
            if span is not None:
                span.attributes.update(
                    provider=thought.provider,
                    first_ms=round(thought.first_ms, 1),
                    input_tokens=thought.input_tokens,
                    output_tokens=thought.output_tokens,
                    grounded=thought.grounded,
                )
        self._answered(thought.provider)
        return Thought(
            turn_id=ask.turn_id,
            reply=thought.reply,
            language=ask.language,
            changes=[
                ProposedChange(entity=c.entity_id, capability=c.capability, value=c.value)
                for c in thought.changes
            ],
            untrusted=thought.untrusted,
            provider=thought.provider,
            input_tokens=thought.input_tokens,
            output_tokens=thought.output_tokens,
            first_ms=thought.first_ms,
            grounded=thought.grounded,
        )

    def _saying(self, turn_id: str) -> Say:
        async def say(number: int, text: str) -> None:
            await self.say(CLAUSE, Clause(turn_id=turn_id, number=number, text=text))

        return say

    @serves(COMPLETE, concurrency=4)
    async def complete(self, ask: Complete) -> Completion:
        from alicia.mind.models.completing import complete  # noqa: PLC0415 - heavy

        within_s = min(self.settings.within_s, ask.within_s or self.settings.within_s)
        with self.span("model"):
            said = await complete(
                self._chain,
                ask.instructions,
                ask.text,
                max_tokens=ask.max_tokens,
                within_s=within_s,
            )
        provider = self._chain.answered_by
        self._answered(provider)
        return Completion(text=said, provider=provider)

    def _refused(self, error: AliciaError) -> None:
        self.log.warning("what a model called is refused", code=error.code)

    def _failed(self, provider: str, error: UpstreamError) -> None:
        self.log.warning("a model did not answer", provider=provider, code=error.code)
        if isinstance(error, UpstreamAuthError | QuotaError):
            self._troubled.add(provider)
            self.set_degraded(f"{provider} does not answer: {error.message}")

    def _answered(self, provider: str) -> None:
        if provider in self._troubled:
            self._troubled.discard(provider)
            if not self._troubled:
                self.set_degraded(self._lacks)


def _is_at_home(host: str) -> bool:
    """On this machine or its network, by address or by a name that only a home has."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa"))
