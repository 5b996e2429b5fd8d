"""The demo home between turns: put in place before one, compared with what was wanted after it.

What is compared is what the virtual devices themselves report, and how many commands each has
carried out: a command that changes nothing counts too.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.bench.voice.labels import Bound, Change, Label

from alicia.bus.bus import Bus, Declaration
from alicia.contracts.devices import ADAPTER_COMMAND, AdapterCommand, Value
from alicia.errors import AliciaError
from alicia.home import demo, simulation
from alicia.runtime.house import MqttHouse
from alicia.testing.live import LiveHouse

SETTLE_S = 4.0
"""A blind needs 2 s for its whole way."""
QUIET_S = 0.25
"""So long nothing may happen after a turn that should change nothing."""
DRIVER = "device_control"

Values = dict[str, dict[str, Value]]
"""By entity, then by capability."""


@dataclass(frozen=True)
class Snapshot:
    """How the home is, and how many commands each device has carried out."""

    values: Values
    applied: dict[str, int]


@dataclass
class Verdict:
    """What a turn did to the home."""

    missing: list[str] = field(default_factory=list[str])
    """Wanted, and not so."""
    unwanted: list[str] = field(default_factory=list[str])
    """Done or changed, and not wanted."""

    @property
    def right(self) -> bool:
        return not self.missing and not self.unwanted


class HomeControl:
    """Puts devices in place as device control would, with its identity: no PIN is asked for."""

    def __init__(self, house: LiveHouse, bus: Bus) -> None:
        self._house = house
        self._bus = bus
        described = demo.load()
        self._initial = described.initial
        self._draws_w = described.draws_w
        self._entities = {entity.entity_id: entity for entity in described.entities}
        self._writable = {
            entity.entity_id: {c.name for c in entity.capabilities if c.writable}
            for entity in described.entities
        }

    def unknown(self, label: Label) -> list[str]:
        """What the label names and the home does not have."""
        return [
            f"{change.entity} {change.capability}"
            for change in (*label.changes, *label.before)
            if change.capability not in self._writable.get(change.entity, set())
        ]

    async def prepare(self, label: Label) -> Snapshot:
        """The home as it is at first, but for what the sentence asks: that is not so yet.

        Raises TimeoutError where a device does not get there.
        """
        wanted: Values = {
            entity: {
                name: value
                for name, value in values.items()
                if name in self._writable[entity] and name != "muted"
            }
            for entity, values in self._initial.items()
        }
        for change in label.changes:
            if not isinstance(change.value, Bound):
                wanted[change.entity][change.capability] = self._other(change)
        for change in label.before:
            if not isinstance(change.value, Bound):
                wanted[change.entity][change.capability] = change.value
        await self._set(wanted)
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        adapters = self._house.adapters.values()
        return Snapshot(
            {state.entity_id: dict(state.values) for state in adapters},
            {state.entity_id: state.applied for state in adapters},
        )

    async def judge(self, label: Label, before: Snapshot) -> Verdict:
        """Once everything has come to rest."""
        until = time.monotonic() + (SETTLE_S if label.changes else QUIET_S)
        while time.monotonic() < until:
            await asyncio.sleep(0.02)
            if label.changes and not self._missing(label.changes):
                await asyncio.sleep(QUIET_S)
                break
            if label.changes and self.snapshot() == before and time.monotonic() > until - 3.0:
                break  # a second and nothing moves: nothing was done
        return self._verdict(label, before, self.snapshot())

    def _verdict(self, label: Label, before: Snapshot, after: Snapshot) -> Verdict:
        verdict = Verdict(missing=self._missing(label.changes))
        expected = self._expected(label.changes, before.values)
        touched = {change.entity for change in label.changes}
        for entity, values in after.values.items():
            done = after.applied[entity] - before.applied.get(entity, 0)
            if not done:
                continue  # It stayed as it was: what it lacks is missing, nothing was done wrong.
            if entity not in touched:
                verdict.unwanted.append(f"{entity}: {done} commands")
                continue
            for name in self._writable[entity] & values.keys():
                if (entity, name) in expected and values[name] != expected[entity, name]:
                    verdict.unwanted.append(f"{entity} {name} is {values[name]}")
        return verdict

    def _missing(self, changes: Iterable[Change]) -> list[str]:
        now = self._house.adapters
        return [
            f"{change.entity} {change.capability}"
            for change in changes
            if change.entity not in now or not change.holds(now[change.entity].values)
        ]

    def _expected(self, changes: Iterable[Change], before: Values) -> dict[tuple[str, str], Value]:
        """How it should be then, with what else follows: a lamp that gets a brightness is on."""
        values = {entity: dict(mine) for entity, mine in before.items()}
        free: set[tuple[str, str]] = set()
        for change in changes:
            if isinstance(change.value, Bound):
                # Whether "brighter" also switches on is the house's affair.
                free |= {(change.entity, change.capability), (change.entity, "power")}
                continue
            draws = self._draws_w.get(change.entity)
            values[change.entity] = simulation.settle(
                values[change.entity], change.capability, change.value, draws
            )
        return {
            (entity, name): value
            for entity, mine in values.items()
            for name, value in mine.items()
            if (entity, name) not in free
        }

    def _other(self, change: Change) -> Value:
        """A value of that capability that is not the wanted one."""
        wanted = change.value
        if isinstance(wanted, bool):
            return not wanted
        if isinstance(wanted, str):
            return "#ff8000" if wanted != "#ff8000" else "#ffffff"
        assert not isinstance(wanted, Bound)
        entity = self._entities[change.entity]
        kind = next(c for c in entity.capabilities if c.name == change.capability)
        low, high = kind.minimum or 0.0, kind.maximum or 100.0
        if change.capability == "position":
            return low if wanted > (low + high) / 2 else high
        middle = self._initial[change.entity].get(change.capability)
        if isinstance(middle, float) and middle != wanted:
            return middle
        return low + (high - low) * (0.25 if wanted > (low + high) / 2 else 0.75)

    async def _set(self, wanted: Values) -> None:
        """Levels first and power last, once the levels are seen: a level switches a lamp on."""
        for last in (False, True):
            step: Values = {
                entity: {name: value for name, value in mine.items() if (name == "power") is last}
                for entity, mine in wanted.items()
            }
            work = [
                self._one(entity, name, value)
                for entity, mine in step.items()
                for name, value in mine.items()
                if self._house.adapters[entity].values.get(name) != value
            ]
            await asyncio.gather(*work)
            await self._rest(step)

    async def _one(self, entity: str, capability: str, value: Value) -> None:
        command = AdapterCommand(
            adapter=demo.ADAPTER,
            command_id=f"bench:{secrets.token_hex(8)}",
            entity_id=entity,
            capability=capability,
            value=float(value) if type(value) is int else value,
        )
        try:
            await self._bus.ask(ADAPTER_COMMAND, command)
        except AliciaError as error:
            raise TimeoutError(f"{entity} does not take {capability}: {error.code}") from error

    async def _rest(self, wanted: Values) -> None:
        async with asyncio.timeout(SETTLE_S):
            while True:
                now = self._house.adapters
                left = [
                    (entity, name)
                    for entity, mine in wanted.items()
                    for name, value in mine.items()
                    if now[entity].values.get(name) != value
                ]
                if all(name in {"color_temperature", "color"} for _, name in left):
                    return  # white and colour exclude each other on some lamps
                await asyncio.sleep(0.02)


@asynccontextmanager
async def home_control(house: LiveHouse) -> AsyncGenerator[HomeControl, None]:
    """Joined with device control's credentials, from the house's own folder."""
    way = MqttHouse(house.folder)
    transport = way.transport(DRIVER, f"bench-{secrets.token_hex(2)}")
    declared = Declaration(asks=frozenset({ADAPTER_COMMAND}))
    instance = f"bench-{secrets.token_hex(2)}"
    async with Bus(
        transport, service=DRIVER, instance=instance, declaration=declared, root=way.root
    ) as bus:
        yield HomeControl(house, bus)
