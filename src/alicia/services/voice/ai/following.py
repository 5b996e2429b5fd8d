"""The home as ai knows it: followed while it changes, and its names taken up in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from alicia.contracts.advanced import (
    SPEAKER_RECOGNIZED,
    THINK,
    SpeakerRecognized,
    Think,
    Thought,
)
from alicia.contracts.devices import (
    AREA,
    CONTROL,
    ENTITY,
    GET_ROLE,
    STATE,
    HomeSnapshot,
    Result,
)
from alicia.contracts.languages import (
    CHOOSE_LANGUAGE,
    DETECT_LANGUAGE,
    INTERPRET,
    TRANSLATE_TEXT,
)
from alicia.contracts.personas import CAST, CHOOSE_VERBOSITY, Cast
from alicia.contracts.schedules import HOME_TIME
from alicia.contracts.voice import (
    CANCEL,
    GET_HOME,
    PREPARE,
    GetHome,
)
from alicia.mind import scheduling
from alicia.runtime.service import Service, handles, serves
from alicia.services.voice.ai.settings import AiSettings

if TYPE_CHECKING:
    from alicia.home.model import Home
    from alicia.language.plan import Plan
    from alicia.language.understanding import Understanding
    from alicia.mind.casting import Answerer

QUIET_S = 0.1
HOME_WITHIN_S = 1.5
"""How long to wait at the start for the home to be described."""
REWARM_AFTER_S = 0.5


class FollowingHome(Service[AiSettings]):
    """What the home is like, who answers in it, and the languages that are understood."""

    name = "ai"
    hears = (ENTITY, AREA, STATE, CANCEL, HOME_TIME)
    asks = (CONTROL, GET_ROLE)
    does_without = (
        PREPARE,
        THINK,
        CHOOSE_LANGUAGE,
        DETECT_LANGUAGE,
        INTERPRET,
        TRANSLATE_TEXT,
        CHOOSE_VERBOSITY,
        *scheduling.TOPICS,
    )

    # ---- the home ----

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy
        from alicia.language.answers import answer  # noqa: PLC0415 - heavy
        from alicia.language.follow_ups import topic_of  # noqa: PLC0415 - heavy
        from alicia.language.relating import related  # noqa: PLC0415 - heavy
        from alicia.language.repertoire import expected_results  # noqa: PLC0415 - heavy
        from alicia.mind.casting import Casting  # noqa: PLC0415 - heavy
        from alicia.mind.confirmation_dialogue import ConfirmationDialogue  # noqa: PLC0415 - heavy
        from alicia.mind.consulting import Consulting  # noqa: PLC0415 - heavy
        from alicia.mind.linguist import answered  # noqa: PLC0415 - heavy
        from alicia.mind.remembering import Remembering  # noqa: PLC0415 - heavy
        from alicia.mind.supposed import Supposed  # noqa: PLC0415 - heavy

        self._answer = answer
        self._related = related
        self._answered = answered
        self._topic_of = topic_of
        self._expected = expected_results
        self._home = Home()
        self._casting = Casting()
        self._consulting = Consulting(self._ask_to_think)
        self._changed_at = time.monotonic()
        self._languages: dict[str, Understanding] = {}
        self._grammar = asyncio.Lock()
        self._supposed = Supposed()
        self._dialogue = ConfirmationDialogue()
        self._memory = Remembering(
            self.folder.state(self.name), keep_of_anyone=self.settings.remember_anyone
        )
        self._scheduling = scheduling.Scheduling(self.ask)
        async with asyncio.TaskGroup() as self._speculating, asyncio.TaskGroup() as group:
            loading = [
                group.create_task(self._load(language.strip()))
                for language in self.settings.languages.split(",")
            ]
            followers = [
                group.create_task(self._follow_areas()),
                group.create_task(self._follow_entities()),
                group.create_task(self._follow_states()),
                group.create_task(self._follow_home_time()),
            ]
            await asyncio.gather(*loading)
            await self._home_is_described()
            await self._prewarm()
            followers.append(group.create_task(self._rewarm()))
            yield
            for follower in followers:
                follower.cancel()

    async def _follow_areas(self) -> None:
        async with self.hear(AREA, limit=1024) as areas:
            async for area in areas:
                self._home.put_area(area)
                self._changed_at = time.monotonic()

    async def _follow_entities(self) -> None:
        async with self.hear(ENTITY, limit=1024) as entities:
            async for entity in entities:
                self._home.put_entity(entity)
                self._changed_at = time.monotonic()

    async def _follow_states(self) -> None:
        async with self.hear(STATE, limit=1024) as states:
            async for state in states:
                self._home.put_state(state)

    async def _follow_home_time(self) -> None:
        async with self.hear(HOME_TIME) as times:
            async for time_ in times:
                self._scheduling.take(time_)

    async def _home_is_described(self) -> None:
        until = time.monotonic() + HOME_WITHIN_S
        while time.monotonic() < until:
            known = bool(self._home.entities)
            if known and time.monotonic() - self._changed_at > QUIET_S:
                return
            await asyncio.sleep(0.02)
        self.log.warning("the home is not described yet")

    async def _load(self, language: str) -> Understanding:
        from alicia.language.understanding import Understanding  # noqa: PLC0415 - heavy

        if language not in self._languages:
            loaded = await self.off_loop(Understanding, language)
            await self.off_loop(loaded.prewarm, self._home)
            self._languages[language] = loaded
        return self._languages[language]

    async def _prewarm(self) -> None:
        async with self._grammar:
            for language, understanding in self._languages.items():
                await self.off_loop(understanding.prewarm, self._home)
                await self.off_loop(scheduling.sentences_of, language)
        self._warm = self._home.revision

    async def _rewarm(self) -> None:
        """Take changed names up before somebody says them."""
        while True:
            await asyncio.sleep(REWARM_AFTER_S)
            if (
                self._home.revision != self._warm
                and time.monotonic() - self._changed_at > REWARM_AFTER_S
            ):
                await self._prewarm()

    # ---- who answers ----

    @handles(CAST)
    async def cast(self, cast: Cast) -> None:
        self._casting.take(cast)

    @handles(SPEAKER_RECOGNIZED)
    async def recognized(self, who: SpeakerRecognized) -> None:
        self._casting.recognized(who.utterance_id, who.speaker_id)

    def _as_said(
        self,
        answerer: Answerer,
        plain: str,
        plan: Plan,
        results: Sequence[Result],
        home: Home,
        language: str,
    ) -> str:
        if answerer.persona is None:
            return plain
        with self.span("persona") as span:
            if span is not None:
                span.attributes["persona"] = answerer.persona_id
            return answerer.reply(plain, plan, results, home, language)

    # ---- a language model ----

    async def _ask_to_think(self, think: Think, within_s: float) -> Thought:
        return await self.ask(THINK, think, deadline_s=within_s)

    # ---- the home, as others see it ----

    @serves(GET_HOME)
    async def get_home(self, _: GetHome) -> HomeSnapshot:
        return self._home.snapshot(time.time())

    @asynccontextmanager
    async def _grammar_of(
        self, language: str, then: HomeSnapshot | None
    ) -> AsyncGenerator[tuple[Understanding, Home], None]:
        """The language, and the home to understand it by: this one, or that of another time.

        The latter has a grammar of its own, so that nobody who speaks now waits for it.
        """
        if then is None:
            async with self._grammar:
                yield await self._load(language), self._home
            return
        async with self._supposed.grammar:
            home = self._supposed.take(then)
            if language not in self._supposed.languages:
                from alicia.language.understanding import Understanding  # noqa: PLC0415 - heavy

                self._supposed.languages[language] = await self.off_loop(Understanding, language)
            understanding = self._supposed.languages[language]
            await self.off_loop(understanding.prewarm, home)
            yield understanding, home
