"""The Wyoming protocol's wire, with limits: a stranger's bytes become an event or an error.

The library's own reader believes any length that it is told, and takes garbage for the end.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from wyoming.event import Event

from alicia.errors import MalformedMessageError

DATA_BYTES = 256 << 10
"""An `info` of a large server has 100 KB."""
PAYLOAD_BYTES = 1 << 20
"""30 s of 16 kHz in one piece; clients send 20 to 100 ms."""


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """The next event; None where the other side has ended.

    Raises MalformedMessageError for what is no event or too large, OSError.
    """
    try:
        # `readline` itself refuses a line longer than the reader's limit (64 KB).
        line = await reader.readline()
        if not line:
            return None
        header = _object(line)
        data = header.get("data") or {}
        data_bytes = await _exactly(reader, header.get("data_length"), DATA_BYTES)
        if data_bytes:
            data = {**data, **_object(data_bytes)}
        payload = await _exactly(reader, header.get("payload_length"), PAYLOAD_BYTES)
    except asyncio.IncompleteReadError:
        return None
    except (ValueError, RecursionError, TypeError) as error:
        raise MalformedMessageError(protocol="wyoming") from error
    kind = header.get("type")
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise MalformedMessageError(protocol="wyoming")
    return Event(kind, cast("dict[str, Any]", data), payload)


def _object(text: bytes) -> dict[str, Any]:
    read = json.loads(text)
    if not isinstance(read, dict):
        raise ValueError  # noqa: TRY004 - what does not parse is one kind of error
    return cast("dict[str, Any]", read)


async def _exactly(reader: asyncio.StreamReader, length: object, most: int) -> bytes | None:
    if length is None:
        return None
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= most:
        raise MalformedMessageError(protocol="wyoming", length=str(length)[:20], most=most)
    return await reader.readexactly(length) if length else None
