"""The mind: sentences thought about, pictures looked at, texts worked on."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

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
    NoSightError,
    QuotaError,
    SettingsError,
    UpstreamAuthError,
    UpstreamError,
)
from alicia.runtime.service import Service, serves
from alicia.services.advanced.grok.settings import GrokSettings, ProviderSettings

if TYPE_CHECKING:
    from alicia.mind.models.aloud import Say
    from alicia.mind.models.borrowed import Borrowed
    from alicia.mind.models.chain import Link
    from alicia.mind.models.costs import Costs
    from alicia.mind.models.thinking import Limits
    from alicia.mind.models.thinking import Thought as Said

SILENCE_S = 60.0
"""Longer than any deadline of ours: the library's own limit, should ours fail."""


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

        mine = self.settings
        self._lacks: str | None = None
        self._troubled: set[str] = set()
        """Providers that take no key, or whose account is empty."""
        path = self.folder.state(self.name) / "costs.db"
        costs: Costs = await self.off_loop(Costs, path, cap_usd=mine.daily_cap_usd)
        links = [link for provider in mine.providers if (link := await self._link(provider))]
        if not mine.providers:
            self._lacks = "No provider is set: see docs/models.md."
        self.set_degraded(self._lacks)
        self._chain = Chain(
            links, costs, within_s=max(mine.within_s, mine.look_s), failed=self._failed
        )
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
        from alicia.mind.models.chain import Link, Sight  # noqa: PLC0415 - heavy
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
                vision_model=provider.vision_model,
            )
        except (SettingsError, DependencyMissingError) as error:
            self.log.warning("a provider can't be asked", provider=provider.name, code=error.code)
            self._lacks = f"{provider.name} can't be asked: {error.message}"
            return None
        price = Price(provider.input_usd, provider.output_usd)
        sight: Sight | None = None
        if provider.vision:
            dear = provider.vision_input_usd, provider.vision_output_usd
            of_it = price if dear[0] is None or dear[1] is None else Price(dear[0], dear[1])
            sight = Sight(of_it, provider.first_look_s, provider.picture_tokens)
        return Link(chat, price, provider.first_token_s, sight=sight)

    @serves(THINK, concurrency=4)
    async def think(self, ask: Think) -> Thought:
        longest_s = self.settings.look_s if ask.picture else self.settings.within_s
        until = time.monotonic() + min(longest_s, ask.within_s or longest_s)
        with self.span("model") as span:
            thought = await (self._seen(ask, until) if ask.picture else self._thought(ask, until))
            if span is not None:
                span.attributes.update(
                    provider=thought.provider,
                    first_ms=round(thought.first_ms, 1),
                    input_tokens=thought.input_tokens,
                    output_tokens=thought.output_tokens,
                    grounded=thought.grounded,
                    picture=ask.picture is not None,
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

    async def _thought(self, ask: Think, until: float) -> Said:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy
        from alicia.mind.models.thinking import think  # noqa: PLC0415 - heavy

        snapshot = ask.home or await self.ask(GET_HOME, GetHome())
        return await think(
            self._chain,
            ask.text,
            home=Home.of(snapshot),
            language=ask.language,
            area_id=ask.area_id,
            limits=self._within(ask, until),
            refused=self._refused,
            facts=ask.facts,
            manner=ask.manner,
            history=ask.history,
            summary=ask.summary,
            say=self._saying(ask),
            borrowed=self._borrowed,
        )

    async def _seen(self, ask: Think, until: float) -> Said:
        """What is said of a picture. It is decoded here again, whoever sends it.

        Raises NoPictureError, PictureTooLargeError, DependencyMissingError, UpstreamError.
        """
        from alicia.mind.models.thinking import look  # noqa: PLC0415 - heavy

        assert ask.picture is not None  # noqa: S101 - asked before
        if not any(provider.vision for provider in self.settings.providers):
            raise NoSightError
        from alicia.mind.pictures import prepared  # noqa: PLC0415 - optional

        return await look(
            self._chain,
            ask.text,
            await self.off_loop(prepared, ask.picture.jpeg),
            language=ask.language,
            limits=self._within(ask, until),
            refused=self._refused,
            manner=ask.manner,
            history=ask.history,
            say=self._saying(ask),
        )

    def _within(self, ask: Think, until: float) -> Limits:
        from alicia.mind.models.thinking import Limits  # noqa: PLC0415 - heavy

        return Limits(
            within_s=until - time.monotonic(),
            aloud_s=ask.aloud_s or 0.0,
            home_tokens=self.settings.home_tokens,
            max_tokens=self.settings.max_tokens,
        )

    def _saying(self, ask: Think) -> Say | None:
        async def say(number: int, text: str) -> None:
            await self.say(CLAUSE, Clause(turn_id=ask.turn_id, number=number, text=text))

        return say if ask.aloud_s else None

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
        self._answered(said.provider)
        return Completion(text=said.text, provider=said.provider)

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
