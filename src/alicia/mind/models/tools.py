"""The tools a model is given, made from what this home can do; and the check of what it calls.

One tool for each capability (`set_brightness`), so that its value has one type; its entities are
those the model was told of, by their ids. A call is checked against the home, whatever the schema
said to the model: nothing that fails is ever acted on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic import ValidationError as NotValid

from alicia.contracts.devices import Capability, Entity, Kind, Value
from alicia.errors import ForbiddenError, GarbledError, InvalidValueError, UnknownEntityError
from alicia.home.capabilities import validate
from alicia.home.model import Home
from alicia.home.protection import is_protected
from alicia.mind.models.grounding import Grounding, state_of
from alicia.mind.models.port import Tool, ToolCall

QUERY = "query"
_TEXT = 200


@dataclass(frozen=True, slots=True)
class Change:
    """A valid value for something that a model may change."""

    entity_id: str
    capability: str
    value: Value


class _Set(BaseModel):
    model_config = ConfigDict(extra="forbid")
    entities: list[StrictStr]
    value: StrictBool | StrictInt | StrictFloat | StrictStr


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")
    entities: list[StrictStr]


_S = TypeVar("_S", _Set, _Query)


class Toolbox:
    """The tools for one sentence."""

    def __init__(self, home: Home, grounding: Grounding) -> None:
        self._home = home
        self._grounding = grounding
        self._capabilities: dict[str, str] = {}
        """By tool."""
        self.tools = self._made()

    @property
    def entities(self) -> tuple[Entity, ...]:
        """What the model was told of."""
        return self._grounding.entities

    def _made(self) -> list[Tool]:
        able: dict[str, list[tuple[Entity, Capability]]] = {}
        for entity in self._grounding.entities:
            for rule in entity.capabilities:
                if rule.writable and not is_protected(entity):
                    able.setdefault(rule.name, []).append((entity, rule))
        tools: list[Tool] = []
        for number, (capability, who) in enumerate(able.items()):
            name = f"set_{capability}"
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                name = f"set_{number}"
            self._capabilities[name] = capability
            unit = who[0][1].unit
            tools.append(
                Tool(
                    name,
                    f"Set {capability}{f' in {unit}' if unit else ''}.",
                    _schema([entity for entity, _ in who], _value([rule for _, rule in who])),
                )
            )
        if self._grounding.entities:
            tools.append(
                Tool(QUERY, "What is true of them now.", _schema(self._grounding.entities, None))
            )
        return tools

    def changes(self, call: ToolCall) -> list[Change]:
        """What a call asks to change, each valid for its entity; none for a query.

        Raises GarbledError, UnknownEntityError, ForbiddenError, NotCapableError or
        InvalidValueError; then nothing of the call may be done.
        """
        if call.name == QUERY:
            return []
        if call.name not in self._capabilities:
            raise GarbledError(reason="there is no such tool")
        asked = _parsed(_Set, call)
        capability = self._capabilities[call.name]
        value = asked.value
        if isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, str) and len(value) > _TEXT:
            raise InvalidValueError(capability=capability, valid=f"at most {_TEXT} characters")
        return [
            Change(entity.entity_id, capability, validate(entity, capability, value))
            for entity in map(self._entity, asked.entities)
        ]

    def query(self, call: ToolCall) -> str:
        """The answer to a query, as JSON. Raises like `changes`."""
        entities = map(self._entity, _parsed(_Query, call).entities)
        known = {entity.entity_id: state_of(self._home, entity) for entity in entities}
        return json.dumps(known, ensure_ascii=False)

    def _entity(self, entity_id: str) -> Entity:
        """One that the model was told of, and may touch by what the home says now."""
        told = self._grounding.find(entity_id)
        entity = self._home.find(entity_id)
        if entity is not None and is_protected(entity):
            raise ForbiddenError(entity=entity_id)
        if told is None or entity is None:
            raise UnknownEntityError(entity=entity_id[:64])
        return entity


def _parsed(kind: type[_S], call: ToolCall) -> _S:
    try:
        asked = kind.model_validate_json(call.arguments)
    except NotValid as error:
        raise GarbledError(reason="the call's arguments are not valid") from error
    if not asked.entities:
        raise GarbledError(reason="the call names nothing")
    return asked


def _schema(entities: Sequence[Entity], value: dict[str, Any] | None) -> dict[str, Any]:
    ids = [entity.entity_id for entity in entities]
    properties: dict[str, Any] = {
        "entities": {"type": "array", "items": {"type": "string", "enum": ids}}
    }
    if value is not None:
        properties["value"] = value
    return {"type": "object", "properties": properties, "required": list(properties)}


def _value(rules: Sequence[Capability]) -> dict[str, Any]:
    """What one of them takes; which of them takes what is checked when it is called."""
    match rules[0].kind:
        case Kind.SWITCH:
            return {"type": "boolean"}
        case Kind.NUMBER:
            schema: dict[str, Any] = {"type": "number"}
            lows, highs = [r.minimum for r in rules], [r.maximum for r in rules]
            if None not in lows:
                schema["minimum"] = min(low for low in lows if low is not None)
            if None not in highs:
                schema["maximum"] = max(high for high in highs if high is not None)
            return schema
        case Kind.CHOICE:
            return {
                "type": "string",
                "enum": list(dict.fromkeys(c for r in rules for c in r.choices)),
            }
        case Kind.COLOR:
            return {"type": "string", "description": "A CSS colour name or #rrggbb."}
        case Kind.TEXT:
            return {"type": "string", "maxLength": _TEXT}
