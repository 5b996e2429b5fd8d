"""PUBLISH and PUBACK as bytes (MQTT 5, sections 1.5, 2.2.2, 3.3 and 3.4).

Paho does everything but this: its objects for messages and properties take several times as long
as all else that happens to a message.
"""

from __future__ import annotations

import struct

from alicia.bus.packet import Packet
from alicia.errors import MalformedMessageError

PUBLISH, PUBACK = 3, 4
FIRST_MID, LAST_MID = 0x8000, 0xFFFF
"""Identifiers of what we publish; the lower half is Paho's."""
_EXPIRY, _CONTENT_TYPE, _RESPONSE_TOPIC, _CORRELATION = 0x02, 0x03, 0x08, 0x09
_SUBSCRIPTION, _USER = 0x0B, 0x26
_FIXED = {0x01: 1, 0x23: 2}
"""Payload format and topic alias: skipped. By identifier, their length."""
_USER_FIELDS = {
    "id": "id",
    "from": "sender",
    "schema": "schema",
    "traceparent": "traceparent",
    "error": "error",
}
_SHORT = struct.Struct("!H")
_LONG = struct.Struct("!I")


def pack_publish(packet: Packet, mid: int) -> bytes:
    """At QoS 1 with an identifier, at QoS 0 without (0).

    Raises MalformedMessageError where MQTT has no place for it.
    """
    properties = pack_properties(packet)
    topic = _text(packet.topic)
    head = PUBLISH << 4 | (2 if mid else 0) | packet.retain
    length = len(topic) + (2 if mid else 0) + len(properties) + len(packet.payload)
    return b"".join(
        (
            bytes((head,)),
            _length(length),
            topic,
            _SHORT.pack(mid) if mid else b"",
            properties,
            packet.payload,
        )
    )


def pack_puback(mid: int) -> bytes:
    return bytes((PUBACK << 4, 2)) + _SHORT.pack(mid)


def unpack_puback(body: bytes) -> tuple[int, int]:
    """Identifier and reason code. Raises ValueError."""
    if len(body) < 2:
        raise ValueError("a PUBACK that is cut short")
    return _SHORT.unpack_from(body)[0], body[2] if len(body) > 2 else 0


def pack_properties(packet: Packet) -> bytes:
    """The property block of a PUBLISH, its length in front."""
    out = bytearray()
    if packet.expiry_s is not None:
        out.append(_EXPIRY)
        out += _LONG.pack(max(1, min(0xFFFFFFFF, int(packet.expiry_s + 0.999))))
    if packet.response_topic is not None:
        out.append(_RESPONSE_TOPIC)
        out += _text(packet.response_topic)
    if packet.correlation is not None:
        out.append(_CORRELATION)
        out += _SHORT.pack(len(packet.correlation))
        out += packet.correlation
    for name, key in _USER_FIELDS.items():
        value: str | None = getattr(packet, key)
        if value is not None:
            out += _pair(name, value)
    if packet.deadline_ms is not None:
        out += _pair("deadline_ms", str(packet.deadline_ms))
    return _length(len(out)) + bytes(out)


def frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet at `at` has its body: from, to. None while it is not all there.

    Raises ValueError where no packet can begin like this.
    """
    length = shift = 0
    for index in range(at + 1, min(at + 5, len(data))):
        byte = data[index]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            end = index + 1 + length
            return (index + 1, end) if end <= len(data) else None
    if len(data) >= at + 5:
        raise ValueError("a length of more than four bytes")
    return None


def unpack_publish(head: int, body: bytes) -> tuple[Packet, int]:
    """The packet of a PUBLISH and its identifier (0 at QoS 0). Raises ValueError."""
    try:
        return _unpack_publish(head, body)
    except (struct.error, IndexError) as error:
        raise ValueError("a PUBLISH that is cut short") from error


def _unpack_publish(head: int, body: bytes) -> tuple[Packet, int]:
    qos = (head >> 1) & 3
    (length,) = _SHORT.unpack_from(body)
    topic = body[2 : 2 + length].decode()
    at = 2 + length
    mid = 0
    if qos:
        (mid,) = _SHORT.unpack_from(body, at)
        at += 2
    packet = Packet(topic, b"", qos=qos, retain=bool(head & 1))
    end, at = _variable(body, at)
    end += at
    while at < end:
        at = _property(packet, body, at)
    if at != end or end > len(body):
        raise ValueError("properties that end elsewhere")
    packet.payload = body[end:]
    return packet, mid


def _property(packet: Packet, body: bytes, at: int) -> int:
    """Take one; where the next begins."""
    kind = body[at]
    at += 1
    if kind == _USER:
        name, at = _read(body, at)
        value, at = _read(body, at)
        if (key := _USER_FIELDS.get(name.decode())) is not None:
            setattr(packet, key, value.decode())
        elif name == b"deadline_ms" and value.isdigit():
            packet.deadline_ms = int(value)
    elif kind == _EXPIRY:
        (packet.expiry_s,) = _LONG.unpack_from(body, at)
        at += 4
    elif kind == _RESPONSE_TOPIC:
        value, at = _read(body, at)
        packet.response_topic = value.decode()
    elif kind == _CORRELATION:
        packet.correlation, at = _read(body, at)
    elif kind == _CONTENT_TYPE:
        _, at = _read(body, at)
    elif kind == _SUBSCRIPTION:
        _, at = _variable(body, at)
    elif kind in _FIXED:
        at += _FIXED[kind]
    else:
        raise ValueError(f"property {kind:#x} in a PUBLISH")
    return at


def _read(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = _SHORT.unpack_from(body, at)
    end = at + 2 + length
    if end > len(body):
        raise ValueError("text that is cut short")
    return body[at + 2 : end], end


def _variable(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > 21:
            raise ValueError("a number of more than four bytes")


def _length(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _text(value: str) -> bytes:
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        encoded = b"\0"
    if len(encoded) > 0xFFFF or b"\0" in encoded:
        # The broker would end the connection, and the next one, when it is sent again.
        raise MalformedMessageError(reason="a text that MQTT does not take", start=value[:40])
    return _SHORT.pack(len(encoded)) + encoded


def _pair(name: str, value: str) -> bytes:
    return bytes((_USER,)) + _text(name) + _text(value)
