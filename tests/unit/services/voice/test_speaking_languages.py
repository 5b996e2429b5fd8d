"""Translations, interpreting and the language of replies, from the sentence to who speaks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alicia.contracts import devices
from alicia.contracts.languages import INTERPRET, LANGUAGES_SPOKEN, Interpret
from alicia.contracts.voice import (
    AUTO,
    OPEN_TURN,
    SAY_TEXT,
    UNDERSTAND,
    OpenTurn,
    SayText,
    Speak,
    Transcribe,
    TurnRecord,
    Understand,
)
from alicia.language.phrases import phrase, word
from alicia.peers.virtual_home import VirtualHomeAdapter
from alicia.services.advanced.grok import Grok
from alicia.services.advanced.language import Language
from alicia.services.core.device_registry import DeviceRegistry
from alicia.services.devices.device_control import DeviceControl
from alicia.services.voice.ai import Ai
from alicia.services.voice.router import Router
from alicia.testing.openai_server import OpenAiServer, Reply
from alicia.testing.running import RunningHouse, house

from .others import Ear, Mouth, Onlooker

LAMP = "light.kitchen"


@dataclass
class Home:
    house: RunningHouse
    mouth: Mouth
    server: OpenAiServer
    turns: int = field(default=0)

    async def typed(
        self, text: str, *, language: str = "en", satellite: str = "kitchen"
    ) -> TurnRecord:
        self.turns += 1
        ask = SayText(
            turn_id=f"t{self.turns}",
            satellite=satellite,
            text=text,
            language=language,
            area_id="kitchen",
            speak=True,
        )
        return await self.house.bus.ask(SAY_TEXT, ask)

    def last_spoken(self) -> tuple[str, str]:
        """What was said last, and in which language."""
        ask = self.mouth.asked[-1]
        assert isinstance(ask, Speak)
        return ask.text, ask.language


@asynccontextmanager
async def at_home(folder: Path, *replies: Reply) -> AsyncGenerator[Home, None]:
    """The demo home with a model that answers these."""
    async with OpenAiServer().running() as server:
        server.script(*replies or (Reply("?"),))
        provider = {"name": "p", "url": server.url, "model": "m", "input_usd": 0, "output_usd": 0}
        settings = {
            "grok": {"providers": [provider]},
            "language": {"translators": "model"},
            "ai": {"think_within_s": 0},
        }
        kinds = (DeviceRegistry, VirtualHomeAdapter, DeviceControl, Grok, Language)
        async with house(*kinds, folder=folder, settings=settings, access_rules=True) as running:
            await running.until(devices.ENTITY, entity_id=LAMP)
            await running.start(Ai)
            mouth = await running.start(Mouth)
            await running.start(Router)
            yield Home(running, mouth, server)


async def test_a_translation_is_spoken_in_the_language_it_is_in(tmp_path: Path) -> None:
    async with at_home(tmp_path, Reply("Bonne nuit.")) as home:
        record = await home.typed("how do you say good night in French?")
        assert (record.reply, record.reply_language, record.language) == ("Bonne nuit.", "fr", "en")
        assert record.intent == "Translate"
        assert home.last_spoken() == ("Bonne nuit.", "fr")
        home.server.script(Reply("駅はどこですか"))
        record = await home.typed("Übersetze „wo ist der Bahnhof“ ins Japanische", language="de")
        assert home.last_spoken() == ("駅はどこですか", "ja")
        home.server.script(Reply(status=500))
        record = await home.typed("wie sagt man guten Morgen auf Spanisch", language="de")
        assert record.error == "upstream.server"
        assert home.last_spoken() == (phrase("upstream.server", "de"), "de")


async def test_interpreting_says_everything_in_the_other_language_and_does_nothing(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path) as home:
        begun = await home.typed("interpret between English and Spanish")
        assert begun.expects_reply
        assert "English" in (begun.reply or "")
        home.server.script(Reply("Enciende [1], por favor."))
        record = await home.typed("turn on the kitchen light")
        assert record.intent == "Interpret"
        assert record.actions == []
        assert record.expects_reply
        assert home.last_spoken() == ("Enciende la luz de la cocina, por favor.", "es")
        home.server.script(Reply("turn it on"))
        failed = await home.typed("turn it on")
        assert (failed.error, failed.expects_reply) == ("language.untranslated", True)
        home.server.script(Reply("Thank you very much, see you tomorrow."))
        await home.typed("muchas gracias, hasta mañana")
        assert home.last_spoken() == ("Thank you very much, see you tomorrow.", "en")
        elsewhere = await home.typed("turn on the kitchen light", satellite="hall")
        assert [action.entity for action in elsewhere.actions] == [LAMP]
        ended = await home.typed("deja de interpretar")
        assert (ended.reply, ended.expects_reply) == (word("languages.interpreted", "es"), False)
        record = await home.typed("turn off the kitchen light")
        assert [action.entity for action in record.actions] == [LAMP]


async def test_who_asks_for_french_is_answered_in_french_until_it_is_taken_back(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path) as home:
        record = await home.typed("speak French from now on")
        assert home.last_spoken() == (word("languages.now", "fr"), "fr")
        assert record.intent == "SpeakLanguage"
        record = await home.typed("turn on the kitchen light")
        assert [action.entity for action in record.actions] == [LAMP]
        assert home.last_spoken() == ("J'ai allumé la lumière de la cuisine.", "fr")
        record = await home.typed("zorble the quux")
        assert home.last_spoken() == (phrase("intent.not_understood", "fr"), "fr")
        other = await home.typed("turn off the kitchen light", satellite="hall")
        assert (other.reply_language, home.last_spoken()[1]) == (None, "en")
        await home.house.kill(Language)  # what was chosen is known without it
        await home.typed("éteins la lumière de la cuisine", language="fr")
        assert home.last_spoken()[1] == "fr"
        await home.house.start(Language)
        await home.typed("speak normally again")
        await home.typed("turn on the kitchen light")
        assert home.last_spoken()[1] == "en"


async def test_without_the_service_somebody_hears_why(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.house.stop(Language)
        record = await home.typed("traduis bonjour en allemand", language="fr")
        assert record.error == "language.no_translator"
        assert home.last_spoken() == (phrase("language.no_translator", "fr"), "fr")


async def test_a_microphone_listens_for_both_languages_alone(tmp_path: Path) -> None:
    async with house(Language, Mouth, folder=tmp_path) as running:
        ear = await running.start(Ear)
        await running.start(Router)
        await running.bus.ask(INTERPRET, Interpret(satellite="s1", languages=["en", "es"]))
        async with Onlooker(running) as seen:
            ask = OpenTurn(turn_id="t1", utterance_id="u-t1", satellite="s1")
            await running.bus.ask(OPEN_TURN, ask)
            await seen.end("t1")
        heard = ear.asked[0]
        assert isinstance(heard, Transcribe)
        assert (heard.language, heard.among) == (AUTO, ["en", "es"])


@pytest.mark.parametrize("speaker", ["eva", None])
async def test_a_choice_is_the_persons_where_their_voice_is_known(
    tmp_path: Path, speaker: str | None
) -> None:
    async with house(Language, folder=tmp_path) as running:
        await running.start(Ai)
        ask = Understand(
            turn_id="t1",
            text="speak French from now on",
            language="en",
            satellite="s1",
            speaker=speaker,
        )
        await running.bus.ask(UNDERSTAND, ask)
        spoken = await running.until(LANGUAGES_SPOKEN, lambda one: bool(one.choices))
    assert [(c.scope.value, c.who) for c in spoken.choices] == [
        ("person", "eva") if speaker else ("satellite", "s1")
    ]
