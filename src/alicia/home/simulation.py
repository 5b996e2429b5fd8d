"""How virtual devices behave: how soon they act, what else changes, how they travel."""

from __future__ import annotations

import zlib

from alicia.contracts.devices import Entity, Value

Values = dict[str, Value]

COVER_FULL_TRAVEL_S = 2.0
COVER_SETS_OFF_S = 0.04
"""Covers report that they move as soon as they do, and then now and again."""
COVER_REPORT_S = 0.25
CLIMATE_REPORT_S = 10.0
CLIMATE_STEP = 0.1
"""A room that warms by 0.6 °C a minute: fast enough to watch."""

_LATENCY_S = {
    "switch": 0.02,
    "fan": 0.03,
    "cover": 0.05,
    "climate": 0.05,
    "media_player": 0.03,
    "lock": 0.3,
}


def latency_s(entity: Entity) -> float:
    """From the command to the first change; lamps differ, each between 10 and 40 ms."""
    if entity.domain == "light":
        return 0.010 + zlib.crc32(entity.entity_id.encode()) % 31 / 1000
    return _LATENCY_S.get(entity.domain, 0.02)


def travels(capability: str) -> bool:
    """Whether the value is reached over time rather than at once."""
    return capability == "position"


def settle(values: Values, capability: str, value: Value, draws_w: float | None) -> Values:
    """All values after one of them was set: a lamp that gets a brightness is on, and so forth."""
    after = {**values, capability: value}
    if capability in ("brightness", "speed") and "power" in values:
        after["power"] = value != 0.0
    elif capability in ("color", "color_temperature") and "power" in values:
        after["power"] = True
    elif capability == "power" and value is True:
        # "Off" keeps the level and "on" brings it back; only a level of 0 has nothing to bring.
        for level in ("brightness", "speed"):
            if after.get(level) == 0.0:
                after[level] = 100.0
    if "power_w" in after:
        after["power_w"] = (draws_w or 0.0) if after.get("power") is True else 0.0
    return after


def travel(start: float, target: float, elapsed_s: float) -> float:
    """Where a cover is, so long after it started."""
    way = 100.0 / COVER_FULL_TRAVEL_S * max(elapsed_s, 0.0)
    if abs(target - start) <= way + 1e-9:
        return target
    return round(start + (way if target > start else -way), 1)


def drift(values: Values) -> float | None:
    """The next temperature of a thermostat's room; None where it stays."""
    temperature, target = values.get("temperature"), values.get("target_temperature")
    if values.get("power") is False:
        return None
    if not isinstance(temperature, float) or not isinstance(target, float):
        return None
    difference = target - temperature
    if abs(difference) < CLIMATE_STEP / 2:
        return None
    step = min(CLIMATE_STEP, abs(difference))
    return round(temperature + (step if difference > 0 else -step), 2)
