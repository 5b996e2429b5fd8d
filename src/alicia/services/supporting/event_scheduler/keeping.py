"""Keeping time: what is planned, what is due, and what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from alicia.contracts import schedules as contract
from alicia.contracts.schedules import (
    AdjustTimer,
    At,
    CancelSchedules,
    CreateSchedule,
    Every,
    HomeTime,
    ListRuns,
    ListSchedules,
    PreviewSchedule,
    Run,
    RunOutcome,
    Runs,
    Schedule,
    ScheduleKind,
    SchedulePhase,
    SchedulePreview,
    Schedules,
    Sun,
    Which,
)
from alicia.errors import (
    AliciaError,
    AmbiguousScheduleError,
    InvalidScheduleError,
    NoLocationError,
    ScheduleError,
    SetupError,
    TooManySchedulesError,
    UnknownScheduleError,
)
from alicia.home import agenda
from alicia.home.calendar import Calendar, zone_of
from alicia.home.sun import Place
from alicia.runtime.service import runs, serves
from alicia.services.supporting.event_scheduler.watching import Watching
from alicia.storage.schedules import ScheduleStore

T = TypeVar("T")
MOST = 500
"""Schedules that wait, are paused or ring."""
PRUNE_EVERY_S = 86400.0
FORGETFUL = "Schedules can't be written; after a restart something may come twice, or not."


class EventScheduler(Watching):
    """Timers, alarms, reminders and commands, in their time."""

    name = "event_scheduler"
    says = (contract.RUN, contract.HOME_TIME)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        settings = self.settings
        place = None
        if settings.latitude is not None and settings.longitude is not None:
            place = Place(settings.latitude, settings.longitude)
        self.calendar = Calendar(zone_of(settings.time_zone), place)
        self._changed = asyncio.Event()
        self._order = asyncio.Lock()
        """One change at a time, so that what is on disk is what is known here."""
        self._unsaid = asyncio.Event()
        self._unsaid.set()
        self.bus.on_connected.append(self._unsaid.set)
        self._degraded = False
        self._current: dict[str, str] = {}
        """By schedule: the last run that was begun."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._since: dict[tuple[str, str], float] = {}
        """By schedule and entity: since when it is so, where it has to stay so for a while."""
        self._store = await self.off_loop(
            ScheduleStore, self.folder.state(self.name) / "schedules.db"
        )
        try:
            await self._load()
            async with asyncio.TaskGroup() as self._group:
                yield
                for task in self._tasks:  # the next instance goes on with what was begun
                    task.cancel()
        finally:
            await self.off_loop(self._store.close)

    async def _load(self) -> None:
        await self.off_loop(self._store.prune, self.clock.now())
        found = await self.off_loop(self._store.schedules)
        self._active = {one.schedule_id: self._retimed(one) for one in found}
        self._left = await self.off_loop(self._store.unfinished)
        self._watched = await self.off_loop(self._store.watched)
        begun = {run.schedule_id for _, run in self._left}
        for one in list(self._active.values()):
            if one.phase is SchedulePhase.RINGING and one.schedule_id not in begun:
                await self._keep(agenda.ended(one))

    def _retimed(self, schedule: Schedule) -> Schedule:
        """By the clock and the sun that the settings name now, where its time is still to come."""
        now = self.clock.now()
        if not isinstance(schedule.when, At | Every | Sun) or (schedule.next_at or 0) <= now:
            return schedule
        try:
            made_at = schedule.created_at
            next_at = self.calendar.next(schedule.when, made_at=made_at, after=now)
        except NoLocationError as error:  # the setting was taken away: as it was reckoned before
            self.log.warning("the sun is not known any more", code=error.code)
            return schedule
        return schedule.model_copy(update={"next_at": next_at or schedule.next_at})

    @runs
    async def say_home_time(self) -> None:
        """At the start, and to a broker that may have lost what it retained."""
        zone, sun = self.calendar.zone.key, self.calendar.place is not None
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            await self.say(contract.HOME_TIME, HomeTime(time_zone=zone, sun=sun))

    # ---- what is asked ----

    @serves(contract.CREATE_SCHEDULE)
    async def create(self, ask: CreateSchedule) -> Schedule:
        """Raises ScheduleError, and SetupError where it can't be kept."""
        async with self._order:
            known = await self._known(ask.schedule_id)
            if known is not None:
                return agenda.shown(known, self.clock.now())
            if len(self._active) >= MOST:
                raise TooManySchedulesError(most=MOST)
            now = self.clock.now()
            schedule = await self.off_loop(agenda.made, ask, self.calendar, now)
            await self.off_loop(self._store.put, [schedule], now)
            self._take(schedule)
            await self._note_states(schedule)
        return agenda.shown(schedule, now)

    @serves(contract.LIST_SCHEDULES, concurrency=4)
    async def list_schedules(self, ask: ListSchedules) -> Schedules:
        found = list(self._active.values())
        if ask.over:
            found = await self.off_loop(self._store.schedules, over=True)
        return self._told(one for one in found if agenda.fits(one, ask.which))

    @serves(contract.CANCEL_SCHEDULES)
    async def cancel(self, ask: CancelSchedules) -> Schedules:
        """Raises UnknownScheduleError, AmbiguousScheduleError, SetupError."""
        async with self._order:
            found = self._find(ask.which) if ask.all else [self._one(ask.which)]
            cancelled = [
                one.model_copy(update={"phase": SchedulePhase.CANCELLED, "next_at": None})
                for one in found
            ]
            await self.off_loop(self._store.put, cancelled, self.clock.now())
            for one in cancelled:
                self._take(one)
        for one in cancelled:
            await self.silence(one.schedule_id)
        return self._told(cancelled)

    @serves(contract.ADJUST_TIMER)
    async def adjust(self, ask: AdjustTimer) -> Schedule:
        """Raises ScheduleError, SetupError."""
        which = ask.which
        if which.schedule_id is None and which.kind is None:
            which = which.model_copy(update={"kind": ScheduleKind.TIMER})
        async with self._order:
            before, now = self._one(which), self.clock.now()
            after = agenda.adjusted(before, ask, now)
            if not await self.off_loop(self._store.adjust, ask.adjustment_id, after, now):
                return agenda.shown(before, now)
            self._take(after)
        await self.silence(after.schedule_id)
        return agenda.shown(after, now)

    @serves(contract.PREVIEW_SCHEDULE, concurrency=2)
    async def preview(self, ask: PreviewSchedule) -> SchedulePreview:
        """Raises UnknownScheduleError, InvalidScheduleError, NoLocationError."""
        now = self.clock.now()
        zone = self.calendar.zone.key
        if ask.schedule_id is None:
            if ask.when is None:
                raise InvalidScheduleError(reason="a time or a schedule is given")
            due = await self._times(ask.when, now, now, ask.count)
            return SchedulePreview(due_at=due, time_zone=zone)
        known = self._one(Which(schedule_id=ask.schedule_id))
        first = [] if known.next_at is None else [known.next_at]
        if isinstance(known.when, Every | Sun) and first and ask.count > 1:
            first += await self._times(known.when, known.created_at, first[0], ask.count - 1)
        return SchedulePreview(due_at=first, time_zone=zone)

    async def _times(
        self, when: contract.When, made_at: float, after: float, count: int
    ) -> list[float]:
        return await self.off_loop(
            self.calendar.preview, when, made_at=made_at, after=after, count=count
        )

    @serves(contract.LIST_RUNS, concurrency=2)
    async def list_runs(self, ask: ListRuns) -> Runs:
        found = await self.off_loop(
            self._store.runs,
            ask.schedule_id,
            missed=ask.missed,
            since=ask.since,
            limit=ask.limit,
        )
        return Runs(runs=found)

    # ---- which ----

    async def _known(self, schedule_id: str) -> Schedule | None:
        return self._active.get(schedule_id) or await self.off_loop(self._store.get, schedule_id)

    def _find(self, which: Which) -> list[Schedule]:
        found = [one for one in self._active.values() if agenda.fits(one, which)]
        if not found:
            raise UnknownScheduleError
        return found

    def _one(self, which: Which) -> Schedule:
        found = self._find(which)
        if len(found) > 1:
            raise AmbiguousScheduleError(count=len(found))
        return found[0]

    def _told(self, schedules: Iterable[Schedule]) -> Schedules:
        now = self.clock.now()
        shown = [agenda.shown(one, now) for one in schedules]
        never = float("inf")
        return Schedules(schedules=sorted(shown, key=lambda s: (s.next_at or never, s.created_at)))

    def _take(self, schedule: Schedule) -> None:
        """What it is from now on."""
        if schedule.phase in agenda.ACTIVE:
            self._active[schedule.schedule_id] = schedule
        else:
            self._active.pop(schedule.schedule_id, None)
        self._changed.set()

    async def _keep(self, schedule: Schedule) -> None:
        await self._written(lambda: self._store.put([schedule], self.clock.now()))
        self._take(schedule)

    async def _written(self, write: Callable[[], T]) -> T | None:
        """None where the disk fails: what is due comes nevertheless, and DEGRADED says so."""
        try:
            done = await self.off_loop(write)
        except SetupError as error:
            self.log.warning("schedules can't be written", **error.fields)
            self.set_degraded(FORGETFUL)
            self._degraded = True
            return None
        if self._degraded:
            self._degraded = False
            self.set_degraded(None)
        return done

    # ---- its time comes ----

    @runs
    async def keep_time(self) -> None:
        for schedule, run in self._left:
            self._start(schedule, agenda.taken_up(schedule, run, self.clock.now()))
        pruned_at = self.clock.now()
        while True:
            self._changed.clear()
            await self._due()
            if self.clock.now() - pruned_at >= PRUNE_EVERY_S:
                pruned_at = self.clock.now()
                await self._written(lambda: self._store.prune(self.clock.now()))
            await self._until_next()

    def _start(self, schedule: Schedule, run: Run) -> None:
        self._current[schedule.schedule_id] = run.run_id
        self._beside(self._run(schedule, run))

    def _beside(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_next(self) -> None:
        times = [one.next_at for one in self._active.values() if one.next_at is not None]
        until = min(times, default=self.clock.now() + PRUNE_EVERY_S)
        waiting = asyncio.create_task(self.clock.until(until))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({waiting, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            changed.cancel()

    async def _due(self) -> None:
        missed: list[tuple[Schedule, Run]] = []
        async with self._order:
            now = self.clock.now()
            for schedule in list(self._active.values()):
                if schedule.next_at is None or schedule.next_at > now:
                    continue
                try:
                    found = await self.off_loop(agenda.due, schedule, self.calendar, now)
                except ScheduleError as error:
                    found = agenda.broken(schedule, error.code, now)
                if found is not None:
                    await self._begin(found, now)
                    missed += [(schedule, run) for run in found.missed[-1:] if not found.runs]
        if missed:
            self._beside(self.tell_missed(missed))

    async def _begin(
        self, found: agenda.Due, now: float, held: tuple[str, bool] | None = None
    ) -> None:
        """On disk first; then done. What was begun before is not begun again."""
        schedule = found.schedule
        everything = [*found.missed, *found.runs]
        new = await self._written(lambda: self._store.begin(schedule, everything, now, held))
        self._take(schedule)
        await self.silence(schedule.schedule_id)
        for run in everything if new is None else new:
            if run.outcome is RunOutcome.BEGUN:
                self._start(schedule, run)
            else:
                self.log.info(run.outcome.value, schedule=schedule.schedule_id, codes=run.errors)
                await self.say(contract.RUN, run)

    async def _run(self, schedule: Schedule, run: Run) -> None:
        ended = run
        if run.outcome is RunOutcome.BEGUN:
            await self.say(contract.RUN, run)
            try:
                with self.edge("carry out what is due"):
                    ended = await self.perform(schedule, run)
            except AliciaError as error:
                failed = {"outcome": RunOutcome.FAILED, "errors": [error.code]}
                ended = run.model_copy(update=failed)
        async with self._order:
            over = None
            now_is = self._active.get(schedule.schedule_id)
            # It may have been cancelled, made longer, or be due again meanwhile.
            if now_is is not None and self._current.get(schedule.schedule_id) == run.run_id:
                del self._current[schedule.schedule_id]
                rings = now_is.phase is SchedulePhase.RINGING
                over = agenda.ended(now_is) if rings else None
            await self._written(lambda: self._store.end(ended, over, self.clock.now()))
            if over is not None:
                self._take(over)
        await self.say(contract.RUN, ended)
