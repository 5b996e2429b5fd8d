"""What is remembered, on the command line and in the real house, typed to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_cli import alicia

from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.testing.live import LiveHouse

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def told(house: LiveHouse, *words: str, code: int = 0) -> Any:
    """What a command says as JSON."""
    done = await asyncio.to_thread(alicia, house.folder.root, "memory", *words, "--json")
    assert done.code == code, done
    return json.loads(done.out)


async def asked(house: LiveHouse, turn_id: str) -> str | None:
    ask = SayText(turn_id=turn_id, satellite="desk", text="When do the bins go out?")
    return (await house.console.ask(SAY_TEXT, ask)).reply


async def test_what_is_kept_is_seen_changed_exported_and_erased(
    house: LiveHouse, tmp_path: Path
) -> None:
    added = await told(house, "add", "the bins go out on Tuesday")
    assert await asked(house, "m1") == "For everyone here I remember: the bins go out on Tuesday."
    key = added["fact_id"]
    changed = await told(house, "edit", key, "the bins go out on Friday")
    assert await asked(house, "m2") == "For everyone here I remember: the bins go out on Friday."
    file = tmp_path / "facts.json"
    await told(house, "export", str(file), "--person", "household")
    assert json.loads(file.read_text())["facts"] == [changed]
    assert file.stat().st_mode & 0o077 == 0
    assert await told(house, "forget", key) == {"count": 1}
    assert await asked(house, "m3") == "Sorry, I didn't understand that."
    assert (await told(house, "show", key, code=1))["error"]["code"] == "memory.unknown"
