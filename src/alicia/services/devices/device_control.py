"""DeviceControl: carries commands out, and reports what devices confirmed.

    CONTROL asked -> ADAPTER_COMMAND asked, per entity -> ADAPTER_STATE heard -> Outcome replied
    ADAPTER_STATE heard -> STATE said

A value is confirmed by a state that the adapter reports after it was told, and that shows the value.
A cover travels for longer than anybody waits for an answer: the first report that carries our
command's id and is nearer to the target than where it set off confirms it.

A command id is carried out once. Its plan, in which every relative value has become absolute, is in
a journal before any adapter is told; whoever is asked again, also after a crash, carries on with
that plan under the same ids, and the adapter does nothing twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from pydantic import BaseModel, Field

from alicia.contracts import devices
from alicia.contracts.devices import (
    AdapterCommand,
    AdapterState,
    Capability,
    Control,
    Entity,
    EntityState,
    Outcome,
    OutcomeKind,
    Result,
    Value,
)
from alicia.errors import (
    AliciaError,
    BusError,
    DeviceError,
    InvalidValueError,
    MalformedMessageError,
    SetupError,
    UnavailableError,
    UnconfirmedError,
)
from alicia.home.capabilities import absolute, capability_of, confirms, validate
from alicia.home.model import Home
from alicia.runtime.service import Service, handles, runs, serves
from alicia.runtime.settings import Settings
from alicia.storage.journal import Entry, Journal

TRAVELS = frozenset({"position"})
"""Capabilities whose value is reached over time."""


class DeviceControlSettings(Settings):
    confirm_within_s: float = Field(default=2.5, gt=0, le=3.0)
    """How long an adapter may take to answer and its device to confirm."""
    settle_s: float = Field(default=0.5, ge=0, le=1.0)
    """After a start: how long what the broker retains may take to come in."""
    remember: int = Field(default=2000, ge=100)
    """Commands kept in the journal."""


class Step(BaseModel):
    """What is to be done to one entity."""

    entity_id: str
    adapter: str = ""
    value: Value
    error: str | None = None
    """Why it can't be done."""


class Plan(BaseModel):
    asked: Control
    steps: list[Step]


@dataclass(slots=True)
class _Expectation:
    """What one command waits for."""

    command_id: str
    capability: Capability
    wanted: Value
    start: Value | None
    """Where it was when the adapter was told."""
    confirmed: asyncio.Future[None]

    def hear(self, state: AdapterState) -> None:
        if self.confirmed.done():
            return
        reported = state.values.get(self.capability.name)
        if not state.available:
            self.confirmed.set_exception(UnavailableError(entity=state.entity_id))
        elif confirms(self.capability, self.wanted, reported) or self._sets_off(state, reported):
            self.confirmed.set_result(None)

    def _sets_off(self, state: AdapterState, reported: Value | None) -> bool:
        if self.capability.name not in TRAVELS or state.command_id != self.command_id:
            return False
        wanted, start = self.wanted, self.start
        if not (
            isinstance(wanted, float) and isinstance(start, float) and isinstance(reported, float)
        ):
            return False
        return abs(wanted - reported) < abs(wanted - start)


@dataclass(slots=True)
class _Work:
    """A command that is being carried out, and how many wait for it."""

    asked: Control
    task: asyncio.Task[Outcome]
    waiting: int = 0


class DeviceControl(Service[DeviceControlSettings]):
    """Carries commands out and reports what devices confirmed."""

    name = "device_control"
    says = (devices.STATE,)
    hears = (devices.STATE,)
    asks = (devices.ADAPTER_COMMAND,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        self._home = Home()
        self._states: dict[str, EntityState] = {}
        self._unsaid: dict[str, EntityState] = {}
        self._to_say = asyncio.Event()
        self._came_in = asyncio.Event()
        self._expectations: dict[str, list[_Expectation]] = {}
        self._aims: dict[tuple[str, str], tuple[str, Value]] = {}
        self._running: dict[str, _Work] = {}
        self._started = time.time()
        self._settled = time.monotonic() + self.settings.settle_s
        self._journal = await self._open_journal()
        self.bus.on_connected.append(self._say_all)
        try:
            yield
        finally:
            for work in self._running.values():
                work.task.cancel()
            left = [work.task for work in self._running.values()]
            await asyncio.gather(*left, return_exceptions=True)
            await self.off_loop(self._journal.close)

    # ---- the picture ----

    @handles(devices.ENTITY)
    async def entity(self, entity: Entity) -> None:
        self._home.put_entity(entity)
        self._came_in.set()

    @handles(devices.ADAPTER_STATE)
    async def reported(self, report: AdapterState) -> None:
        entity = self._home.find(report.entity_id)
        if entity is not None and entity.adapter != report.adapter:
            return  # not its to say
        before = self._states.get(report.entity_id)
        same = (
            before is not None
            and before.available == report.available
            and before.values == report.values
        )
        state = EntityState(
            entity_id=report.entity_id,
            available=report.available,
            values=report.values,
            changed_at=before.changed_at if before and same else time.time(),
        )
        self._put(state)
        self._came_in.set()
        for expectation in self._expectations.get(report.entity_id, ()):
            expectation.hear(report)

    @runs
    async def take_over(self) -> None:
        """An earlier instance has said since when things are as they are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.settle_s), self.hear(devices.STATE) as said:
                async for earlier in said:
                    mine = self._states.get(earlier.entity_id)
                    if earlier.changed_at >= self._started:
                        continue
                    if mine is None:
                        self._states[earlier.entity_id] = earlier
                    elif mine.available == earlier.available and mine.values == earlier.values:
                        self._put(earlier)

    @runs
    async def say_states(self) -> None:
        """Beside the hearing, so that no confirmation waits for a publication."""
        while True:
            await self._to_say.wait()
            self._to_say.clear()
            while self._unsaid:
                await self.say(devices.STATE, self._unsaid.pop(next(iter(self._unsaid))))

    def _put(self, state: EntityState) -> None:
        self._states[state.entity_id] = state
        self._unsaid[state.entity_id] = state
        self._to_say.set()

    def _say_all(self) -> None:
        """After reconnecting: the broker may have lost what it retained."""
        self._unsaid.update(self._states)
        self._to_say.set()

    async def _settling(self, known: Callable[[], bool]) -> None:
        """Wait for what must be known, while retained messages are still coming in."""
        while not known() and (left := self._settled - time.monotonic()) > 0:
            self._came_in.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._came_in.wait()

    # ---- commands ----

    @serves(devices.CONTROL, concurrency=16)
    async def control(self, ask: Control) -> Outcome:
        """Raises MalformedMessageError where the id stands for another command."""
        work = self._running.get(ask.command_id)
        if work is None:
            work = _Work(ask, asyncio.create_task(self._carry_out(ask)))
            self._running[ask.command_id] = work
        _require_same(work.asked, ask)
        work.waiting += 1
        try:
            return await asyncio.shield(work.task)
        finally:
            work.waiting -= 1
            if not work.waiting:
                # Past the deadline of everyone who asked: nothing more is begun.
                work.task.cancel()
                self._running.pop(ask.command_id, None)

    async def _carry_out(self, ask: Control) -> Outcome:
        plan, outcome = await self._begin(await self._plan(ask))
        _require_same(plan.asked, ask)
        if outcome is not None:
            return outcome
        with self._aiming(plan):
            async with asyncio.TaskGroup() as group:
                steps = [group.create_task(self._step(plan.asked, step)) for step in plan.steps]
        outcome = Outcome(command_id=ask.command_id, results=[task.result() for task in steps])
        await self._remember(outcome)
        return outcome

    async def _plan(self, ask: Control) -> Plan:
        entity_ids = list(dict.fromkeys(ask.entities))
        for entity_id in entity_ids:
            await self._settling(
                lambda key=entity_id: self._home.find(key) is not None and key in self._states
            )
        return Plan(asked=ask, steps=[self._planned(ask, entity_id) for entity_id in entity_ids])

    def _planned(self, ask: Control, entity_id: str) -> Step:
        try:
            entity = self._home.entity(entity_id)
            value = self._absolute(entity, ask) if ask.relative else ask.value
            value = validate(entity, ask.capability, value)
        except DeviceError as error:
            return Step(entity_id=entity_id, value=ask.value, error=error.code)
        self._aims[entity_id, ask.capability] = (ask.command_id, value)
        return Step(entity_id=entity_id, adapter=entity.adapter, value=value)

    def _absolute(self, entity: Entity, ask: Control) -> float:
        """From where it is now, or will be when the command before is confirmed."""
        capability = capability_of(entity, ask.capability)
        if isinstance(ask.value, bool | str):
            raise InvalidValueError(entity=entity.entity_id, capability=ask.capability)
        state = self._states.get(entity.entity_id)
        if state is None or not state.available:
            raise UnavailableError(entity=entity.entity_id)
        if aim := self._aims.get((entity.entity_id, ask.capability)):
            values = {**state.values, ask.capability: aim[1]}
            state = state.model_copy(update={"values": values})
        return absolute(state, capability, ask.value)

    @contextmanager
    def _aiming(self, plan: Plan) -> Generator[None, None, None]:
        """While it is carried out, a further relative command starts from its values."""
        mine = {
            (step.entity_id, plan.asked.capability): (plan.asked.command_id, step.value)
            for step in plan.steps
            if step.error is None
        }
        self._aims.update(mine)
        try:
            yield
        finally:
            for key, aim in mine.items():
                if self._aims.get(key) == aim:
                    del self._aims[key]

    async def _step(self, ask: Control, step: Step) -> Result:
        error = step.error
        if error is None:
            try:
                await self._tell(ask, step)
            except AliciaError as raised:  # one dead lamp does not darken the rest
                error = raised.code
        return Result(
            entity_id=step.entity_id,
            capability=ask.capability,
            value=step.value,
            outcome=_kind(error),
            error=error,
        )

    async def _tell(self, ask: Control, step: Step) -> None:
        """Raises DeviceError or BusError."""
        state = self._states.get(step.entity_id)
        if state is not None and not state.available:
            raise UnavailableError(entity=step.entity_id)
        within_s = self.settings.confirm_within_s
        until = asyncio.get_running_loop().time() + within_s
        command = AdapterCommand(
            adapter=step.adapter,
            command_id=f"{ask.command_id}:{step.entity_id}:{ask.capability}",
            entity_id=step.entity_id,
            capability=ask.capability,
            value=step.value,
        )
        with self._expecting(command) as confirmed:
            try:
                await self.ask(devices.ADAPTER_COMMAND, command, deadline_s=within_s)
            except BusError:
                if not confirmed.done():  # only the answer was lost
                    raise
            try:
                async with asyncio.timeout_at(until):
                    await confirmed
            except TimeoutError:
                raise UnconfirmedError(entity=step.entity_id) from None

    @contextmanager
    def _expecting(self, command: AdapterCommand) -> Generator[asyncio.Future[None], None, None]:
        """Listening before the adapter is told."""
        entity_id, name = command.entity_id, command.capability
        capability = capability_of(self._home.entity(entity_id), name)
        state = self._states.get(entity_id)
        expectation = _Expectation(
            command.command_id,
            capability,
            command.value,
            state.values.get(name) if state else None,
            asyncio.get_running_loop().create_future(),
        )
        waiting = self._expectations.setdefault(entity_id, [])
        waiting.append(expectation)
        try:
            yield expectation.confirmed
        finally:
            waiting.remove(expectation)
            if not waiting:
                self._expectations.pop(entity_id, None)
            if not expectation.confirmed.cancel():
                expectation.confirmed.exception()  # seen, whoever raised first

    # ---- the journal ----

    async def _open_journal(self) -> Journal:
        """In memory where the file fails: the lights work, and DEGRADED says what does not."""
        path = self.folder.state(self.name) / "journal.db"
        self._forgetful = False
        try:
            return await self.off_loop(Journal, path, keep=self.settings.remember)
        except SetupError as error:
            self._forget(error)
            return await self.off_loop(Journal, None, keep=self.settings.remember)

    async def _begin(self, plan: Plan) -> tuple[Plan, Outcome | None]:
        """This plan, or the one that has begun under its id, and what became of it."""
        try:
            entry = await self.off_loop(
                self._journal.begin, plan.asked.command_id, plan.model_dump_json()
            )
        except SetupError as error:
            self._forget(error)
            return plan, None
        return _read(entry)

    async def _remember(self, outcome: Outcome) -> None:
        try:
            await self.off_loop(self._journal.end, outcome.command_id, outcome.model_dump_json())
        except SetupError as error:
            self._forget(error)

    def _forget(self, error: SetupError) -> None:
        self.log.warning("the journal can't be kept", **error.fields)
        self.set_degraded("The journal of commands can't be kept; a restart may repeat one.")


def _read(entry: Entry) -> tuple[Plan, Outcome | None]:
    plan = Plan.model_validate_json(entry.plan)
    return plan, Outcome.model_validate_json(entry.outcome) if entry.outcome else None


def _require_same(first: Control, again: Control) -> None:
    if first.model_copy(update={"turn_id": again.turn_id}) != again:
        raise MalformedMessageError(
            "This command id stands for another command.", command_id=again.command_id
        )


def _kind(error: str | None) -> OutcomeKind:
    if error is None:
        return OutcomeKind.CONFIRMED
    if error == UnconfirmedError.code:
        return OutcomeKind.TIMED_OUT
    if error == UnavailableError.code or error.startswith(BusError.code + "."):
        return OutcomeKind.UNREACHABLE
    return OutcomeKind.REFUSED
