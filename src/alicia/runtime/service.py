"""What a room is: it declares what it says, hears, asks and serves, and does its work.

    class Doorbell(Service[Settings]):
        name = "doorbell"
        says = (RANG,)

        @serves(RING)
        async def ring(self, ask: Ring) -> Rung: ...

Everything else (connecting, presence, deadlines, traces, metrics, draining) is the runner's.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar, get_args

from typing_extensions import ParamSpec

from alicia.bus.bus import Bus, Declaration
from alicia.bus.hearing import Hearing
from alicia.bus.packet import answer_by
from alicia.contracts.kinds import AnyTopic, Command, Payload, Topic
from alicia.contracts.system import DEAD_LETTER, INFO, PING, PRESENCE, SPANS, STATS
from alicia.errors import AliciaError, BusError, DeadlineError, InternalError
from alicia.runtime.logs import Log
from alicia.runtime.peers import Peers
from alicia.runtime.settings import Folder, Settings
from alicia.runtime.tracing import OpenSpan, Tracer

S = TypeVar("S", bound=Settings)
M = TypeVar("M", bound=Payload)
Q = TypeVar("Q", bound=Payload)
R = TypeVar("R", bound=Payload)
T = TypeVar("T")
P = ParamSpec("P")

RETRY_FIRST_S = 0.03
RETRY_MOST_S = 0.25
_SERVES, _HANDLES, _RUNS = "__serves__", "__handles__", "__runs__"


@dataclass(frozen=True, slots=True)
class Served:
    """How a method serves a command."""

    command: Command[Any, Any]
    concurrency: int
    backlog: int
    places: dict[str, str]


def serves(
    command: Command[Q, R], *, concurrency: int = 1, backlog: int = 64, **places: str
) -> Callable[[Callable[[Any, Q], Awaitable[R]]], Callable[[Any, Q], Awaitable[R]]]:
    """Answer a command with this method; its errors of ours are the asker's errors.

    A place that is given narrows it: `@serves(ADAPTER_COMMAND, adapter="virtual")`.
    """

    def mark(method: Callable[[Any, Q], Awaitable[R]]) -> Callable[[Any, Q], Awaitable[R]]:
        setattr(method, _SERVES, Served(command, concurrency, backlog, places))
        return method

    return mark


def handles(
    topic: Topic[M],
) -> Callable[[Callable[[Any, M], Awaitable[None]]], Callable[[Any, M], Awaitable[None]]]:
    """Take each message of a topic with this method, one after the other."""

    def mark(method: Callable[[Any, M], Awaitable[None]]) -> Callable[[Any, M], Awaitable[None]]:
        setattr(method, _HANDLES, topic)
        return method

    return mark


def runs(method: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Run this method beside the handlers for as long as the service is ready."""
    setattr(method, _RUNS, True)
    return method


class Service(Generic[S]):
    """A room. Subclass with a Settings class: `class Stt(Service[SttSettings])`."""

    name: ClassVar[str]
    says: ClassVar[tuple[AnyTopic, ...]] = ()
    hears: ClassVar[tuple[AnyTopic, ...]] = ()
    asks: ClassVar[tuple[AnyTopic, ...]] = ()
    does_without: ClassVar[tuple[AnyTopic, ...]] = ()
    """Asked too, where somebody answers: it starts and works without them."""
    settings_type: ClassVar[type[Settings]] = Settings

    settings: S
    folder: Folder
    instance: str
    log: Log
    bus: Bus
    tracer: Tracer
    peers: Peers
    set_degraded: Callable[[str | None], None]
    _executor: ThreadPoolExecutor | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in get_args(base):
                if inspect.isclass(argument) and issubclass(argument, Settings):
                    cls.settings_type = argument

    # ---- what a room may override ----

    @asynccontextmanager
    async def foundation(self) -> AsyncGenerator[None, None]:
        """What must stand before the bus is there; only those who provide the bus need it."""
        yield

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        """Models loaded, files open. Connected to the bus, handlers not started yet."""
        yield

    # ---- the four verbs ----

    async def say(self, topic: Topic[M], message: M) -> None:
        """Raises UndeclaredTopicError, RefusedError."""
        await self.bus.say(topic, message)

    @asynccontextmanager
    async def hear(
        self, topic: Topic[M], *, limit: int = 256, **places: str
    ) -> AsyncGenerator[AsyncIterator[M], None]:
        """The messages of a topic from here on; a place that is given narrows it."""
        async with self.bus.hear(topic, limit=limit, **places) as hearing:
            yield _Messages(hearing)

    async def ask(
        self, command: Command[Q, R], request: Q, *, deadline_s: float | None = None
    ) -> R:
        """Ask one who serves it.

        An idempotent command is asked again, within the deadline, when the bus or its server was
        lost on the way and somebody who serves it is known. Raises what the other side raised, or
        BusError.
        """
        until = time.monotonic() + (command.deadline_s if deadline_s is None else deadline_s)
        ask_id = self.bus.new_id()
        pause = RETRY_FIRST_S
        with self.span(f"ask {command.pattern}"):
            while True:
                left = until - time.monotonic()
                try:
                    return await self.bus.ask(
                        command, request, deadline_s=max(0.001, left), ask_id=ask_id
                    )
                except DeadlineError:
                    raise
                except BusError as error:
                    again = error.retryable and command.idempotent
                    if not again or left <= pause or not self.peers.expected(command):
                        raise
                    await asyncio.sleep(pause)
                    pause = min(RETRY_MOST_S, pause * 2)

    # ---- help ----

    @contextmanager
    def edge(self, doing: str) -> Generator[None, None, None]:
        """Where the unforeseen ends: logged with its traceback, raised as InternalError."""
        try:
            yield
        except AliciaError as error:
            self.log.info("refused", doing=doing, code=error.code)
            raise
        except Exception as error:
            self.log.exception("failed", doing=doing)
            raise InternalError(service=self.name) from error

    def span(self, name: str) -> AbstractContextManager[OpenSpan | None]:
        """A span of the turn that is being worked on; None outside turns."""
        return self.tracer.span(name)

    def trace(self, name: str, trace_id: str | None = None) -> AbstractContextManager[OpenSpan]:
        """Begin a trace: a person speaks here."""
        return self.tracer.begin(name, trace_id)

    def left_s(self) -> float:
        """How long whoever asked still waits for this answer; endless where nobody does."""
        return answer_by.get() - time.monotonic()

    async def off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in this service's own bounded executor."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix=self.name)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))

    def close_executor(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)


class _Messages(Generic[M]):
    """What is heard, without its headers."""

    def __init__(self, hearing: Hearing[M]) -> None:
        self._hearing = hearing

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> M:
        return (await anext(self._hearing)).message


def served(kind: type[Service[Any]]) -> dict[str, Served]:
    """Which methods serve which commands."""
    return {
        name: getattr(method, _SERVES)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if hasattr(method, _SERVES)
    }


def handled(kind: type[Service[Any]]) -> dict[str, AnyTopic]:
    """Which methods handle which topics."""
    return {
        name: getattr(method, _HANDLES)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if hasattr(method, _HANDLES)
    }


def background(kind: type[Service[Any]]) -> list[str]:
    """Which methods run beside the handlers."""
    return [
        name
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if hasattr(method, _RUNS)
    ]


def declaration(kind: type[Service[Any]]) -> Declaration:
    """All that a service may do on the bus, what the runner does for it included."""
    return Declaration(
        says=frozenset({*kind.says, PRESENCE, DEAD_LETTER, SPANS}),
        hears=frozenset({*kind.hears, *handled(kind).values(), PRESENCE}),
        asks=frozenset({*kind.asks, *kind.does_without}),
        serves=frozenset({*(s.command for s in served(kind).values()), PING, INFO, STATS}),
    )
