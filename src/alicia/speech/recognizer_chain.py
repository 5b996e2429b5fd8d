"""Which recognizers listen, in which order, and what happens when one can't (ADR 0054).

settings -> models by language -> the first that is here answers; one that fails is passed over
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from alicia.audio.formats import Pcm
from alicia.errors import (
    AliciaError,
    DependencyMissingError,
    EngineError,
    SettingsError,
    UnsupportedLanguageError,
)
from alicia.speech.models import Model, ModelStore
from alicia.speech.recognizer import Guess, Recognizer, RecognizerCapabilities

ANY = "*"
"""In the settings: every language that is not named."""
_WHERE_HERE = "?"
"""In the settings, after a model: nobody misses it where it is not installed."""
_FAILURES = 3
_REST_S = 60.0

Loader: TypeAlias = Callable[[Model, Path, int], Awaitable[Recognizer]]


class ChainSettings(Protocol):
    """What the room that listens is told."""

    @property
    def model(self) -> str:
        """The recognizer for every language; the last in each order."""
        ...

    @property
    def recognizers(self) -> str:
        """Others to ask before it: `en: moonshine-tiny-en, other?; ko: vosk-ko; *: another`.

        One with a `?` need not be here.
        """
        ...

    @property
    def threads(self) -> int: ...


@dataclass(slots=True)
class _Member:
    """A recognizer of the chain, and how it does."""

    model: str
    recognizer: Recognizer
    failures: int = 0
    rests_until: float = 0.0


class RecognizerChain:
    """Recognizers in order, by language. Itself a recognizer: it answers as one of them."""

    name = "chain"

    def __init__(
        self,
        members: Mapping[str, Recognizer],
        orders: Mapping[str, Sequence[str]],
        problems: Sequence[AliciaError] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = {model: _Member(model, members[model]) for model in members}
        self._orders = orders
        self._clock = clock
        self.problems = tuple(problems)
        """Why recognizers of the settings are not here."""
        known = [member.recognizer.capabilities for member in self._members.values()]
        self.capabilities = RecognizerCapabilities(
            languages=frozenset(language for one in known for language in one.languages),
            partials=any(one.partials for one in known),
            word_times=any(one.word_times for one in known),
            detects_language=any(one.detects_language for one in known),
            weighs=any(one.weighs for one in known),
            max_s=max(one.max_s for one in known),
        )

    @property
    def busy(self) -> bool:
        """One of them is at work: they share the cores."""
        return any(member.recognizer.busy for member in self._members.values())

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are loaded."""
        return tuple(self._members)

    def choose(self, language: str | None) -> Recognizer:
        """The one to ask first. No language: the first that finds it out, or the first of all.

        Raises:
            UnsupportedLanguageError: none of them can do that language.
        """
        return self._order(language)[0].recognizer

    def first(self, language: str) -> str | None:
        """The model that is asked first, where one can do that language."""
        order = self._orders.get(language, self._orders.get(ANY, ()))
        able = (m for m in order if m in self._members)
        return next((m for m in able if language in self._languages(m)), None)

    def _languages(self, model: str) -> frozenset[str]:
        return self._members[model].recognizer.capabilities.languages

    def recognizer(self, model: str) -> Recognizer | None:
        """The recognizer that runs this model, where it is loaded."""
        member = self._members.get(model)
        return member.recognizer if member else None

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        """The first answer in order; `engine` names the model that gave it.

        Raises:
            UnsupportedLanguageError: none of them can do that language.
            EngineError: all failed; this is what the last one said.
        """
        failed: EngineError | None = None
        for member in self._order(language):
            try:
                guess = await member.recognizer.transcribe(
                    pcm, language, urgent=urgent, expected=expected
                )
            except EngineError as error:
                self._note(member)
                failed = error
                continue
            member.failures = 0
            return replace(guess, engine=member.model)
        raise failed or EngineError(engine=self.name)

    async def reconsider(self, pcm: Pcm, language: str, *, wider: bool = True) -> Guess | None:
        """By the one that comes after the first for this language; by itself where none does.

        Raises:
            EngineError: it failed.
        """
        first, *others = self._order(language)
        if not others:
            return await first.recognizer.reconsider(pcm, language, wider=wider)
        guess = await others[0].recognizer.transcribe(pcm, language, urgent=True)
        return replace(guess, engine=others[0].model)

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        """By the first that weighs this language, whoever transcribes it.

        Raises:
            UnsupportedLanguageError: none of them can.
            EngineError: it failed.
        """
        for member in self._order(language):
            if member.recognizer.capabilities.weighs:
                return await member.recognizer.weigh(pcm, language, texts)
        raise UnsupportedLanguageError(
            "No recognizer here can weigh sentences.", language=language, engine=self.name
        )

    async def aclose(self) -> None:
        for member in self._members.values():
            await member.recognizer.aclose()

    def _order(self, language: str | None) -> list[_Member]:
        """Those that can, in order; one that failed time and again comes last for a while."""
        names = list(self._orders.get(language or ANY, self._orders.get(ANY, ())))
        members = [self._members[name] for name in names if name in self._members]
        if language is None:
            finds = [one for one in self._members.values() if _finds_language(one)]
            able = [one for one in members if _finds_language(one)] or finds or members
        else:
            able = [one for one in members if language in one.recognizer.capabilities.languages]
        if not able:
            raise UnsupportedLanguageError(language=language, engine=self.name)
        now = self._clock()
        return sorted(able, key=lambda one: one.rests_until > now)

    def _note(self, member: _Member) -> None:
        member.failures += 1
        if member.failures >= _FAILURES:
            member.failures = 0
            member.rests_until = self._clock() + _REST_S


async def load_recognizer(
    settings: ChainSettings, store: ModelStore, *, loaders: Mapping[str, Loader] | None = None
) -> RecognizerChain:
    """Load the recognizers of the settings that are here. `problems` tells why others are not.

    Raises:
        SettingsError: the settings can't be read, or name what is no recognizer.
        DependencyMissingError, EngineError: not one could be loaded; this is why the last could
            not.
    """
    orders = orders_of(settings)
    _require_recognizers(orders, store)
    dispensable = {model for _, model, where_here in _asked(settings) if where_here}
    members: dict[str, Recognizer] = {}
    problems: list[AliciaError] = []
    for name in dict.fromkeys(name for order in orders.values() for name in order):
        try:
            members[name] = await load_model(name, store, threads=settings.threads, loaders=loaders)
        except DependencyMissingError as error:
            if name not in dispensable:
                problems.append(error)
        except EngineError as error:
            problems.append(error)
    if not members:  # Then the one for all languages is not here either.
        raise problems[-1]
    return RecognizerChain(members, orders, problems)


async def load_model(
    name: str, store: ModelStore, *, threads: int, loaders: Mapping[str, Loader] | None = None
) -> Recognizer:
    """Load one recognizer of the catalogue.

    Raises:
        DependencyMissingError: the model or its engine is not here.
        EngineError: the model can't be loaded.
    """
    model, path = store.find(name), store.resolve(name)
    loader = (loaders or LOADERS).get(model.engine)
    if loader is None:
        raise EngineError(f"No engine runs {name}.", engine=model.engine)
    return await loader(model, path, threads)


def orders_of(settings: ChainSettings) -> dict[str, tuple[str, ...]]:
    """The models to ask by language; `*` for those that are not named.

    Raises:
        SettingsError: the settings can't be read.
    """
    named: dict[str, list[str]] = {ANY: []}
    for language, model, _ in _asked(settings):
        named.setdefault(language, []).append(model)
    return {
        language: tuple(dict.fromkeys([*models, *named[ANY], settings.model]))
        for language, models in named.items()
    }


def _asked(settings: ChainSettings) -> Iterator[tuple[str, str, bool]]:
    """Language, model, and whether it is asked only where it is here. Raises SettingsError."""
    for part in filter(None, (part.strip() for part in settings.recognizers.split(";"))):
        language, separator, models = part.partition(":")
        if not separator or not language.strip():
            raise SettingsError(
                "Write recognizers as `en: MODEL, MODEL; ko: MODEL`.", setting="recognizers"
            )
        for model in filter(None, (model.strip() for model in models.split(","))):
            name = model.removesuffix(_WHERE_HERE)
            yield language.strip(), name, name != model


def _require_recognizers(orders: Mapping[str, Sequence[str]], store: ModelStore) -> None:
    kinds = {model.name: model.kind for model, _ in store.list_models()}
    for name in {name for order in orders.values() for name in order}:
        if kinds.get(name) != "recognizer":
            raise SettingsError(
                f"{name} is no recognizer. To see all: alicia models list", setting="recognizers"
            )


def _finds_language(member: _Member) -> bool:
    return member.recognizer.capabilities.detects_language


# ---- the engines, each imported when a model asks for it -----------------------------------------


async def _whisper(_model: Model, path: Path, threads: int) -> Recognizer:
    from alicia.speech.whisper import WhisperRecognizer  # noqa: PLC0415 - heavy

    return await WhisperRecognizer.load(path, threads=threads)


async def _moonshine(_model: Model, path: Path, threads: int) -> Recognizer:
    from alicia.speech.moonshine import MoonshineRecognizer  # noqa: PLC0415 - heavy

    return await MoonshineRecognizer.load(path, threads=threads)


async def _sherpa(model: Model, path: Path, threads: int) -> Recognizer:
    from alicia.speech import sherpa  # noqa: PLC0415 - heavy

    languages = frozenset(model.languages)
    return await sherpa.load(path, form=model.form, languages=languages, threads=threads)


async def _vosk(model: Model, path: Path, _threads: int) -> Recognizer:
    from alicia.speech.vosk import VoskRecognizer  # noqa: PLC0415 - heavy

    return await VoskRecognizer.load(path, language=model.languages[0])


LOADERS: dict[str, Loader] = {
    "whisper": _whisper,
    "moonshine": _moonshine,
    "sherpa": _sherpa,
    "vosk": _vosk,
}
"""How a model of the catalogue is loaded, by its engine."""
