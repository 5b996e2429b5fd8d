"""The typed rules of one command: what a capability takes, and when a device has confirmed it."""

from __future__ import annotations

import math
import re

from alicia.contracts.devices import Capability, Entity, EntityState, Kind, Value
from alicia.errors import InvalidValueError, NotCapableError
from alicia.home.colors import CSS_COLORS

_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")

_TOLERANCE = {"%": 1.0, "K": 60.0, "°C": 0.25}
"""By unit: bulbs keep brightness in 255 steps and colour temperature in mireds."""

_CHANNEL_TOLERANCE = 8
"""Bulbs report a colour after their own conversion; more than 3 % in one channel is visible."""


def capability_of(entity: Entity, name: str) -> Capability:
    """Raises NotCapableError, with what the entity can do instead."""
    for capability in entity.capabilities:
        if capability.name == name:
            return capability
    raise NotCapableError(
        entity=entity.entity_id,
        capability=name,
        capabilities=[c.name for c in entity.capabilities if c.writable],
    )


def validate(entity: Entity, capability: str, value: Value) -> Value:
    """The value as the device takes it: in its unit, in range, on its step, colours as #rrggbb.

    Percentages are clamped ("130 percent" means full); any other number out of range is refused.
    Raises NotCapableError or InvalidValueError, whose fields say what would be valid.
    """
    rule = capability_of(entity, capability)
    if not rule.writable:
        raise NotCapableError(
            entity=entity.entity_id,
            capability=capability,
            capabilities=[c.name for c in entity.capabilities if c.writable],
        )
    match rule.kind:
        case Kind.SWITCH:
            if not isinstance(value, bool):
                raise _invalid(entity, rule, value, valid=[True, False])
            return value
        case Kind.NUMBER:
            return _number(entity, rule, value)
        case Kind.CHOICE:
            return _choice(entity, rule, value)
        case Kind.COLOR:
            color = rgb_hex(value) if isinstance(value, str) else None
            if color is None:
                raise _invalid(entity, rule, value, valid="a colour name or #rrggbb")
            return color
        case Kind.TEXT:
            if not isinstance(value, str):
                raise _invalid(entity, rule, value, valid="text")
            return value


def absolute(state: EntityState | None, capability: Capability, delta: float) -> float:
    """What is true now plus the difference, kept in range.

    Raises InvalidValueError where the present value is not a known number.
    """
    now = state.values.get(capability.name) if state else None
    if isinstance(now, bool) or not isinstance(now, (int, float)) or not math.isfinite(delta):
        raise InvalidValueError(capability=capability.name, value=delta, valid="a known value now")
    return _on_step(capability, _clamp(capability, now + delta))


def confirms(capability: Capability, wanted: Value, reported: Value | None) -> bool:
    """Whether what the device reports is what was wanted."""
    if reported is None or isinstance(wanted, bool) or isinstance(reported, bool):
        return wanted is reported
    if isinstance(wanted, str) or isinstance(reported, str):
        if not (isinstance(wanted, str) and isinstance(reported, str)):
            return False
        if capability.kind is Kind.COLOR:
            return _same_color(wanted, reported)
        return wanted.casefold() == reported.casefold()
    tolerance = max(_TOLERANCE.get(capability.unit or "", 0.0), (capability.step or 0.0) / 2)
    return abs(wanted - reported) <= tolerance + 1e-9


def rgb_hex(text: str) -> str | None:
    """`#rrggbb` for a CSS colour name, #rgb or #rrggbb; None for anything else."""
    key = text.strip().casefold()
    if found := _HEX.fullmatch(key):
        digits = found.group(1)
        return "#" + (digits if len(digits) == 6 else "".join(c * 2 for c in digits))
    return CSS_COLORS.get(re.sub(r"[\s_-]", "", key))


def _number(entity: Entity, rule: Capability, value: Value) -> float:
    if isinstance(value, (bool, str)) or not math.isfinite(value):
        raise _invalid(entity, rule, value, valid="a number")
    clamped = _clamp(rule, value)
    if clamped != value and rule.unit != "%":
        raise _invalid(entity, rule, value, minimum=rule.minimum, maximum=rule.maximum)
    return _on_step(rule, clamped)


def _choice(entity: Entity, rule: Capability, value: Value) -> str:
    if isinstance(value, str):
        for choice in rule.choices:
            if choice.casefold() == value.casefold():
                return choice
    raise _invalid(entity, rule, value, valid=rule.choices)


def _clamp(rule: Capability, value: float) -> float:
    low = -math.inf if rule.minimum is None else rule.minimum
    high = math.inf if rule.maximum is None else rule.maximum
    return min(max(value, low), high)


def _on_step(rule: Capability, value: float) -> float:
    """The nearest value that the device can take, counted from its minimum."""
    if not rule.step:
        return float(value)
    base = rule.minimum or 0.0
    steps = round((value - base) / rule.step)
    if rule.maximum is not None:
        steps = min(steps, math.floor((rule.maximum - base) / rule.step + 1e-9))
    return round(base + steps * rule.step, 6)


def _same_color(wanted: str, reported: str) -> bool:
    first, second = rgb_hex(wanted), rgb_hex(reported)
    if first is None or second is None:
        return False
    pairs = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return all(abs(a - b) <= _CHANNEL_TOLERANCE for a, b in pairs)


def _invalid(entity: Entity, rule: Capability, value: Value, **valid: object) -> InvalidValueError:
    error = InvalidValueError(entity=entity.entity_id, capability=rule.name, value=value)
    error.fields.update(valid)
    if rule.unit is not None:
        error.fields["unit"] = rule.unit
    return error
