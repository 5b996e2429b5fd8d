"""Writes a sample of each message that has none yet: `.venv/bin/python scripts/samples.py`.

A sample is what this release says on the bus. It is never changed: the contract tests decode the
samples of every release, so that a message which an older peer still says is still understood.
"""

import json
import sys
import types
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Le
from pydantic import BaseModel

from alicia import __version__
from alicia.contracts import declared
from alicia.contracts.kinds import AudioPayload, Command

FOLDER = Path(__file__).parents[1] / "tests" / "contract" / "samples"

KNOWN: dict[str, Any] = {
    "service": "stt",
    "instance": "stt-7f3a",
    "satellite": "kitchen",
    "language": "en",
    "entity_id": "light.kitchen",
    "entity": "light.kitchen",
    "entities": ["light.kitchen"],
    "device_id": "lamp-17",
    "area_id": "kitchen",
    "adapter": "virtual",
    "capability": "power",
    "domain": "light",
    "version": __version__,
    "rate_hz": 16000,
    "text": "turn on the kitchen light",
    "heard": "turn on the kitchen light",
    "reply": "The kitchen light is on.",
    "intent": "turn_on",
    "code": "voice.no_speech",
    "error": "device.unconfirmed",
    "confidence": 0.92,
    "volume": 0.5,
    "host": "cupboard",
    "turn_id": "t-1",
    "utterance_id": "u-1",
    "command_id": "c-1",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "span_id": "00f067aa0ba902b7",
    "parent_id": "53995c3f42cd8ad8",
}


def value(name: str, annotation: Any) -> Any:  # noqa: PLR0911 - one line per type
    """Something that this field may well hold."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if _is_known(name, annotation):
        return KNOWN[name]
    if origin is Annotated or origin is Union or origin is types.UnionType:
        return value(name, arguments[0])
    if origin is list:
        return [value(name, arguments[0])]
    if origin is dict:
        return {"power": value(name, arguments[1])}
    if annotation is Any:
        return "string"
    if origin is Literal:
        return arguments[0]
    if issubclass(annotation, Enum):
        return next(iter(annotation)).value
    if is_model(annotation):
        return whole(annotation)
    if annotation is float and name.endswith("_at"):
        return 1790000000.25
    plain: dict[type, Any] = {str: name, bool: True, int: 3, float: 2.5, bytes: b""}
    return plain[annotation]


def _is_known(name: str, annotation: Any) -> bool:
    if is_model(annotation) or _holds_models(annotation) or name not in KNOWN:
        return False
    return annotation is not int or isinstance(KNOWN[name], int)


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _holds_models(annotation: Any) -> bool:
    return any(is_model(part) or _holds_models(part) for part in get_args(annotation))


def whole(kind: type[BaseModel]) -> dict[str, Any]:
    return {
        name: within(value(name, field.annotation), field.metadata)
        for name, field in kind.model_fields.items()
    }


def within(told: Any, limits: list[Any]) -> Any:
    """The value, or the most that its field allows."""
    most: list[Any] = [limit.le for limit in limits if isinstance(limit, Le)]
    return min(told, *most) if isinstance(told, float) and most else told


def part(name: str, kind: type[BaseModel], message: BaseModel) -> dict[str, Any]:
    encode: Any = message
    if issubclass(kind, AudioPayload):
        return {f"{name}_hex": encode.encode().hex()}
    return {name: json.loads(encode.encode())}


def main() -> int:
    folder = FOLDER / ".".join(__version__.split(".")[:2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, topic in declared().items():
        path = folder / f"{name}.json"
        if any(FOLDER.glob(f"*/{name}.json")):
            continue
        values = whole(topic.payload)
        if issubclass(topic.payload, AudioPayload):
            values |= {"pcm": b"\x00\x01\xff\x7f", "last": True}
        message = topic.payload.model_validate(values)
        sample: dict[str, Any] = {"topic": topic.name(message)}
        sample |= part("payload", topic.payload, message)
        if isinstance(topic, Command):
            sample |= part("reply", topic.reply, topic.reply.model_validate(whole(topic.reply)))
        path.write_text(json.dumps(sample, indent=2, ensure_ascii=False) + "\n", "utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
