import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from alicia.bus.codec import (
    FIRST_MID,
    LAST_MID,
    PUBLISH,
    frame,
    pack_properties,
    pack_puback,
    pack_publish,
    unpack_puback,
    unpack_publish,
)
from alicia.bus.packet import Packet
from alicia.errors import MalformedMessageError

CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=40)
MAYBE_TEXT = st.none() | TEXT
MIDS = st.just(0) | st.integers(FIRST_MID, LAST_MID)
PACKETS = st.builds(
    Packet,
    topic=st.text(CHARACTERS, min_size=1, max_size=40),
    payload=st.binary(max_size=300),
    retain=st.booleans(),
    id=MAYBE_TEXT,
    sender=MAYBE_TEXT,
    schema=MAYBE_TEXT,
    traceparent=MAYBE_TEXT,
    error=MAYBE_TEXT,
    deadline_ms=st.none() | st.integers(0, 10**9),
    response_topic=st.none() | TEXT,
    correlation=st.none() | st.binary(max_size=40),
    expiry_s=st.none() | st.integers(1, 0xFFFFFFFF).map(float),
)


@given(PACKETS, MIDS)
def test_what_is_packed_is_unpacked(packet: Packet, mid: int) -> None:
    data = pack_publish(packet, mid)
    body = frame(data, 0)
    assert body is not None
    assert body[1] == len(data)
    packet.qos = 1 if mid else 0
    assert data[0] >> 4 == PUBLISH
    assert unpack_publish(data[0], data[body[0] : body[1]]) == (packet, mid)


@given(PACKETS)
def test_paho_reads_what_we_pack(packet: Packet) -> None:
    data = pack_properties(packet)
    read = Properties(PacketTypes.PUBLISH)
    _, length = read.unpack(data)
    assert length == len(data)
    assert getattr(read, "ResponseTopic", None) == packet.response_topic
    assert getattr(read, "CorrelationData", None) == packet.correlation
    assert getattr(read, "MessageExpiryInterval", None) == packet.expiry_s
    assert dict(getattr(read, "UserProperty", ())).get("from") == packet.sender


def test_we_read_what_paho_packs_with_all_that_a_broker_may_add() -> None:
    written = Properties(PacketTypes.PUBLISH)
    written.PayloadFormatIndicator = 1
    written.MessageExpiryInterval = 7
    written.TopicAlias = 3
    written.ResponseTopic = "a/b"
    written.CorrelationData = b"\0\1"
    written.ContentType = "application/json"
    written.SubscriptionIdentifier = 300
    written.UserProperty = [
        ("from", "anna/1"),
        ("unknown", "x"),
        ("deadline_ms", "12"),
        ("deadline_ms", "-1"),
        ("deadline_ms", "²"),
    ]
    packet, mid = unpack_publish(0x33, b"\0\1t\x00\x05" + written.pack() + b"body")
    assert (packet.topic, packet.payload, packet.qos, packet.retain, mid) == (
        "t",
        b"body",
        1,
        True,
        5,
    )
    assert (packet.expiry_s, packet.response_topic, packet.correlation) == (7, "a/b", b"\0\1")
    assert (packet.sender, packet.deadline_ms) == ("anna/1", 12)


@given(PACKETS, MIDS, st.data())
def test_a_publish_that_is_cut_short_is_an_error_and_nothing_else(
    packet: Packet, mid: int, data: st.DataObject
) -> None:
    whole = pack_publish(packet, mid)
    body = frame(whole, 0)
    assert body is not None
    rest = len(whole) - len(packet.payload)
    cut = data.draw(st.integers(body[0], rest - 1))
    with pytest.raises(ValueError, match=r".*"):
        unpack_publish(whole[0], whole[body[0] : cut])


@given(st.binary(max_size=80))
def test_bytes_of_any_kind_are_a_packet_or_an_error(body: bytes) -> None:
    try:
        packet, _ = unpack_publish(0x32, body)
    except ValueError:
        return
    assert packet.qos == 1


def test_a_property_that_no_publish_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="0x11"):
        unpack_publish(0x30, b"\0\1t\x05\x11\0\0\0\1")


def test_a_number_of_more_than_four_bytes_is_an_error() -> None:
    with pytest.raises(ValueError, match="four bytes"):
        unpack_publish(0x30, b"\0\1t\xff\xff\xff\xff\x01")
    with pytest.raises(ValueError, match="four bytes"):
        frame(b"\x30\xff\xff\xff\xff\x01", 0)


@given(PACKETS, st.integers(0, 400))
def test_a_packet_that_is_not_all_there_is_waited_for(packet: Packet, cut: int) -> None:
    whole = pack_publish(packet, 0)
    found = frame(whole[:cut], 0)
    assert (found is None) == (cut < len(whole))


@given(st.integers(1, 0xFFFF))
def test_an_acknowledgement_is_packed_and_unpacked(mid: int) -> None:
    assert unpack_puback(pack_puback(mid)[2:]) == (mid, 0)
    assert unpack_puback(pack_puback(mid)[2:] + b"\x10\x00") == (mid, 0x10)


@pytest.mark.parametrize("text", ["a\0b", "x" * 65_536, "\ud800"])
def test_a_text_that_mqtt_does_not_take_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessageError):
        pack_publish(Packet("t", b"", id=text), 0)
    with pytest.raises(MalformedMessageError):
        pack_publish(Packet(text, b""), 0)


def test_an_acknowledgement_that_is_cut_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="PUBACK"):
        unpack_puback(b"\0")
