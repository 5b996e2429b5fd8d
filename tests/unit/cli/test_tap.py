"""A message of the bus as a line, and what of it nobody sees unasked."""

from __future__ import annotations

import pytest

from alicia.bus.packet import Packet
from alicia.cli.tap import HIDDEN, checked, compact, hide, line, message_of
from alicia.contracts.conversation import Picture
from alicia.contracts.devices import FIND_ENTITIES, Entity, FindEntities
from alicia.contracts.kinds import Message, Personal, Secret
from alicia.contracts.voice import (
    AUDIO,
    PARTIAL,
    SAY_TEXT,
    TRANSCRIBE,
    TURN_ENDED,
    AudioChunk,
    Partial,
    SayText,
    Transcript,
    TurnRecord,
)
from alicia.errors import SettingsError

SAID = "turn on the kitchen light"
HEARD = Partial(utterance_id="u1", text=SAID, confidence=0.81)


def packet(topic: str, message: Message, schema: str | None = None) -> Packet:
    return Packet(f"alicia/{topic}", message.encode(), sender="stt/stt-7f3a", schema=schema)


def test_what_was_said_is_hidden_unless_asked_for() -> None:
    topic = PARTIAL.name(HEARD)
    told = message_of(packet(topic, HEARD), topic, personal=False)
    assert told["message"] == {"utterance_id": "u1", "text": HIDDEN, "confidence": 0.81}
    told = message_of(packet(topic, HEARD), topic, personal=True)
    assert told["message"]["text"] == SAID


def test_an_optional_personal_text_is_hidden_too() -> None:
    wanted = FindEntities(text="my secret lamp", domain="light")
    topic = FIND_ENTITIES.name(wanted)
    told = message_of(packet(topic, wanted), topic, personal=False)
    assert told["message"]["text"] == HIDDEN
    assert told["message"]["domain"] == "light"


def test_personal_texts_in_lists_are_hidden_one_by_one() -> None:
    entity = Entity(
        entity_id="light.x",
        domain="light",
        name="Ada's lamp",
        aliases=["hers", "the blue one"],
        device_id="d",
        adapter="virtual",
        capabilities=[],
    )
    schema = Entity.model_json_schema()
    hidden = hide(entity.model_dump(mode="json"), schema, schema.get("$defs", {}))
    assert hidden["aliases"] == [HIDDEN, HIDDEN]
    assert hidden["name"] == HIDDEN
    assert hidden["entity_id"] == "light.x"


def test_no_personal_text_of_any_turn_gets_through() -> None:
    record = TurnRecord(
        turn_id="t",
        satellite="satellite-1",
        language="en",
        trace_id="0" * 32,
        transcript="my canary sings",
        reply="my canary answers",
        started_at=0,
    )
    topic = TURN_ENDED.name(record)
    told = message_of(packet(topic, record), topic, personal=False)
    assert "canary" not in str(told)
    assert "canary" not in line(told).plain


def test_a_message_that_can_not_be_read_is_shown_with_its_reason() -> None:
    topic = PARTIAL.name(HEARD)
    broken = Packet(f"alicia/{topic}", b"{", sender="stt/stt-7f3a")
    told = message_of(broken, topic, personal=False)
    assert told["message"] is None
    assert told["error"]["code"] == "contract.malformed"


def test_a_topic_that_nobody_declared_is_shown_by_its_size() -> None:
    told = message_of(Packet("alicia/else/where", b"1234"), "else/where", personal=False)
    assert told["message"] is None
    assert "4 bytes" in line(told).plain


def test_a_line_names_the_topic_the_sender_and_the_fields() -> None:
    topic = PARTIAL.name(HEARD)
    text = line(message_of(packet(topic, HEARD), topic, personal=True)).plain
    assert f"{topic}  stt/stt-7f3a  utterance_id=u1  text=“{SAID}”  confidence=0.81" in text


def test_the_trace_of_a_message_is_shown_alone() -> None:
    topic = PARTIAL.name(HEARD)
    carried = packet(topic, HEARD)
    carried.traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    assert message_of(carried, topic, personal=False)["trace"] == "a" * 32


def test_values_are_short_enough_for_a_line() -> None:
    assert compact(True) == "yes"
    assert compact({"power": True, "brightness": 40.0}) == "{power=yes brightness=40}"
    assert compact(["a", 2]) == "[a, 2]"
    assert len(compact("x" * 500)) <= 64


@pytest.mark.parametrize("wrong", ["", "a#", "voice/#/x", "a+/b"])
def test_what_is_no_filter_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="MQTT filter"):
        checked(wrong)


@pytest.mark.parametrize("right", ["#", "voice/#", "+/presence/+/+", "a/b"])
def test_what_is_a_filter_is_taken(right: str) -> None:
    checked(right)


def test_a_reply_of_another_schema_is_not_taken_for_the_question() -> None:
    """Only questions travel on a command's topic; a stranger there is told, not decoded."""
    reply = Transcript(utterance_id="u", text=SAID, language="en", confidence=1)
    told = message_of(packet(TRANSCRIBE.pattern, reply), TRANSCRIBE.pattern, personal=False)
    assert SAID not in str(told)


def test_a_chunk_of_audio_is_never_printed_as_one() -> None:
    chunk = AudioChunk(utterance_id="u", sequence=0, position=0, rate_hz=16_000, pcm=b"\1\2" * 20)
    topic = AUDIO.name(chunk)
    told = message_of(packet(topic, chunk), topic, personal=True)
    assert told["message"] is None
    assert told["size_bytes"] == len(chunk.encode())


def test_a_pin_is_hidden_even_with_personal_text() -> None:
    class Note(Message):
        name: Personal
        invitation: Personal
        pin: Secret | None = None

    schema = Note.model_json_schema()
    note = {"name": "Anna", "invitation": "unlock the door", "pin": "258014"}
    assert hide(note, schema, {}) == dict.fromkeys(note, HIDDEN)
    assert hide(note, schema, {}, mark="secret") == note | {"pin": HIDDEN}


def test_a_picture_is_never_shown() -> None:
    shown = SayText(
        turn_id="t", satellite="s", text="what is this", picture=Picture(jpeg=b"canary " * 9)
    )
    topic = SAY_TEXT.name(shown)
    told = message_of(packet(topic, shown), topic, personal=True)
    assert told["message"]["text"] == "what is this"
    assert told["message"]["picture"] == {"jpeg": HIDDEN}
    assert "canary" not in repr(shown)
