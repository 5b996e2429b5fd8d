"""DeviceControl: carries commands out, and reports what devices confirmed.

    CONTROL asked -> ADAPTER_COMMAND asked, per entity -> ADAPTER_STATE heard -> Outcome replied
    ADAPTER_STATE heard -> STATE said

A command id is carried out once. Its plan, in which every relative value has become absolute, is in
a journal before any adapter is told; whoever is asked again, also after a crash, carries on with
that plan under the same ids, and the adapter does nothing twice. `alicia.home.confirmation` says
when a device has confirmed. Whether somebody may have it done, `alicia.security.guard` says: here
and nowhere else, so that no way to a device leads past it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

from pydantic import Field

from alicia.contracts import devices
from alicia.contracts.devices import (
    AdapterCommand,
    AdapterState,
    Control,
    Entity,
    EntityState,
    GetRole,
    Outcome,
    PersonRole,
    Result,
)
from alicia.errors import AliciaError, BusError, SetupError, UnavailableError, UnconfirmedError
from alicia.home.capabilities import capability_of
from alicia.home.confirmation import Expectations
from alicia.home.model import Home
from alicia.home.planning import Plan, Planner, Step, outcome_of
from alicia.runtime.service import Service, handles, runs, serves
from alicia.runtime.settings import Settings
from alicia.security.guard import NOTHING, Change, Guard, Proof
from alicia.storage.journal import Journal


class DeviceControlSettings(Settings):
    confirm_within_s: float = Field(default=2.5, gt=0, le=3.0)
    """How long an adapter may take to answer and its device to confirm."""
    settle_s: float = Field(default=0.5, ge=0, le=1.0)
    """After a start: how long what the broker retains may take to come in."""
    remember: int = Field(default=2000, ge=100)
    """Commands kept in the journal."""


@dataclass(slots=True)
class _Work:
    """A command that is being carried out, and how many wait for it."""

    plan: Plan
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
        self._planner = Planner(self._home, self._states)
        self._expectations = Expectations()
        self._unsaid: dict[str, EntityState] = {}
        self._to_say = asyncio.Event()
        self._came_in = asyncio.Event()
        self._hears_earlier = asyncio.Event()
        self._running: dict[str, _Work] = {}
        self._order = asyncio.Lock()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._guard = Guard(self.folder.state(self.name))
        self._started = time.time()
        self._settled = time.monotonic() + self.settings.settle_s
        self._journal = await self._open_journal()
        self.bus.on_connected.append(self._say_all)
        try:
            yield
        finally:
            left = [work.task for work in self._running.values()]
            for task in left:
                task.cancel()
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
            return  # another's to say
        before = self._states.get(report.entity_id)
        state = EntityState(
            entity_id=report.entity_id,
            available=report.available,
            values=report.values,
            changed_at=time.time(),
        )
        self._put(before if before and _same(before, state) else state)
        self._came_in.set()
        self._expectations.hear(report)

    @runs
    async def take_over(self) -> None:
        """An earlier instance has said since when things are as they are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.settle_s), self.hear(devices.STATE) as said:
                self._hears_earlier.set()
                async for earlier in said:
                    if earlier.changed_at >= self._started:
                        continue
                    mine = self._states.get(earlier.entity_id)
                    if mine is None:
                        self._states[earlier.entity_id] = earlier
                    elif _same(mine, earlier):
                        self._put(earlier)
        self._hears_earlier.set()

    @runs
    async def say_states(self) -> None:
        """Beside the hearing, so that no confirmation waits for a publication."""
        await self._hears_earlier.wait()  # or ours would be kept in the place of the earlier one
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

    async def _known(self, entity_id: str) -> None:
        """Wait for it while retained messages are still coming in; not longer."""
        while self._home.find(entity_id) is None or entity_id not in self._states:
            left = self._settled - time.monotonic()
            if left <= 0:
                return
            self._came_in.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._came_in.wait()

    # ---- people ----

    @serves(devices.GET_ROLE, concurrency=4)
    async def get_role(self, ask: GetRole) -> PersonRole:
        """Raises SetupError."""
        return PersonRole(role=self._guard.role_of(ask.person_id))

    # ---- commands ----

    @serves(devices.CONTROL, concurrency=16)
    async def control(self, ask: Control) -> Outcome:
        """Raises MalformedMessageError where the id stands for another command."""
        for entity_id in ask.entities:
            await self._known(entity_id)
        # Who it is for and what they have shown is judged now, and not kept.
        asked = ask.model_copy(update={"on_behalf_of": None, "pin": None, "confirmed": False})
        proof = await self._proof(ask, asked)
        work = self._running.get(ask.command_id)
        if work is None:
            plan = self._permitted(self._planner.plan(asked), ask.on_behalf_of, proof)
            work = self._running[ask.command_id] = self._start(plan)
        work.plan.require(asked)
        work.waiting += 1
        try:
            return await asyncio.shield(work.task)
        finally:
            work.waiting -= 1
            if not work.waiting:
                # Past the deadline of everyone who asked: nothing more is begun.
                work.task.cancel()
                del self._running[ask.command_id]

    async def _proof(self, ask: Control, asked: Control) -> Proof:
        if ask.pin is None:
            return NOTHING if not ask.confirmed else Proof(confirmed=True)
        changes = [change for _, change in self._changes(self._planner.plan(asked))]
        return await self.off_loop(
            lambda: self._guard.prove(
                ask.pin or "", changes, ask.on_behalf_of, confirmed=ask.confirmed
            )
        )

    def _permitted(self, plan: Plan, person_id: str | None, proof: Proof) -> Plan:
        """The plan without what this person may not do, with the reason in its place."""
        refused = {
            step.entity_id: code
            for step, change in self._changes(plan)
            if (code := self._guard.refusal(change, person_id, proof)) is not None
        }
        if refused:
            self.log.info("refused", codes=sorted(set(refused.values())), entities=sorted(refused))
        steps = [
            step.model_copy(update={"error": refused[step.entity_id]})
            if step.entity_id in refused
            else step
            for step in plan.steps
        ]
        return plan.model_copy(update={"steps": steps})

    def _changes(self, plan: Plan) -> list[tuple[Step, Change]]:
        """What is to be done, but for what can't be done anyway."""
        return [
            (step, (self._home.entity(step.entity_id), plan.asked.capability, step.value))
            for step in plan.steps
            if step.error is None
        ]

    def _start(self, plan: Plan) -> _Work:
        # At once, so that two commands that come together don't start from the same value.
        self._planner.aim(plan)
        task = asyncio.create_task(self._carry_out(plan))
        task.add_done_callback(lambda _: self._planner.release(plan.asked.command_id))
        return _Work(plan, task)

    async def _carry_out(self, fresh: Plan) -> Outcome:
        async with self._order:  # the adapters are told in the order of asking
            plan, outcome = await self._begin(fresh)
        plan.require(fresh.asked)
        if outcome is not None:
            return outcome
        self._planner.aim(plan)
        async with asyncio.TaskGroup() as group:
            steps = [group.create_task(self._step(plan.asked, step)) for step in plan.steps]
        results = [step.result() for step in steps]
        outcome = Outcome(command_id=plan.asked.command_id, results=results)
        await self._end(outcome)
        return outcome

    async def _step(self, ask: Control, step: Step) -> Result:
        error = step.error
        if error is None:
            try:
                if ask.relative:
                    # One after the other, or the last word would leave the others unconfirmed.
                    key = step.entity_id, ask.capability
                    async with self._turns.setdefault(key, asyncio.Lock()):
                        await self._tell(ask, step)
                else:
                    await self._tell(ask, step)
            except AliciaError as raised:  # one dead lamp does not darken the rest
                error = raised.code
        return Result(
            entity_id=step.entity_id,
            capability=ask.capability,
            value=step.value,
            outcome=outcome_of(error),
            error=error,
        )

    async def _tell(self, ask: Control, step: Step) -> None:
        """Returns when the device has confirmed. Raises DeviceError or BusError."""
        capability = capability_of(self._home.entity(step.entity_id), ask.capability)
        state = self._states.get(step.entity_id)
        if state is not None and not state.available:
            raise UnavailableError(entity=step.entity_id)
        command = AdapterCommand(
            adapter=step.adapter,
            command_id=f"{ask.command_id}:{step.entity_id}:{ask.capability}",
            entity_id=step.entity_id,
            capability=ask.capability,
            value=step.value,
        )
        within_s = self.settings.confirm_within_s
        until = asyncio.get_running_loop().time() + within_s
        start = state.values.get(ask.capability) if state else None
        with self._expectations.expect(command, capability, start) as confirmed:
            try:
                await self.ask(devices.ADAPTER_COMMAND, command, deadline_s=within_s)
            except BusError:
                if not confirmed.done():  # else only the answer was lost
                    raise
            try:
                async with asyncio.timeout_at(until):
                    await confirmed
            except TimeoutError:
                raise UnconfirmedError(entity=step.entity_id) from None

    # ---- the journal ----

    async def _open_journal(self) -> Journal:
        """In memory where the file fails: the lights work, and DEGRADED says what does not."""
        self._lapsed = False
        path = self.folder.state(self.name) / "journal.db"
        try:
            return await self.off_loop(Journal, path, keep=self.settings.remember)
        except SetupError as error:
            self._forgetful(error)
            return await self.off_loop(Journal, None, keep=self.settings.remember)

    async def _begin(self, plan: Plan) -> tuple[Plan, Outcome | None]:
        """This plan, or the one that has begun under its id, and what became of it."""
        try:
            entry = await self.off_loop(
                self._journal.begin, plan.asked.command_id, plan.model_dump_json()
            )
        except SetupError as error:
            self._lapsed = True
            self._forgetful(error)
            return plan, None
        if self._lapsed:
            self._lapsed = False
            self.set_degraded(None)
        done = entry.outcome and Outcome.model_validate_json(entry.outcome)
        return Plan.model_validate_json(entry.plan), done or None

    async def _end(self, outcome: Outcome) -> None:
        try:
            await self.off_loop(self._journal.end, outcome.command_id, outcome.model_dump_json())
        except SetupError as error:
            self._forgetful(error)

    def _forgetful(self, error: SetupError) -> None:
        self.log.warning("the journal can't be kept", **error.fields)
        self.set_degraded("The journal of commands can't be kept; a restart may repeat one.")


def _same(one: EntityState, other: EntityState) -> bool:
    return one.available == other.available and one.values == other.values
