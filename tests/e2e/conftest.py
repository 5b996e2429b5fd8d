"""One real house for all end-to-end tests; its models are kept for the whole session."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from alicia.audio.formats import read
from alicia.security.permissions import Role
from alicia.testing.live import LiveHouse, live_house
from alicia.testing.people import lives_here

PIN = "258014"
"""Of the owner: nothing protected is opened without it."""
SPEECH = Path(__file__).parent.parent / "data" / "speech"


@dataclass(frozen=True)
class Label:
    """A recording, and what it should do to the demo home."""

    file: Path
    text: str
    kind: str
    expect: list[dict[str, Any]]

    def pcm(self) -> bytes:
        return read(self.file, max_s=30).tobytes()


def labels() -> list[Label]:
    rows = [json.loads(line) for line in (SPEECH / "labels.jsonl").read_text("utf-8").splitlines()]
    return [
        Label(SPEECH / row["file"], row["text"], row["kind"], row["expect"])
        for row in rows
        if row["language"] == "en"
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LiveHouse, None]:
    folder = tmp_path_factory.mktemp("house")
    lives_here(folder, "Owner", Role.OWNER, pin=PIN)
    async with live_house(folder) as running:
        yield running
