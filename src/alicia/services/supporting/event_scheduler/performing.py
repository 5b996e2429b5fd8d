"""Carrying out what is due: commands through device_control, the rest by announcements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Self

from pydantic import Field, model_validator

from alicia.contracts.devices import CONTROL, Control, EntityState, Origin
from alicia.contracts.satellites import ANNOUNCE, Announce, Report, Targets
from alicia.contracts.schedules import Becomes, Maker, Run, RunOutcome, Schedule, ScheduleKind
from alicia.contracts.voice import (
    CANCEL,
    STOP_TURN,
    TURN,
    TURN_ENDED,
    Cancel,
    CancelReason,
    StopTurn,
    Turn,
    TurnPhase,
    TurnRecord,
)
from alicia.errors import (
    AliciaError,
    NoSatelliteError,
    TurnCancelledError,
)
from alicia.home.calendar import Calendar
from alicia.language.reminding import due_sentence, failed_sentence, missed_sentence
from alicia.runtime.clock import Clock, WallClock
from alicia.runtime.service import Service, handles
from alicia.runtime.settings import Settings

STOPPED = "Stop"
"""The router's name for what somebody meant who said "stop"."""
CONTROL_S = 15.0
STATES_S = 10.0
BUSY_S = 30.0
"""The longest wait for somebody who is speaking there."""
TRY_AGAIN_S = 10.0
_BUSY = (TurnPhase.LISTENING, TurnPhase.THINKING, TurnPhase.SPEAKING, TurnPhase.FOLLOW_UP)


class SchedulerSettings(Settings):
    time_zone: str = ""
    """The home's, of the IANA database: Europe/Berlin. Empty: this machine's."""
    latitude: float | None = Field(default=None, ge=-90, le=90)
    """In degrees, north positive. With the longitude: sunrise and sunset are known."""
    longitude: float | None = Field(default=None, ge=-180, le=180)
    """In degrees, east positive."""
    ring_s: float = Field(default=300.0, gt=0)
    """How long a timer or an alarm rings that nobody stops."""
    ring_pause_s: float = Field(default=3.0, gt=0)
    """Between two rings."""
    reminder_s: float = Field(default=300.0, ge=0)
    """How long it is tried to say a reminder that nobody could hear."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude are set together")
        return self


class Ring:
    """A timer or an alarm that rings."""

    def __init__(self, satellite: str | None) -> None:
        self.stopped = asyncio.Event()
        self.satellites = {satellite} if satellite else set[str]()
        """Where "stop" is meant for it."""
        self.sounding: str | None = None
        """The turn of what is heard at the moment."""


class Performing(Service[SchedulerSettings]):
    """How what is due is carried out."""

    clock: ClassVar[Clock] = WallClock()
    calendar: Calendar
    asks = (CONTROL,)
    does_without = (ANNOUNCE, STOP_TURN)

    def __init__(self) -> None:
        self.states: dict[str, EntityState] = {}
        self.state_changed = asyncio.Event()
        self._rings: dict[str, Ring] = {}
        """By schedule."""
        self._phases: dict[str, TurnPhase] = {}
        self._phase_changed = asyncio.Event()

    async def perform(self, schedule: Schedule, run: Run) -> Run:
        """The run with what came of it. Raises nothing of ours."""
        match schedule.kind:
            case ScheduleKind.COMMANDS:
                return await self._carry_out(schedule, run)
            case ScheduleKind.REMINDER:
                return await self._remind(schedule, run)
            case ScheduleKind.TIMER | ScheduleKind.ALARM:
                return await self._ring(schedule, run)

    # ---- commands ----

    async def _carry_out(self, schedule: Schedule, run: Run) -> Run:
        await self._told_of({entity for action in schedule.actions for entity in action.entities})
        errors = await self._control(schedule, run)
        if errors:
            due = self.calendar.local(run.due_at)
            told = failed_sentence(schedule, errors, due)
            await self._announce(schedule, f"{run.run_id}-failed", told, urgent=False)
        return _closed(run, errors)

    async def _told_of(self, entities: set[str]) -> None:
        """Returns when the states of these are known: a house that starts knows of none yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STATES_S):
                while not entities <= self.states.keys():
                    self.state_changed.clear()
                    await self.state_changed.wait()

    async def _control(self, schedule: Schedule, run: Run) -> list[str]:
        """Codes of what failed. Asked again with the same ids, nothing is done twice."""
        errors: list[str] = []
        for number, action in enumerate(schedule.actions):
            control = Control(
                command_id=f"{run.run_id}-{number}",
                entities=action.entities,
                capability=action.capability,
                value=action.value,
                relative=action.relative,
                turn_id=schedule.maker.turn_id,
                on_behalf_of=schedule.maker.person,
                origin=Origin.SCHEDULE,
            )
            try:
                outcome = await self.ask(CONTROL, control, deadline_s=CONTROL_S)
            except AliciaError as error:
                errors.append(error.code)
            else:
                errors += [result.error for result in outcome.results if result.error]
        return errors

    # ---- reminders ----

    async def _remind(self, schedule: Schedule, run: Run) -> Run:
        when = schedule.when
        # What may come again and again keeps to the quiet hours.
        urgent = not (isinstance(when, Becomes) and when.repeat)
        errors = await self.tell(
            schedule, run, lambda: self._sentence(schedule, run), urgent=urgent
        )
        return _closed(run, errors)

    async def tell(
        self, schedule: Schedule, run: Run, text: Callable[[], str], *, urgent: bool
    ) -> list[str]:
        """Say it until somebody can have heard it; codes of why nobody could."""
        until = run.began_at + self.settings.reminder_s
        satellite = schedule.maker.satellite
        while True:
            await self._silence_at({satellite} if satellite else set())
            reports = await self._announce(schedule, run.run_id, text(), urgent=urgent)
            if _reached(reports):
                return []
            if (now := self.clock.now()) >= until:
                return _errors(reports)
            await self.clock.until(min(until, now + TRY_AGAIN_S))

    async def tell_missed(self, missed: list[tuple[Schedule, Run]]) -> None:
        """In each room what was made there; not in quiet hours."""
        by_maker: dict[Maker, list[tuple[Schedule, Run]]] = {}
        for schedule, run in missed:
            maker = schedule.maker.model_copy(update={"turn_id": None, "person": None})
            by_maker.setdefault(maker, []).append((schedule, run))
        async with asyncio.TaskGroup() as group:
            for theirs in by_maker.values():
                group.create_task(self._tell_missed_there(theirs))

    async def _tell_missed_there(self, missed: list[tuple[Schedule, Run]]) -> None:
        schedule, run = missed[0]
        told = [(one, self.calendar.local(theirs.due_at)) for one, theirs in missed]
        text = missed_sentence(told, schedule.maker.language)
        apart = run.model_copy(update={"run_id": f"{run.run_id}-missed"})
        errors = await self.tell(schedule, apart, lambda: text, urgent=False)
        if errors:
            self.log.info("nobody was told what was missed", codes=errors)

    # ---- rings ----

    async def _ring(self, schedule: Schedule, run: Run) -> Run:
        until = run.began_at + self.settings.ring_s
        ring = self._rings[schedule.schedule_id] = Ring(schedule.maker.satellite)
        heard, errors, number = False, list[str](), 0
        try:
            while not ring.stopped.is_set() and (number == 0 or self.clock.now() < until):
                number += 1
                await self._silence_at(ring.satellites)
                if ring.stopped.is_set():
                    break
                reports = await self._sound(schedule, run, ring, number)
                heard = heard or bool(_reached(reports))
                errors = _errors(reports)
                ring.satellites |= _reached(reports)
                await self._pause(ring, self.settings.ring_pause_s)
        finally:
            if self._rings.get(schedule.schedule_id) is ring:
                del self._rings[schedule.schedule_id]
        if ring.stopped.is_set():
            return run.model_copy(update={"outcome": RunOutcome.STOPPED})
        return _closed(run, [] if heard else errors or [NoSatelliteError.code])

    async def _sound(self, schedule: Schedule, run: Run, ring: Ring, number: int) -> list[Report]:
        ring.sounding = f"{run.run_id}-{number}"
        try:
            text = self._sentence(schedule, run)
            return await self._announce(schedule, ring.sounding, text, urgent=True)
        finally:
            ring.sounding = None

    async def _pause(self, ring: Ring, seconds: float) -> None:
        waiting = asyncio.create_task(self.clock.until(self.clock.now() + seconds))
        stopping = asyncio.create_task(ring.stopped.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            stopping.cancel()

    async def silence(self, schedule_id: str) -> bool:
        """End its ringing, what sounds included. Whether it rang."""
        ring = self._rings.get(schedule_id)
        if ring is None:
            return False
        ring.stopped.set()
        if ring.sounding is not None:
            with suppress(AliciaError):  # it is cut short; if not, it was the last time
                await self.ask(STOP_TURN, StopTurn(turn_id=ring.sounding))
        return True

    @handles(CANCEL)
    async def cancelled(self, cancel: Cancel) -> None:
        """Somebody said stop, or pressed it, while it sounded."""
        if cancel.reason is CancelReason.STOP:
            for ring in self._rings.values():
                if ring.sounding == cancel.turn_id:
                    ring.stopped.set()

    @handles(TURN_ENDED)
    async def turn_ended(self, turn: TurnRecord) -> None:
        """Somebody said stop between two rings, or over one."""
        if turn.intent == STOPPED:
            for ring in self._rings.values():
                if turn.satellite in ring.satellites:
                    ring.stopped.set()

    # ---- announcements ----

    def _sentence(self, schedule: Schedule, run: Run) -> str:
        now = self.calendar.local(self.clock.now())
        return due_sentence(schedule, run, self.calendar.local(run.due_at), now)

    async def _announce(
        self, schedule: Schedule, turn_id: str, text: str, *, urgent: bool
    ) -> list[Report]:
        """Where it was made; where there is nobody any more, where somebody spoke last.

        What nobody could be asked to say is one report of no satellite.
        """
        maker = schedule.maker
        if maker.satellite:
            there = Targets(satellites=[maker.satellite])
        else:
            there = Targets(areas=[maker.area_id]) if maker.area_id else Targets()
        reports = await self._asked(turn_id, text, maker.language, there, urgent=urgent)
        gone = all(report.error == NoSatelliteError.code for report in reports)
        if gone and there != Targets():
            reports = await self._asked(turn_id, text, maker.language, Targets(), urgent=urgent)
        return reports

    async def _asked(
        self, turn_id: str, text: str, language: str, targets: Targets, *, urgent: bool
    ) -> list[Report]:
        announce = Announce(
            turn_id=turn_id, text=text, targets=targets, language=language, urgent=urgent
        )
        try:
            return (await self.ask(ANNOUNCE, announce)).reports
        except AliciaError as error:
            self.log.info("not announced", code=error.code)
            return [Report(satellite="", sounded=False, error=error.code)]

    @handles(TURN)
    async def turn(self, turn: Turn) -> None:
        self._phases[turn.satellite] = turn.phase
        self._phase_changed.set()

    async def _silence_at(self, satellites: set[str]) -> None:
        """Returns when nobody speaks with us there, or has for long: a ring interrupts nobody.

        Anywhere, where it is not known yet where it will be heard.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(BUSY_S):
                while any(
                    phase in _BUSY and (not satellites or name in satellites)
                    for name, phase in self._phases.items()
                ):
                    self._phase_changed.clear()
                    await self._phase_changed.wait()


def _reached(reports: list[Report]) -> set[str]:
    """The satellites where it sounded; who cut it short was there."""
    return {
        report.satellite
        for report in reports
        if report.sounded or report.error in (None, TurnCancelledError.code)
    }


def _errors(reports: list[Report]) -> list[str]:
    return sorted({report.error for report in reports if report.error})


def _closed(run: Run, errors: list[str]) -> Run:
    outcome = RunOutcome.FAILED if errors else RunOutcome.DONE
    return run.model_copy(update={"outcome": outcome, "errors": errors})
