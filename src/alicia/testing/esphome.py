"""A simulator of an ESPHome voice device: its native API as a device speaks it, unencrypted.

It is no ESPHome.
It is built from aioesphomeapi's own protobuf messages, after what ESPHome's `voice_assistant` does:
it sends audio from its start to `STT_VAD_END`, and takes a reply only after `TTS_START`.

    async with EsphomeSimulator(speaker=True).running() as device:
        device.speak(pcm)
        await device.over.wait()
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aioesphomeapi import api_pb2
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from aioesphomeapi.model import VoiceAssistantEventType, VoiceAssistantFeature

PIECE_BYTES = 1024
_NUMBERS = {kind: number for number, kind in MESSAGE_TYPE_TO_PROTO.items()}
_pb: Any = api_pb2
Type = VoiceAssistantEventType


class EsphomeSimulator:
    """One device; one client at a time."""

    def __init__(self, *, speaker: bool) -> None:
        """`speaker`: plays what is streamed; else a media player fetches an address."""
        self.speaker = speaker
        self.port = 0
        self.events: list[Type] = []
        self.data: dict[Type, dict[str, str]] = {}
        self.played = b""
        """16 kHz mono s16le where streamed, a WAV file where fetched."""
        self.subscribed = asyncio.Event()
        self.over = asyncio.Event()
        """The run has ended."""
        self._writer: asyncio.StreamWriter | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._clients: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncGenerator[EsphomeSimulator, None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._clients.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in (*self._clients, *([self._speaking] if self._speaking else [])):
                task.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            self.subscribed.clear()

    def speak(self, pcm: bytes) -> None:
        """The wake word was heard; this is said, then silence."""
        self.events, self.data, self.played = [], {}, b""
        self.over.clear()
        self._send(_pb.VoiceAssistantRequest(start=True, wake_word_phrase="okay nabu"))
        self._speaking = asyncio.create_task(self._microphone(pcm))

    def vanish(self) -> None:
        """The line is cut, as by a power cut; it can be reached again at once."""
        self.subscribed.clear()
        if self._speaking is not None:
            self._speaking.cancel()
        if self._writer is not None:
            self._writer.transport.abort()

    async def _microphone(self, pcm: bytes) -> None:
        at = 0
        while True:
            piece = pcm[at : at + PIECE_BYTES]
            self._send(_pb.VoiceAssistantAudio(data=piece + bytes(PIECE_BYTES - len(piece))))
            at += PIECE_BYTES
            await asyncio.sleep(PIECE_BYTES / 2 / 16_000)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while True:
                await self._take(await _read(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.subscribed.clear()
        finally:
            writer.transport.abort()

    async def _take(self, message: Any) -> None:  # noqa: ANN401 - protobuf
        match type(message).__name__:
            case "HelloRequest":
                self._send(_pb.HelloResponse(api_version_major=1, api_version_minor=10, name="box"))
            case "AuthenticationRequest":
                self._send(_pb.AuthenticationResponse())
            case "DeviceInfoRequest":
                flags = VoiceAssistantFeature.VOICE_ASSISTANT | VoiceAssistantFeature.API_AUDIO
                if self.speaker:
                    flags |= VoiceAssistantFeature.SPEAKER
                self._send(
                    _pb.DeviceInfoResponse(
                        name="box", suggested_area="Kitchen", voice_assistant_feature_flags=flags
                    )
                )
            case "SubscribeVoiceAssistantRequest":
                self.subscribed.set()
            case "VoiceAssistantEventResponse":
                await self._told(message)
            case "VoiceAssistantAudio" if self.speaker and Type.VOICE_ASSISTANT_TTS_START in (
                self.events
            ):
                self.played += message.data
            case "PingRequest":
                self._send(_pb.PingResponse())
            case "DisconnectRequest":
                self._send(_pb.DisconnectResponse())
            case _:
                return

    async def _told(self, message: Any) -> None:  # noqa: ANN401 - protobuf
        kind = Type(message.event_type)
        self.events.append(kind)
        self.data[kind] = {item.name: item.value for item in message.data}
        if kind in (Type.VOICE_ASSISTANT_STT_VAD_END, Type.VOICE_ASSISTANT_ERROR):
            if self._speaking is not None:
                self._speaking.cancel()
        elif kind is Type.VOICE_ASSISTANT_TTS_END and not self.speaker:
            self.played = await asyncio.to_thread(_fetch, self.data[kind]["url"])
        elif kind is Type.VOICE_ASSISTANT_RUN_END:
            self.over.set()

    def _send(self, message: Any) -> None:  # noqa: ANN401 - protobuf
        data = message.SerializeToString()
        if self._writer is None:
            raise ConnectionError
        head = _varint(len(data)) + _varint(_NUMBERS[type(message)])
        self._writer.write(b"\0" + head + data)


async def _read(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - protobuf
    """The next message of the plaintext framing: 0, length, type, message."""
    while True:
        if await reader.readexactly(1) != b"\0":
            raise ConnectionError
        length, number = await _read_varint(reader), await _read_varint(reader)
        data = await reader.readexactly(length)
        kind: Any = MESSAGE_TYPE_TO_PROTO.get(number)
        if kind is not None:
            message = kind()
            message.ParseFromString(data)
            return message


async def _read_varint(reader: asyncio.StreamReader) -> int:
    value = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _fetch(url: str) -> bytes:
    if not url.startswith("http://"):
        return b""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http, see above
        return answer.read()
