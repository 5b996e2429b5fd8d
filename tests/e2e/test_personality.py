"""A room's persona, chosen on the command line, in real turns of the real house."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_cli import alicia

from alicia.contracts.voice import GET_TRACE, SAY_TEXT, SPEECH, GetTrace, SayText, TurnTrace
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "turn on the kitchen light"


async def told(house: LiveHouse, *words: str) -> Any:
    """What a command says as JSON."""
    done = await asyncio.to_thread(alicia, house.folder.root, "personality", *words, "--json")
    assert done.code == 0, done
    return json.loads(done.out)


async def said(house: LiveHouse, turn_id: str, area_id: str) -> tuple[str, float]:
    """The reply to a typed turn, and how many seconds of it were heard."""
    ask = SayText(turn_id=turn_id, satellite="desk", text=WORDS, area_id=area_id, speak=True)
    heard = 0.0
    async with house.satellite.hear(SPEECH, turn_id=turn_id) as chunks:
        record = await house.console.ask(SAY_TEXT, ask)
        assert record.error is None
        assert record.spoken
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in chunks:
                heard += len(chunk.pcm) / 2 / chunk.rate_hz
                if chunk.last:
                    break
    return record.reply or "", heard


async def traced(house: LiveHouse, turn_id: str, name: str) -> TurnTrace:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await house.console.ask(GET_TRACE, GetTrace(turn_id=turn_id))
            if any(span.name == name for span in found.spans):
                return found
            await asyncio.sleep(0.1)


async def test_a_rooms_persona_changes_what_is_heard_there_and_nowhere_else(
    house: LiveHouse, tmp_path: Path
) -> None:
    plain, long = await said(house, "persona-1", "kitchen")
    assert plain == "Turned on the kitchen light."
    assert await told(house, "set", "nova", "--area", "Kitchen") == {
        "scope": "area",
        "who": "kitchen",
        "persona_id": "nova",
    }
    try:
        brief, short = await said(house, "persona-2", "kitchen")
        elsewhere, _ = await said(house, "persona-3", "bathroom")
        document = tmp_path / "personas.json"
        exported = await asyncio.to_thread(
            alicia, house.folder.root, "personality", "export", str(document)
        )
    finally:
        await told(house, "set", "--area", "kitchen")
    assert (brief, elsewhere) == ("Done.", plain)
    assert 0 < short < long
    trace = await traced(house, "persona-2", "persona")
    span = next(span for span in trace.spans if span.name == "persona")
    assert (span.service, span.attributes["persona"]) == ("ai", "nova")
    assert span.duration_ms < 500, "no model is asked"
    assert exported.code == 0, exported
    assert json.loads(document.read_text("utf-8"))["assignments"] == [
        {"scope": "area", "who": "kitchen", "persona_id": "nova"}
    ]


async def test_a_persona_is_made_previewed_restored_and_removed_on_the_command_line(
    house: LiveHouse, tmp_path: Path
) -> None:
    made = await told(house, "change", "opa", "--like", "albert", "--warmth", "0.9")
    assert (made["version"], made["persona"]["name"]) == (1, "Opa")
    assert (await told(house, "change", "opa", "--warmth", "0.2"))["version"] == 2
    assert (await told(house, "restore", "opa", "1"))["persona"]["traits"]["warmth"] == 0.9
    shown = await told(house, "show", "opa")
    assert [one["version"] for one in shown["versions"]] == [3, 2, 1]
    assert all(one["by"] for one in shown["versions"])
    preview = await told(
        house, "preview", "opa", "-l", "de", "--text", "Was meinst du?", "--kind", "error"
    )
    assert [sample["text"] for sample in preview["samples"]] == ["Was meinen Sie?"]
    await told(house, "blend", "opa", "nova", "both", "--weight", "0.75")
    listed = await told(house, "list")
    assert {"opa", "both", "alicia"} <= {one["persona_id"] for one in listed["personas"]}
    by_hand = tmp_path / "oma.toml"
    by_hand.write_text('[[persona]]\npersona_id = "oma"\nname = "Oma"\n', "utf-8")
    assert (await told(house, "import", str(by_hand)))["persona_id"] == "oma"
    for name in ("opa", "both", "oma"):
        assert (await told(house, "remove", name)).get("persona") is None


async def test_what_can_not_be_is_refused_with_a_code_and_what_to_do(
    house: LiveHouse, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[persona]]\npersona_id = "x"\nname = "X"\ncolour = 1\n', "utf-8")
    for words, code in (
        (("set", "nobody"), "persona.unknown"),
        (("remove", "mia"), "persona.bundled"),
        (("import", str(wrong)), "persona.invalid"),
        (("set", "mia", "--area", "moon"), "device.invalid_value"),
    ):
        done = await asyncio.to_thread(alicia, house.folder.root, "personality", *words, "--json")
        assert done.error["code"] == code
    shown = await asyncio.to_thread(alicia, house.folder.root, "personality")
    assert "Albert" in shown.out
    assert "formal" in shown.out
