"""Waiting for states: what is planned for when something becomes so."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TypeVar

from alicia.contracts import devices
from alicia.contracts.devices import EntityState
from alicia.contracts.schedules import Becomes, Schedule, SchedulePhase
from alicia.home import agenda
from alicia.runtime.service import handles
from alicia.services.supporting.event_scheduler.performing import Performing
from alicia.storage.schedules import ScheduleStore

T = TypeVar("T")


class Watching(Performing, ABC):
    """How it is noticed that a state has become so."""

    _order: asyncio.Lock
    _active: dict[str, Schedule]
    _watched: dict[tuple[str, str], bool]
    """By schedule and entity: whether it is so, as it is on disk."""
    _since: dict[tuple[str, str], float]
    """By schedule and entity: since when it is so, where it has to stay so for a while."""
    _store: ScheduleStore

    @abstractmethod
    async def _begin(
        self, found: agenda.Due, now: float, held: tuple[str, bool] | None = None
    ) -> None: ...

    @abstractmethod
    async def _written(self, write: Callable[[], T]) -> T | None: ...

    @abstractmethod
    def _beside(self, work: Coroutine[None, None, None]) -> None: ...

    @handles(devices.STATE)
    async def state(self, state: EntityState) -> None:
        async with self._order:
            self.states[state.entity_id] = state
            self.state_changed.set()
            for schedule in list(self._active.values()):
                when = schedule.when
                if isinstance(when, Becomes) and state.entity_id in when.entities:
                    await self._noticed(schedule, when, state)

    async def _noticed(self, schedule: Schedule, when: Becomes, state: EntityState) -> None:
        holds = agenda.holds(when, state.values.get(when.capability)) if state.available else None
        key = schedule.schedule_id, state.entity_id
        held = self._watched.get(key)
        over = schedule.phase is SchedulePhase.RINGING and not when.repeat
        if not holds:
            self._since.pop(key, None)  # it did not stay so
        if holds is None or holds == held or over:
            return
        if holds and held is not None and when.for_s:
            self._wait_whether_it_stays(schedule, when, key, state.changed_at)
            return
        self._watched[key] = holds
        if not holds or held is None:  # what is true when it is first seen has not become so
            await self._written(lambda: self._store.hold(*key, holds))
            return
        now = self.clock.now()
        found = agenda.triggered(schedule, state.changed_at, now)
        await self._begin(found, now, (state.entity_id, True))

    def _wait_whether_it_stays(
        self, schedule: Schedule, when: Becomes, key: tuple[str, str], changed_at: float
    ) -> None:
        """It counts when it has been so for long enough; until then nothing is written of it."""
        if key in self._since:
            return
        since = self._since[key] = min(changed_at, self.clock.now())

        async def stays() -> None:
            await self.clock.until(since + when.for_s)
            async with self._order:
                now_is = self._active.get(schedule.schedule_id)
                if now_is is None or self._since.get(key) != since:
                    return
                del self._since[key]
                self._watched[key] = True
                now = self.clock.now()
                await self._begin(agenda.triggered(now_is, now, now), now, (key[1], True))

        self._beside(stays())

    async def _note_states(self, schedule: Schedule) -> None:
        """How things are when it is made: only what changes from there counts."""
        when = schedule.when
        if not isinstance(when, Becomes):
            return
        for entity_id in when.entities:
            if (state := self.states.get(entity_id)) is not None:
                await self._noticed(schedule, when, state)
