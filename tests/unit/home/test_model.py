"""The picture of the house."""

from __future__ import annotations

import pytest

from alicia.contracts.devices import EntityState
from alicia.errors import UnknownEntityError
from alicia.home import demo
from alicia.home.model import Home, names_of


@pytest.fixture
def home() -> Home:
    return demo.load().picture()


def test_the_revision_changes_with_names_and_not_with_states(home: Home) -> None:
    before = home.revision
    lamp = home.entity("light.bedroom_lamp")
    home.put_entity(lamp)
    home.put_state(
        EntityState(entity_id=lamp.entity_id, available=True, values={"power": True}, changed_at=1)
    )
    assert home.revision == before
    home.put_entity(lamp.model_copy(update={"aliases": ["reading lamp"]}))
    assert home.revision == before + 1


def test_a_renamed_area_changes_the_revision(home: Home) -> None:
    before = home.revision
    kitchen = home.area("kitchen")
    assert kitchen is not None
    home.put_area(kitchen.model_copy(update={"name": "Galley"}))
    assert home.revision == before + 1
    home.remove_area("kitchen")
    home.remove_area("kitchen")
    assert home.revision == before + 2
    assert home.area("kitchen") is None


def test_a_retired_entity_leaves_the_picture_with_its_state(home: Home) -> None:
    lamp = home.entity("light.bedroom_lamp")
    home.put_entity(lamp.model_copy(update={"retired": True}))
    assert home.find(lamp.entity_id) is None
    assert home.state(lamp.entity_id) is None
    with pytest.raises(UnknownEntityError):
        home.entity(lamp.entity_id)


def test_entities_are_found_by_room_floor_domain_class_and_capability(home: Home) -> None:
    def found(**by: str) -> set[str]:
        return {entity.entity_id for entity in home.entities(**by)}

    assert found(area_id="kitchen", domain="light") == {"light.kitchen", "light.kitchen_counter"}
    assert found(capability="color") == {"light.living_room_lamp", "light.bedside_lamp"}
    assert found(device_class="blind", floor="Upstairs") == {"cover.bedroom_blinds"}
    assert home.floors() == ["Downstairs", "Upstairs"]


def test_the_value_of_a_device_that_cannot_be_reached_is_not_known(home: Home) -> None:
    assert home.value("light.hallway", "power") is True
    assert home.value("light.hallway", "speed") is None
    state = home.state("light.hallway")
    assert state is not None
    home.put_state(state.model_copy(update={"available": False}))
    assert home.value("light.hallway", "power") is None


def test_a_state_may_come_before_its_entity() -> None:
    home = Home()
    home.put_state(
        EntityState(entity_id="light.x", available=True, values={"power": True}, changed_at=0)
    )
    assert home.value("light.x", "power") is True
    assert home.capability("light.x", "power") is None


def test_a_thing_goes_by_the_names_of_a_language_before_its_default_ones(home: Home) -> None:
    lamp = home.entity("light.hallway")
    german = names_of(lamp, "de")
    assert german[0] == "das Flurlicht"
    assert german[-2:] == ["Hallway Light", "hall light"]
    assert names_of(lamp, "nl") == ["Hallway Light", "hall light"]


def test_the_demo_house_is_whole() -> None:
    house = demo.load()
    areas = {area.area_id for area in house.areas}
    assert len(areas) >= 6
    assert len(house.entities) >= 24
    things = {e.entity_id: {c.name for c in e.capabilities} for e in house.entities}
    assert {entity.area_id for entity in house.entities if not entity.scene} <= areas
    for entity in house.entities:
        assert {c.name for c in entity.capabilities} == set(house.initial[entity.entity_id])
        assert all(value.capability in things[value.entity_id] for value in entity.scene)
        assert bool(entity.scene) == (entity.domain == "scene")
    protected = {entity.entity_id for entity in house.entities if entity.protected}
    assert protected == {"lock.front_door", "cover.garage_door", "scene.good_night"}
    names = [name.casefold() for e in house.entities for name in (e.name, *e.aliases)]
    assert len(names) == len(set(names))
