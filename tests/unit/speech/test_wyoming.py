"""The Wyoming wire, with anything on it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.audio import AudioChunk
from wyoming.event import Event, async_write_event

from alicia.errors import MalformedMessageError
from alicia.speech.wyoming import PAYLOAD_BYTES, read_event


def reader(data: bytes) -> asyncio.StreamReader:
    given_bytes = asyncio.StreamReader()
    given_bytes.feed_data(data)
    given_bytes.feed_eof()
    return given_bytes


class Sink:
    """The part of a StreamWriter that the library writes to."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def writelines(self, lines: tuple[bytes, ...]) -> None:
        self.data += b"".join(lines)

    async def drain(self) -> None: ...


async def test_what_the_library_writes_is_read() -> None:
    sink = Sink()
    sent = [AudioChunk(16_000, 2, 1, b"\0\1" * 100).event(), Event("ping", {"text": "ü"})]
    for event in sent:
        await async_write_event(event, sink)  # type: ignore[arg-type]
    source = reader(sink.data)
    for event in sent:
        assert await read_event(source) == event
    assert await read_event(source) is None


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\n",
        b"[]\n",
        b"7\n",
        b'{"type": 1}\n',
        b'{"data": {}}\n',
        b'{"type": "x", "data": [1]}\n',
        b'{"type": "x", "data_length": "9"}\n',
        b'{"type": "x", "data_length": 2}\n[]',
        b'{"type": "x", "payload_length": -1}\n',
        b'{"type": "x", "payload_length": %d}\n' % (PAYLOAD_BYTES + 1),
        b"[" * 60_000 + b"\n",
        b"x" * 70_000,
    ],
    ids=range(12),
)
async def test_what_is_no_event_is_an_error(data: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        await read_event(reader(data))


async def test_an_event_that_is_cut_off_is_the_end() -> None:
    assert await read_event(reader(b'{"type": "x", "payload_length": 100}\nabc')) is None


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_no_bytes_do_anything_else(data: bytes) -> None:
    async def work() -> None:
        try:
            await read_event(reader(data))
        except MalformedMessageError:
            return

    asyncio.run(work())
