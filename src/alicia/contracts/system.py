"""System messages: who is here, what is wanted, what went wrong, how long it took."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from alicia.contracts.kinds import Command, Event, Message, State

# ---- presence -----------------------------------------------------------------------------------


class Phase(StrEnum):
    """The life of an instance; it only goes forward."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    DRAINING = "draining"
    STOPPED = "stopped"
    LOST = "lost"
    """Said by the broker in its place: the connection broke without a farewell."""


ALIVE = frozenset({Phase.READY, Phase.DEGRADED})


class Presence(Message):
    service: str
    instance: str
    phase: Phase
    version: str
    pid: int
    host: str
    reason: str | None = None
    """Why it is degraded, or why it stopped."""
    endpoint: str | None = None
    """Where /healthz, /readyz and /metrics are served."""
    serves: list[str] = Field(default_factory=list)
    started_at: float
    """Seconds since the epoch."""


PRESENCE: State[Presence] = State(
    "system/presence/{service}/{instance}",
    Presence,
    each_own=True,
    expiry_s=30,
    doc="Who is here. Renewed, so that it fades when its owner and the broker both died.",
)


# ---- what every instance answers ----------------------------------------------------------------


class Ping(Message):
    service: str
    instance: str


class Pong(Message):
    at: float
    """Seconds since the epoch."""


class GetInfo(Message):
    service: str
    instance: str


class Info(Message):
    service: str
    instance: str
    version: str
    says: list[str]
    hears: list[str]
    asks: list[str]
    serves: list[str]
    settings_schema: dict[str, Any]


class GetStats(Message):
    service: str
    instance: str


class Stats(Message):
    service: str
    instance: str
    uptime_s: float
    rss_bytes: int
    cpu_s: float
    handled: dict[str, int]
    """Messages handled, by topic."""
    errors: dict[str, int]
    """Failures, by error code."""
    dropped: dict[str, int]
    """Messages given up, by topic."""


PING: Command[Ping, Pong] = Command(
    "system/service/{service}/{instance}/ping", Ping, reply=Pong, deadline_s=1, each_own=True
)
INFO: Command[GetInfo, Info] = Command(
    "system/service/{service}/{instance}/info", GetInfo, reply=Info, deadline_s=1, each_own=True
)
STATS: Command[GetStats, Stats] = Command(
    "system/service/{service}/{instance}/stats", GetStats, reply=Stats, deadline_s=1, each_own=True
)


# ---- trouble and traces -------------------------------------------------------------------------


class DeadLetter(Message):
    """A message that could not be read, or whose handler failed for good."""

    service: str
    instance: str
    topic: str
    sender: str | None = None
    code: str
    reason: str
    size_bytes: int


DEAD_LETTER: Event[DeadLetter] = Event(
    "system/deadletter/{service}",
    DeadLetter,
    expiry_s=300,
    each_own=True,
    doc="What was given up, and why.",
)


class Span(Message):
    trace_id: str
    span_id: str
    parent_id: str | None = None
    service: str
    instance: str
    name: str
    start: float
    """Seconds since the epoch."""
    duration_ms: float
    error: str | None = None
    """Code of the error that ended it."""
    attributes: dict[str, str | float | bool] = Field(default_factory=dict)


class Spans(Message):
    service: str
    spans: list[Span]


SPANS: Event[Spans] = Event(
    "system/trace/{service}",
    Spans,
    expiry_s=60,
    each_own=True,
    doc="Finished spans of turns, in batches.",
)


# ---- discovery ----------------------------------------------------------------------------------


class Seat(Message):
    """One service of the roster as it is now."""

    service: str
    planned: bool
    """In the roster, but not built yet."""
    instances: list[str]
    ready: int
    needs: list[str]
    """Services that serve what it asks."""
    missing: list[str]
    """Of these, the ones with no ready instance."""


class Directory(Message):
    seats: list[Seat]
    ready: int
    """Services with at least one ready instance."""


DIRECTORY: State[Directory] = State(
    "system/discovery/directory", Directory, doc="Which services are here and what they lack."
)


# ---- broker -------------------------------------------------------------------------------------


class BrokerStatus(Message):
    up: bool
    version: str | None = None
    adopted: bool = False
    """Somebody else runs it."""
    clients: int | None = None
    messages_received: int | None = None
    messages_sent: int | None = None
    messages_dropped: int | None = None
    uptime_s: int | None = None
    restarts: int = 0


BROKER: State[BrokerStatus] = State("system/broker/status", BrokerStatus)


# ---- orchestrator -------------------------------------------------------------------------------


class ProcessInfo(Message):
    service: str
    pid: int | None = None
    phase: Phase
    restarts: int = 0
    rss_mb: float | None = None
    """Proportional set size: shared pages are counted once over all processes."""
    last_exit: str | None = None


class Desired(Message):
    """What should run."""

    service: str
    running: bool
    after: list[str] = Field(default_factory=list)
    """Services that must be ready before it starts."""


class ListProcesses(Message):
    pass


class ProcessList(Message):
    processes: list[ProcessInfo]


class RestartService(Message):
    service: str


class ServiceRestarted(Message):
    service: str
    pid: int


DESIRED: State[Desired] = State("system/desired/{service}", Desired)
LIST_PROCESSES: Command[ListProcesses, ProcessList] = Command(
    "system/orchestrator/list", ListProcesses, reply=ProcessList, idempotent=True
)
RESTART_SERVICE: Command[RestartService, ServiceRestarted] = Command(
    "system/orchestrator/restart", RestartService, reply=ServiceRestarted, deadline_s=20
)
