"""Language on the bus in memory; its model is a scripted server over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alicia.contracts import languages as contract
from alicia.contracts.advanced import (
    LIST_SPEAKERS,
    EnrolledSpeaker,
    EnrolledSpeakers,
    ListSpeakers,
)
from alicia.contracts.devices import AREA, Area
from alicia.contracts.languages import (
    ChooseLanguage,
    DetectLanguage,
    GetTranslators,
    Interpret,
    LanguageScope,
    LanguagesSpoken,
    Localise,
    TextTranslated,
    TranslateText,
    Translators,
)
from alicia.errors import (
    GarbledError,
    LateError,
    NoTranslatorError,
    PrivateTextError,
    SameLanguageError,
    SettingsError,
    UndetectedLanguageError,
    UnsupportedLanguageError,
    UntranslatedError,
)
from alicia.language.phrases import phrase_for
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.services.advanced.grok import Grok
from alicia.services.advanced.language import MOST_CHOICES, Language
from alicia.testing.openai_server import OpenAiServer, Reply
from alicia.testing.running import RunningHouse, house


class Voices(Service[Settings]):
    """Whose voices are enrolled, as advanced_voice tells it."""

    name = "advanced_voice"

    @serves(LIST_SPEAKERS)
    async def speakers(self, _: ListSpeakers) -> EnrolledSpeakers:
        eva = EnrolledSpeaker(
            speaker_id="eva",
            name="Eva",
            utterances=3,
            agreement=0.9,
            consent_at=0,
            enrolled_at=0,
            embedder="e",
        )
        return EnrolledSpeakers(speakers=[eva])


@pytest.fixture
async def server() -> AsyncGenerator[OpenAiServer, None]:
    async with OpenAiServer().running() as running:
        yield running


@asynccontextmanager
async def with_model(
    server: OpenAiServer, folder: Path, **settings: Any
) -> AsyncGenerator[RunningHouse, None]:
    provider = {"name": "p", "url": server.url, "model": "m", "input_usd": 0, "output_usd": 0}
    given = {
        "grok": {"providers": [provider]},
        "language": {"translators": "model", **settings},
    }
    services = (Voices, Grok, Language)
    async with house(*services, folder=folder, settings=given, access_rules=True) as home:
        yield home


async def translated(home: RunningHouse, text: str, to: str, **fields: Any) -> TextTranslated:
    ask = TranslateText.model_validate({"text": text, "to": to, **fields})
    return await home.bus.ask(contract.TRANSLATE_TEXT, ask)


async def able(home: RunningHouse) -> Translators:
    return await home.bus.ask(contract.GET_TRANSLATORS, GetTranslators())


# ---- texts ----


async def test_a_text_is_detected_and_phrases_are_told_in_a_language(tmp_path: Path) -> None:
    async with house(Language, folder=tmp_path, access_rules=True) as home:
        found = await home.bus.ask(contract.DETECT_LANGUAGE, DetectLanguage(text="mach das aus"))
        assert found.language == "de"
        with pytest.raises(UndetectedLanguageError):
            await home.bus.ask(contract.DETECT_LANGUAGE, DetectLanguage(text="42"))
        ask = Localise(code="device.unavailable", language="fr-CA", fields={"name": "la lampe"})
        said = await home.bus.ask(contract.LOCALISE, ask)
        assert (said.text, said.language) == ("La lampe n'a pas répondu.", "fr")
        with pytest.raises(UnsupportedLanguageError):
            await home.bus.ask(contract.LOCALISE, Localise(code="device", language="nl"))


async def test_a_model_translates_and_hears_no_name_of_this_home(
    server: OpenAiServer, tmp_path: Path
) -> None:
    server.script(Reply("Sag [1], dass es in [2] warm ist."))
    async with with_model(server, tmp_path) as home:
        area = Area(area_id="k", name="Snug", names={"de": ["die Kuschelecke"]})
        await home.bus.say(AREA, area)
        await home.bus.ask(contract.LOCALISE, Localise(code="device", language="en"))
        said = await translated(home, "tell Eva that the snug is warm", "de", spoken_in="en")
        assert said.text == "Sag Eva, dass es in die Kuschelecke warm ist."
        assert (said.source, said.by, said.cached) == ("en", "model", False)
        assert said.kept == ["Eva", "die Kuschelecke"]
        assert (await translated(home, "tell Eva that the snug is warm", "de")).cached
    assert len(server.requests) == 1
    sent = server.requests[0].said
    assert "English" in sent
    assert "German" in sent
    assert "Eva" not in sent
    assert "nug" not in sent
    assert "tools" not in server.requests[0].body


@pytest.mark.parametrize(
    "answer",
    ["where is the station", "I'm sorry, I can't translate that.", "La gare\nC'est formel.", " "],
)
async def test_what_is_no_translation_is_an_error(
    server: OpenAiServer, tmp_path: Path, answer: str
) -> None:
    server.script(Reply(answer))
    async with with_model(server, tmp_path) as home:
        with pytest.raises((UntranslatedError, GarbledError)):
            await translated(home, "where is the station", "fr", spoken_in="en")


async def test_a_model_that_is_late_is_not_waited_for(server: OpenAiServer, tmp_path: Path) -> None:
    server.script(Reply(hang=True))
    async with with_model(server, tmp_path, within_s=1.0) as home:
        with pytest.raises(LateError):
            await translated(home, "good night", "fr", spoken_in="en")


async def test_a_secret_is_not_sent_away(server: OpenAiServer, tmp_path: Path) -> None:
    async with with_model(server, tmp_path) as home:
        with pytest.raises(PrivateTextError):
            await translated(home, "my password is hunter2, remember it", "fr", spoken_in="en")
    assert server.requests == []


async def test_without_anybody_to_ask_it_says_so_in_the_speakers_language(tmp_path: Path) -> None:
    settings = {"language": {"translators": "model"}}
    async with house(Language, folder=tmp_path, settings=settings) as home:
        with pytest.raises(NoTranslatorError) as raised:
            await translated(home, "gute Nacht", "fr", spoken_in="de")
        said = phrase_for(raised.value, "de")
        assert said == "Von Deutsch nach Französisch kann ich gerade nicht übersetzen."
        assert await able(home) == Translators.model_validate(
            {
                "pairs": [],
                "translators": [
                    {
                        "name": "model",
                        "leaves_home": True,
                        "pairs": 0,
                        "lacks": "nobody serves it",
                    }
                ],
            }
        )


async def test_with_a_model_every_pair_is_there(server: OpenAiServer, tmp_path: Path) -> None:
    async with with_model(server, tmp_path) as home:
        found = await able(home)
    assert len(found.pairs) == 72
    assert found.translators[0].lacks is None


async def test_a_text_in_that_language_already_is_not_translated(tmp_path: Path) -> None:
    async with house(Language, folder=tmp_path) as home:
        with pytest.raises(SameLanguageError):
            await translated(home, "where is the train station", "en", spoken_in="de")
        with pytest.raises(SameLanguageError):
            await translated(home, "hallo", "de", source="de")


async def test_a_translator_that_nobody_knows_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        async with house(
            Language, folder=tmp_path, settings={"language": {"translators": "babelfish"}}
        ):
            pass


# ---- what is spoken where ----


async def choose(home: RunningHouse, who: str, language: str | None) -> LanguagesSpoken:
    ask = ChooseLanguage(scope=LanguageScope.SATELLITE, who=who, language=language)
    return await home.bus.ask(contract.CHOOSE_LANGUAGE, ask)


async def test_a_choice_is_said_and_outlives_a_restart(tmp_path: Path) -> None:
    async with house(Language, folder=tmp_path, access_rules=True) as home:
        await choose(home, "kitchen", "fr")
        spoken = await home.until(contract.LANGUAGES_SPOKEN, lambda one: bool(one.choices))
        assert [(c.who, c.language) for c in spoken.choices] == [("kitchen", "fr")]
        with pytest.raises(UnsupportedLanguageError):
            await choose(home, "kitchen", "nl")
    async with house(Language, folder=tmp_path) as home:
        spoken = await home.until(contract.LANGUAGES_SPOKEN)
        assert [c.language for c in spoken.choices] == ["fr"]
        assert (await choose(home, "kitchen", None)).choices == []


async def test_interpreting_ends_when_told_and_by_itself(tmp_path: Path) -> None:
    settings = {"language": {"interpret_min": 0.005}}
    async with house(Language, folder=tmp_path, settings=settings) as home:

        async def interpret(*languages: str) -> LanguagesSpoken:
            ask = Interpret(satellite="hall", languages=list(languages))
            return await home.bus.ask(contract.INTERPRET, ask)

        begun = (await interpret("en", "es-MX")).interpretations[0]
        assert (begun.satellite, begun.first, begun.second) == ("hall", "en", "es")
        assert (await interpret()).interpretations == []
        with pytest.raises(SameLanguageError):
            await interpret("en", "en-GB")
        await interpret("en", "ja")
        await home.until(contract.LANGUAGES_SPOKEN, lambda one: bool(one.interpretations))
        await home.until(contract.LANGUAGES_SPOKEN, lambda one: not one.interpretations)


async def test_no_more_choices_are_kept_than_can_be_told(tmp_path: Path) -> None:
    async with house(Language, folder=tmp_path) as home:
        for number in range(MOST_CHOICES + 1):
            await choose(home, f"console-{number}", "fr")
        spoken = await choose(home, "console-last", "fr")
    assert len(spoken.choices) == MOST_CHOICES
    assert spoken.choices[0].who == "console-2"
