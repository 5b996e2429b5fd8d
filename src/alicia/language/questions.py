"""What each asking intent asks of a home."""

from __future__ import annotations

from collections.abc import Callable

from alicia.contracts.devices import Entity, Value
from alicia.errors import NotCapableError, UnknownEntityError, UnsupportedIntentError
from alicia.home.model import Home
from alicia.language import targets
from alicia.language.grammar import Reading
from alicia.language.plan import PlannedQuestion, QuestionKind

_KINDS = {
    "one": QuestionKind.VALUE,
    "one_yesno": QuestionKind.IS,
    "any": QuestionKind.ANY,
    "all": QuestionKind.ALL,
    "which": QuestionKind.WHICH,
    "how_many": QuestionKind.COUNT,
}

_TELLING = {
    "light": "power",
    "switch": "power",
    "fan": "power",
    "cover": "position",
    "lock": "locked",
    "climate": "temperature",
    "media_player": "playing",
}
"""By domain: the capability that says how it is."""

_YES = frozenset({"on", "open", "locked", "playing"})
_NO = frozenset({"off", "closed", "unlocked", "paused"})


def telling(entity: Entity) -> str | None:
    """The capability that says how this entity is; of a sensor, what it senses."""
    name = _TELLING.get(entity.domain)
    if name is not None and targets.can(entity, name):
        return name
    return entity.capabilities[0].name if entity.capabilities else None


def _state(reading: Reading, home: Home) -> PlannedQuestion:
    kind = _KINDS.get(reading.response)
    if kind is None:
        raise UnsupportedIntentError(intent=reading.intent)
    wanted = _wanted(reading)
    if entity := targets.named(reading, home):
        return PlannedQuestion(kind, (entity.entity_id,), _asked(entity, reading), wanted)
    domain = str(reading.slots["domain"].value) if "domain" in reading.slots else None
    of_class = str(reading.slots["device_class"].value) if "device_class" in reading.slots else None
    if "scope" in reading.slots:
        found = targets.within(reading, home, _switched)
        return PlannedQuestion(kind, targets.ids(found), "power", wanted)
    if domain == "cover" and of_class:
        found = _closable(reading, home, of_class)
    else:
        found = targets.within(
            reading,
            home,
            lambda e: (
                (domain is None or e.domain == domain)
                and (of_class is None or e.device_class == of_class)
            ),
        )
    return PlannedQuestion(kind, targets.ids(found), telling(found[0]), wanted)


def _switched(entity: Entity) -> bool:
    """Whether "everything off" is for it too: not the heating."""
    return entity.domain in ("light", "switch", "fan") and targets.can(entity, "power")


def _asked(entity: Entity, reading: Reading) -> str | None:
    """What says it: "is the heating on?" asks for no temperature."""
    switched = "state" in reading.slots and reading.slots["state"].value in ("on", "off")
    return "power" if switched and targets.can(entity, "power") else telling(entity)


def _closable(reading: Reading, home: Home, of_class: str) -> list[Entity]:
    """Covers of a class; or the contacts that say whether such a thing is open."""
    try:
        return targets.covers(reading, home, of_class)
    except UnknownEntityError:
        contacts = (of_class, f"{of_class}_door")
        return targets.within(
            reading,
            home,
            lambda e: e.domain == "binary_sensor" and e.device_class in contacts,
        )


def _wanted(reading: Reading) -> Value | None:
    if "state" not in reading.slots:
        return None
    state = str(reading.slots["state"].value)
    if state in _YES:
        return True
    if state in _NO:
        return False
    raise UnsupportedIntentError(intent=reading.intent, state=state)


def _temperature(reading: Reading, home: Home) -> PlannedQuestion:
    return _measured(reading, home, "temperature")


def _reading_of(reading: Reading, home: Home) -> PlannedQuestion:
    return _measured(reading, home, str(reading.slots["reading"].value))


def _measured(reading: Reading, home: Home, capability: str) -> PlannedQuestion:
    """A reading of the named thing, or of the room: its sensors, or else its thermostat."""
    if entity := targets.named(reading, home):
        if not targets.can(entity, capability):
            raise NotCapableError(entity=entity.entity_id, capability=capability)
        return PlannedQuestion(QuestionKind.VALUE, (entity.entity_id,), capability)
    try:
        found = targets.within(
            reading, home, lambda e: e.domain == "sensor" and targets.can(e, capability)
        )
    except UnknownEntityError:
        found = targets.here_or_only(
            reading, home, lambda e: e.domain == "climate" and targets.can(e, capability)
        )
    return PlannedQuestion(QuestionKind.VALUE, targets.ids(found), capability)


def _target(reading: Reading, home: Home) -> PlannedQuestion:
    return _measured(reading, home, "target_temperature")


QUESTIONS: dict[str, Callable[[Reading, Home], PlannedQuestion]] = {
    "HassGetState": _state,
    "HassClimateGetTemperature": _temperature,
    "HassGetCurrentTime": lambda _r, _h: PlannedQuestion(QuestionKind.TIME),
    "HassGetCurrentDate": lambda _r, _h: PlannedQuestion(QuestionKind.DATE),
    "AliciaGetTarget": _target,
    "AliciaGetReading": _reading_of,
}
