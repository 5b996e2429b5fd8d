"""Structured logs: one JSON object a line, with service, instance, trace and turn.

The rule on personal text: a transcript, name, prompt or reply never stands in the event itself,
only in a value marked `pii(...)`, and such values are dropped unless `log_personal` is set.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from alicia.runtime.tracing import current_trace

Log = structlog.stdlib.BoundLogger


class Pii:
    """Somebody's own text."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<personal>"


def pii(value: object) -> Pii:
    """Mark a value as personal."""
    return Pii(value)


def configure(
    *, level: str = "info", personal: bool = False, readable: bool = False, to: TextIO | None = None
) -> None:
    """Set logging up for this process. readable: for a person at a terminal instead of JSON."""

    def guard(
        _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for key, value in list(event.items()):
            if isinstance(value, Pii):
                if personal:
                    event[key] = value.value
                else:
                    del event[key]
        return event

    stream = to or sys.stderr
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace,
        guard,
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if readable
        else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )


def _trace(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    trace_id = current_trace()
    if trace_id is not None:
        event["trace"] = trace_id
    return event


def logger(**fields: object) -> Log:
    """A logger that says these fields with each event."""
    return cast("Log", structlog.get_logger(**fields))
