"""Spans of a turn, by the W3C trace context (https://www.w3.org/TR/trace-context/).

A trace begins where a person speaks (a satellite, the console). What has no trace is not recorded,
so heartbeats cost nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from alicia.bus.packet import traceparent
from alicia.contracts.system import Span
from alicia.errors import AliciaError


@dataclass(slots=True)
class OpenSpan:
    """A span that is running; attributes may be added until it ends."""

    trace_id: str
    span_id: str
    attributes: dict[str, str | float | bool] = field(default_factory=dict)


@dataclass(slots=True)
class Tracer:
    """Records the spans of one instance, and hands each finished one over."""

    service: str
    instance: str
    finished: Callable[[Span], None]

    @contextmanager
    def begin(self, name: str, trace_id: str | None = None) -> Generator[OpenSpan, None, None]:
        """A span that starts a trace; trace_id: 32 hexadecimal digits."""
        token = traceparent.set(f"00-{trace_id or new_trace()}-{'0' * 16}-01")
        try:
            with self.span(name) as span:
                assert span is not None  # noqa: S101 - there is a trace now
                yield span
        finally:
            traceparent.reset(token)

    @contextmanager
    def span(self, name: str, parent: str | None = None) -> Generator[OpenSpan | None, None, None]:
        """A span under the current one, or under a traceparent; None where there is no trace."""
        above = parse(parent or traceparent.get())
        if above is None:
            yield None
            return
        trace_id, parent_id = above
        span = OpenSpan(trace_id, secrets.token_hex(8))
        token = traceparent.set(f"00-{trace_id}-{span.span_id}-01")
        start, clock = time.time(), time.perf_counter()
        error: str | None = None
        try:
            yield span
        except AliciaError as raised:
            error = raised.code
            raise
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            traceparent.reset(token)
            self.finished(
                Span(
                    trace_id=trace_id,
                    span_id=span.span_id,
                    parent_id=None if parent_id == "0" * 16 else parent_id,
                    service=self.service,
                    instance=self.instance,
                    name=name,
                    start=start,
                    duration_ms=(time.perf_counter() - clock) * 1000,
                    error=error,
                    attributes=span.attributes,
                )
            )

    def record(self, name: str, start: float, end: float) -> None:
        """A span that is over, under the current one. Times are seconds since the epoch."""
        above = parse(traceparent.get())
        if above is not None:
            self.finished(
                Span(
                    trace_id=above[0],
                    span_id=secrets.token_hex(8),
                    parent_id=above[1],
                    service=self.service,
                    instance=self.instance,
                    name=name,
                    start=start,
                    duration_ms=max(0.0, (end - start) * 1000),
                )
            )


def parse(header: str | None) -> tuple[str, str] | None:
    """Trace id and parent id of a traceparent header; None where it is absent or not valid."""
    if header is None:
        return None
    parts = header.split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    return parts[1], parts[2]


def new_trace() -> str:
    """A trace id that nobody has."""
    return secrets.token_hex(16)


def current_trace() -> str | None:
    """The trace id of what is being done here."""
    above = parse(traceparent.get())
    return above[0] if above else None
