"""WebM with Opus, as browsers record it, made into Ogg with Opus, which libsndfile decodes.

Only the wrapping changes; no sample is touched. WebM is a tree of elements, each with an id and a
size; what holds others is simply stepped into, so that sizes a live recorder didn't know (clusters,
the segment) need not be known here either.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from alicia.errors import UnsupportedAudioError

MAGIC = b"\x1a\x45\xdf\xa3"
"""How a WebM file begins."""

_HOLDS_OTHERS = frozenset(
    {0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675, 0xA0}  # Segment, Tracks, a track, Cluster, group
)
_TRACK_NUMBER, _CODEC, _CODEC_HEAD = 0xD7, 0x86, 0x63A2
_BLOCKS = frozenset({0xA3, 0xA1})
_TRACK = 0xAE
_LACED = 0x06
_OPUS_HZ = 48_000
_PACKETS_A_PAGE = 50  # A page has at most 255 segments of 255 bytes.
_PAGE_BYTES = 50 * 255
_SERIAL = 1
_FIRST, _LAST = 2, 4


@dataclass(slots=True)
class _Track:
    number: int = 0
    codec: bytes = b""
    head: bytes = b""


def opus_in_ogg(data: bytes) -> bytes:
    """The first Opus track of a WebM file as an Ogg file.

    Raises:
        UnsupportedAudioError: it has no such track (`not_audio`), or a part is missing
            (`truncated`).
    """
    tracks: list[_Track] = []
    packets: dict[int, list[bytes]] = {}
    for element, content in _elements(data):
        if element == _TRACK:
            tracks.append(_Track())
        elif element in _BLOCKS:
            number, packet = _packet(content)
            packets.setdefault(number, []).append(packet)
        elif tracks and element == _TRACK_NUMBER:
            tracks[-1].number = int.from_bytes(content, "big")
        elif tracks and element == _CODEC:
            tracks[-1].codec = content.rstrip(b"\0")
        elif tracks and element == _CODEC_HEAD:
            tracks[-1].head = content
    for track in tracks:
        if track.codec == b"A_OPUS" and track.head.startswith(b"OpusHead"):
            return _ogg(track.head, packets.get(track.number, []))
    raise UnsupportedAudioError("This WebM file has no Opus sound in it.", reason="not_audio")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Every element; of those that hold others their own content comes afterwards."""
    at = 0
    while at < len(data):
        element, at = _number(data, at, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        if element in _HOLDS_OTHERS:
            yield element, b""
            continue
        if at + size > len(data):
            raise _truncated()
        yield element, data[at : at + size]
        at += size


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """A number of a length that its first bits tell, and where it ends."""
    if at >= len(data) or not data[at]:
        raise _truncated()
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        raise _truncated()
    value = int.from_bytes(data[at : at + length], "big")
    return value if keep_marker else value & ((1 << 7 * length) - 1), at + length


def _packet(block: bytes) -> tuple[int, bytes]:
    """The track's number and the packet of a block: after the number come the time and flags."""
    number, at = _number(block, 0, keep_marker=False)
    if len(block) < at + 3:
        raise _truncated()
    if block[at + 2] & _LACED:
        raise UnsupportedAudioError("This WebM file is laced, which is unusual.", reason="laced")
    return number, block[at + 3 :]


def _ogg(head: bytes, packets: list[bytes]) -> bytes:
    tags = b"OpusTags" + struct.pack("<I", 6) + b"alicia" + struct.pack("<I", 0)
    pages = [_page(0, _FIRST, 0, [head]), _page(1, 0, 0, [tags])]
    position, waiting = 0, list[bytes]()
    for number, packet in enumerate(packets, start=1):
        waiting.append(packet)
        position += _samples(packet)
        full = len(waiting) >= _PACKETS_A_PAGE or sum(map(len, waiting)) >= _PAGE_BYTES
        if full or number == len(packets):
            kind = _LAST if number == len(packets) else 0
            pages.append(_page(len(pages), kind, position, waiting))
            waiting = []
    return b"".join(pages)


def _samples(packet: bytes) -> int:
    """How long an Opus packet sounds, at 48 kHz (RFC 6716, section 3.1)."""
    if not packet:
        return 0
    config, count = packet[0] >> 3, packet[0] & 3
    if config < 12:
        ms = (10.0, 20.0, 40.0, 60.0)[config & 3]
    elif config < 16:
        ms = (10.0, 20.0)[config & 1]
    else:
        ms = (2.5, 5.0, 10.0, 20.0)[config & 3]
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[count]
    return int(ms * _OPUS_HZ / 1000) * frames


def _page(number: int, kind: int, position: int, packets: list[bytes]) -> bytes:
    lacing = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    page = bytearray(
        struct.pack("<4sBBqIIIB", b"OggS", 0, kind, position, _SERIAL, number, 0, len(lacing))
    )
    page += lacing + b"".join(packets)
    page[22:26] = struct.pack("<I", _checksum(page))
    return bytes(page)


def _checksum(page: bytes | bytearray) -> int:
    """Ogg's CRC 32: not reflected, from 0."""
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
    return crc


def _crc_entry(byte: int) -> int:
    crc = byte << 24
    for _ in range(8):
        crc = ((crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


_CRC = [_crc_entry(byte) for byte in range(256)]


def _truncated() -> UnsupportedAudioError:
    return UnsupportedAudioError(
        "The audio file is damaged: a part of it is missing.", reason="truncated"
    )
