"""Device messages: what the home is made of, what is asked of it, and what it confirmed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictStr

from alicia.contracts.kinds import Command, Message, Personal, Secret, State

Value = Annotated[StrictBool | StrictFloat | StrictStr, Field(union_mode="left_to_right")]
"""On/off and locked are booleans, levels are numbers in the capability's unit, choices text."""


class Kind(StrEnum):
    """What the value of a capability is."""

    SWITCH = "switch"
    NUMBER = "number"
    CHOICE = "choice"
    COLOR = "color"
    """A CSS colour name or #rrggbb."""
    TEXT = "text"


class Capability(Message):
    name: str
    """power, brightness, color, color_temperature, position, target_temperature, temperature,
    humidity, locked, volume, playing, speed, motion, open, power_w, …"""
    kind: Kind
    unit: str | None = None
    """%, °C, K, W"""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: list[str] = Field(default_factory=list)
    writable: bool = True


class Area(Message):
    area_id: str
    name: Personal
    aliases: list[Personal] = Field(default_factory=list)
    names: dict[str, list[Personal]] = Field(default_factory=dict)
    """By language (`de`): what it is called in that language, as answers call it first."""
    floor: str | None = None


class SceneValue(Message):
    """What one thing is set to by a scene."""

    entity_id: str
    capability: str
    value: Value


class Entity(Message):
    entity_id: str
    """`<domain>.<name>`, for example light.kitchen"""
    domain: str
    """light, switch, cover, climate, lock, fan, media_player, sensor, binary_sensor, scene"""
    name: Personal
    aliases: list[Personal] = Field(default_factory=list)
    names: dict[str, list[Personal]] = Field(default_factory=dict)
    """By language (`de`): what it is called in that language, as answers call it first. An article
    belongs to it where answers need one: `die Stehlampe`."""
    area_id: str | None = None
    device_id: str
    adapter: str
    """Who speaks to it: `virtual`, …"""
    capabilities: list[Capability]
    device_class: str | None = None
    """outlet, blind, curtain, temperature, motion, door, … where the domain says too little"""
    protected: bool = False
    """A lock, a garage door: never on a guess."""
    scene: list[SceneValue] = Field(default_factory=list[SceneValue])
    """What it sets, if it is a scene; it has no capabilities of its own."""
    retired: bool = False


class Device(Message):
    device_id: str
    name: Personal
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    entities: list[Entity]


# ---- registry -----------------------------------------------------------------------------------


class Register(Message):
    """What an adapter has found. What a person has changed (names, areas) stays as it is."""

    adapter: str
    areas: list[Area] = Field(default_factory=list)
    devices: list[Device]


class Registered(Message):
    added: int
    updated: int
    unchanged: int


class PatchEntity(Message):
    entity_id: str
    name: Personal | None = None
    aliases: list[Personal] | None = None
    names: dict[str, list[Personal]] | None = None
    """Takes the place of the names in each language given; those in others stay."""
    area_id: str | None = None
    retired: bool | None = None


class FindEntities(Message):
    text: Personal | None = None
    """In the name, an alias, the id or the area's name."""
    area_id: str | None = None
    domain: str | None = None
    include_retired: bool = False


class Found(Message):
    areas: list[Area]
    entities: list[Entity]


ENTITY: State[Entity] = State("devices/registry/entity/{entity_id}", Entity)
AREA: State[Area] = State("devices/registry/area/{area_id}", Area)
REGISTER: Command[Register, Registered] = Command(
    "devices/registry/register", Register, reply=Registered, deadline_s=10, idempotent=True
)
PATCH_ENTITY: Command[PatchEntity, Entity] = Command(
    "devices/registry/patch", PatchEntity, reply=Entity, idempotent=True
)
FIND_ENTITIES: Command[FindEntities, Found] = Command(
    "devices/registry/find", FindEntities, reply=Found, idempotent=True
)


# ---- control ------------------------------------------------------------------------------------


class Origin(StrEnum):
    """How a command came to be."""

    UNKNOWN = "unknown"
    VOICE = "voice"
    TYPED = "typed"
    SCHEDULE = "schedule"
    MODEL = "model"
    """A language model proposed it; it has the rights of the person for whom it works."""
    UI = "ui"


class Control(Message):
    """One change for one or more entities.

    Whether it may be done is decided where it is carried out, for each entity: an Outcome can hold
    results that are refused with an error of `security.`.
    """

    command_id: str
    """The same id is carried out once, however often it is asked."""
    entities: list[str] = Field(min_length=1)
    capability: str
    value: Value
    relative: bool = False
    """The number is added to what is true now."""
    turn_id: str | None = None
    on_behalf_of: str | None = None
    """The person whose rights it has. Absent: somebody who is not known."""
    origin: Origin = Origin.UNKNOWN
    pin: Secret | None = Field(default=None, repr=False)
    """Proves that the person, or somebody else who may, wants it. Checked where it is carried out.
    An id that was refused without one stays refused."""
    confirmed: bool = False
    """A person was asked whether they really want it, and said yes."""


class OutcomeKind(StrEnum):
    CONFIRMED = "confirmed"
    """The device's own state says so."""
    REFUSED = "refused"
    """It can't, or doesn't take that value."""
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    """It was told, and has not confirmed it in time."""
    PLANNED = "planned"
    """A dry run: nobody was told."""


class Result(Message):
    entity_id: str
    capability: str
    value: Value
    outcome: OutcomeKind
    error: str | None = None
    """Code of the error."""


class Outcome(Message):
    command_id: str
    results: list[Result]


class EntityState(Message):
    """What the device has confirmed."""

    entity_id: str
    available: bool
    values: dict[str, Value]
    """By capability."""
    changed_at: float
    """Seconds since the epoch."""


class HomeSnapshot(Message):
    """A home at one moment: its names, and how everything was."""

    areas: list[Area]
    entities: list[Entity]
    states: list[EntityState]
    taken_at: float
    """Seconds since the epoch."""


class GetRole(Message):
    """What a person is in this home."""

    person_id: str


class PersonRole(Message):
    role: str
    """`owner`, `resident`, `child`, `guest`; `unknown` where no role was given."""


GET_ROLE: Command[GetRole, PersonRole] = Command(
    "devices/control/role", GetRole, reply=PersonRole, deadline_s=2, idempotent=True
)
CONTROL: Command[Control, Outcome] = Command(
    "devices/control/command", Control, reply=Outcome, deadline_s=4, idempotent=True
)
STATE: State[EntityState] = State("devices/control/state/{entity_id}", EntityState)


# ---- adapters -----------------------------------------------------------------------------------


class AdapterCommand(Message):
    """One change for one entity, already validated and absolute."""

    adapter: str
    command_id: str
    """An adapter that has carried this id out answers again, and does nothing."""
    entity_id: str
    capability: str
    value: Value


class AdapterAccepted(Message):
    command_id: str


class AdapterState(Message):
    adapter: str
    entity_id: str
    available: bool
    values: dict[str, Value]
    applied: int = 0
    """Commands carried out so far: what a test of "once" counts."""
    command_id: str | None = None
    """The command that led to this state."""


ADAPTER_COMMAND: Command[AdapterCommand, AdapterAccepted] = Command(
    "devices/adapter/{adapter}/command",
    AdapterCommand,
    reply=AdapterAccepted,
    deadline_s=2,
    idempotent=True,
)
ADAPTER_STATE: State[AdapterState] = State(
    "devices/adapter/{adapter}/state/{entity_id}", AdapterState
)
