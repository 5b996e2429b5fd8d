"""What one command may ask of a device, and when the device has confirmed it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicia.contracts.devices import Capability, Entity, EntityState, Kind, Value
from alicia.errors import InvalidValueError, NotCapableError
from alicia.home import demo
from alicia.home.capabilities import absolute, capability_of, confirms, rgb_hex, validate
from alicia.home.colors import CSS_COLORS

HOME = demo.load().picture()
LAMP = HOME.entity("light.living_room_lamp")
THERMOSTAT = HOME.entity("climate.thermostat")


def rule(entity: Entity, name: str) -> Capability:
    return capability_of(entity, name)


def test_a_percentage_out_of_range_is_clamped() -> None:
    assert validate(LAMP, "brightness", 130.0) == 100.0
    assert validate(LAMP, "brightness", -5.0) == 0.0


def test_a_temperature_out_of_range_is_refused_with_the_range() -> None:
    with pytest.raises(InvalidValueError) as caught:
        validate(THERMOSTAT, "target_temperature", 70.0)
    assert caught.value.fields["minimum"] == 5
    assert caught.value.fields["maximum"] == 30
    assert caught.value.fields["unit"] == "°C"


def test_a_temperature_lands_on_the_nearest_step() -> None:
    assert validate(THERMOSTAT, "target_temperature", 21.3) == 21.5
    assert validate(THERMOSTAT, "target_temperature", 21.2) == 21.0


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("blue", "#0000ff"),
        ("Dark Olive Green", "#556b2f"),
        ("#0AF", "#00aaff"),
        ("#12ab34", "#12ab34"),
    ],
)
def test_a_colour_becomes_its_hex(said: str, taken: str) -> None:
    assert validate(LAMP, "color", said) == taken


@pytest.mark.parametrize("said", ["bluish", "#12345", "", 7.0, True])
def test_what_is_no_colour_is_refused(said: Value) -> None:
    with pytest.raises(InvalidValueError):
        validate(LAMP, "color", said)


@pytest.mark.parametrize("value", ["on", 1.0])
def test_a_switch_takes_only_true_and_false(value: Value) -> None:
    with pytest.raises(InvalidValueError) as caught:
        validate(LAMP, "power", value)
    assert caught.value.fields["valid"] == [True, False]


@pytest.mark.parametrize("value", [True, "half", float("nan"), float("inf")])
def test_a_number_takes_only_numbers(value: Value) -> None:
    with pytest.raises(InvalidValueError):
        validate(LAMP, "brightness", value)


def test_a_choice_is_found_whatever_its_case() -> None:
    mode = Capability(name="mode", kind=Kind.CHOICE, choices=["Eco", "Boost"])
    entity = LAMP.model_copy(update={"capabilities": [mode]})
    assert validate(entity, "mode", "eco") == "Eco"
    with pytest.raises(InvalidValueError) as caught:
        validate(entity, "mode", "turbo")
    assert caught.value.fields["valid"] == ["Eco", "Boost"]


def test_what_a_device_lacks_is_answered_with_what_it_has() -> None:
    with pytest.raises(NotCapableError) as caught:
        validate(LAMP, "speed", 3.0)
    assert "brightness" in caught.value.fields["capabilities"]


def test_a_sensor_takes_nothing() -> None:
    with pytest.raises(NotCapableError):
        validate(THERMOSTAT, "temperature", 30.0)


def test_a_relative_change_starts_at_what_is_true_and_stays_in_range() -> None:
    state = HOME.state(LAMP.entity_id)
    assert absolute(state, rule(LAMP, "brightness"), -20.0) == 50.0
    assert absolute(state, rule(LAMP, "brightness"), 500.0) == 100.0


def test_a_relative_change_of_an_unknown_value_is_refused() -> None:
    nothing = EntityState(entity_id="x", available=True, values={}, changed_at=0)
    for state in (None, nothing):
        with pytest.raises(InvalidValueError):
            absolute(state, rule(LAMP, "brightness"), 10.0)


@pytest.mark.parametrize(
    ("capability", "wanted", "reported", "confirmed"),
    [
        ("power", True, True, True),
        ("power", True, False, False),
        ("power", True, 1.0, False),
        ("power", True, None, False),
        ("brightness", 30.0, 30.6, True),
        ("brightness", 30.0, 32.0, False),
        ("brightness", 30.0, "30", False),
        ("color_temperature", 2700.0, 2732.0, True),
        ("color_temperature", 2700.0, 3000.0, False),
        ("color", "blue", "#0000ff", True),
        ("color", "#0000ff", "#0205fc", True),
        ("color", "blue", "#0000c8", False),
        ("color", "blue", "no colour", False),
    ],
)
def test_a_report_confirms_what_was_wanted_within_the_device_s_precision(
    capability: str, wanted: Value, reported: Value | None, *, confirmed: bool
) -> None:
    assert confirms(rule(LAMP, capability), wanted, reported) is confirmed


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_percentage_that_was_taken_is_always_one_that_the_device_takes(value: float) -> None:
    taken = validate(LAMP, "brightness", value)
    assert isinstance(taken, float)
    assert 0.0 <= taken <= 100.0
    assert validate(LAMP, "brightness", taken) == taken


@given(st.floats(min_value=5, max_value=30))
def test_a_temperature_that_was_taken_is_at_most_half_a_step_away(value: float) -> None:
    taken = validate(THERMOSTAT, "target_temperature", value)
    assert isinstance(taken, float)
    assert abs(taken - value) <= 0.25 + 1e-6
    assert confirms(rule(THERMOSTAT, "target_temperature"), taken, taken)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_relative_change_never_leaves_the_range(delta: float) -> None:
    result = absolute(HOME.state(LAMP.entity_id), rule(LAMP, "brightness"), delta)
    assert 0.0 <= result <= 100.0


@given(st.text())
def test_any_text_is_a_colour_or_is_none(text: str) -> None:
    color = rgb_hex(text)
    assert color is None or (len(color) == 7 and int(color[1:], 16) >= 0)


def test_the_table_holds_every_css_colour() -> None:
    assert len(CSS_COLORS) == 148
    assert all(rgb_hex(code) == code for code in CSS_COLORS.values())
