"""The network between a satellite and the house fails in the middle of a sentence."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alicia.audio.formats import read
from alicia.contracts.voice import TURN, TurnPhase
from alicia.peers.satellite import Satellite, played
from alicia.runtime.house import Address, MqttHouse
from alicia.runtime.runner import joined
from alicia.runtime.settings import Folder
from alicia.testing.faults import FaultyWay, proxy
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

TURN_ON = Path(__file__).parents[1] / "data" / "speech" / "turn_on_the_kitchen_light.af_heart.flac"


@asynccontextmanager
async def far_satellite(
    house: LiveHouse, folder: Path
) -> AsyncGenerator[tuple[Satellite, FaultyWay], None]:
    """A satellite that reaches the house over a network that can be cut."""
    address = Address.read(house.folder)
    parts = urlsplit(address.url)
    assert parts.hostname is not None
    async with proxy(parts.hostname, parts.port or 8883) as way:
        far = Folder(folder)
        shutil.copytree(house.folder.identities, far.identities)
        url = f"{parts.scheme}://{parts.hostname}:{way.port}"
        Address(url=url, ca=address.ca, root=address.root).write(far)
        async with joined(Satellite, MqttHouse(far), far) as satellite:
            yield satellite, way
            way.mend()


async def _phase(house: LiveHouse, satellite: str, phase: TurnPhase) -> None:
    async with house.console.hear(TURN, satellite=satellite) as turns:
        async for turn in turns:
            if turn.phase is phase:
                return


async def test_a_network_that_is_cut_in_the_middle_of_a_sentence(
    house: LiveHouse, tmp_path: Path
) -> None:
    async with far_satellite(house, tmp_path) as (satellite, way):
        name = satellite.instance
        listening = asyncio.create_task(_phase(house, name, TurnPhase.LISTENING))
        pcm = read(TURN_ON, max_s=10).tobytes()
        turn = asyncio.create_task(satellite.turn(played(pcm)))
        await listening
        await asyncio.sleep(0.6)
        way.cut()
        await asyncio.sleep(0.7)
        way.mend()
        heard = await turn
        assert heard.record is not None, heard.error
        assert heard.record.error is None, "it came back, and was heard from the first sample"
        await house.until("light.kitchen", "power", value=True)

        # And once more, for good.
        listening = asyncio.create_task(_phase(house, name, TurnPhase.LISTENING))
        turn = asyncio.create_task(satellite.turn(played(pcm)))
        await listening
        await asyncio.sleep(0.6)
        way.cut()
        async with asyncio.timeout(PATIENCE_S):
            await _phase(house, name, TurnPhase.IDLE)
        way.mend()
        await turn
