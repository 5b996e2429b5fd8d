"""The life of a service: STARTING → READY → DRAINING → STOPPED, only forward.

settings → foundation → bus (will set) → lifespan → handlers → READY … stop → DRAINING →
shared subscriptions left → what is in flight finished → lifespan left → STOPPED → disconnected
"""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, cast

import structlog

from alicia import __version__
from alicia.bus.bus import Bus
from alicia.bus.hearing import Delivery
from alicia.contracts import name_of
from alicia.contracts.kinds import AnyTopic, Payload
from alicia.contracts.system import (
    INFO,
    PING,
    PRESENCE,
    SPANS,
    STATS,
    GetInfo,
    GetStats,
    Info,
    Phase,
    Ping,
    Pong,
    Presence,
    Span,
    Spans,
    Stats,
)
from alicia.contracts.voice import CANCEL
from alicia.errors import AliciaError
from alicia.runtime import http
from alicia.runtime import settings as settings_module
from alicia.runtime.cancelling import Cancelling
from alicia.runtime.house import House
from alicia.runtime.logs import logger
from alicia.runtime.metrics import Metrics
from alicia.runtime.peers import Peers
from alicia.runtime.service import Served, Service, background, declaration, handled, served
from alicia.runtime.settings import Folder
from alicia.runtime.tracing import Tracer

PRESENCE_EVERY_S = 10.0
SPANS_EVERY_S = 0.05
SPANS_MOST = 2000


class Runner:
    """Runs one service until told to stop."""

    def __init__(self, kind: type[Service[Any]], house: House, folder: Folder) -> None:
        self.kind = kind
        self.stop = asyncio.Event()
        self.ready = asyncio.Event()
        self.instance = f"{kind.name}-{secrets.token_hex(2)}"
        self._house = house
        self._folder = folder
        self._phase = Phase.STARTING
        self._reason: str | None = None
        self._endpoint: str | None = None
        self._started = time.time()
        self._spans: list[Span] = []
        self._changed = asyncio.Event()
        self._cancelling = Cancelling()
        self._serves = [name_of(s.command) for s in served(kind).values()]
        self._stopping = False

    # ---- the life ----

    async def run(self) -> None:
        """Returns when the service has stopped.

        Raises SettingsError and what foundation or lifespan raise; a handler that fails in an
        unforeseen way is logged and answered, and does not end the service; a background task that
        fails does.
        """
        service = self.service = self.kind()
        service.settings = settings_module.load(
            self.kind.settings_type, self.kind.name, self._folder
        )
        service.folder = self._folder
        service.instance = self.instance
        service.log = logger(service=self.kind.name, instance=self.instance)
        service.tracer = Tracer(self.kind.name, self.instance, self._finished)
        service.peers = Peers()
        service.set_degraded = self._set_degraded
        try:
            async with service.foundation():
                await self._connected(service)
        finally:
            service.close_executor()

    async def _connected(self, service: Service[Any]) -> None:
        bus = Bus(
            self._house.transport(self.kind.name, self.instance),
            service=self.kind.name,
            instance=self.instance,
            declaration=declaration(self.kind),
            root=self._house.root,
        )
        service.bus = bus
        self._metrics = Metrics(bus.dropped)
        bus.will(PRESENCE, self._presence(Phase.LOST))
        bus.on_connected.append(self._changed.set)
        async with bus:
            await bus.say(PRESENCE, self._presence())
            try:
                await self._alive(service)
            except BaseException as error:
                if not isinstance(error, asyncio.CancelledError):
                    cause = _first(error)
                    self._reason = f"{type(cause).__name__}: {cause}"
                raise
            finally:
                await self._farewell(bus)

    async def _alive(self, service: Service[Any]) -> None:
        async with AsyncExitStack() as stack:
            port = service.settings.http_port
            if port >= 0:
                self._endpoint = await stack.enter_async_context(
                    http.serving(
                        service.settings.http_host, port, self._presence, self._metrics.text
                    )
                )
            peers = asyncio.create_task(service.peers.watch(service.bus))
            stack.callback(peers.cancel)
            presence = asyncio.create_task(self._renew(service.bus))
            stack.callback(presence.cancel)
            spans = asyncio.create_task(self._say_spans(service.bus))
            stack.callback(spans.cancel)
            await stack.enter_async_context(service.lifespan())
            async with self._handlers(service):
                self._to(Phase.DEGRADED if self._reason else Phase.READY)
                service.log.info("ready", after_s=round(time.time() - self._started, 3))
                self.ready.set()
                await self.stop.wait()
                self._to(Phase.DRAINING)
                service.log.info("draining")
            await self._flush_spans(service.bus)

    @asynccontextmanager
    async def _handlers(self, service: Service[Any]) -> AsyncGenerator[None, None]:
        """Everything that the class declared, at work; leaving it drains within the time limit."""
        tasks: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group, AsyncExitStack() as serving:
            for name, topic in handled(self.kind).items():
                started = asyncio.Event()
                work = self._handle(service, topic, getattr(service, name), started)
                tasks.append(group.create_task(work))
                await started.wait()
            if CANCEL in self.kind.hears:
                started = asyncio.Event()
                tasks.append(group.create_task(self._cancel(service.bus, started)))
                await started.wait()
            for name, how in served(self.kind).items():
                await serving.enter_async_context(
                    service.bus.serve(
                        how.command,
                        self._guarded(service, how, getattr(service, name)),
                        concurrency=how.concurrency,
                        backlog=how.backlog,
                        places=how.places,
                    )
                )
            await self._serve_instance(service, serving)
            tasks.extend(
                group.create_task(getattr(service, name)()) for name in background(self.kind)
            )
            try:
                yield
            finally:
                try:
                    async with asyncio.timeout(service.settings.drain_timeout_s):
                        await service.bus.retire()
                        await serving.aclose()
                except TimeoutError:
                    service.log.warning("drained too slowly", left=service.bus.busy)
                # Last: what is in flight may wait for something that these hear.
                for task in tasks:
                    task.cancel()

    # ---- handlers ----

    def _guarded(
        self, service: Service[Any], how: Served, method: Callable[[Any], Awaitable[Any]]
    ) -> Callable[[Delivery[Any]], Awaitable[Payload]]:
        pattern = how.command.pattern

        async def handler(delivery: Delivery[Any]) -> Payload:
            with (
                _context(delivery.message),
                service.tracer.span(f"serve {pattern}", delivery.traceparent),
                self._metrics.handling(pattern),
                service.edge(pattern),
            ):
                turn_id = getattr(delivery.message, "turn_id", None)
                work = method(delivery.message)
                return await (self._cancelling.carry_out(turn_id, work) if turn_id else work)

        return handler

    async def _cancel(self, bus: Bus, started: asyncio.Event) -> None:
        async with bus.hear(CANCEL) as hearing:
            started.set()
            async for delivery in hearing:
                self._cancelling.cancel(delivery.message.turn_id)

    async def _handle(
        self,
        service: Service[Any],
        topic: AnyTopic,
        method: Callable[[Any], Awaitable[None]],
        started: asyncio.Event,
    ) -> None:
        async with service.bus.hear(topic) as hearing:
            started.set()
            async for delivery in hearing:
                with (
                    _context(delivery.message),
                    service.tracer.span(f"hear {topic.pattern}", delivery.traceparent),
                ):
                    try:
                        with self._metrics.handling(topic.pattern), service.edge(topic.pattern):
                            await method(delivery.message)
                    except AliciaError as error:
                        service.bus.errors[error.code] += 1

    async def _serve_instance(self, service: Service[Any], stack: AsyncExitStack) -> None:
        places = {"service": self.kind.name, "instance": self.instance}

        async def ping(_: Delivery[Ping]) -> Pong:
            return Pong(at=time.time())

        async def info(_: Delivery[GetInfo]) -> Info:
            mine = declaration(self.kind)
            return Info(
                **places,
                version=__version__,
                says=sorted(map(name_of, mine.says)),
                hears=sorted(map(name_of, mine.hears)),
                asks=sorted(map(name_of, mine.asks)),
                serves=sorted(map(name_of, mine.serves)),
                settings_schema=self.kind.settings_type.model_json_schema(),
            )

        async def stats(_: Delivery[GetStats]) -> Stats:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            return Stats(
                **places,
                uptime_s=time.time() - self._started,
                rss_bytes=resident_bytes(),
                cpu_s=usage.ru_utime + usage.ru_stime,
                handled=dict(service.bus.handled),
                errors=dict(service.bus.errors),
                dropped=dict(service.bus.dropped),
            )

        await stack.enter_async_context(service.bus.serve(PING, ping, places=places))
        await stack.enter_async_context(service.bus.serve(INFO, info, places=places))
        await stack.enter_async_context(service.bus.serve(STATS, stats, places=places))

    # ---- presence ----

    def _presence(self, phase: Phase | None = None) -> Presence:
        return Presence(
            service=self.kind.name,
            instance=self.instance,
            phase=phase or self._phase,
            version=__version__,
            pid=os.getpid(),
            host=platform.node(),
            reason=self._reason,
            endpoint=self._endpoint,
            serves=self._serves,
            started_at=self._started,
        )

    def _to(self, phase: Phase) -> None:
        self._phase = phase
        self._changed.set()

    def _set_degraded(self, reason: str | None) -> None:
        """DEGRADED with a reason, or READY again; while starting, from when it serves."""
        self._reason = reason
        if self._phase in (Phase.READY, Phase.DEGRADED):
            self._to(Phase.DEGRADED if reason else Phase.READY)

    async def _renew(self, bus: Bus) -> None:
        while True:
            self._changed.clear()
            await bus.say(PRESENCE, self._presence())
            try:
                async with asyncio.timeout(PRESENCE_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _farewell(self, bus: Bus) -> None:
        self._phase = Phase.STOPPED
        try:
            async with asyncio.timeout(1):
                await bus.say(PRESENCE, self._presence())
        except (TimeoutError, AliciaError):
            return  # the broker went first; the will or the expiry says it

    # ---- spans ----

    def _finished(self, span: Span) -> None:
        if len(self._spans) < SPANS_MOST:
            self._spans.append(span)

    async def _say_spans(self, bus: Bus) -> None:
        while True:
            await asyncio.sleep(SPANS_EVERY_S)
            await self._flush_spans(bus)

    async def _flush_spans(self, bus: Bus) -> None:
        if self._spans:
            batch, self._spans = self._spans, []
            await bus.say(SPANS, Spans(service=self.kind.name, spans=batch))


S = TypeVar("S", bound=Service[Any])


@asynccontextmanager
async def joined(kind: type[S], house: House, folder: Folder) -> AsyncGenerator[S, None]:
    """Take part in a house from here: the service runs beside the body, until it is left.

    Raises what starting it raises.
    """
    runner = Runner(kind, house, folder)
    running = asyncio.create_task(runner.run(), name=f"run {kind.name}")
    ready = asyncio.create_task(runner.ready.wait())
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        yield cast("S", runner.service)
    finally:
        ready.cancel()
        runner.stop.set()
        await running


def _first(error: BaseException) -> BaseException:
    """What a group of errors began with."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _context(message: Payload) -> AbstractContextManager[None]:
    turn_id = getattr(message, "turn_id", None)
    return structlog.contextvars.bound_contextvars(**({"turn": turn_id} if turn_id else {}))


def resident_bytes() -> int:
    """Resident memory of this process."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - procfs
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if platform.system() == "Darwin" else peak * 1024
