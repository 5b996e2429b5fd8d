"""Structured logs: one JSON object a line, with service, instance, trace and turn.

The rule on personal text: a transcript, name, prompt or reply never stands in the event itself,
only in a value marked `pii(...)`, and such values are dropped unless `log_personal` is set. So is
what an exception says: a traceback shows where it came from, and its type.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from alicia.errors import AliciaError
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
        structlog.processors.format_exc_info if personal else _where,
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


def _where(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A traceback without what the exceptions say: they may quote a sentence or a name."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if not isinstance(error, BaseException):
        return event
    lines: list[str] = []
    seen: set[int] = set()
    causes: BaseException | None = error
    while causes is not None and id(causes) not in seen:
        seen.add(id(causes))
        lines.append("Traceback (most recent call last):\n")
        lines += traceback.format_tb(causes.__traceback__)
        code = f" [{causes.code}]" if isinstance(causes, AliciaError) else ""
        lines.append(f"{type(causes).__module__}.{type(causes).__qualname__}{code}\n")
        if isinstance(causes, BaseExceptionGroup):
            lines += [f"  of {_first_line(part)}\n" for part in causes.exceptions]
        causes = causes.__cause__ or causes.__context__
    event["exception"] = "".join(lines)
    return event


def _first_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__qualname__}{at}"


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
