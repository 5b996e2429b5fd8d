"""When a device has confirmed a command: by what its adapter reports after it was told.

A value is confirmed by a report that shows it. A cover travels for longer than anybody waits for an
answer: the first report that carries the command's id and is nearer to the target than where it set
off confirms it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from alicia.contracts.devices import AdapterCommand, AdapterState, Capability, Value
from alicia.errors import UnavailableError, UnconfirmedError
from alicia.home.capabilities import confirms

TRAVELS = frozenset({"position"})
"""Capabilities whose value is reached over time."""


@dataclass(frozen=True, slots=True)
class _Expectation:
    command: AdapterCommand
    capability: Capability
    start: Value | None
    """Where it was when the adapter was told."""
    confirmed: asyncio.Future[None]

    def hear(self, report: AdapterState) -> None:
        shown = report.values.get(self.capability.name)
        if not report.available:
            self.confirmed.set_exception(UnavailableError(entity=report.entity_id))
        elif confirms(self.capability, self.command.value, shown) or self._sets_off(report, shown):
            self.confirmed.set_result(None)

    def _sets_off(self, report: AdapterState, shown: Value | None) -> bool:
        if self.capability.name not in TRAVELS or report.command_id != self.command.command_id:
            return False
        wanted, start = self.command.value, self.start
        if not (
            isinstance(wanted, float) and isinstance(start, float) and isinstance(shown, float)
        ):
            return False
        return abs(wanted - shown) < abs(wanted - start)


class Expectations:
    """What the commands under way wait for."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Expectation]] = {}

    def hear(self, report: AdapterState) -> None:
        overtaken: set[str] = set()
        for expectation in reversed(self._waiting.get(report.entity_id, [])):
            capability = expectation.capability.name
            if not expectation.confirmed.done():
                expectation.hear(report)
            if not expectation.confirmed.done() and capability in overtaken:
                # A later command has had its way: this one's value won't come any more.
                expectation.confirmed.set_exception(UnconfirmedError(entity=report.entity_id))
            elif expectation.confirmed.done():
                overtaken.add(capability)

    @contextmanager
    def expect(
        self, command: AdapterCommand, capability: Capability, start: Value | None
    ) -> Generator[asyncio.Future[None], None, None]:
        """Entered before the adapter is told; what comes out is done when the device confirms.

        It raises UnavailableError where the adapter reports that the device is gone, and
        UnconfirmedError where a later command has been confirmed instead.
        """
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        expectation = _Expectation(command, capability, start, confirmed)
        waiting = self._waiting.setdefault(command.entity_id, [])
        waiting.append(expectation)
        try:
            yield confirmed
        finally:
            waiting.remove(expectation)
            if not waiting:
                del self._waiting[command.entity_id]
            confirmed.cancel()
            if not confirmed.cancelled():
                confirmed.exception()  # seen, whoever raised first
