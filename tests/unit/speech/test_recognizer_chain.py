"""The order of recognizers. `Scripted` stands in for engines that fail on demand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from alicia.audio.formats import RATE_HZ, Pcm
from alicia.errors import (
    DependencyMissingError,
    EngineError,
    SettingsError,
    UnsupportedLanguageError,
)
from alicia.speech.models import Model, ModelStore
from alicia.speech.recognizer import Guess, Recognizer, RecognizerCapabilities
from alicia.speech.recognizer_chain import (
    LOADERS,
    RecognizerChain,
    load_model,
    load_recognizer,
    orders_of,
)

SECOND = np.zeros(RATE_HZ, np.int16)


class Scripted:
    """Answers with its own name, or fails so many times."""

    def __init__(
        self,
        name: str,
        *languages: str,
        fails: int = 0,
        detects: bool = False,
        weighs: bool = False,
    ) -> None:
        self.name = name
        self.capabilities = RecognizerCapabilities(
            languages=frozenset(languages or {"en"}), detects_language=detects, weighs=weighs
        )
        self.busy = False
        self.fails = fails
        self.asked = 0
        self.closed = False

    async def transcribe(
        self,
        pcm: Pcm,
        language: str | None,
        *,
        urgent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> Guess:
        del pcm, urgent, expected
        self.asked += 1
        if self.fails:
            self.fails -= 1
            raise EngineError(engine=self.name)
        return Guess(f"{self.name} heard it", language or "en", 0.9)

    async def reconsider(self, pcm: Pcm, language: str, *, wider: bool = True) -> Guess | None:
        del pcm, wider
        return Guess(f"{self.name} searched", language, 0.9)

    async def weigh(self, pcm: Pcm, language: str, texts: Sequence[str]) -> list[float]:
        del pcm, language
        return [-float(len(text)) for text in texts]

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Settings:
    model: str = "whisper-base-int8"
    recognizers: str = ""
    threads: int = 2


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def chain(*members: Scripted, clock: Clock | None = None, **orders: str) -> RecognizerChain:
    by_name: dict[str, Recognizer] = {member.name: member for member in members}
    given = {language: tuple(names.split()) for language, names in orders.items()}
    return RecognizerChain(by_name, {"*": tuple(by_name)} | given, clock=clock or Clock())


async def test_the_first_of_the_languages_order_answers_and_is_named() -> None:
    both = chain(Scripted("a", "en", "de"), Scripted("b", "en", "de"), de="b a")
    assert (await both.transcribe(SECOND, "en")).engine == "a"
    assert (await both.transcribe(SECOND, "de")).engine == "b"
    assert both.choose("de").name == "b"
    assert both.capabilities.languages == {"en", "de"}


async def test_one_that_cannot_do_the_language_is_passed_over() -> None:
    both = chain(Scripted("a", "en"), Scripted("b", "ko"))
    assert (await both.transcribe(SECOND, "ko")).engine == "b"
    with pytest.raises(UnsupportedLanguageError):
        await both.transcribe(SECOND, "fr")
    with pytest.raises(UnsupportedLanguageError):
        both.choose("fr")


async def test_one_that_fails_is_passed_over() -> None:
    a, b = Scripted("a", fails=1), Scripted("b")
    both = chain(a, b)
    assert (await both.transcribe(SECOND, "en")).text == "b heard it"
    assert (await both.transcribe(SECOND, "en")).text == "a heard it"


async def test_when_all_fail_the_last_one_tells_why() -> None:
    with pytest.raises(EngineError) as caught:
        await chain(Scripted("a", fails=9), Scripted("b", fails=9)).transcribe(SECOND, "en")
    assert caught.value.fields["engine"] == "b"


async def test_one_that_fails_time_and_again_rests_and_comes_back() -> None:
    a, b, clock = Scripted("a", fails=3), Scripted("b"), Clock()
    both = chain(a, b, clock=clock)
    for _ in range(6):
        assert (await both.transcribe(SECOND, "en")).engine == "b"
    assert a.asked == 3
    clock.now = 61.0
    assert (await both.transcribe(SECOND, "en")).engine == "a"


async def test_one_that_rests_is_asked_where_nobody_else_can() -> None:
    a = Scripted("a", fails=3)
    alone = chain(a)
    for _ in range(3):
        with pytest.raises(EngineError):
            await alone.transcribe(SECOND, "en")
    assert (await alone.transcribe(SECOND, "en")).engine == "a"


async def test_an_unknown_language_goes_to_one_that_finds_it_out() -> None:
    both = chain(Scripted("a"), Scripted("b", "en", "de", detects=True))
    assert (await both.transcribe(SECOND, None)).engine == "b"
    assert (await chain(Scripted("a")).transcribe(SECOND, None)).engine == "a"


async def test_sentences_are_weighed_by_whoever_can() -> None:
    both = chain(Scripted("a"), Scripted("b", weighs=True))
    assert await both.weigh(SECOND, "en", ["on", "off"]) == [-2.0, -3.0]
    with pytest.raises(UnsupportedLanguageError):
        await chain(Scripted("a")).weigh(SECOND, "en", ["on"])


async def test_a_second_opinion_is_anothers_and_where_there_is_none_the_same_ones() -> None:
    one, other = Scripted("one"), Scripted("other")
    both = RecognizerChain({"one": one, "other": other}, {"*": ("one", "other")})
    found = await both.reconsider(SECOND, "en")
    assert found is not None
    assert (found.text, found.engine) == ("other heard it", "other")
    alone = RecognizerChain({"one": one}, {"*": ("one",)})
    found = await alone.reconsider(SECOND, "en")
    assert found is not None
    assert found.text == "one searched"


async def test_closing_and_being_busy_are_everybodys() -> None:
    a, b = Scripted("a"), Scripted("b")
    both = chain(a, b)
    assert not both.busy
    b.busy = True
    assert both.busy
    await both.aclose()
    assert a.closed
    assert b.closed


# ---- from settings ----------------------------------------------------------------------------


def test_settings_give_an_order_for_each_language() -> None:
    settings = Settings(recognizers="en: moonshine-tiny-en; ko: vosk-ko,; *: whisper-small-int8")
    assert orders_of(settings) == {
        "*": ("whisper-small-int8", "whisper-base-int8"),
        "en": ("moonshine-tiny-en", "whisper-small-int8", "whisper-base-int8"),
        "ko": ("vosk-ko", "whisper-small-int8", "whisper-base-int8"),
    }
    assert orders_of(Settings()) == {"*": ("whisper-base-int8",)}


@pytest.mark.parametrize("recognizers", ["moonshine-tiny-en", ": x", "en: piper-en-joe", "en: no"])
async def test_settings_that_make_no_sense_are_told(tmp_path: Path, recognizers: str) -> None:
    with pytest.raises(SettingsError) as caught:
        await load_recognizer(Settings(recognizers=recognizers), ModelStore(tmp_path))
    assert caught.value.fields["setting"] == "recognizers"


def loaded(names: list[str]) -> dict[str, object]:
    async def scripted(model: Model, path: Path, threads: int) -> Recognizer:
        assert path.is_relative_to(path.anchor)
        assert threads == 2
        names.append(model.name)
        return Scripted(model.name, *model.languages)

    return dict.fromkeys(LOADERS, scripted)


def present(store: ModelStore, *names: str) -> ModelStore:
    """Files of the right size in place of models: only their loading is looked at."""
    for name in names:
        for file in store.find(name).files:
            path = store.folder / name / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as out:
                out.truncate(file.size_bytes or 1)
    return store


async def test_what_is_not_here_is_done_without_and_told(tmp_path: Path) -> None:
    names: list[str] = []
    store = present(ModelStore(tmp_path), "whisper-base-int8")
    settings = Settings(recognizers="en: moonshine-tiny-en")
    both = await load_recognizer(settings, store, loaders=loaded(names))  # type: ignore[arg-type]
    assert both.models == ("whisper-base-int8",)
    assert [error.fields["model"] for error in both.problems] == ["moonshine-tiny-en"]
    assert (await both.transcribe(SECOND, "en")).engine == "whisper-base-int8"


async def test_nobody_misses_what_is_asked_only_where_it_is_here(tmp_path: Path) -> None:
    names: list[str] = []
    store = present(ModelStore(tmp_path), "whisper-base-int8")
    settings = Settings(recognizers="en: moonshine-tiny-en?")
    both = await load_recognizer(settings, store, loaders=loaded(names))  # type: ignore[arg-type]
    assert (both.models, both.problems) == (("whisper-base-int8",), ())
    present(store, "moonshine-tiny-en")
    both = await load_recognizer(settings, store, loaders=loaded(names))  # type: ignore[arg-type]
    assert both.choose("en").name == "moonshine-tiny-en"


async def test_each_model_is_loaded_once(tmp_path: Path) -> None:
    names: list[str] = []
    store = present(ModelStore(tmp_path), "whisper-base-int8", "moonshine-tiny-en")
    settings = Settings(recognizers="en: moonshine-tiny-en; de: whisper-base-int8")
    both = await load_recognizer(settings, store, loaders=loaded(names))  # type: ignore[arg-type]
    assert sorted(names) == ["moonshine-tiny-en", "whisper-base-int8"]
    assert both.choose("en").name == "moonshine-tiny-en"
    assert both.choose("de").name == "whisper-base-int8"
    assert both.recognizer("moonshine-tiny-en") is both.choose("en")


async def test_with_nothing_here_the_reason_is_raised(tmp_path: Path) -> None:
    with pytest.raises(DependencyMissingError, match="alicia models pull whisper-base-int8"):
        await load_recognizer(Settings(), ModelStore(tmp_path))


async def test_moonshine_answers_in_english_and_whisper_elsewhere(
    store: ModelStore, moonshine_folder: Path
) -> None:
    assert moonshine_folder.name == "moonshine-tiny-en"
    store.pull("whisper-base-int8")
    real = await load_recognizer(Settings(recognizers="en: moonshine-tiny-en"), store)
    try:
        assert set(real.models) == {"moonshine-tiny-en", "whisper-base-int8"}
        assert real.choose("en").name == "moonshine"
        assert real.choose("fr").name == "whisper"
        assert (await real.transcribe(SECOND, "fr")).engine == "whisper-base-int8"
        assert len(await real.weigh(SECOND, "en", ["on", "off"])) == 2
    finally:
        await real.aclose()


async def test_a_model_of_an_engine_that_nobody_has_is_told(tmp_path: Path) -> None:
    store = present(ModelStore(tmp_path), "piper-en-joe")
    with pytest.raises(EngineError):
        await load_model("piper-en-joe", store, threads=1)
