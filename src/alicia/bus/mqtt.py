"""MQTT 5: a connection that comes back.

    publish ─▶ waiting ─▶ flying ─▶ PUBACK      a link that breaks puts flying back into waiting

A `Link` lives as long as one TCP connection and knows nothing of the next. `MqttTransport` makes
links until it is closed: full-jitter back-off, subscriptions replayed, and what was not
acknowledged sent again in its order. Clean start, session expiry 0: a session that waits for an
absent client would count as a listener, and "nobody serves this" could not be known at once.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from alicia.bus.link import (
    LEAVE_WITHIN_S,
    NOT_AUTHORIZED,
    STREAM_BACKLOG,
    Link,
    LinkLostError,
)
from alicia.bus.options import MqttOptions
from alicia.bus.packet import Packet, Receive
from alicia.errors import (
    AliciaError,
    MalformedMessageError,
    NotConnectedError,
    RefusedError,
    SetupError,
    UnauthenticatedError,
)

RECONNECT_FIRST_S = 0.05
RECONNECT_MOST_S = 1.0
SETTLE_S = 1.5
"""After a reconnect: longer than the longest pause of the others between two tries."""
_FAILURE = 128


@dataclass(slots=True, eq=False)
class _Out:
    """Something that is published at QoS 1, until it is acknowledged."""

    ticket: int
    packet: Packet
    patient: bool
    done: asyncio.Future[int]
    since: float


class MqttTransport:
    """A connection that comes back."""

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self.on_dropped: Callable[[Packet], None] = lambda _: None
        self.reconnects = 0
        self._filters: dict[tuple[str, str | None], int] = {}
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._settled = True
        self._settling: asyncio.TimerHandle | None = None
        self._tickets = itertools.count()
        self._waiting: deque[_Out] = deque()
        self._flying: dict[int, _Out] = {}
        self._backlog: deque[tuple[float, Packet]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._failure = "no answer"

    @property
    def connected(self) -> bool:
        return self._link is not None

    @property
    def settling(self) -> bool:
        return not self.connected or not self._settled

    # ---- the connection ----

    async def open(
        self, receive: Receive, *, will: Packet | None, on_connected: Callable[[], None]
    ) -> None:
        self._receive = receive
        self._will = will
        self._on_connected = on_connected
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(
            self._keep(opened, self._options.tls()), name=f"mqtt {self._options.client_id}"
        )
        try:
            async with asyncio.timeout(self._options.connect_timeout_s):
                await opened
        except TimeoutError:
            await self.close()
            raise NotConnectedError(
                "The broker does not answer. Is it running? `alicia doctor` looks into it.",
                url=self._options.url,
                reason=self._failure,
            ) from None
        except BaseException:
            await self.close()
            raise

    async def _keep(self, opened: asyncio.Future[None], tls: ssl.SSLContext | None) -> None:
        """The only place that reconnects."""
        attempt = 0
        while True:
            link = Link(
                self._options,
                self._will,
                receive=self._receive,
                acked=self._acked,
                drained=self._flush,
                ended=self._lost,
            )
            try:
                await link.connect(tls)
                for (filter_, group), qos in list(self._filters.items()):
                    await link.subscribe(_shared(filter_, group), qos)
                self._rise(link, first=not opened.done())
                since = time.monotonic()
                if not opened.done():
                    opened.set_result(None)
                # Not awaited itself: cancelling us must not cancel it.
                await asyncio.wait((link.lost,))
                if time.monotonic() - since > RECONNECT_MOST_S:
                    attempt = 0  # else who is sent away at once would come back at once, for ever
            except (OSError, LinkLostError, UnauthenticatedError) as error:
                self._failure = f"{type(error).__name__}: {error}"
                # What is wrong at the start stays wrong; later it may be the broker starting.
                if (final := _final(error, self._options)) is not None and not opened.done():
                    opened.set_exception(final)
                    return
            finally:
                await link.close()
            attempt += 1
            most = min(RECONNECT_MOST_S, RECONNECT_FIRST_S * 2**attempt)
            await asyncio.sleep(random.uniform(0, most))  # noqa: S311 - jitter, no secret

    def _rise(self, link: Link, *, first: bool) -> None:
        self._link = link
        if not first:
            self.reconnects += 1
            self._settled = False
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._settle)
        self._up.set()
        self._on_connected()
        self._pump()
        self._flush()

    def _settle(self) -> None:
        self._settled = True
        self._pump()

    def _lost(self) -> None:
        """In the same step as the link's end, so that nothing is given to a dead one."""
        if self._link is None:
            return
        self._link = None
        self._up.clear()
        if self._settling is not None:
            self._settling.cancel()
        again = [*self._flying.values(), *self._waiting]
        self._flying.clear()
        self._waiting = deque(sorted(again, key=lambda out: out.ticket))

    async def close(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._up.set()  # whoever waits for it sees `_closed`
        if self._settling is not None:
            self._settling.cancel()
        for out in (*self._flying.values(), *self._waiting):
            if not out.done.done():
                out.done.set_exception(NotConnectedError())

    # ---- publish ----

    async def publish(self, packet: Packet, *, patient: bool = False) -> int:
        if self._closed:
            raise NotConnectedError
        out = _Out(
            next(self._tickets),
            packet,
            patient,
            asyncio.get_running_loop().create_future(),
            time.monotonic(),
        )
        self._waiting.append(out)
        self._pump()
        code = await out.done
        if code >= _FAILURE:
            identity = self._options.username
            if code == NOT_AUTHORIZED:
                raise RefusedError(topic=packet.topic, identity=identity)
            raise RefusedError("The broker refuses this message.", topic=packet.topic, code=code)
        return code

    def _pump(self) -> None:
        """Send what waits, in its order, as far as the broker's window goes."""
        held: list[_Out] = []
        while self._waiting and (link := self._link) and len(self._flying) < link.window:
            out = self._waiting.popleft()
            if out.done.done():
                continue  # nobody waits for it any more
            if out.patient and not self._settled:
                held.append(out)
                continue
            try:
                self._flying[link.publish(_still(out))] = out
            except MalformedMessageError as error:
                out.done.set_exception(error)
        self._waiting.extendleft(reversed(held))

    def _acked(self, mid: int, code: int) -> None:
        out = self._flying.pop(mid, None)
        if out is not None and not out.done.done():
            out.done.set_result(code)
        if self._waiting:
            self._pump()

    def publish_nowait(self, packet: Packet) -> None:
        link = self._link
        if link is not None and not self._backlog and not link.congested:
            link.send(packet)
            return
        if len(self._backlog) >= STREAM_BACKLOG:
            self.on_dropped(self._backlog.popleft()[1])
        self._backlog.append((time.monotonic(), packet))

    def _flush(self) -> None:
        while self._backlog and (link := self._link) and not link.congested:
            since, packet = self._backlog.popleft()
            if packet.expiry_s is None or time.monotonic() - since < packet.expiry_s:
                with suppress(MalformedMessageError):  # the next link may take less
                    link.send(packet)
                    continue
            self.on_dropped(packet)

    # ---- subscribe ----

    async def subscribe(self, filter_: str, *, group: str | None, qos: int) -> None:
        self._filters[filter_, group] = qos
        while True:
            await self._up.wait()
            link = self._link
            if link is None:
                raise NotConnectedError
            try:
                code = await link.subscribe(_shared(filter_, group), qos)
            except LinkLostError:
                continue
            if code >= _FAILURE:
                raise RefusedError(topic=filter_, identity=self._options.username)
            return

    async def unsubscribe(self, filter_: str, *, group: str | None) -> None:
        self._filters.pop((filter_, group), None)
        if self._link is None:
            return
        try:
            # A frozen broker must not hold up who leaves.
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await self._link.unsubscribe(_shared(filter_, group))
        except (LinkLostError, TimeoutError):
            return  # the next link does not subscribe it


def _final(error: Exception, options: MqttOptions) -> AliciaError | None:
    """What no second try would mend, as the error that a person reads."""
    if isinstance(error, AliciaError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return SetupError(
            f"The broker's certificate can't be trusted: {error.verify_message}.", url=options.url
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return SetupError(
            "The broker does not speak TLS 1.3 there.", url=options.url, reason=error.reason
        )
    return None


def _still(out: _Out) -> Packet:
    """The packet, with what its asker still waits after our own waiting."""
    if out.packet.deadline_ms is None:
        return out.packet
    waited_ms = int((time.monotonic() - out.since) * 1000)
    return replace(out.packet, deadline_ms=max(0, out.packet.deadline_ms - waited_ms))


def _shared(filter_: str, group: str | None) -> str:
    return filter_ if group is None else f"$share/{group}/{filter_}"
