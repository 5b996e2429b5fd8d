"""The contract: every message of the system, declared once."""

from __future__ import annotations

from functools import cache

from alicia.contracts import (
    advanced,
    devices,
    languages,
    memory,
    personas,
    satellites,
    schedules,
    system,
    voice,
)
from alicia.contracts.kinds import AnyTopic, Topic

MODULES = (system, voice, satellites, devices, advanced, personas, schedules, memory, languages)


@cache
def declared() -> dict[str, AnyTopic]:
    """Every declared topic by its constant's name, in the order of the source."""
    return {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, Topic)
    }


@cache
def _names() -> dict[int, str]:
    return {id(topic): name for name, topic in declared().items()}


def name_of(topic: AnyTopic) -> str:
    """The constant that declares this topic; its pattern where somebody else declares it."""
    return _names().get(id(topic), topic.pattern)


__all__ = [
    "MODULES",
    "advanced",
    "declared",
    "devices",
    "languages",
    "memory",
    "name_of",
    "personas",
    "satellites",
    "schedules",
    "system",
    "voice",
]
