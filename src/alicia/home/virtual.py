"""VirtualHome: a pure simulation of a house's devices.

Time is a parameter: `apply` takes a command in, `advance` brings the house to a moment and gives
the states that changed on the way. With a store every accepted command is on disk before `apply`
returns, so that a killed process loses nothing it has acknowledged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from alicia.contracts.devices import AdapterState, Entity, Value
from alicia.errors import NotCapableError, UnavailableError, UnknownEntityError
from alicia.home import simulation
from alicia.home.capabilities import validate

WINDOW = 512
"""Command ids that are remembered: a repeat is answered, and does nothing."""


class Fault(StrEnum):
    UNREACHABLE = "unreachable"
    """It does not answer, and is reported as unavailable."""
    REFUSES = "refuses"
    """It answers that it won't."""
    SILENT = "silent"
    """It accepts, and never changes."""


@dataclass(frozen=True)
class Applied:
    """A command was taken in."""

    command_id: str
    entity_id: str
    changes_at: float
    """When the first change of state comes."""
    repeated: bool = False
    """This id had been carried out before; nothing happened."""


@dataclass
class _Pending:
    """A change that is under way."""

    at: float
    capability: str
    value: Value
    command_id: str
    start: float | None = None
    """Position when a cover set off."""
    started_at: float = 0.0


@dataclass
class _Thing:
    values: dict[str, Value]
    applied: int = 0
    command_id: str | None = None
    pending: list[_Pending] = field(default_factory=list[_Pending])
    drift_at: float | None = None


class VirtualHome:
    """Devices that behave, from their entities and initial values (`demo.load()`)."""

    def __init__(
        self,
        entities: Iterable[Entity],
        initial: Mapping[str, Mapping[str, Value]],
        *,
        draws_w: Mapping[str, float] | None = None,
        now: float = 0.0,
        store: Path | None = None,
    ) -> None:
        self._entities = {entity.entity_id: entity for entity in entities}
        self._things = {
            entity_id: _Thing(values=dict(initial.get(entity_id, {})))
            for entity_id in self._entities
        }
        self._draws_w = dict(draws_w or {})
        self._faults: dict[str, Fault] = {}
        self._seen: dict[str, None] = {}
        self._touched: set[str] = set()
        self._store = store
        if store is not None and store.exists():
            self.load(store)
        for entity_id in self._things:
            self._plan_drift(entity_id, now)

    def apply(
        self, entity_id: str, capability: str, value: Value, command_id: str, *, now: float
    ) -> Applied:
        """Takes a command in, once per id.

        Raises UnknownEntityError, NotCapableError, InvalidValueError or UnavailableError.
        """
        entity = self._entities.get(entity_id)
        if entity is None:
            raise UnknownEntityError(entity=entity_id)
        fault = self._faults.get(entity_id)
        if fault is Fault.UNREACHABLE:
            raise UnavailableError(entity=entity_id)
        key = f"{command_id} {entity_id} {capability}"
        if key in self._seen:
            return Applied(command_id, entity_id, now, repeated=True)
        taken = validate(entity, capability, value)
        if fault is Fault.REFUSES:
            raise NotCapableError(entity=entity_id, capability=capability, reason="refused")
        thing = self._things[entity_id]
        changes_at = now + simulation.latency_s(entity)
        thing.applied += 1
        self._remember(key)
        if fault is not Fault.SILENT:
            # The last word counts: what was under way for this capability ends where it is.
            thing.pending = [p for p in thing.pending if p.capability != capability]
            thing.pending.append(_Pending(changes_at, capability, taken, command_id))
        if self._store is not None:
            self.save(self._store)
        return Applied(command_id, entity_id, changes_at)

    def advance(self, now: float) -> list[AdapterState]:
        """Brings the house to this moment; the states on the way, oldest first."""
        changed: list[AdapterState] = []
        while True:
            due = self._next_due()
            if due is None or due > now:
                break
            changed.extend(self._step(due))
        # A fault or its end changes what is available, without any command.
        changed.extend(self.state(entity_id) for entity_id in sorted(self._touched))
        self._touched.clear()
        if changed and self._store is not None:
            self.save(self._store)
        return changed

    def next_change(self) -> float | None:
        """When `advance` has something to do; None while the house is at rest."""
        return 0.0 if self._touched else self._next_due()

    def state(self, entity_id: str) -> AdapterState:
        """Raises UnknownEntityError."""
        entity = self._entities.get(entity_id)
        if entity is None:
            raise UnknownEntityError(entity=entity_id)
        thing = self._things[entity_id]
        return AdapterState(
            adapter=entity.adapter,
            entity_id=entity_id,
            available=self._faults.get(entity_id) is not Fault.UNREACHABLE,
            values=dict(thing.values),
            applied=thing.applied,
            command_id=thing.command_id,
        )

    def states(self) -> list[AdapterState]:
        return [self.state(entity_id) for entity_id in self._entities]

    def fault(self, entity_id: str, fault: Fault | None) -> None:
        """Makes a device fail from now on, or heals it. Raises UnknownEntityError."""
        if entity_id not in self._entities:
            raise UnknownEntityError(entity=entity_id)
        before = self._faults.pop(entity_id, None)
        if fault is not None:
            self._faults[entity_id] = fault
        if Fault.UNREACHABLE in (before, fault) and before is not fault:
            self._touched.add(entity_id)

    def sense(self, entity_id: str, capability: str, value: Value) -> None:
        """Something happened to a device by itself: motion, a window, a reading."""
        if entity_id not in self._entities:
            raise UnknownEntityError(entity=entity_id)
        self._things[entity_id].values[capability] = value
        self._touched.add(entity_id)

    def save(self, path: Path) -> None:
        """Writes the whole state; a reader sees the old file or the new one, never a part."""
        data = {
            "things": {entity_id: asdict(thing) for entity_id, thing in self._things.items()},
            "seen": list(self._seen),
            "faults": self._faults,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps(data), "utf-8")
        os.replace(fresh, path)  # noqa: PTH105 - the atomic rename is the point

    def load(self, path: Path) -> None:
        """Takes up what `save` wrote; entities that are not in this house are left out."""
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for entity_id, kept in data["things"].items():
            if entity_id in self._things:
                pending = [_Pending(**p) for p in kept.pop("pending")]
                thing = _Thing(**kept, pending=pending)
                thing.values = {**self._things[entity_id].values, **thing.values}
                self._things[entity_id] = thing
        self._seen = dict.fromkeys(data["seen"])
        self._faults = {k: Fault(v) for k, v in data["faults"].items() if k in self._things}

    def _next_due(self) -> float | None:
        moments = [p.at for thing in self._things.values() for p in thing.pending]
        moments += [t.drift_at for t in self._things.values() if t.drift_at is not None]
        return min(moments, default=None)

    def _step(self, moment: float) -> list[AdapterState]:
        """Everything that is due at this moment."""
        changed: list[AdapterState] = []
        for entity_id, thing in self._things.items():
            due = [p for p in thing.pending if p.at <= moment]
            for pending in due:
                self._progress(thing, pending, self._draws_w.get(entity_id))
                thing.command_id = pending.command_id
            drifts = thing.drift_at is not None and thing.drift_at <= moment
            if drifts:
                self._drift(thing, moment)
            if due or drifts:
                self._plan_drift(entity_id, moment)
                changed.append(self.state(entity_id))
        return changed

    def _progress(self, thing: _Thing, pending: _Pending, draws_w: float | None) -> None:
        if not simulation.travels(pending.capability):
            thing.values = simulation.settle(
                thing.values, pending.capability, pending.value, draws_w
            )
            thing.pending.remove(pending)
            return
        now, target = thing.values.get(pending.capability), float(pending.value)
        if pending.start is None:
            pending.start = now if isinstance(now, float) else target
            pending.started_at = pending.at
        reached = simulation.travel(pending.start, target, pending.at - pending.started_at)
        thing.values[pending.capability] = reached
        if reached == target:
            thing.pending.remove(pending)
        else:
            left = abs(target - reached) / 100.0 * simulation.COVER_FULL_TRAVEL_S
            sets_off = pending.at == pending.started_at
            soon = simulation.COVER_SETS_OFF_S if sets_off else simulation.COVER_REPORT_S
            pending.at += min(soon, left)

    def _drift(self, thing: _Thing, moment: float) -> None:
        warmer = simulation.drift(thing.values)
        thing.drift_at = None
        if warmer is not None:
            thing.values["temperature"] = warmer
            thing.drift_at = moment + simulation.CLIMATE_REPORT_S

    def _plan_drift(self, entity_id: str, now: float) -> None:
        thing = self._things[entity_id]
        if simulation.drift(thing.values) is None:
            thing.drift_at = None
        elif thing.drift_at is None:
            thing.drift_at = now + simulation.CLIMATE_REPORT_S

    def _remember(self, key: str) -> None:
        self._seen[key] = None
        while len(self._seen) > WINDOW:
            del self._seen[next(iter(self._seen))]
