from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alicia.bus.hearing import Delivery
from alicia.contracts import devices
from alicia.contracts.devices import (
    AdapterAccepted,
    AdapterCommand,
    AdapterState,
    Capability,
    Control,
    Device,
    Entity,
    EntityState,
    Kind,
    Outcome,
    OutcomeKind,
    Register,
    Result,
    Value,
)
from alicia.errors import DeadlineError, MalformedMessageError
from alicia.peers.virtual_home import VirtualHomeAdapter
from alicia.services.core.device_registry import DeviceRegistry
from alicia.services.devices.device_control import DeviceControl
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S

LAMP = "light.kitchen"
COVER = "cover.living_room_blinds"
ALL = (DeviceRegistry, VirtualHomeAdapter, DeviceControl)


@asynccontextmanager
async def demo_home(
    folder: Path, *, access_rules: bool = False, **settings: dict[str, Any]
) -> AsyncGenerator[RunningHouse, None]:
    """The demo home, all of it known to device control."""
    async with house(*ALL, folder=folder, settings=settings, access_rules=access_rules) as home:
        await home.until(devices.STATE, entity_id=LAMP)
        await home.until(devices.ENTITY, entity_id=LAMP)
        yield home


def control(
    capability: str, value: Value, *entities: str, command_id: str = "c1", relative: bool = False
) -> Control:
    return Control(
        command_id=command_id,
        entities=list(entities or (LAMP,)),
        capability=capability,
        value=value,
        relative=relative,
    )


async def only(home: RunningHouse, ask: Control) -> Result:
    outcome = await home.bus.ask(devices.CONTROL, ask)
    (result,) = outcome.results
    return result


async def state(
    home: RunningHouse, entity_id: str, fits: Callable[[EntityState], bool] | None = None
) -> EntityState:
    return await home.until(devices.STATE, fits, entity_id=entity_id)


async def applied(home: RunningHouse, entity_id: str = LAMP) -> int:
    """Commands that the device has carried out."""
    return (await home.until(devices.ADAPTER_STATE, entity_id=entity_id)).applied


# ---- outcomes -----------------------------------------------------------------------------------


async def test_a_command_is_confirmed_by_the_device_itself(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        result = await only(home, control("power", True))
        assert result.outcome is OutcomeKind.CONFIRMED
        after = await state(home, LAMP, lambda s: s.values["power"] is True)
        assert after.available


async def test_it_works_under_the_access_rules_of_the_real_house(tmp_path: Path) -> None:
    async with demo_home(tmp_path, access_rules=True) as home:
        assert (await only(home, control("power", True))).outcome is OutcomeKind.CONFIRMED


async def test_what_is_already_so_is_confirmed(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        assert (await state(home, LAMP)).values["power"] is False
        assert (await only(home, control("power", False))).outcome is OutcomeKind.CONFIRMED


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (control("power", True, "light.nowhere"), "device.unknown_entity"),
        (control("locked", True), "device.not_capable"),
        (control("color_temperature", 99.0, "light.living_room_lamp"), "device.invalid_value"),
        (control("power", "yes"), "device.invalid_value"),
        (control("power", True, relative=True), "device.invalid_value"),
    ],
)
async def test_what_can_not_be_is_refused(tmp_path: Path, ask: Control, code: str) -> None:
    async with demo_home(tmp_path, device_control={"settle_s": 0.0}) as home:
        result = await only(home, ask)
        assert (result.outcome, result.error) == (OutcomeKind.REFUSED, code)


async def test_a_percentage_over_the_top_means_full(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        result = await only(home, control("brightness", 130.0))
        assert (result.outcome, result.value) == (OutcomeKind.CONFIRMED, 100.0)


async def test_one_dead_lamp_does_not_darken_the_rest(tmp_path: Path) -> None:
    dead, deaf, stubborn = "light.bedroom_lamp", "light.office_desk", "light.hallway"
    faults = {dead: "unreachable", deaf: "silent", stubborn: "refuses"}
    async with demo_home(
        tmp_path,
        virtual_home={"faults": faults},
        device_control={"confirm_within_s": 0.3},
    ) as home:
        await state(home, dead, lambda s: not s.available)
        ask = control("power", True, LAMP, dead, deaf, stubborn, "light.nowhere", LAMP)
        outcome = await home.bus.ask(devices.CONTROL, ask)
        assert {r.entity_id: (r.outcome.value, r.error) for r in outcome.results} == {
            LAMP: ("confirmed", None),
            dead: ("unreachable", "device.unavailable"),
            deaf: ("timed_out", "device.unconfirmed"),
            stubborn: ("refused", "device.not_capable"),
            "light.nowhere": ("refused", "device.unknown_entity"),
        }
        assert len(outcome.results) == 5


async def test_without_its_adapter_a_device_is_unreachable(tmp_path: Path) -> None:
    async with demo_home(tmp_path, device_control={"confirm_within_s": 0.4}) as home:
        await home.stop(VirtualHomeAdapter)
        result = await only(home, control("power", True))
        assert (result.outcome, result.error) == (OutcomeKind.UNREACHABLE, "bus.no_responder")


async def test_a_cover_is_confirmed_when_it_moves_not_when_it_arrives(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        start = (await state(home, COVER)).values["position"]
        target = 0.0 if start == 100.0 else 100.0
        result = await only(home, control("position", target, COVER))
        assert result.outcome is OutcomeKind.CONFIRMED
        assert (await state(home, COVER)).values["position"] != target


async def test_all_lights_of_the_house_at_once(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        found = await home.bus.ask(devices.FIND_ENTITIES, devices.FindEntities(domain="light"))
        ids = [entity.entity_id for entity in found.entities]
        outcome = await home.bus.ask(devices.CONTROL, control("power", True, *ids))
        assert [r.outcome for r in outcome.results] == [OutcomeKind.CONFIRMED] * len(ids)


# ---- relative -----------------------------------------------------------------------------------


async def test_a_relative_value_starts_from_the_present(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        first = await only(home, control("brightness", -30.0, relative=True))
        again = await only(home, control("brightness", -30.0, relative=True, command_id="c2"))
        assert (first.value, again.value) == (50.0, 20.0)


async def test_relative_commands_that_come_together_add_up(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        asks = [
            control("brightness", -10.0, relative=True, command_id=f"c{number}")
            for number in range(5)
        ]
        outcomes = await asyncio.gather(*(home.bus.ask(devices.CONTROL, ask) for ask in asks))
        values = sorted(float(outcome.results[0].value) for outcome in outcomes)
        assert values == [30.0, 40.0, 50.0, 60.0, 70.0]
        kinds = {outcome.results[0].outcome for outcome in outcomes}
        assert kinds == {OutcomeKind.CONFIRMED}
        await state(home, LAMP, lambda s: s.values["brightness"] == 30.0)


async def test_a_relative_value_of_a_device_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    faults = {LAMP: "unreachable"}
    async with demo_home(tmp_path, virtual_home={"faults": faults}) as home:
        await state(home, LAMP, lambda s: not s.available)
        result = await only(home, control("brightness", -30.0, relative=True))
        assert result.outcome is OutcomeKind.UNREACHABLE


async def test_the_last_word_counts_and_the_one_before_is_not_waited_for(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        first, last = await asyncio.gather(
            only(home, control("brightness", 10.0)),
            only(home, control("brightness", 20.0, command_id="c2")),
        )
        assert (first.outcome, last.outcome) == (OutcomeKind.TIMED_OUT, OutcomeKind.CONFIRMED)
        assert (await state(home, LAMP)).values["brightness"] == 20.0


# ---- once ---------------------------------------------------------------------------------------


async def test_the_same_id_is_carried_out_once_and_its_outcome_replayed(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        ask = control("brightness", -30.0, relative=True)
        first = await home.bus.ask(devices.CONTROL, ask)
        again = await home.bus.ask(devices.CONTROL, ask)
        assert again == first
        assert await applied(home) == 1


async def test_the_same_id_in_flight_joins(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        ask = control("brightness", -30.0, relative=True)
        outcomes = await asyncio.gather(*(home.bus.ask(devices.CONTROL, ask) for _ in range(8)))
        assert len({outcome.model_dump_json() for outcome in outcomes}) == 1
        assert await applied(home) == 1


async def test_an_id_that_stands_for_another_command_is_an_error(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        await only(home, control("power", True))
        with pytest.raises(MalformedMessageError):
            await only(home, control("power", False))
        assert (await state(home, LAMP)).values["power"] is True


async def test_the_outcome_is_replayed_by_the_next_instance(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        ask = control("brightness", -30.0, relative=True)
        first = await home.bus.ask(devices.CONTROL, ask)
        await home.kill(DeviceControl)
        await home.start(DeviceControl)
        assert await home.bus.ask(devices.CONTROL, ask) == first
        assert await applied(home) == 1


# ---- being killed -------------------------------------------------------------------------------


@asynccontextmanager
async def acknowledged(home: RunningHouse) -> AsyncGenerator[None, None]:
    """Left when an adapter has taken a command that was asked inside."""
    async with home.bus.tap("system/reply/device_control/+") as replies:
        yield
        async with asyncio.timeout(PATIENCE_S):
            await anext(replies)


async def ask_again(home: RunningHouse, ask: Control) -> Outcome:
    """As a service does, when the one who had the command was lost."""
    while True:
        try:
            return await home.bus.ask(devices.CONTROL, ask, deadline_s=4)
        except DeadlineError:
            continue


async def test_killed_while_the_device_is_moving_it_doubles_nothing(tmp_path: Path) -> None:
    slow = {"latency_scale": 20.0}
    async with demo_home(tmp_path, virtual_home=slow) as home:
        ask = control("brightness", -30.0, relative=True)
        async with acknowledged(home):
            waiting = asyncio.create_task(home.bus.ask(devices.CONTROL, ask, deadline_s=0.3))
        await home.kill(DeviceControl)
        await home.start(DeviceControl)
        with pytest.raises(DeadlineError):
            await waiting
        outcome = await ask_again(home, ask)
        assert outcome.results[0].outcome is OutcomeKind.CONFIRMED
        assert outcome.results[0].value == 50.0
        await state(home, LAMP, lambda s: s.values["brightness"] == 50.0)
        assert await applied(home) == 1


async def test_killed_after_the_device_moved_the_plan_is_the_same(tmp_path: Path) -> None:
    """The device stands at the new value already: from there, less again would be doubled."""
    async with adapted(tmp_path, confirm_within_s=0.3) as (home, adapter):
        adapter.brightness = 80.0
        adapter.mute = True
        await adapter.report()
        await state(home, "light.test")
        ask = control("brightness", -30.0, "light.test", relative=True)
        waiting = asyncio.create_task(home.bus.ask(devices.CONTROL, ask, deadline_s=0.1))
        await adapter.told.wait()
        await home.kill(DeviceControl)
        with pytest.raises(DeadlineError):
            await waiting
        adapter.mute = False
        await adapter.report()
        await home.start(DeviceControl)
        outcome = await ask_again(home, ask)
        assert outcome.results[0].value == 50.0
        assert outcome.results[0].outcome is OutcomeKind.CONFIRMED
        assert adapter.commands == {"c1:light.test:brightness": 50.0}


@pytest.mark.parametrize("late", [False, True])
async def test_the_adapter_is_killed_and_the_command_still_arrives_once(
    tmp_path: Path, late: bool
) -> None:
    scale = {"latency_scale": 20.0 if late else 1.0}
    async with demo_home(tmp_path, virtual_home=scale) as home:
        if late:  # it has acknowledged, its device has not moved
            async with acknowledged(home):
                asking = asyncio.create_task(only(home, control("power", True)))
            await home.kill(VirtualHomeAdapter)
        else:  # it never gets it
            await home.kill(VirtualHomeAdapter)
            asking = asyncio.create_task(only(home, control("power", True)))
        await home.start(VirtualHomeAdapter)
        assert (await asking).outcome is OutcomeKind.CONFIRMED
        assert await applied(home) == 1


async def test_the_registry_is_killed_and_commands_go_on(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        await home.kill(DeviceRegistry)
        assert (await only(home, control("power", True))).outcome is OutcomeKind.CONFIRMED
        await home.kill(DeviceControl)
        await home.start(DeviceControl)
        result = await only(home, control("power", False, command_id="c2"))
        assert result.outcome is OutcomeKind.CONFIRMED


async def test_a_command_in_flight_is_finished_while_draining(tmp_path: Path) -> None:
    async with demo_home(tmp_path, virtual_home={"latency_scale": 10.0}) as home:
        async with acknowledged(home):
            asking = asyncio.create_task(only(home, control("power", True)))
        await home.stop(DeviceControl)
        assert (await asking).outcome is OutcomeKind.CONFIRMED


async def test_a_restart_keeps_since_when_things_are_so(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        await only(home, control("power", True))
        before = await state(home, LAMP, lambda s: s.values["power"] is True)
        await home.kill(DeviceControl)
        await home.start(DeviceControl)
        await only(home, control("power", True, "light.hallway", command_id="c2"))
        await only(home, control("power", True, command_id="c3"))
        assert await state(home, LAMP) == before


async def test_a_damaged_journal_does_not_darken_the_house(tmp_path: Path) -> None:
    journal = tmp_path / "state" / "device_control" / "journal.db"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"damaged" * 1000)
    async with demo_home(tmp_path) as home:
        assert (await only(home, control("power", True))).outcome is OutcomeKind.CONFIRMED
    assert journal.read_bytes() == b"damaged" * 1000


# ---- an adapter of the test's own ----------------------------------------------------------------


class Adapter:
    """One lamp whose answers the test decides."""

    def __init__(self, home: RunningHouse) -> None:
        self.home = home
        self.brightness = 80.0
        self.mute = False
        self.available = True
        self.told = asyncio.Event()
        self.commands: dict[str, Value] = {}

    async def command(self, delivery: Delivery[AdapterCommand]) -> AdapterAccepted:
        ask = delivery.message
        if ask.command_id not in self.commands:
            self.commands[ask.command_id] = ask.value
            self.brightness = float(ask.value)
        self.told.set()
        if not self.mute:
            await self.report(ask.command_id)
        return AdapterAccepted(command_id=ask.command_id)

    async def report(self, command_id: str | None = None) -> None:
        await self.home.bus.say(
            devices.ADAPTER_STATE,
            AdapterState(
                adapter="test",
                entity_id="light.test",
                available=self.available,
                values={"brightness": self.brightness},
                command_id=command_id,
            ),
        )


@asynccontextmanager
async def adapted(
    folder: Path, **settings: object
) -> AsyncGenerator[tuple[RunningHouse, Adapter], None]:
    level = Capability(name="brightness", kind=Kind.NUMBER, unit="%", minimum=0, maximum=100)
    lamp = Entity(
        entity_id="light.test",
        domain="light",
        name="Test",
        device_id="test",
        adapter="test",
        capabilities=[level],
    )
    async with house(
        DeviceRegistry, DeviceControl, folder=folder, settings={"device_control": settings}
    ) as home:
        adapter = Adapter(home)
        device = Device(device_id="test", name="Test", entities=[lamp])
        await home.bus.ask(devices.REGISTER, Register(adapter="test", devices=[device]))
        async with home.bus.serve(
            devices.ADAPTER_COMMAND, adapter.command, places={"adapter": "test"}
        ):
            yield home, adapter


async def test_a_report_of_another_adapter_confirms_nothing(tmp_path: Path) -> None:
    async with adapted(tmp_path, confirm_within_s=0.2) as (home, adapter):
        await adapter.report()
        await state(home, "light.test")
        adapter.mute = True
        asking = asyncio.create_task(only(home, control("brightness", 10.0, "light.test")))
        await adapter.told.wait()
        report = AdapterState(
            adapter="other", entity_id="light.test", available=True, values={"brightness": 10.0}
        )
        await home.bus.say(devices.ADAPTER_STATE, report)
        assert (await asking).outcome is OutcomeKind.TIMED_OUT


async def test_a_device_that_goes_away_meanwhile_is_unreachable(tmp_path: Path) -> None:
    async with adapted(tmp_path) as (home, adapter):
        await adapter.report()
        adapter.mute = True
        asking = asyncio.create_task(only(home, control("brightness", 10.0, "light.test")))
        await adapter.told.wait()
        adapter.available = False
        await adapter.report()
        assert (await asking).outcome is OutcomeKind.UNREACHABLE


async def test_a_bulb_that_rounds_confirms_too(tmp_path: Path) -> None:
    async with adapted(tmp_path) as (home, adapter):
        adapter.mute = True
        asking = asyncio.create_task(only(home, control("brightness", 50.0, "light.test")))
        await adapter.told.wait()
        adapter.brightness = 50.2
        await adapter.report()
        assert (await asking).outcome is OutcomeKind.CONFIRMED


# ---- a broker that has forgotten -----------------------------------------------------------------


async def test_a_broker_that_lost_what_it_retained_is_told_again(tmp_path: Path) -> None:
    async with house(folder=tmp_path) as home:
        services = [await home.start(kind) for kind in ALL]
        before = (await state(home, LAMP), await home.until(devices.ENTITY, entity_id=LAMP))
        home.broker._retained.clear()
        for service in services:
            for call in service.bus.on_connected:  # as after reconnecting
                call()
        assert await state(home, LAMP) == before[0]
        assert await home.until(devices.ENTITY, entity_id=LAMP) == before[1]
        assert (await home.until(devices.ADAPTER_STATE, entity_id=LAMP)).available
