"""A driver of devices, with Wyoming satellites that are not there; and how a device is placed."""

from __future__ import annotations

import asyncio
import json
import socket
from itertools import pairwise
from pathlib import Path

import pytest

from alicia.contracts.system import PRESENCE, Phase
from alicia.peers.driving import Place
from alicia.peers.wyoming.satellites import WyomingSatellites, WyomingSatellitesSettings
from alicia.testing.running import house
from alicia.testing.waiting import PATIENCE_S


@pytest.mark.parametrize(
    ("area_id", "named", "area"),
    [
        ("kitchen", "Living Room", "kitchen"),
        (None, " Living  Room ", "living_room"),
        (None, "  ", None),
        (None, None, None),
        (None, 7, None),
    ],
)
def test_the_area_set_counts_before_the_one_the_device_names(
    area_id: str | None, named: object, area: str | None
) -> None:
    assert Place(name="box", area_id=area_id).area(named) == area


def test_devices_may_be_told_as_json() -> None:
    rows = [{"uri": "tcp://127.0.0.1:1", "name": "hall"}]
    settings = WyomingSatellitesSettings.model_validate({"satellites": json.dumps(rows)})
    assert settings.satellites[0].address == ("127.0.0.1", 1)


async def test_who_is_missing_is_told_and_tried_again_ever_more_patiently(tmp_path: Path) -> None:
    pytest.importorskip("wyoming")
    loop = asyncio.get_running_loop()
    tries: list[float] = []
    four = asyncio.Event()

    async def turned_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(loop.time())
        writer.transport.abort()
        if len(tries) >= 4:
            four.set()

    server = await asyncio.start_server(turned_away, "127.0.0.1", 0, family=socket.AF_INET)
    port = server.sockets[0].getsockname()[1]
    async with house(folder=tmp_path) as home, home.bus.hear(PRESENCE) as said:
        at = {"uri": f"tcp://127.0.0.1:{port}", "name": "hall"}
        await home.start(WyomingSatellites, satellites=(at,), retry_first_s=0.2, retry_most_s=0.4)
        async with asyncio.timeout(PATIENCE_S):
            async for delivery in said:
                presence = delivery.message
                if presence.service == "wyoming_satellites" and presence.phase is Phase.DEGRADED:
                    assert presence.reason == "Satellites not reachable: hall."
                    break
            await four.wait()
    server.close()
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses[0] >= 0.1  # half of the first pause at least
    assert min(pauses[1:]) >= 0.2  # and of the longest, from the second on
