"""What is heard without being asked for: announcements and intercom; and all that stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from alicia.contracts.advanced import COMPLETE
from alicia.contracts.satellites import (
    ANNOUNCE,
    FORGET_RECORDINGS,
    GET_RECORDING,
    JOINED,
    LIST_RECORDINGS,
    OPEN_INTERCOM,
    PLAYED,
    SATELLITE_HERE,
    SOUND,
    Announce,
    Announced,
    ForgetRecordings,
    GetRecording,
    IntercomOpened,
    Joined,
    ListRecordings,
    OpenIntercom,
    Orders,
    Played,
    Recording,
    Recordings,
    RecordingsForgotten,
    Report,
    SatelliteHere,
    Sound,
    SoundKind,
    Targets,
)
from alicia.contracts.system import ALIVE, PRESENCE, SPANS, Phase, Presence, Spans
from alicia.contracts.voice import (
    AUDIO,
    CANCEL,
    GET_HOME,
    GET_TRACE,
    PREVIEW,
    SPEAK,
    STOP_TURN,
    TRANSCRIBE,
    TURN,
    TURN_ENDED,
    UNDERSTAND,
    Cancel,
    CancelReason,
    GetTrace,
    StopTurn,
    Turn,
    TurnPhase,
    TurnsStopped,
    TurnTrace,
)
from alicia.errors import (
    AliciaError,
    DeadlineError,
    NoSatelliteError,
    NotReadyError,
    QuietHoursError,
    TurnCancelledError,
)
from alicia.mind.satellites import QuietHours, volumes
from alicia.runtime.service import handles, serves
from alicia.services.voice.router.conversing import untold
from alicia.services.voice.router.turns import Turns, require_names

JOIN_S = 1.5
CALL_S = 120.0
"""The longest intercom call."""
HEARD_S = 60.0
"""The longest announcement."""


class Call:
    """A sound under way at some satellites: what each of them said of it."""

    def __init__(self, satellites: list[str]) -> None:
        self.joined: dict[str, asyncio.Event] = {name: asyncio.Event() for name in satellites}
        self.played: dict[str, asyncio.Future[Played]] = {
            name: asyncio.get_running_loop().create_future() for name in satellites
        }

    def cancel(self, satellites: list[str]) -> None:
        for future in map(self.played.__getitem__, satellites):
            if not future.done():
                future.set_exception(TurnCancelledError())
                future.exception()  # it is no matter whether anybody still waits

    def cancelled(self, satellite: str) -> bool:
        """Whether it is over there, before it began or while it sounded."""
        return self.played[satellite].done()


class Announcing(Turns):
    """Announcements, intercom, and all that is asked of the house's satellites."""

    says = (TURN, TURN_ENDED, CANCEL, SOUND)
    hears = (AUDIO,)
    asks = (TRANSCRIBE, UNDERSTAND, SPEAK)
    does_without = (GET_HOME, PREVIEW, COMPLETE)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        self._quiet = QuietHours.of(self.settings.quiet_hours)
        self._volumes = volumes(self.settings.volumes)
        self._calls: dict[str, Call] = {}
        async with super().lifespan():
            yield
            for call in self._calls.values():
                call.cancel(list(call.played))

    # ---- who is there ----

    @serves(SATELLITE_HERE, concurrency=4)
    async def satellite_here(self, here: SatelliteHere) -> Orders:
        require_names(here.satellite)
        self._directory.put(here, time.monotonic())
        return Orders(
            volume=self._volume(here.satellite, here.area_id),
            quiet=self._is_quiet(),
            follow_up_s=self.settings.follow_up_s,
            lease_s=self.settings.lease_s,
        )

    @handles(PRESENCE)
    async def presence(self, presence: Presence) -> None:
        """A satellite that is lost ends its turn, unless it is back in a moment."""
        instance = presence.instance
        if presence.phase in ALIVE:
            if (timer := self._vanishing.pop(instance, None)) is not None:
                timer.cancel()
        elif presence.phase is Phase.STOPPED:
            self._vanish(instance)
        elif presence.phase is Phase.LOST and instance not in self._vanishing:
            loop = asyncio.get_running_loop()
            self._vanishing[instance] = loop.call_later(
                self.settings.vanished_s, self._vanish, instance
            )

    def _vanish(self, instance: str) -> None:
        self._vanishing.pop(instance, None)
        self._directory.gone(instance)
        for course in list(self._courses.values()):
            if course.instance == instance:
                self._turns.create_task(self._vanished(course.turn_id))

    async def _vanished(self, turn_id: str) -> None:
        await self._end_early(turn_id, CancelReason.VANISHED)

    def _volume(self, satellite: str, area_id: str | None) -> float:
        own = self._volumes.get(satellite, self._volumes.get(area_id or "", 1.0))
        return min(own, self.settings.quiet_volume) if self._is_quiet() else own

    def _is_quiet(self) -> bool:
        return self._quiet.at(datetime.now().astimezone())

    # ---- stop ----

    @serves(STOP_TURN, concurrency=4)
    async def stop_turn(self, ask: StopTurn) -> TurnsStopped:
        if ask.turn_id is not None:
            there = await self._end_early(ask.turn_id, ask.reason)
            return TurnsStopped(turn_ids=[ask.turn_id] if there else [])
        satellites = [ask.satellite] if ask.satellite else self._busy()
        stopped = [turn for name in satellites for turn in await self._stop_all(name)]
        return TurnsStopped(turn_ids=sorted(set(stopped)))

    def _busy(self) -> list[str]:
        running = {course.satellite for course in self._courses.values()}
        over = (self._traces.record(turn_id) for turn_id in self._sounding)
        sounding = {record.satellite for record in over if record is not None}
        called = {name for call in self._calls.values() for name in call.played}
        return sorted(running | sounding | called)

    def _cut(self, turn_id: str, reason: CancelReason, at: str | None = None) -> list[Cancel]:
        if (call := self._calls.get(turn_id)) is None:
            return super()._cut(turn_id, reason)
        satellites = [at] if at in call.played else list(call.played)
        call.cancel(satellites)
        for satellite in satellites:
            self._machines.of(satellite).release(turn_id)
        return [Cancel(turn_id=turn_id, satellite=name, reason=reason) for name in satellites]

    async def _stop_all(self, satellite: str, *, but: str | None = None) -> list[str]:
        stopped = await super()._stop_all(satellite, but=but)
        for turn_id, call in list(self._calls.items()):
            if satellite in call.played and turn_id != but:
                await self._end_early(turn_id, CancelReason.STOP)
                stopped.append(turn_id)
        return stopped

    # ---- announcements ----

    @serves(ANNOUNCE, concurrency=8)
    async def announce(self, ask: Announce) -> Announced:
        require_names(ask.turn_id)
        chosen, reports = self._choose(ask.targets)
        if self._is_quiet() and not ask.urgent:
            reports += [_silent(here, QuietHoursError()) for here in chosen]
            return Announced(turn_id=ask.turn_id, reports=reports)
        call = self._calls[ask.turn_id] = Call([here.satellite for here in chosen])
        try:
            reports += await asyncio.gather(*(self._announce_at(h, ask, call) for h in chosen))
        finally:
            del self._calls[ask.turn_id]
        return Announced(turn_id=ask.turn_id, reports=reports)

    def _choose(self, targets: Targets) -> tuple[list[SatelliteHere], list[Report]]:
        anywhere = not (self.settings.follow_me or targets.satellites or targets.areas)
        if anywhere:
            targets = targets.model_copy(update={"everywhere": True})
        chosen, missing = self._directory.choose(targets, time.monotonic())
        if not chosen and not missing:
            raise NoSatelliteError
        error = NoSatelliteError.code
        return chosen, [Report(satellite=name, sounded=False, error=error) for name in missing]

    async def _announce_at(self, here: SatelliteHere, ask: Announce, call: Call) -> Report:
        try:
            async with self._seat(here.satellite, ask.turn_id, call, urgent=ask.urgent):
                await self.say(
                    SOUND,
                    Sound(
                        satellite=here.satellite,
                        turn_id=ask.turn_id,
                        kind=SoundKind.ANNOUNCEMENT,
                        text=ask.text,
                        language=ask.language,
                        volume=self._volume(here.satellite, here.area_id),
                    ),
                )
                played = await self._played(here.satellite, call, HEARD_S)
        except AliciaError as error:
            return _silent(here, error)
        return Report(
            satellite=here.satellite,
            area_id=here.area_id,
            sounded=played.complete and played.error is None,
            error=played.error,
        )

    @asynccontextmanager
    async def _seat(
        self, satellite: str, turn_id: str, call: Call, *, urgent: bool
    ) -> AsyncGenerator[None, None]:
        """Hold a satellite; waits for its turn to end, or ends it where it is urgent.

        Raises DeadlineError, TurnCancelledError.
        """
        machine = self._machines.of(satellite)
        if urgent and not machine.free and machine.turn_id is not None:
            await self._say_cancelled(
                self._cut(machine.turn_id, CancelReason.SUPERSEDED, satellite)
            )
        try:
            async with asyncio.timeout(self.settings.queue_s), self._freed:
                await self._freed.wait_for(
                    lambda: (
                        call.cancelled(satellite)
                        or (machine.free and machine.take(turn_id, TurnPhase.ANNOUNCING))
                    )
                )
        except TimeoutError as error:
            raise DeadlineError(after_s=self.settings.queue_s) from error
        if call.cancelled(satellite):
            raise TurnCancelledError
        try:
            busy = Turn(satellite=satellite, phase=TurnPhase.ANNOUNCING, turn_id=turn_id)
            await self.say(TURN, busy)
            yield
        finally:
            await self._rest(satellite, turn_id)

    async def _played(self, satellite: str, call: Call, within_s: float) -> Played:
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(call.played[satellite])
        except TimeoutError as error:
            raise DeadlineError(after_s=within_s) from error

    @handles(PLAYED)
    async def played(self, played: Played) -> None:
        call = self._calls.get(played.turn_id)
        if call is None:
            await super().played(played)
            return
        future = call.played.get(played.satellite)
        if future is not None and not future.done():
            future.set_result(played)

    # ---- intercom ----

    @serves(OPEN_INTERCOM, concurrency=4)
    async def open_intercom(self, ask: OpenIntercom) -> IntercomOpened:
        require_names(ask.turn_id, ask.satellite)
        chosen, reports = self._choose(ask.targets)
        chosen = [here for here in chosen if here.satellite != ask.satellite]
        if not chosen:
            raise NoSatelliteError
        call = self._calls[ask.turn_id] = Call([here.satellite for here in chosen])
        tasks = {
            here.satellite: self._turns.create_task(self._call_at(here, ask.turn_id, call))
            for here in chosen
        }
        self._turns.create_task(self._until_hung_up(ask.turn_id, list(tasks.values())))
        waiting = [asyncio.create_task(event.wait()) for event in call.joined.values()]
        await asyncio.wait(waiting, timeout=JOIN_S)
        for task in waiting:
            task.cancel()
        joined = [name for name, event in call.joined.items() if event.is_set()]
        reports += [
            _silent(here, DeadlineError()) for here in chosen if here.satellite not in joined
        ]
        return IntercomOpened(turn_id=ask.turn_id, joined=joined, reports=reports)

    async def _call_at(self, here: SatelliteHere, turn_id: str, call: Call) -> None:
        try:
            async with self._seat(here.satellite, turn_id, call, urgent=False):
                await self.say(
                    SOUND,
                    Sound(
                        satellite=here.satellite,
                        turn_id=turn_id,
                        kind=SoundKind.INTERCOM,
                        volume=self._volume(here.satellite, here.area_id),
                    ),
                )
                await self._played(here.satellite, call, CALL_S)
        except AliciaError as error:
            self.log.info("intercom ended", satellite=here.satellite, code=error.code)

    async def _until_hung_up(self, turn_id: str, tasks: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*tasks)
        self._calls.pop(turn_id, None)

    @handles(JOINED)
    async def joined(self, joined: Joined) -> None:
        call = self._calls.get(joined.turn_id)
        if call is not None and (event := call.joined.get(joined.satellite)) is not None:
            event.set()

    # ---- recordings and traces ----

    @serves(LIST_RECORDINGS)
    async def list_recordings(self, _: ListRecordings) -> Recordings:
        found = await self.off_loop(self._recordings.all)
        return Recordings(recordings=found, consented=self.settings.record)

    @serves(GET_RECORDING)
    async def get_recording(self, ask: GetRecording) -> Recording:
        found = await self.off_loop(self._recordings.get, ask.turn_id)
        if found is None:
            raise NotReadyError(
                "There is no recording of that turn. `alicia recordings` lists them; they are kept "
                "only of satellites named in the setting router.record."
            )
        return found

    @serves(FORGET_RECORDINGS)
    async def forget_recordings(self, ask: ForgetRecordings) -> RecordingsForgotten:
        return RecordingsForgotten(count=await self.off_loop(self._recordings.forget, ask.turn_id))

    @handles(SPANS)
    async def spans(self, batch: Spans) -> None:
        self._traces.add(batch.spans)

    @serves(GET_TRACE, concurrency=4)
    async def get_trace(self, ask: GetTrace) -> TurnTrace:
        found = self._traces.get(ask.turn_id)
        if found is None:
            raise NotReadyError("There is no such turn. `alicia trace` shows the last one.")
        return found.model_copy(update={"record": untold(found.record)})


def _silent(here: SatelliteHere, error: AliciaError) -> Report:
    return Report(satellite=here.satellite, area_id=here.area_id, sounded=False, error=error.code)
