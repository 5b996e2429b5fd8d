"""`alicia devices`: areas, entities and their confirmed states, and what people call them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from alicia.cli.output import Home, Json, duration, emit, out, run
from alicia.cli.visiting import visiting
from alicia.contracts.devices import (
    FIND_ENTITIES,
    PATCH_ENTITY,
    STATE,
    Area,
    Entity,
    EntityState,
    FindEntities,
    Found,
    PatchEntity,
)
from alicia.errors import AmbiguousError, InvalidValueError, UnknownEntityError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder

QUIET_S = 0.1
STATES_WITHIN_S = 2.0
POWER = "power"

Which = Annotated[str, typer.Argument(help="An entity's id, name or alias.")]


# ---- list ---------------------------------------------------------------------------------------


def list_devices(
    text: Annotated[
        str | None, typer.Argument(help="In a name, an alias, an id or the area's name.")
    ] = None,
    *,
    area: Annotated[str | None, typer.Option("--area", help="An area's id or name.")] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="light, cover, lock, …")] = None,
    retired: Annotated[bool, typer.Option("--retired", help="Retired ones, too.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show areas, entities and the states that the devices have confirmed."""
    folder = Folder(home)

    async def work() -> tuple[Found, dict[str, EntityState]]:
        async with visiting(Console, folder) as peer:
            wanted = FindEntities(
                text=text,
                area_id=(await area_named(peer, area)).area_id if area else None,
                domain=domain,
                include_retired=retired,
            )
            return await with_states(peer, wanted)

    found, states = run(work(), as_json=json)
    if json:
        emit(
            {
                "areas": [area.model_dump(mode="json") for area in found.areas],
                "entities": [as_json(entity, states) for entity in found.entities],
            }
        )
    elif not found.entities:
        out.print("Nothing in this home is like that.")
    else:
        out.print(_table(found, states))


async def with_states(peer: Console, wanted: FindEntities) -> tuple[Found, dict[str, EntityState]]:
    """What fits, and what is retained of its states."""
    states: dict[str, EntityState] = {}
    newest = time.monotonic()

    async def collect() -> None:
        nonlocal newest
        async with peer.hear(STATE, limit=4096) as messages:
            async for state in messages:
                states[state.entity_id] = state
                newest = time.monotonic()

    collecting = asyncio.create_task(collect())
    try:
        found = await peer.ask(FIND_ENTITIES, wanted)
        until = time.monotonic() + STATES_WITHIN_S
        while (now := time.monotonic()) < until and now - newest < QUIET_S:
            if all(entity.entity_id in states for entity in found.entities):
                break
            await asyncio.sleep(0.01)
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
    return found, states


def as_json(entity: Entity, states: dict[str, EntityState]) -> dict[str, Any]:
    """An entity and its state, as `--json` prints it."""
    state = states.get(entity.entity_id)
    return entity.model_dump(mode="json") | {
        "state": state.model_dump(mode="json", exclude={"entity_id"}) if state else None
    }


def _table(found: Found, states: dict[str, EntityState]) -> Table:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("entity", no_wrap=True)
    for title in ("name", "state", "since"):
        shown.add_column(title)
    names: dict[str | None, str] = {
        area.area_id: area.name if _same(area) else f"{area.name} ({area.area_id})"
        for area in found.areas
    }
    areas = {entity.area_id for entity in found.entities}
    for area_id in sorted(areas, key=lambda area_id: (area_id is None, area_id or "")):
        shown.add_row(Text(names.get(area_id, area_id or "no area"), style="bold"))
        for entity in (e for e in found.entities if e.area_id == area_id):
            state = states.get(entity.entity_id)
            name = Text(entity.name + (" (protected)" if entity.protected else ""))
            if entity.aliases:
                name.append(f", {', '.join(entity.aliases)}", style="dim")
            shown.add_row(
                Text(f"  {entity.entity_id}", style="dim" if entity.retired else "cyan"),
                name,
                _state(entity, state),
                Text(duration(time.time() - state.changed_at) if state else "", style="dim"),
            )
    return shown


def _same(area: Area) -> bool:
    return area.name.casefold().replace(" ", "_") == area.area_id


def _state(entity: Entity, state: EntityState | None) -> Text:
    if state is None:
        return Text("unknown", style="yellow")
    if not state.available:
        return Text("not reachable", style="red")
    units = {c.name: f" {c.unit}" if c.unit else "" for c in entity.capabilities}
    return Text(
        ", ".join(
            _on_or_off(value)
            if name == POWER
            else f"{name.replace('_', ' ')} {_value(value)}{units.get(name, '')}"
            for name, value in state.values.items()
        )
    )


def _on_or_off(value: bool | float | str) -> str:
    return "on" if value is True else "off"


def _value(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.6g}"


# ---- changes ------------------------------------------------------------------------------------


def rename(
    entity: Which,
    name: Annotated[str, typer.Argument(help="What it is called from now on.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Give an entity another name; it is understood under it at once."""

    async def change(_: Console, found: Entity) -> PatchEntity:
        return PatchEntity(entity_id=found.entity_id, name=name)

    _change(entity, change, home=home, json=json)


def alias(
    entity: Which,
    name: Annotated[str, typer.Argument(help="What it is called, too.")],
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Forget that name.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Give an entity one more name, or take one away."""

    async def change(_: Console, found: Entity) -> PatchEntity:
        others = [known for known in found.aliases if known.casefold() != name.casefold()]
        if remove and len(others) == len(found.aliases):
            raise InvalidValueError(
                f"{found.entity_id} is not called that.", aliases=list(found.aliases)
            )
        if not name.strip():
            raise InvalidValueError("A name can't be empty.")
        return PatchEntity(
            entity_id=found.entity_id, aliases=others if remove else [*others, name.strip()]
        )

    _change(entity, change, home=home, json=json)


def move(
    entity: Which,
    area: Annotated[str, typer.Argument(help="An area's id or name.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Put an entity into another area."""

    async def change(peer: Console, found: Entity) -> PatchEntity:
        there = await area_named(peer, area)
        return PatchEntity(entity_id=found.entity_id, area_id=there.area_id)

    _change(entity, change, home=home, json=json)


Change = Callable[[Console, Entity], Awaitable[PatchEntity]]


def _change(which: str, change: Change, *, home: Path | None, json: bool) -> None:
    folder = Folder(home)

    async def work() -> Entity:
        async with visiting(Console, folder) as peer:
            found = await entity_named(peer, which)
            return await peer.ask(PATCH_ENTITY, await change(peer, found))

    entity = run(work(), as_json=json)
    if json:
        emit(entity.model_dump(mode="json"))
        return
    also = f", also {', '.join(entity.aliases)}" if entity.aliases else ""
    out.print(
        f"{entity.entity_id}: {entity.name}{also}, in {entity.area_id or 'no area'}",
        highlight=False,
        markup=False,
    )


async def entity_named(peer: Console, which: str) -> Entity:
    """The one with this id, name or alias. Raises UnknownEntityError, AmbiguousError."""
    found = (await peer.ask(FIND_ENTITIES, FindEntities(include_retired=True))).entities
    wanted = which.strip().casefold()
    for entity in found:
        if entity.entity_id.casefold() == wanted:
            return entity
    named = [e for e in found if wanted in {n.casefold() for n in (e.name, *e.aliases)}]
    if len(named) > 1:
        raise AmbiguousError(
            "Several have that name; say which by its id.", choices=[e.entity_id for e in named]
        )
    if not named:
        raise UnknownEntityError(
            f"There is no {which!r} in this home. `alicia devices` lists what there is."
        )
    return named[0]


async def area_named(peer: Console, which: str) -> Area:
    """The one with this id, name or alias. Raises InvalidValueError."""
    areas = (await peer.ask(FIND_ENTITIES, FindEntities())).areas
    wanted = which.strip().casefold()
    for area in areas:
        if wanted in {name.casefold() for name in (area.area_id, area.name, *area.aliases)}:
            return area
    raise InvalidValueError(
        f"There is no area {which!r} in this home.", valid=[area.area_id for area in areas]
    )
