"""Devices that behave: time is a parameter, so nothing here waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicia.contracts.devices import AdapterState
from alicia.errors import InvalidValueError, NotCapableError, UnavailableError, UnknownEntityError
from alicia.home import demo
from alicia.home.virtual import WINDOW, Fault, VirtualHome

LAMP, BLINDS, THERMOSTAT = "light.kitchen", "cover.bedroom_blinds", "climate.thermostat"


def house(store: Path | None = None, now: float = 0.0) -> VirtualHome:
    data = demo.load()
    return VirtualHome(data.entities, data.initial, draws_w=data.draws_w, now=now, store=store)


def of(states: list[AdapterState], entity_id: str) -> list[AdapterState]:
    return [state for state in states if state.entity_id == entity_id]


def test_a_lamp_is_on_within_forty_milliseconds() -> None:
    home = house()
    taken = home.apply(LAMP, "power", value=True, command_id="c1", now=1.0)
    assert 1.010 <= taken.changes_at <= 1.040
    assert home.next_change() == taken.changes_at
    assert home.advance(1.005) == []
    (state,) = of(home.advance(1.1), LAMP)
    assert state.values["power"] is True
    assert (state.command_id, state.applied) == ("c1", 1)


def test_a_repeated_command_is_answered_and_does_nothing() -> None:
    home = house()
    home.apply(LAMP, "brightness", 30.0, "c1", now=1.0)
    home.advance(2.0)
    home.apply(LAMP, "power", value=False, command_id="c2", now=2.0)
    home.advance(3.0)
    again = home.apply(LAMP, "brightness", 30.0, "c1", now=3.0)
    assert again.repeated
    assert home.advance(4.0) == []
    assert home.state(LAMP).values == {"power": False, "brightness": 30.0}
    assert home.state(LAMP).applied == 2


def test_one_command_reaches_each_of_its_entities_once() -> None:
    home = house()
    for entity in (LAMP, "light.hallway", LAMP):
        home.apply(entity, "power", value=False, command_id="c1", now=1.0)
    assert home.state(LAMP).applied == home.state("light.hallway").applied == 1


def test_the_window_of_commands_is_bounded() -> None:
    home = house()
    for count in range(WINDOW + 1):
        home.apply(LAMP, "brightness", 30.0, f"c{count}", now=1.0)
    assert home.apply(LAMP, "brightness", 30.0, f"c{WINDOW}", now=1.0).repeated
    assert not home.apply(LAMP, "brightness", 30.0, "c0", now=1.0).repeated


def test_brightness_turns_a_lamp_on_and_off_keeps_it() -> None:
    home = house()
    home.apply(LAMP, "brightness", 35.0, "c1", now=0.0)
    home.advance(1.0)
    assert home.state(LAMP).values == {"power": True, "brightness": 35.0}
    home.apply(LAMP, "power", value=False, command_id="c2", now=1.0)
    home.advance(2.0)
    assert home.state(LAMP).values == {"power": False, "brightness": 35.0}
    home.apply(LAMP, "brightness", 0.0, "c3", now=2.0)
    home.apply(LAMP, "power", value=True, command_id="c4", now=3.0)
    home.advance(4.0)
    assert home.state(LAMP).values == {"power": True, "brightness": 100.0}


def test_a_colour_and_a_fan_s_speed_turn_it_on() -> None:
    home = house()
    home.apply("light.bedside_lamp", "color", "blue", "c1", now=0.0)
    home.apply("fan.bedroom", "speed", 80.0, "c2", now=0.0)
    home.advance(1.0)
    assert home.state("light.bedside_lamp").values["color"] == "#0000ff"
    assert home.state("light.bedside_lamp").values["power"] is True
    assert home.state("fan.bedroom").values == {"power": True, "speed": 80.0}


def test_a_metered_plug_draws_power_only_while_it_is_on() -> None:
    home = house()
    home.apply("switch.coffee_machine", "power", value=True, command_id="c1", now=0.0)
    home.advance(1.0)
    assert home.state("switch.coffee_machine").values["power_w"] == 1150.0
    home.apply("switch.coffee_machine", "power", value=False, command_id="c2", now=1.0)
    home.advance(2.0)
    assert home.state("switch.coffee_machine").values["power_w"] == 0.0


def test_blinds_travel_and_say_where_they_are() -> None:
    home = house()
    home.apply(BLINDS, "position", 0.0, "c1", now=0.0)
    positions = [float(s.values["position"]) for s in of(home.advance(3.0), BLINDS)]
    assert positions[0] == 100.0
    assert positions[-1] == 0.0
    assert len(positions) > 5
    assert positions == sorted(positions, reverse=True)


def test_blinds_need_two_seconds_for_the_whole_way() -> None:
    home = house()
    home.apply(BLINDS, "position", 0.0, "c1", now=0.0)
    home.advance(1.9)
    assert float(home.state(BLINDS).values["position"]) > 0.0
    home.advance(2.1)
    assert home.state(BLINDS).values["position"] == 0.0


def test_a_second_command_turns_blinds_round_where_they_are() -> None:
    home = house()
    home.apply(BLINDS, "position", 0.0, "c1", now=0.0)
    home.advance(1.1)
    turned = float(home.state(BLINDS).values["position"])
    home.apply(BLINDS, "position", 100.0, "c2", now=1.1)
    states = of(home.advance(5.0), BLINDS)
    assert states[0].values["position"] == turned
    assert all(s.command_id == "c2" for s in states)
    assert states[-1].values["position"] == 100.0


def test_the_room_of_a_thermostat_warms_towards_its_target() -> None:
    home = house()
    home.apply(THERMOSTAT, "target_temperature", 20.5, "c1", now=0.0)
    home.advance(50.0)
    assert 19.5 < float(home.state(THERMOSTAT).values["temperature"]) < 20.5
    home.advance(500.0)
    assert home.state(THERMOSTAT).values["temperature"] == 20.5
    assert home.next_change() is None


def test_a_command_that_the_device_cannot_take_changes_nothing() -> None:
    home = house()
    with pytest.raises(InvalidValueError):
        home.apply(THERMOSTAT, "target_temperature", 90.0, "c1", now=0.0)
    with pytest.raises(NotCapableError):
        home.apply(LAMP, "speed", 1.0, "c2", now=0.0)
    with pytest.raises(UnknownEntityError):
        home.apply("light.moon", "power", value=True, command_id="c3", now=0.0)
    assert home.state(LAMP).applied == home.state(THERMOSTAT).applied == 0


def test_an_unreachable_device_does_not_answer_and_says_so_once() -> None:
    home = house()
    home.fault(LAMP, Fault.UNREACHABLE)
    (state,) = home.advance(1.0)
    assert (state.entity_id, state.available) == (LAMP, False)
    assert home.advance(2.0) == []
    with pytest.raises(UnavailableError):
        home.apply(LAMP, "power", value=True, command_id="c1", now=2.0)
    home.fault(LAMP, None)
    assert home.advance(3.0)[0].available
    assert not home.apply(LAMP, "power", value=True, command_id="c1", now=3.0).repeated


def test_a_device_may_refuse() -> None:
    home = house()
    home.fault(LAMP, Fault.REFUSES)
    with pytest.raises(NotCapableError) as caught:
        home.apply(LAMP, "power", value=True, command_id="c1", now=0.0)
    assert caught.value.fields["reason"] == "refused"


def test_a_silent_device_accepts_and_never_changes() -> None:
    home = house()
    home.fault(LAMP, Fault.SILENT)
    home.apply(LAMP, "power", value=True, command_id="c1", now=0.0)
    assert home.advance(9.0) == []
    assert home.state(LAMP).values["power"] is False
    assert home.state(LAMP).applied == 1


def test_only_what_is_there_can_fail_or_sense() -> None:
    home = house()
    with pytest.raises(UnknownEntityError):
        home.fault("light.moon", Fault.SILENT)
    with pytest.raises(UnknownEntityError):
        home.sense("sensor.moon", "temperature", 1.0)
    with pytest.raises(UnknownEntityError):
        home.state("light.moon")


def test_a_sensor_reports_what_it_senses() -> None:
    home = house()
    home.sense("binary_sensor.hallway_motion", "motion", value=True)
    assert home.next_change() is not None
    (state,) = home.advance(1.0)
    assert state.values == {"motion": True}
    assert len(home.states()) == len(demo.load().entities)


def test_a_killed_house_takes_up_what_it_had_acknowledged(tmp_path: Path) -> None:
    store = tmp_path / "state" / "house.json"
    first = house(store)
    first.apply(LAMP, "brightness", 30.0, "c1", now=0.0)
    first.apply(BLINDS, "position", 0.0, "c2", now=0.0)
    first.advance(0.5)
    halfway = float(first.state(BLINDS).values["position"])
    first.fault("light.hallway", Fault.SILENT)
    first.apply(LAMP, "power", value=False, command_id="c3", now=0.5)

    second = house(store, now=0.6)
    assert second.state(BLINDS).values["position"] == halfway
    assert second.apply(LAMP, "brightness", 30.0, "c1", now=0.6).repeated
    second.advance(9.0)
    assert second.state(LAMP).values == {"power": False, "brightness": 30.0}
    assert second.state(LAMP).applied == 2
    assert second.state(BLINDS).values["position"] == 0.0
    second.apply("light.hallway", "power", value=False, command_id="c4", now=9.0)
    second.advance(10.0)
    assert second.state("light.hallway").values["power"] is True
