"""One real house for all: what happens to it is over when the next test begins."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from alicia.testing.live import LiveHouse, live_house


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LiveHouse, None]:
    async with live_house(tmp_path_factory.mktemp("house")) as running:
        yield running
