from __future__ import annotations

from pathlib import Path

import pytest

from alicia.contracts import devices
from alicia.contracts.devices import AdapterCommand, AdapterState, Value
from alicia.errors import (
    InvalidValueError,
    NoResponderError,
    NotCapableError,
    SettingsError,
    SetupError,
    UnavailableError,
    UnknownEntityError,
)
from alicia.home import demo
from alicia.peers.virtual_home import VirtualHomeAdapter
from alicia.services.core.device_registry import DeviceRegistry
from alicia.testing.running import RunningHouse, house

LAMP = "light.kitchen"
BLINDS = "cover.living_room_blinds"


def command(
    capability: str,
    value: Value,
    entity_id: str = LAMP,
    *,
    command_id: str = "c1",
    adapter: str = "virtual",
) -> AdapterCommand:
    return AdapterCommand(
        adapter=adapter,
        command_id=command_id,
        entity_id=entity_id,
        capability=capability,
        value=value,
    )


async def reported(home: RunningHouse, command_id: str, entity_id: str = LAMP) -> AdapterState:
    return await home.until(
        devices.ADAPTER_STATE, lambda s: s.command_id == command_id, entity_id=entity_id
    )


async def test_it_says_every_device_at_the_start(tmp_path: Path) -> None:
    async with house(VirtualHomeAdapter, folder=tmp_path) as home:
        states = await home.retained(devices.ADAPTER_STATE, len(demo.load().entities))
        assert all(state.available for state in states.values())


async def test_it_registers_when_a_registry_appears(tmp_path: Path) -> None:
    async with house(VirtualHomeAdapter, folder=tmp_path) as home:
        await home.start(DeviceRegistry)
        assert (await home.until(devices.ENTITY, entity_id=LAMP)).adapter == "virtual"
        assert (await home.until(devices.AREA, area_id="kitchen")).name == "Kitchen"


async def test_a_command_moves_the_device_and_the_state_carries_its_id(tmp_path: Path) -> None:
    async with house(VirtualHomeAdapter, folder=tmp_path) as home:
        accepted = await home.bus.ask(devices.ADAPTER_COMMAND, command("power", True))
        assert accepted.command_id == "c1"
        after = await reported(home, "c1")
        assert (after.values["power"], after.applied) == (True, 1)


async def test_a_repeated_command_is_answered_and_does_nothing(tmp_path: Path) -> None:
    async with house(VirtualHomeAdapter, folder=tmp_path) as home:
        await home.bus.ask(devices.ADAPTER_COMMAND, command("power", True))
        first = await reported(home, "c1")
        async with home.bus.hear(devices.ADAPTER_STATE, entity_id=LAMP) as hearing:
            assert (await anext(hearing)).message == first
            await home.bus.ask(devices.ADAPTER_COMMAND, command("power", True))
            assert (await anext(hearing)).message == first


async def test_a_cover_travels(tmp_path: Path) -> None:
    async with house(
        VirtualHomeAdapter, folder=tmp_path, settings={"virtual_home": {"latency_scale": 0.2}}
    ) as home:
        at_first = await home.until(devices.ADAPTER_STATE, entity_id=BLINDS)
        target = 0.0 if at_first.values["position"] == 100.0 else 100.0
        async with home.bus.hear(devices.ADAPTER_STATE, entity_id=BLINDS) as hearing:
            await home.bus.ask(devices.ADAPTER_COMMAND, command("position", target, BLINDS))
            positions: list[Value] = []
            async for delivery in hearing:
                positions.append(delivery.message.values["position"])
                if positions[-1] == target:
                    break
        assert len(set(positions)) > 3


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (command("power", True, "light.nowhere"), UnknownEntityError),
        (command("power", True, adapter="other"), NoResponderError),
        (command("locked", True), NotCapableError),
        (command("power", "yes"), InvalidValueError),
        (command("power", True, "light.garden"), UnavailableError),
        (command("power", True, "light.hallway"), NotCapableError),
    ],
)
async def test_what_it_can_not_do_is_an_error(
    tmp_path: Path, ask: AdapterCommand, error: type[Exception]
) -> None:
    faults = {"light.garden": "unreachable", "light.hallway": "refuses"}
    settings = {"virtual_home": {"faults": faults}}
    async with house(VirtualHomeAdapter, folder=tmp_path, settings=settings) as home:
        with pytest.raises(error):
            await home.bus.ask(devices.ADAPTER_COMMAND, ask)


async def test_killed_before_the_device_moved_it_moves_once_after_the_restart(
    tmp_path: Path,
) -> None:
    async with house(
        VirtualHomeAdapter, folder=tmp_path, settings={"virtual_home": {"latency_scale": 50.0}}
    ) as home:
        await home.bus.ask(devices.ADAPTER_COMMAND, command("power", True))
        await home.kill(VirtualHomeAdapter)
        await home.start(VirtualHomeAdapter)
        after = await reported(home, "c1")
        assert (after.values["power"], after.applied) == (True, 1)
        await home.bus.ask(devices.ADAPTER_COMMAND, command("power", True))
        assert (await reported(home, "c1")).applied == 1


async def test_a_fault_ends_with_its_setting(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        await home.start(VirtualHomeAdapter, faults={LAMP: "unreachable"})
        await home.until(devices.ADAPTER_STATE, lambda s: not s.available, entity_id=LAMP)
        await home.stop(VirtualHomeAdapter)
        await home.start(VirtualHomeAdapter)
        await home.until(devices.ADAPTER_STATE, lambda s: s.available, entity_id=LAMP)


@pytest.mark.parametrize(
    "settings", [{"faults": {"light.nowhere": "silent"}}, {"faults": {LAMP: "haunted"}}]
)
async def test_a_fault_that_can_not_be_is_refused(
    tmp_path: Path, settings: dict[str, dict[str, str]]
) -> None:
    async with house(folder=tmp_path) as home:
        with pytest.raises(SettingsError):
            await home.start(VirtualHomeAdapter, **settings)


async def test_a_home_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text(
        """
        [capabilities]
        power = { kind = "switch" }
        [[areas]]
        id = "hut"
        name = "Hut"
        [[entities]]
        id = "light.hut"
        name = "Hut Lamp"
        area = "hut"
        values = { power = false }
        """,
        "utf-8",
    )
    async with house(
        DeviceRegistry, folder=tmp_path, settings={"virtual_home": {"file": file}}
    ) as home:
        await home.start(VirtualHomeAdapter)
        assert (await home.until(devices.ENTITY)).entity_id == "light.hut"
        await home.stop(VirtualHomeAdapter)
        file.write_text("[[areas]]\n", "utf-8")
        with pytest.raises(SettingsError, match="can't be read"):
            await home.start(VirtualHomeAdapter)


async def test_a_damaged_state_is_a_clear_error(tmp_path: Path) -> None:
    store = tmp_path / "state" / "virtual_home" / "home.json"
    store.parent.mkdir(parents=True)
    store.write_text("{", "utf-8")
    async with house(folder=tmp_path) as home:
        with pytest.raises(SetupError, match="afresh"):
            await home.start(VirtualHomeAdapter)
