from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from alicia.contracts import devices
from alicia.contracts.devices import (
    Area,
    Capability,
    Device,
    Entity,
    FindEntities,
    Kind,
    PatchEntity,
    Register,
)
from alicia.errors import (
    DeadlineError,
    InvalidValueError,
    MalformedMessageError,
    SetupError,
    UnknownEntityError,
)
from alicia.services.core.device_registry import DeviceRegistry
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import Stopwatch

KITCHEN = Area(area_id="kitchen", name="Kitchen", floor="Downstairs")
OFFICE = Area(area_id="office", name="Office", aliases=["study"], floor="Upstairs")


def lamp(name: str = "lamp", *, adapter: str = "test", area: str | None = "kitchen") -> Entity:
    return Entity(
        entity_id=f"light.{name}",
        domain="light",
        name=name.title(),
        area_id=area,
        device_id=name,
        adapter=adapter,
        capabilities=[Capability(name="power", kind=Kind.SWITCH)],
    )


def found(*entities: Entity, adapter: str = "test", areas: list[Area] | None = None) -> Register:
    return Register(
        adapter=adapter,
        areas=[KITCHEN, OFFICE] if areas is None else areas,
        devices=[Device(device_id=e.device_id, name=e.name, entities=[e]) for e in entities],
    )


@asynccontextmanager
async def registry(folder: Path) -> AsyncGenerator[RunningHouse, None]:
    async with house(DeviceRegistry, folder=folder) as home:
        yield home


async def register(home: RunningHouse, ask: Register) -> tuple[int, int, int]:
    counts = await home.bus.ask(devices.REGISTER, ask)
    return counts.added, counts.updated, counts.unchanged


async def said(home: RunningHouse, entity_id: str) -> Entity:
    return await home.until(devices.ENTITY, entity_id=entity_id)


async def test_registering_counts_what_is_new_changed_and_as_before(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        assert await register(home, found(lamp("one"), lamp("two"))) == (2, 0, 0)
        assert await register(home, found(lamp("one"), lamp("two"))) == (0, 0, 2)
        moved = lamp("two", area="office")
        assert await register(home, found(lamp("one"), moved, lamp("three"))) == (1, 1, 1)
        assert await said(home, "light.two") == moved


async def test_what_a_person_changed_outlives_registration(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp()))
        patch = PatchEntity(
            entity_id="light.lamp", name="Moon", aliases=["night light"], area_id="office"
        )
        patched = await home.bus.ask(devices.PATCH_ENTITY, patch)
        assert (patched.name, patched.aliases, patched.area_id) == (
            "Moon",
            ["night light"],
            "office",
        )
        better = lamp().model_copy(
            update={"name": "Lamp 2", "capabilities": [], "device_class": "bulb"}
        )
        assert await register(home, found(better)) == (0, 1, 0)
        after = await home.until(
            devices.ENTITY, lambda e: e.device_class == "bulb", entity_id="light.lamp"
        )
        assert after == patched.model_copy(update={"capabilities": [], "device_class": "bulb"})


async def test_a_patch_changes_only_what_it_names(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp()))
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id="light.lamp", aliases=["sun"])
        )
        patched = await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id="light.lamp", name="Moon")
        )
        assert (patched.name, patched.aliases) == ("Moon", ["sun"])


async def test_names_are_patched_by_language_and_outlive_registration_and_restart(
    tmp_path: Path,
) -> None:
    named = lamp().model_copy(update={"names": {"de": ["die Lampe"], "es": ["la lámpara"]}})
    async with registry(tmp_path) as home:
        await register(home, found(named))
        await home.bus.ask(
            devices.PATCH_ENTITY,
            PatchEntity(entity_id="light.lamp", names={"de": ["der Mond", "die Lampe"]}),
        )
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id="light.lamp", names={"fr": ["la lune"]})
        )
        renamed = named.model_copy(update={"names": {**named.names, "it": ["la lampada"]}})
        await register(home, found(renamed))
        found_by_name = await home.bus.ask(devices.FIND_ENTITIES, FindEntities(text="mond"))
        assert [e.entity_id for e in found_by_name.entities] == ["light.lamp"]
    async with registry(tmp_path) as home:
        assert (await said(home, "light.lamp")).names == {
            "de": ["der Mond", "die Lampe"],
            "es": ["la lámpara"],
            "fr": ["la lune"],
            "it": ["la lampada"],
        }


async def test_an_entity_that_is_no_longer_listed_stays(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp("one"), lamp("two")))
        await register(home, found(lamp("one")))
        answer = await home.bus.ask(devices.FIND_ENTITIES, FindEntities())
        assert [entity.entity_id for entity in answer.entities] == ["light.one", "light.two"]


async def test_only_a_person_retires_and_brings_back(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp().model_copy(update={"retired": True})))
        assert not (await said(home, "light.lamp")).retired
        await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id="light.lamp", retired=True))
        await register(home, found(lamp()))
        assert (await said(home, "light.lamp")).retired
        assert not (await home.bus.ask(devices.FIND_ENTITIES, FindEntities())).entities
        shown = FindEntities(include_retired=True)
        assert len((await home.bus.ask(devices.FIND_ENTITIES, shown)).entities) == 1
        await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id="light.lamp", retired=False))
        assert not (await said(home, "light.lamp")).retired


async def test_an_adapter_can_not_take_what_is_anothers(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp()))
        theirs = found(lamp(adapter="other"), lamp("new", adapter="other"), adapter="other")
        with pytest.raises(MalformedMessageError):
            await register(home, theirs)
        with pytest.raises(UnknownEntityError):  # all or nothing
            await home.bus.ask(devices.PATCH_ENTITY, PatchEntity(entity_id="light.new"))
        with pytest.raises(MalformedMessageError):
            await register(home, found(lamp(), adapter="other"))
        await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id="light.lamp", name="Moon", retired=True)
        )
        assert await register(home, theirs) == (1, 1, 0)
        now = await said(home, "light.lamp")
        assert (now.adapter, now.name, now.retired) == ("other", "Moon", False)


async def test_the_first_adapter_to_name_an_area_owns_its_name(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found())
        other = KITCHEN.model_copy(update={"name": "Küche"})
        await register(home, found(adapter="other", areas=[other]))
        assert (await home.until(devices.AREA, area_id="kitchen")).name == "Kitchen"
        await register(home, found(areas=[other]))
        assert (await home.until(devices.AREA, area_id="kitchen")).name == "Küche"


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        (PatchEntity(entity_id="light.nowhere", name="Moon"), UnknownEntityError),
        (PatchEntity(entity_id="light.lamp", area_id="attic"), InvalidValueError),
        (PatchEntity(entity_id="light.lamp", name=" "), InvalidValueError),
    ],
)
async def test_a_patch_that_makes_no_sense_is_refused(
    tmp_path: Path, patch: PatchEntity, error: type[Exception]
) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp()))
        with pytest.raises(error):
            await home.bus.ask(devices.PATCH_ENTITY, patch)
        assert await said(home, "light.lamp") == lamp()


async def test_an_id_that_is_no_level_of_a_topic_is_refused(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        with pytest.raises(MalformedMessageError):
            await register(home, found(lamp("one"), lamp("a/b")))
        assert not (await home.bus.ask(devices.FIND_ENTITIES, FindEntities())).entities


@pytest.mark.parametrize(
    ("ask", "entities", "areas"),
    [
        (FindEntities(), ["light.one", "light.two", "fan.three"], ["kitchen", "office"]),
        (FindEntities(text="TWO"), ["light.two"], ["office"]),
        (FindEntities(text="study"), ["light.two", "fan.three"], ["office"]),
        (FindEntities(text="kitchen"), ["light.one"], ["kitchen"]),
        (FindEntities(area_id="office"), ["light.two", "fan.three"], ["office"]),
        (FindEntities(area_id="office", domain="fan"), ["fan.three"], ["office"]),
        (FindEntities(text="nothing"), [], []),
    ],
)
async def test_entities_are_found_by_text_area_and_domain(
    tmp_path: Path, ask: FindEntities, entities: list[str], areas: list[str]
) -> None:
    fan = lamp("three", area="office").model_copy(
        update={"entity_id": "fan.three", "domain": "fan"}
    )
    async with registry(tmp_path) as home:
        await register(home, found(lamp("one"), lamp("two", area="office"), fan))
        answer = await home.bus.ask(devices.FIND_ENTITIES, ask)
        assert [entity.entity_id for entity in answer.entities] == entities
        assert [area.area_id for area in answer.areas] == areas


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, end: str) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp("one"), lamp("two")))
        patched = await home.bus.ask(
            devices.PATCH_ENTITY, PatchEntity(entity_id="light.one", name="Moon")
        )
        await getattr(home, end)(DeviceRegistry)
    # Another broker, so that what is retained comes from the record alone.
    async with registry(tmp_path) as home:
        assert await said(home, "light.one") == patched
        assert await said(home, "light.two") == lamp("two")
        assert await home.until(devices.AREA, area_id="office") == OFFICE
        assert await register(home, found(lamp("one"), lamp("two"))) == (0, 0, 2)


async def test_killed_in_the_middle_it_has_all_of_a_registration_or_nothing(
    tmp_path: Path,
) -> None:
    many = [lamp(f"l{number}") for number in range(300)]
    async with registry(tmp_path) as home:
        asking = asyncio.create_task(home.bus.ask(devices.REGISTER, found(*many), deadline_s=0.5))
        await home.until(devices.ENTITY)
        await home.kill(DeviceRegistry)
        with pytest.raises(DeadlineError):
            await asking
        await home.start(DeviceRegistry)
        assert await register(home, found(*many)) == (0, 0, 300)
        assert len(await home.retained(devices.ENTITY, 300)) == 300


async def test_what_was_written_is_said_though_the_asker_stopped_waiting(tmp_path: Path) -> None:
    many = [lamp(f"l{number}") for number in range(300)]
    file = tmp_path / "state" / "device_registry" / "registry.db"
    async with registry(tmp_path) as home:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nothing is written before the asker has gone
            with pytest.raises(DeadlineError):
                await home.bus.ask(devices.REGISTER, found(*many), deadline_s=0.5)
            other.execute("ROLLBACK")
        assert len(await home.retained(devices.ENTITY, 300)) == 300


async def test_a_damaged_record_stops_the_registry_and_stays_as_it_is(tmp_path: Path) -> None:
    async with registry(tmp_path) as home:
        await register(home, found(lamp()))
        await home.stop(DeviceRegistry)
        file = tmp_path / "state" / "device_registry" / "registry.db"
        file.write_bytes(b"damaged" * 1000)
        with pytest.raises(SetupError, match="backup"):
            await home.start(DeviceRegistry)
        assert file.read_bytes() == b"damaged" * 1000


async def test_a_thousand_entities_are_registered_in_a_moment(tmp_path: Path) -> None:
    many = [lamp(f"l{number}") for number in range(1000)]
    async with registry(tmp_path) as home:
        started = Stopwatch()
        assert await register(home, found(*many)) == (1000, 0, 0)
        # Measured 0.15 s on two shared cores; the limit is for a machine under load.
        assert started.seconds < 2
        assert len(await home.retained(devices.ENTITY, 1000)) == 1000
