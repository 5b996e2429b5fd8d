"""The AsyncAPI 3.0 document of the house, derived from the contract and the roster.

    channels    every topic, and a reply channel for every command
    operations  what each identity says, hears, asks and serves
    components  the payloads as JSON Schema, the headers, the error

Another program can speak on the bus by this document alone.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic.json_schema import models_json_schema

from alicia import __version__
from alicia.bus.identity import EVENT_EXPIRY_S, ROOT
from alicia.contracts import declared
from alicia.contracts.kinds import AnyTopic, AudioPayload, Command
from alicia.runtime.reference import described, kind_of, models, parts, sentence
from alicia.runtime.roster import built, declarations

Json = dict[str, Any]

BINARY = "application/octet-stream"
BINDING = "0.2.0"
VERBS = {"says": "send", "hears": "receive", "asks": "send", "serves": "receive"}

HEADERS: Json = {
    "type": "object",
    "description": (
        "MQTT 5 user properties; responseTopic and correlationData are MQTT 5's own properties."
    ),
    "properties": {
        "id": {"type": "string", "description": "Of what was said; the same when sent again."},
        "from": {"type": "string", "description": "service/instance"},
        "schema": {"type": "string", "description": "Name/version of the payload."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "deadline_ms": {
            "type": "string",
            "description": "How long the asker still waits, at the time of sending.",
        },
        "error": {"type": "string", "description": "Code; the payload is then an Error."},
        "responseTopic": {"type": "string", "description": "The asker's inbox."},
        "correlationData": {"type": "string", "description": "What the reply must carry."},
    },
}

ERROR: Json = {
    "type": "object",
    "description": "Why a command was not carried out.",
    "required": ["code", "message", "fields"],
    "properties": {
        "code": {"type": "string", "description": "Dotted and stable."},
        "message": {"type": "string", "description": "A sentence in English."},
        "fields": {"type": "object", "description": "Data of this error."},
    },
}


def document(root: str = ROOT) -> Json:
    """The whole document, in a fixed order."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Alicia",
            "version": __version__,
            "description": (
                "Every message on the bus of an Alicia house. Topics stand under a root, "
                f"`{root}` unless the house says otherwise."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "house": {
                "host": "{broker}",
                "protocol": "secure-mqtt",
                "protocolVersion": "5.0",
                "description": "The house's own broker, reached over TLS.",
                "variables": {"broker": {"default": "localhost:8883"}},
                "security": [{"$ref": "#/components/securitySchemes/identity"}],
            }
        },
        "channels": _channels(root),
        "operations": _operations(),
        "components": {
            "schemas": {"Headers": HEADERS, "Error": ERROR, **_schemas()},
            "messages": {
                "Error": {
                    "name": "Error",
                    "title": "Error/1",
                    "headers": {"$ref": "#/components/schemas/Headers"},
                    "payload": {"$ref": "#/components/schemas/Error"},
                    "correlationId": {"$ref": "#/components/correlationIds/asked"},
                }
            },
            "correlationIds": {
                "asked": {
                    "location": "$message.header#/correlationData",
                    "description": "Ties a reply to what was asked.",
                }
            },
            "securitySchemes": {
                "identity": {
                    "type": "userPassword",
                    "description": "Each service has its own identity and access rules.",
                }
            },
        },
    }


# ---- channels -----------------------------------------------------------------------------------


def _channels(root: str) -> Json:
    found: Json = {}
    for name, topic in declared().items():
        found[name] = _channel(name, topic, root)
        if isinstance(topic, Command):
            found[f"{name}.reply"] = {
                "address": None,
                "title": f"{name}, answered",
                "description": "The asker's inbox, as the request's response topic names it.",
                "messages": {
                    topic.reply.__name__: _message(topic.reply, asked=True),
                    "Error": {"$ref": "#/components/messages/Error"},
                },
            }
    return found


def _channel(name: str, topic: AnyTopic, root: str) -> Json:
    channel: Json = {"address": f"{root}/{topic.pattern}", "title": name}
    if text := topic.doc or sentence(topic.payload):
        channel["description"] = text
    channel["messages"] = {
        topic.payload.__name__: _message(topic.payload, asked=isinstance(topic, Command))
    }
    if topic.places:
        channel["parameters"] = {place: _place(topic, place) for place in topic.places}
    channel["x-kind"] = kind_of(topic).lower()
    if isinstance(topic, Command):
        channel["x-deadline-s"] = topic.deadline_s
        channel["x-idempotent"] = topic.idempotent
    return channel


def _place(topic: AnyTopic, place: str) -> Json:
    means: Json = {}
    if text := described(topic.payload).get(place):
        means["description"] = text
    if not issubclass(topic.payload, AudioPayload):
        means["location"] = f"$message.payload#/{place}"
    return means


def _message(kind: type[Any], *, asked: bool) -> Json:
    message: Json = {
        "name": kind.__name__,
        "title": f"{kind.__name__}/{kind.schema_version}",
        "contentType": BINARY if issubclass(kind, AudioPayload) else "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }
    if text := sentence(kind):
        message["description"] = text
    if asked:
        message["correlationId"] = {"$ref": "#/components/correlationIds/asked"}
    return message


# ---- operations ---------------------------------------------------------------------------------


def _operations() -> Json:
    everyone, groups = declarations(), {entry.name: entry.group for entry in built()}
    return {
        f"{service}.{verb}.{name}": _operation(service, groups[service], verb, name, topic)
        for service, mine in everyone.items()
        for verb in VERBS
        for name, topic in declared().items()
        if topic in getattr(mine, verb)
    }


def _operation(service: str, group: str, verb: str, name: str, topic: AnyTopic) -> Json:
    binding: Json = {"qos": topic.qos, "retain": topic.retain}
    if expiry := _expiry(topic):
        binding["messageExpiryInterval"] = expiry
    operation: Json = {
        "action": VERBS[verb],
        "channel": {"$ref": f"#/channels/{name}"},
        "title": f"{service} {verb} {name}",
        "tags": [{"name": service}, {"name": group}],
        "messages": [{"$ref": f"#/channels/{name}/messages/{topic.payload.__name__}"}],
        "bindings": {"mqtt": {**binding, "bindingVersion": BINDING}},
    }
    if isinstance(topic, Command):
        reply = f"#/channels/{name}.reply"
        operation["reply"] = {
            "address": {"location": "$message.header#/responseTopic"},
            "channel": {"$ref": reply},
            "messages": [
                {"$ref": f"{reply}/messages/{topic.reply.__name__}"},
                {"$ref": f"{reply}/messages/Error"},
            ],
        }
    if topic.each_own and verb != "hears":
        operation["description"] = f"For itself alone: `service` is `{service}`."
        if verb == "asks":
            operation["description"] = "`service` and `instance` name whom it asks."
    return operation


def _expiry(topic: AnyTopic) -> int | None:
    if isinstance(topic, Command):
        return round(max(1.0, topic.deadline_s))
    seconds = topic.expiry_s if topic.expiry_s or topic.retain else EVENT_EXPIRY_S
    return round(seconds) if seconds else None


# ---- schemas ------------------------------------------------------------------------------------


def _schemas() -> Json:
    json = [kind for kind in models() if not issubclass(kind, AudioPayload)]
    _, found = models_json_schema(
        [(kind, "validation") for kind in json], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = found["$defs"]
    for kind in (*json, *parts()):
        _describe(schemas[kind.__name__], kind)
    for kind in models():
        if issubclass(kind, AudioPayload):
            schemas[kind.__name__] = _audio(kind)
    return dict(sorted(schemas.items()))


def _describe(schema: Json, kind: type) -> None:
    means = described(kind)
    schema.pop("title", None)
    if issubclass(kind, Enum):
        told = [f"`{m.value}`: {means[m.name]}" for m in kind if m.name in means]
        if told:
            schema["description"] = " ".join(filter(None, (sentence(kind), *told)))
        return
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        for choice in (field, *field.get("anyOf", ())):
            if "discriminator" in choice:  # AsyncAPI's is the name alone
                choice["discriminator"] = choice["discriminator"]["propertyName"]
        if name in means:
            field["description"] = means[name]


def _audio(kind: type[AudioPayload]) -> Json:
    text = " ".join(filter(None, (sentence(kind), sentence(AudioPayload))))
    return {"type": "string", "format": "binary", "description": " ".join(text.split())}
