"""Language: which one a text is in, what it is in another, and who is spoken to in which.

    DETECT_LANGUAGE | LOCALISE | GET_TRANSLATORS asked -> replied
    TRANSLATE_TEXT asked -> this machine's translator, or COMPLETE asked of a model -> replied
    CHOOSE_LANGUAGE | INTERPRET asked -> on disk -> LANGUAGES_SPOKEN said -> replied

The names of this home never reach who translates. What is translated is kept in memory alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from alicia.contracts import languages as contract
from alicia.contracts.advanced import COMPLETE, LIST_SPEAKERS, Complete, ListSpeakers
from alicia.contracts.devices import AREA, ENTITY, Area, Entity
from alicia.contracts.kinds import segment
from alicia.contracts.languages import (
    ChooseLanguage,
    DetectLanguage,
    GetTranslators,
    Interpret,
    Interpretation,
    LanguageChoice,
    LanguageDetected,
    LanguagesSpoken,
    LikelyLanguage,
    Localise,
    Localised,
    TextTranslated,
    TranslateText,
    TranslationPair,
    Translators,
    TranslatorState,
)
from alicia.contracts.system import Phase
from alicia.contracts.voice import CANCEL
from alicia.errors import AliciaError, DeadlineError, LanguageError, SameLanguageError
from alicia.runtime.service import Service, handles, runs, serves
from alicia.runtime.settings import Settings

if TYPE_CHECKING:
    from alicia.language.translation.glossary import Glossary
    from alicia.language.translation.port import Pair, Translator

TRANSLATORS = ("offline", "model")
MOST_CHOICES = 100
"""Satellites and people; who chose first is forgotten first. Each `alicia say` is a satellite."""
WARM_WITHIN_S = 120.0
PEOPLE_EACH_S = 60.0
"""How old the names of people may be."""
PEOPLE_WITHIN_S = 0.3
LEAST_S = 0.1


class LanguageSettings(Settings):
    shared = frozenset({"languages"})

    languages: str = ""
    """What is spoken in this home, separated by commas: a word that may be of several is taken for
    one of these. Empty: for one of all nine."""
    translators: str = "offline,model"
    """Who translates, in the order in which they are asked: `offline` on this machine, `model` by
    whoever thinks for this home. Empty: nobody."""
    within_s: float = Field(default=4.0, gt=0, le=7.0)
    """The longest that anybody waits for a translation."""
    cache: int = Field(default=256, ge=0)
    """Translations that are kept in memory; none is ever written to disk."""
    interpret_min: float = Field(default=30.0, gt=0, le=240)
    """Minutes after which interpreting ends by itself."""

    @field_validator("translators")
    @classmethod
    def _are_known(cls, translators: str) -> str:
        if unknown := set(listed(translators)) - set(TRANSLATORS):
            raise ValueError(f"{', '.join(sorted(unknown))} is none of: {', '.join(TRANSLATORS)}")
        return translators


class Language(Service[LanguageSettings]):
    """Detection, translation, phrases, and the language of replies."""

    name = "language"
    says = (contract.LANGUAGES_SPOKEN,)
    hears = (CANCEL,)
    does_without = (COMPLETE, LIST_SPEAKERS)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        from alicia.language.translation.cache import TranslationCache  # noqa: PLC0415 - heavy
        from alicia.language.translation.chain import TranslatorChain  # noqa: PLC0415 - heavy
        from alicia.language.translation.offline import FastTranslate  # noqa: PLC0415 - heavy
        from alicia.storage.spoken_languages import SpokenLanguagesStore  # noqa: PLC0415

        self._offline = FastTranslate()
        made: dict[str, Translator] = {"offline": self._offline, "model": _Model(self)}
        self._cache = TranslationCache(self.settings.cache)
        self._chain = TranslatorChain(
            [made[name] for name in listed(self.settings.translators)],
            self._cache,
            failed=self._failed,
        )
        self._entities: dict[str, Entity] = {}
        self._areas: dict[str, Area] = {}
        self._people: list[str] = []
        self._people_at: float | None = None
        self._order = asyncio.Lock()
        self._changed = asyncio.Event()
        self._unsaid = asyncio.Event()
        self._unsaid.set()
        self.bus.on_connected.append(self._unsaid.set)
        self._store = SpokenLanguagesStore(self.folder.state(self.name) / "spoken.json")
        self._spoken = await self.off_loop(self._store.read) or LanguagesSpoken()
        yield

    # ---- the names of this home ----

    @handles(ENTITY)
    async def entity(self, entity: Entity) -> None:
        if entity.retired:
            self._entities.pop(entity.entity_id, None)
        else:
            self._entities[entity.entity_id] = entity

    @handles(AREA)
    async def area(self, area: Area) -> None:
        self._areas[area.area_id] = area

    async def _glossary(self) -> Glossary:
        from alicia.language.translation.glossary import Glossary, Name  # noqa: PLC0415 - heavy

        await self._ask_who_lives_here()
        # A scene is called what people say anyway: "good night" is to be translated.
        named = [one for one in self._entities.values() if one.domain != "scene"]
        things = (*named, *self._areas.values())
        return Glossary(
            [
                *(Name({"": (person,)}) for person in self._people),
                *(
                    Name(
                        {
                            **{language: tuple(names) for language, names in one.names.items()},
                            "": (one.name, *one.aliases),
                        }
                    )
                    for one in things
                ),
            ]
        )

    async def _ask_who_lives_here(self) -> None:
        """The names of people, as far as voices are enrolled; the last known where nobody says."""
        now = time.monotonic()
        fresh = self._people_at is not None and now - self._people_at < PEOPLE_EACH_S
        if fresh or not self.peers.expected(LIST_SPEAKERS):
            return
        self._people_at = now
        try:
            found = await self.ask(LIST_SPEAKERS, ListSpeakers(), deadline_s=PEOPLE_WITHIN_S)
            self._people = [one.name for one in found.speakers]
        except AliciaError as error:
            self.log.info("nobody says who lives here", code=error.code)

    # ---- texts ----

    @serves(contract.DETECT_LANGUAGE, concurrency=4)
    async def detect(self, ask: DetectLanguage) -> LanguageDetected:
        """Raises UndetectedLanguageError, UnsupportedLanguageError."""
        from alicia.language.detection import detect  # noqa: PLC0415 - heavy

        found = await self.off_loop(detect, ask.text, ask.among)
        return LanguageDetected(
            language=found.language,
            probability=found.probability,
            likely=[LikelyLanguage(language=one, probability=p) for one, p in found.likely],
        )

    @serves(contract.TRANSLATE_TEXT, concurrency=4)
    async def translate(self, ask: TranslateText) -> TextTranslated:
        """Raises LanguageError; UpstreamError where a model did not do it."""
        from alicia.language.detection import source_of  # noqa: PLC0415 - heavy
        from alicia.language.tables import base_language  # noqa: PLC0415 - heavy
        from alicia.language.translation.port import Pair  # noqa: PLC0415 - heavy

        until = time.monotonic() + min(
            self.settings.within_s, ask.within_s or self.settings.within_s
        )
        to = base_language(ask.to)
        source = (
            base_language(ask.source)
            if ask.source
            else await self.off_loop(
                source_of, ask.text, to, ask.spoken_in, listed(self.settings.languages)
            )
        )
        if source == to:
            raise SameLanguageError(target_language=to)
        glossary = await self._glossary()
        with self.span("translate") as span:
            done = await self._chain.translate(
                ask.text, Pair(source, to), glossary, within_s=until - time.monotonic()
            )
            if span is not None:
                span.attributes.update(source=source, to=to, by=done.by, cached=done.cached)
        return TextTranslated(
            text=done.text,
            source=source,
            to=to,
            by=done.by,
            cached=done.cached,
            kept=list(done.kept),
        )

    def _failed(self, translator: str, error: AliciaError) -> None:
        self.log.warning("not translated", translator=translator, code=error.code)

    @serves(contract.LOCALISE, concurrency=4)
    async def localise(self, ask: Localise) -> Localised:
        """Raises UnsupportedLanguageError."""
        from alicia.language.phrases import phrase  # noqa: PLC0415 - heavy
        from alicia.language.tables import base_language  # noqa: PLC0415 - heavy

        language = base_language(ask.language)
        return Localised(text=phrase(ask.code, language, **ask.fields), language=language)

    @serves(contract.GET_TRANSLATORS, concurrency=4)
    async def translators(self, _: GetTranslators) -> Translators:
        able = [one for one in self._chain.translators if lacks_of(one) is None]
        by: dict[Pair, list[str]] = {}
        for one in able:
            for pair in one.pairs:
                by.setdefault(pair, []).append(one.name)
        return Translators(
            pairs=[
                TranslationPair(source=pair.source, to=pair.to, by=names)
                for pair, names in sorted(by.items(), key=lambda one: (one[0].source, one[0].to))
            ],
            translators=[
                TranslatorState(
                    name=one.name,
                    leaves_home=one.leaves_home,
                    pairs=len(one.pairs) if one in able else 0,
                    lacks=lacks_of(one),
                )
                for one in self._chain.translators
            ],
        )

    @runs
    async def warm(self) -> None:
        """What this home speaks is loaded before anybody waits for it: that takes seconds."""
        spoken = set(listed(self.settings.languages))
        if self._offline not in self._chain.translators:
            return
        for pair in self._offline.pairs:
            if {pair.source, pair.to} <= spoken:
                try:
                    await self._offline.translate("1", pair, within_s=WARM_WITHIN_S)
                except (LanguageError, DeadlineError) as error:
                    self.log.warning("a translator is not ready", code=error.code)

    # ---- what is spoken where ----

    @serves(contract.CHOOSE_LANGUAGE)
    async def choose(self, ask: ChooseLanguage) -> LanguagesSpoken:
        """Raises UnsupportedLanguageError."""
        from alicia.language.tables import base_language  # noqa: PLC0415 - heavy

        segment(ask.who)
        others = [c for c in self._spoken.choices if (c.scope, c.who) != (ask.scope, ask.who)]
        if ask.language is not None:
            language = base_language(ask.language)
            others.append(LanguageChoice(scope=ask.scope, who=ask.who, language=language))
        return await self._change(choices=others[-MOST_CHOICES:])

    @serves(contract.INTERPRET)
    async def interpret(self, ask: Interpret) -> LanguagesSpoken:
        """Raises UnsupportedLanguageError; SameLanguageError for two that are one."""
        from alicia.language.tables import base_language  # noqa: PLC0415 - heavy

        segment(ask.satellite)
        others = [i for i in self._spoken.interpretations if i.satellite != ask.satellite]
        if ask.languages:
            languages = list(dict.fromkeys(map(base_language, ask.languages)))
            if len(languages) != 2:
                raise SameLanguageError(target_language=languages[0])
            until = time.time() + self.settings.interpret_min * 60
            first, second = languages
            others.append(
                Interpretation(satellite=ask.satellite, first=first, second=second, until=until)
            )
        return await self._change(interpretations=others)

    async def _change(self, **fields: object) -> LanguagesSpoken:
        async with self._order:
            changed = self._spoken.model_copy(update=fields)
            if changed != self._spoken:
                await self.off_loop(self._store.write, changed)
                self._spoken = changed
                await self.say(contract.LANGUAGES_SPOKEN, changed)
                self._changed.set()
            return changed

    @runs
    async def say_all(self) -> None:
        """At the start, and to a broker that may have lost what it retained."""
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            async with self._order:
                await self.say(contract.LANGUAGES_SPOKEN, self._spoken)

    @runs
    async def end_interpreting(self) -> None:
        """Whoever forgot to say so has lights that obey again."""
        while True:
            now = time.time()
            left = [i for i in self._spoken.interpretations if i.until > now]
            await self._change(interpretations=left)
            self._changed.clear()
            soonest = min((i.until - now for i in left), default=None)
            try:
                async with asyncio.timeout(soonest):
                    await self._changed.wait()
            except TimeoutError:
                continue


class _Model:
    """Whoever thinks for this home, as a translator: all pairs, while somebody serves COMPLETE."""

    name = "model"
    leaves_home = True

    def __init__(self, service: Language) -> None:
        self._service = service

    @property
    def pairs(self) -> frozenset[Pair]:
        from alicia.language.tables import LANGUAGES  # noqa: PLC0415 - heavy
        from alicia.language.translation.port import Pair  # noqa: PLC0415 - heavy

        if not self._service.peers.expected(COMPLETE):
            return frozenset()
        return frozenset(Pair(a, b) for a in LANGUAGES for b in LANGUAGES if a != b)

    @property
    def lacks(self) -> str | None:
        for presence in self._service.peers.all():
            if presence.service == "grok" and presence.phase is Phase.DEGRADED:
                return presence.reason
        return None

    async def translate(self, text: str, pair: Pair, *, within_s: float) -> str:
        """Raises UpstreamError, BusError, UntranslatedError."""
        from alicia.language.translation import prompting  # noqa: PLC0415 - heavy

        ask = Complete(
            instructions=prompting.instructions(pair.source, pair.to),
            text=text,
            max_tokens=prompting.most_tokens(text),
            within_s=max(LEAST_S, within_s - LEAST_S),  # so that it is its error that comes back
        )
        done = await self._service.ask(COMPLETE, ask, deadline_s=within_s)
        return prompting.translation_in(done.text, text)


def lacks_of(translator: Translator) -> str | None:
    """Why it can't translate anything now; None where it can."""
    if translator.lacks is None and not translator.pairs:
        return "nobody serves it"
    return translator.lacks


def listed(names: str) -> list[str]:
    return [name for one in names.split(",") if (name := one.strip())]
