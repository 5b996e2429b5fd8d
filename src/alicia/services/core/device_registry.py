"""DeviceRegistry: the one record of devices, entities and areas.

    REGISTER | PATCH_ENTITY asked -> on disk -> AREA, ENTITY said -> reply
    FIND_ENTITIES asked -> reply

An entity is what its adapter found, with what a person changed laid over it: a name, aliases or an
area given by PATCH_ENTITY outlive every registration. Nothing leaves the record because an adapter
no longer lists it; only a person retires an entity.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from alicia.contracts import devices
from alicia.contracts.devices import (
    Area,
    Entity,
    FindEntities,
    Found,
    PatchEntity,
    Register,
    Registered,
)
from alicia.contracts.kinds import segment
from alicia.errors import InvalidValueError, MalformedMessageError, UnknownEntityError
from alicia.runtime.service import Service, runs, serves
from alicia.runtime.settings import Settings
from alicia.storage.record import Areas, Record, Records

T = TypeVar("T")

AT_ONCE = 64
"""Publications under way together."""


class DeviceRegistry(Service[Settings]):
    """The one record of devices, entities and areas."""

    name = "device_registry"
    says = (devices.ENTITY, devices.AREA)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        # One writer at a time, so that what is said comes in the order of what was written.
        self._order = asyncio.Lock()
        self._writing: set[asyncio.Task[Any]] = set()
        self._unsaid = asyncio.Event()
        self._unsaid.set()
        self.bus.on_connected.append(self._unsaid.set)
        self._store = await self.off_loop(Records, self.folder.state(self.name) / "registry.db")
        try:
            self._areas, self._records = await self.off_loop(self._store.all)
            yield
            await asyncio.gather(*self._writing, return_exceptions=True)
        finally:
            await self.off_loop(self._store.close)

    @runs
    async def say_all(self) -> None:
        """All of it at the start, and to a broker that may have lost what it retained."""
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            async with self._order:
                await self._say(
                    [area for area, _ in self._areas.values()],
                    [record.entity for record in self._records.values()],
                )

    # ---- what is asked ----

    @serves(devices.REGISTER)
    async def register(self, ask: Register) -> Registered:
        """Raises MalformedMessageError where the adapter claims what is not its own."""
        return await self._to_the_end(self._register(ask))

    @serves(devices.PATCH_ENTITY)
    async def patch(self, ask: PatchEntity) -> Entity:
        """Raises UnknownEntityError; InvalidValueError for a blank name or an unknown area."""
        return await self._to_the_end(self._patch(ask))

    @serves(devices.FIND_ENTITIES, concurrency=4)
    async def find(self, ask: FindEntities) -> Found:
        """The entities that fit all that is asked, and the areas that do or that they are in."""
        text = (ask.text or "").strip().casefold()
        entities = [
            entity
            for record in self._records.values()
            if self._fits(entity := record.entity, ask, text)
        ]
        inhabited = {entity.area_id for entity in entities}
        areas = [
            area
            for area, _ in self._areas.values()
            if ask.area_id in (None, area.area_id)
            and (area.area_id in inhabited or (ask.domain is None and _says(text, area)))
        ]
        return Found(areas=areas, entities=entities)

    def _fits(self, entity: Entity, ask: FindEntities, text: str) -> bool:
        if entity.retired and not ask.include_retired:
            return False
        if ask.area_id not in (None, entity.area_id) or ask.domain not in (None, entity.domain):
            return False
        area, _ = self._areas.get(entity.area_id or "", (None, ""))
        return (
            text in entity.entity_id.casefold()
            or _says(text, entity)
            or (area is not None and _says(text, area))
        )

    # ---- what is changed ----

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Not left halfway where the asker stops waiting: what is written is also said."""
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return await asyncio.shield(task)

    async def _register(self, ask: Register) -> Registered:
        async with self._order:
            found = {e.entity_id: e for device in ask.devices for e in device.entities}
            areas = self._new_areas(ask)
            before = {entity_id: self._records.get(entity_id) for entity_id in found}
            after = {
                entity_id: self._registered(before[entity_id], entity, ask.adapter)
                for entity_id, entity in found.items()
            }
            records = {key: record for key, record in after.items() if record != before[key]}
            await self.off_loop(self._store.put, areas, records, ask.devices)
            self._areas.update(areas)
            self._records.update(records)
            changed = [
                record.entity
                for key, record in records.items()
                if (old := before[key]) is None or old.entity != record.entity
            ]
            await self._say([area for area, _ in areas.values()], changed)
        added = sum(old is None for old in before.values())
        return Registered(
            added=added, updated=len(changed) - added, unchanged=len(found) - len(changed)
        )

    def _new_areas(self, ask: Register) -> Areas:
        """The areas that this registration adds or changes; the first to name one owns it."""
        fresh: Areas = {}
        for area in ask.areas:
            segment(area.area_id)
            known, owner = self._areas.get(area.area_id, (None, ask.adapter))
            if owner == ask.adapter and area != known:
                fresh[area.area_id] = (area, ask.adapter)
        return fresh

    def _registered(self, before: Record | None, entity: Entity, adapter: str) -> Record:
        segment(entity.entity_id)
        if entity.adapter != adapter:
            raise MalformedMessageError(
                "An adapter registers its own entities only.",
                entity=entity.entity_id,
                adapter=adapter,
            )
        found = entity.model_copy(update={"retired": False})
        if before is None:
            return Record(found)
        if before.found.adapter == adapter:
            return Record(found, before.patch)
        if not before.entity.retired:
            raise MalformedMessageError(
                "Another adapter has registered this entity; retire it there first.",
                entity=entity.entity_id,
                adapter=before.found.adapter,
            )
        kept = {key: value for key, value in before.patch.items() if key != "retired"}
        return Record(found, kept)

    async def _patch(self, ask: PatchEntity) -> Entity:
        async with self._order:
            before = self._records.get(ask.entity_id)
            if before is None:
                raise UnknownEntityError(entity=ask.entity_id)
            if ask.name is not None and not ask.name.strip():
                raise InvalidValueError("A name can't be empty.", entity=ask.entity_id)
            if ask.area_id is not None and ask.area_id not in self._areas:
                raise InvalidValueError(
                    "There is no such area in this home.",
                    area=ask.area_id,
                    valid=list(self._areas),
                )
            change = ask.model_dump(exclude={"entity_id"}, exclude_none=True)
            if ask.names is not None:
                change["names"] = {**before.patch.get("names", {}), **ask.names}
            record = Record(before.found, {**before.patch, **change})
            if record != before:
                await self.off_loop(self._store.put, {}, {ask.entity_id: record}, [])
                self._records[ask.entity_id] = record
                await self._say([], [record.entity])
            return record.entity

    async def _say(self, areas: Iterable[Area], entities: Iterable[Entity]) -> None:
        for area in areas:
            await self.say(devices.AREA, area)
        waiting = list(entities)
        for start in range(0, len(waiting), AT_ONCE):
            async with asyncio.TaskGroup() as saying:
                for entity in waiting[start : start + AT_ONCE]:
                    saying.create_task(self.say(devices.ENTITY, entity))


def _says(text: str, named: Area | Entity) -> bool:
    """Whether the text is part of a name or an alias, in any language."""
    others = (name for names in named.names.values() for name in names)
    return any(text in name.casefold() for name in (named.name, *named.aliases, *others))
