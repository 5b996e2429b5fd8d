"""`alicia mcp` as a program starts it, in a house with a real broker and its access rules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from alicia.testing.live import live_house

pytest.importorskip("mcp", reason="needs alicia[mcp]")

from mcp import Client, StdioServerParameters

LAMP, LOCK = "light.kitchen", "lock.front_door"


async def test_a_program_that_speaks_mcp_over_standard_input(tmp_path: Path) -> None:
    services = ("device_registry", "device_control", "virtual_home")
    async with live_house(tmp_path, services=services) as house:
        await house.reported([LAMP, LOCK])
        command = StdioServerParameters(
            command=sys.executable,
            args=["-m", "alicia", "mcp"],
            env={**os.environ, "ALICIA_HOME": str(tmp_path)},
        )
        async with Client(command) as client:
            told = str((await client.call_tool("list_entities", {})).content)
            while LAMP not in told:  # retained messages are still coming in
                told = str((await client.call_tool("list_entities", {})).content)
            assert LOCK not in told
            ask = {"entity_ids": [LAMP], "capability": "power", "value": True}
            done = await client.call_tool("control", ask)
            assert "confirmed" in str(done.content)
            await house.until(LAMP, "power", value=True)
            ask = {"entity_ids": [LOCK], "capability": "locked", "value": False}
            assert (await client.call_tool("control", ask)).is_error
            assert house.states[LOCK].values["locked"] is True
