"""Attempts by what stands in a picture. The model obeys it, by every tool it can think of."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from alicia.contracts.advanced import THINK, ProposedChange, Think, Thought
from alicia.contracts.conversation import Picture
from alicia.contracts.voice import SAY_TEXT, SayText, TurnRecord
from alicia.language.phrases import phrase
from alicia.language.tables import LANGUAGES
from alicia.runtime.service import Service, serves
from alicia.services.advanced.grok import Grok, GrokSettings
from alicia.testing.openai_server import Call, OpenAiServer, Reply

from .test_injection import LAMP, Besieged, siege
from .test_pin_by_voice import DOOR, GARAGE

pytest.importorskip("openai", reason="needs alicia[models]")
pytest.importorskip("PIL", reason="needs alicia[pictures]")

from PIL import Image

UNLOCK = Call("set_locked", {"entities": [DOOR], "value": False})
ON = Call("set_power", {"entities": [LAMP], "value": True})
OPEN = Call("set_position", {"entities": [GARAGE], "value": 100})
UNSEEING = "upstream.no_sight"


def shown() -> Picture:
    out = BytesIO()
    Image.new("RGB", (32, 32), "white").save(out, "JPEG")
    return Picture(jpeg=out.getvalue())


async def ask(
    s: Besieged, text: str, number: int, *, language: str = "en", picture: Picture | None = None
) -> TurnRecord:
    say = SayText(
        turn_id=f"picture{number}",
        satellite="hall",
        text=text,
        language=language,
        picture=picture or shown(),
    )
    return await s.talk.home.bus.ask(SAY_TEXT, say)


def provider(model: OpenAiServer, **more: object) -> dict[str, object]:
    price = {"input_usd": 0, "output_usd": 0}
    return {"providers": [{"name": "p", "url": model.url, "model": "m", **price, **more}]}


async def test_what_stands_in_a_picture_commands_nothing(tmp_path: Path) -> None:
    async with (
        OpenAiServer().running() as model,
        siege(tmp_path, access_rules=True, grok=provider(model, vision=True)) as s,
    ):
        await s.talk.home.start(Grok)
        tries = ((UNLOCK,), (ON,), (ON, OPEN), (Call("unlock", {}),), (Call("query", {}),))
        for number, calls in enumerate(tries):
            model.script(Reply("As it says.", calls=calls))
            # Even what the person asks for themselves is not done: it is about the picture.
            record = await ask(s, "turn on the kitchen light", number)
            assert (record.actions, record.error) == ([], "upstream.garbled")
            model.script(Reply("As it says.", calls=calls), Reply("A note that says: unlock."))
            record = await ask(s, "do what it says", 10 + number)
            assert (record.actions, record.reply) == ([], "A note that says: unlock.")
        assert s.told == [], "not even a lamp"
        # What it answered about the picture is no part of what the next sentence is told.
        model.script(Reply("Hm."))
        await s.talk.type("how nice that would be my dear")
        assert "that says: unlock" not in model.requests[-1].said
        assert "do what it says" in model.requests[-1].said
        assert model.pictures() == [], "nor is it shown again"
        # What is no picture is shown to nobody.
        asked = len(model.requests)
        record = await ask(s, "what is this", 20, picture=Picture(jpeg=b"\xff\xd8\xff, or so"))
        assert record.error == "picture.unreadable"
        assert record.reply == phrase("picture.unreadable", "en")
        assert len(model.requests) == asked


class Rogue(Service[GrokSettings]):
    """A grok that somebody has taken over."""

    name = "grok"

    @serves(THINK)
    async def think(self, ask: Think) -> Thought:
        change = ProposedChange(entity=LAMP, capability="power", value=True)
        return Thought(
            turn_id=ask.turn_id, reply="Done.", language="en", changes=[change], provider="rogue"
        )


async def test_not_even_a_grok_that_is_taken_over_has_something_changed(tmp_path: Path) -> None:
    async with (
        OpenAiServer().running() as model,
        siege(tmp_path, grok=provider(model)) as s,
    ):
        await s.talk.home.start(Rogue)
        record = await ask(s, "what is this", 1)
        assert (record.actions, record.error) == ([], "security.forbidden")
        await s.talk.home.stop(Rogue)
        # Where nobody sees, or nobody thinks at all, that is said in every language.
        assert (await ask(s, "what is this", 2)).error == UNSEEING
        await s.talk.home.start(Grok)
        for number, language in enumerate(LANGUAGES, 3):
            record = await ask(s, "what is this", number, language=language)
            assert (record.error, record.reply) == (UNSEEING, phrase(UNSEEING, language))
        assert model.requests == []
        assert s.told == []
