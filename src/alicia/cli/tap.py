"""`alicia tap`: the bus as it is being spoken, a line for each message."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import datetime
from functools import cache
from typing import Annotated, Any

import typer
from rich.text import Text

from alicia.bus.bus import topic_of
from alicia.bus.packet import Packet
from alicia.cli.output import Home, Json, emit, out, run
from alicia.cli.visiting import visiting
from alicia.contracts.kinds import Message, Stream
from alicia.errors import MalformedMessageError, SettingsError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder

HIDDEN = "···"
SEEN = 4096
WIDEST = 64
_TOPIC_STYLES = {"system": "blue", "voice": "magenta", "devices": "green", "advanced": "cyan"}


def tap(
    filter: Annotated[  # noqa: A002 - the word that MQTT has for it
        str, typer.Argument(help="MQTT filter below the root: voice/#, system/presence/+/+")
    ] = "#",
    *,
    personal: Annotated[
        bool, typer.Option("--personal", help="Show what people said and what is theirs.")
    ] = False,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many messages.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Show what is said on the bus, audio excluded, from what is retained on; Ctrl-C ends it.

    While it runs, a command that nobody serves fails at its deadline instead of at once: the tap
    is somebody who listens.
    """
    folder = Folder(home)

    async def work() -> None:
        async with visiting(Console, folder) as peer, peer.bus.tap(filter) as packets:
            seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()
            shown = 0
            async for packet in packets:
                # The broker delivers once for each of our subscriptions that match.
                key = (packet.topic, packet.sender or "", packet.id or "")
                if packet.id and key in seen:
                    continue
                seen[key] = None
                if len(seen) > SEEN:
                    seen.popitem(last=False)
                found = message_of(packet, peer.bus.relative(packet.topic), personal=personal)
                if json:
                    emit(found)
                else:
                    out.print(line(found), soft_wrap=True)
                shown += 1
                if shown == count:
                    return

    checked(filter)
    run(work(), as_json=json)


def checked(filter_: str) -> None:
    """Raises SettingsError for what is no MQTT filter."""
    levels = filter_.split("/")
    if (
        not filter_
        or "#" in levels[:-1]
        or any(("#" in level or "+" in level) and len(level) > 1 for level in levels)
    ):
        raise SettingsError(
            f"{filter_!r} is not an MQTT filter: `+` stands for one level, `#` for the rest.",
            field="filter",
        )


def message_of(packet: Packet, topic: str, *, personal: bool) -> dict[str, Any]:
    """A message as `tap --json` prints it."""
    found: dict[str, Any] = {
        "at": round(time.time(), 3),
        "topic": topic,
        "sender": packet.sender,
        "schema": packet.schema,
        "retained": packet.retain,
        "trace": packet.traceparent.split("-")[1] if packet.traceparent else None,
        "size_bytes": len(packet.payload),
        "message": None,
    }
    declared = topic_of(topic)
    if declared is None or isinstance(declared[0], Stream):
        return found
    payload, places = declared[0].payload, declared[1]
    try:
        message = payload.decode(packet.payload, places)
    except MalformedMessageError as error:
        return found | {"error": error.to_wire()}
    fields = message.model_dump(mode="json", exclude_none=True)
    fields = hide(fields, *_schema(payload), mark="secret" if personal else "pii")
    return found | {"message": fields}


@cache
def _schema(payload: type[Message]) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = payload.model_json_schema()
    return schema, schema.get("$defs", {})


def hide(
    value: Any,  # noqa: ANN401
    schema: dict[str, Any],
    known: dict[str, Any],
    *,
    mark: str = "pii",
) -> Any:  # noqa: ANN401
    """The value without the texts that its schema marks so: as personal, or as `secret`."""
    if "$ref" in schema:
        return hide(value, known[schema["$ref"].rpartition("/")[2]], known, mark=mark)
    if schema.get(mark):
        return HIDDEN
    if options := schema.get("anyOf"):
        for option in options:
            hidden = hide(value, option, known, mark=mark)
            if hidden != value:
                return hidden
        return value
    return _hide_inside(value, schema, known, mark)


def _hide_inside(value: Any, schema: dict[str, Any], known: dict[str, Any], mark: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        fields, rest = schema.get("properties", {}), schema.get("additionalProperties")
        other: dict[str, Any] = rest if isinstance(rest, dict) else {}
        return {
            key: hide(item, fields.get(key, other), known, mark=mark) for key, item in value.items()
        }
    if isinstance(value, list):
        return [hide(item, schema.get("items", {}), known, mark=mark) for item in value]
    return value


def line(found: dict[str, Any]) -> Text:
    """A message for a person."""
    at = datetime.fromtimestamp(found["at"]).astimezone()
    style = _TOPIC_STYLES.get(found["topic"].partition("/")[0], "white")
    text = Text(f"{at:%H:%M:%S}.{at.microsecond // 1000:03} ", style="dim")
    text.append(found["topic"], style=style)
    text.append(f"  {found['sender'] or '?'}", style="dim")
    if found["retained"]:
        text.append("  retained", style="dim italic")
    if "error" in found:
        text.append(f"  {found['error']['message']}", style="red")
    elif found["message"] is None:
        text.append(f"  {found['schema'] or 'undeclared'}, {found['size_bytes']} bytes")
    else:
        for key, value in found["message"].items():
            text.append(f"  {key}=", style="dim")
            text.append(compact(value))
    return text


def compact(value: object) -> str:
    """A field's value, short enough for a line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.15g}"
        case dict():
            inner = " ".join(f"{key}={compact(item)}" for key, item in value.items())
            return _short(f"{{{inner}}}")
        case list():
            return _short(f"[{', '.join(map(compact, value))}]")
        case str() if " " in value:
            return _short(f"“{value}”")
        case _:
            return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
