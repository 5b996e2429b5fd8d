"""Device control is where it is decided who may: whoever asks, and however they ask."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from alicia.contracts import devices
from alicia.contracts.devices import Control, Origin, OutcomeKind, Value
from alicia.contracts.voice import UNDERSTAND
from alicia.errors import MalformedMessageError
from alicia.runtime.roster import declarations
from alicia.security.permissions import Decision, Role, Rule
from alicia.services.devices.device_control import DeviceControl
from alicia.testing.people import lives_here
from alicia.testing.running import RunningHouse

from .test_device_control import applied, demo_home, only, state

DOOR, GARAGE, LAMP, HEATING = (
    "lock.front_door",
    "cover.garage_door",
    "light.kitchen",
    "climate.thermostat",
)
PIN, WRONG = "258014", "741096"


def unlock(command_id: str = "c1", **fields: object) -> Control:
    return ask(DOOR, "locked", False, command_id, **fields)


def ask(
    entity: str, capability: str, value: Value, command_id: str = "c1", **fields: object
) -> Control:
    return Control.model_validate(
        {
            "command_id": command_id,
            "entities": [entity],
            "capability": capability,
            "value": value,
            **fields,
        }
    )


async def became(home: RunningHouse, wanted: Control) -> str:
    """`confirmed`, or the code of the error."""
    result = await only(home, wanted)
    if result.outcome is OutcomeKind.CONFIRMED:
        return "confirmed"
    assert result.outcome is OutcomeKind.REFUSED
    assert result.error is not None
    return result.error


def written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_who_understands_people_may_ask_for_a_change() -> None:
    """No text that comes into the house is a command by itself: there is one way to a device.

    mcp_server asks for programs, with the rights of one person, where somebody runs it.
    """
    rules = declarations()
    asking = [n for n, mine in rules.items() if devices.CONTROL in mine.asks]
    assert asking == ["ai", "event_scheduler", "mcp_server"]
    assert [n for n, mine in rules.items() if devices.ADAPTER_COMMAND in mine.asks] == [
        "device_control"
    ]
    assert [n for n, mine in rules.items() if UNDERSTAND in mine.asks] == ["router"]


@pytest.mark.parametrize("origin", Origin)
async def test_however_it_came_to_be_nothing_unlocks_without_a_pin(
    tmp_path: Path, origin: Origin
) -> None:
    lives_here(tmp_path, "anna", Role.OWNER, pin=PIN)
    async with demo_home(tmp_path) as home:
        for number, who in enumerate((None, "anna", "ghost")):
            wanted = unlock(f"c{number}", origin=origin, on_behalf_of=who)
            assert await became(home, wanted) == "security.pin_needed"
        assert await applied(home, DOOR) == 0
        assert await became(home, ask(DOOR, "locked", True, "l", origin=origin)) == "confirmed"


async def test_with_their_pin_it_is_done(tmp_path: Path) -> None:
    lives_here(tmp_path, "anna", Role.OWNER, pin=PIN)
    async with demo_home(tmp_path) as home:
        wrong = unlock("c1", on_behalf_of="anna", pin=WRONG)
        assert await became(home, wrong) == "security.pin_wrong"
        assert await became(home, unlock("c2", on_behalf_of="anna", pin=PIN)) == "confirmed"
        await state(home, DOOR, lambda s: s.values["locked"] is False)
        assert await applied(home, DOOR) == 1


async def test_a_guest_does_not_unlock_with_the_owners_pin_nor_with_a_yes(tmp_path: Path) -> None:
    lives_here(tmp_path, "anna", Role.OWNER, pin=PIN)
    lives_here(tmp_path, "gus", Role.GUEST)
    async with demo_home(tmp_path) as home:
        for number, shown in enumerate(({}, {"pin": PIN}, {"confirmed": True})):
            wanted = unlock(f"c{number}", on_behalf_of="gus", **shown)
            assert await became(home, wanted) == "security.not_permitted"
        assert await applied(home, DOOR) == 0


async def test_one_refusal_does_not_spoil_it_for_the_rest(tmp_path: Path) -> None:
    async with demo_home(tmp_path) as home:
        wanted = ask(GARAGE, "position", 100.0).model_copy(
            update={"entities": [GARAGE, "cover.bedroom_blinds"]}
        )
        outcome = await home.bus.ask(devices.CONTROL, wanted)
        assert [(r.outcome.value, r.error) for r in outcome.results] == [
            ("refused", "security.no_pin"),
            ("confirmed", None),
        ]
        assert await applied(home, GARAGE) == 0


async def test_a_step_that_opens_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    lives_here(tmp_path, "anna", Role.OWNER, pin=PIN)
    async with demo_home(tmp_path) as home:
        by = ask(GARAGE, "position", 10.0, relative=True)
        assert await became(home, by) == "security.pin_needed"
        assert await became(home, by.model_copy(update={"command_id": "c2", "pin": PIN})) == (
            "confirmed"
        )
        await state(home, GARAGE, lambda s: s.values["position"] == 10.0)
        further = ask(GARAGE, "position", -5.0, "c3", relative=True)
        assert await became(home, further) == "security.pin_needed", "it stays open"
        assert await became(home, ask(GARAGE, "position", -50.0, "c4", relative=True)) == (
            "confirmed"
        )


async def test_an_id_that_was_refused_stays_refused_and_one_that_was_done_is_not_done_again(
    tmp_path: Path,
) -> None:
    lives_here(tmp_path, "anna", Role.OWNER, pin=PIN)
    async with demo_home(tmp_path) as home:
        assert await became(home, unlock()) == "security.pin_needed"
        assert await became(home, unlock(pin=PIN)) == "security.pin_needed"
        assert await became(home, unlock("c2", pin=PIN)) == "confirmed"
        assert await became(home, ask(DOOR, "locked", True, "c3")) == "confirmed"
        for _ in range(3):
            await became(home, unlock("c2"))
            await became(home, unlock("c2", pin=PIN))
        assert (await state(home, DOOR)).values["locked"] is True
        with pytest.raises(MalformedMessageError):
            await became(home, ask(GARAGE, "position", 100.0, "c2"))
        assert await applied(home, DOOR) == 2


async def test_a_pin_is_guessed_three_times_also_at_once_and_over_a_restart(tmp_path: Path) -> None:
    lives_here(tmp_path, "anna", Role.OWNER, pin=PIN)
    async with demo_home(tmp_path) as home:
        guesses = [became(home, unlock(f"g{n}", pin=f"35{n:04}")) for n in range(12)]
        found = await asyncio.gather(*guesses)
        assert sorted(found) == ["security.pin_locked"] * 9 + ["security.pin_wrong"] * 3
        assert await became(home, unlock("right", pin=PIN)) == "security.pin_locked"
        await home.kill(DeviceControl)
        await home.start(DeviceControl)
        await home.until(devices.STATE, entity_id=DOOR)
        assert await became(home, unlock("again", pin=PIN)) == "security.pin_locked"
        assert await applied(home, DOOR) == 0


async def test_a_pin_and_a_name_are_written_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lives_here(tmp_path, "annabel", Role.OWNER, pin=PIN)
    async with demo_home(tmp_path) as home:
        wanted = unlock("c1", on_behalf_of="annabel", pin=WRONG)
        assert PIN not in repr(unlock(pin=PIN))
        await became(home, wanted)
        await became(home, unlock("c2", on_behalf_of="annabel", pin=PIN))
    files = written(tmp_path)
    assert any(path.name.startswith("journal.db") for path in files)
    for path in files:
        data = path.read_bytes()
        assert PIN.encode() not in data, path
        assert WRONG.encode() not in data, path
        if path.name.startswith("journal"):
            assert b"annabel" not in data
    told = "".join(capfd.readouterr())
    assert PIN not in told
    assert WRONG not in told


async def test_a_child_and_the_heating(tmp_path: Path) -> None:
    lives_here(tmp_path, "mia", Role.CHILD)
    async with demo_home(tmp_path) as home:
        wanted = [("warm", 22.0, "confirmed"), ("hot", 29.0, "security.not_permitted")]
        for command_id, degrees, expected in wanted:
            change = ask(HEATING, "target_temperature", degrees, command_id, on_behalf_of="mia")
            assert await became(home, change) == expected
        hotter = ask(HEATING, "target_temperature", 5.0, "c3", relative=True, on_behalf_of="mia")
        assert await became(home, hotter) == "security.not_permitted"


async def test_what_this_home_forbids_is_refused_by_thing_room_and_kind(tmp_path: Path) -> None:
    rules = (
        Rule(decision=Decision.DENY, entity=LAMP),
        Rule(decision=Decision.DENY, area="bedroom"),
        Rule(decision=Decision.NEEDS_CONFIRMATION, domain="switch"),
    )
    lives_here(tmp_path, "gus", Role.GUEST, rules=rules)
    async with demo_home(tmp_path) as home:
        expected = {
            LAMP: "security.not_permitted",
            "light.bedroom_lamp": "security.not_permitted",
            "light.hallway": "confirmed",
            "switch.coffee_machine": "security.confirmation_needed",
        }
        for entity, code in expected.items():
            assert await became(home, ask(entity, "power", True, entity, on_behalf_of="gus")) == (
                code
            )
        coffee = ask("switch.coffee_machine", "power", True, "y", on_behalf_of="gus")
        assert await became(home, coffee.model_copy(update={"confirmed": True})) == "confirmed"
