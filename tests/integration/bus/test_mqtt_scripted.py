"""What Mosquitto never says, but another broker may: a broker that keeps to a script."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from alicia.bus import codec
from alicia.bus.bus import Bus
from alicia.bus.mqtt import MqttTransport
from alicia.bus.options import MqttOptions
from alicia.errors import (
    DeadlineError,
    MalformedMessageError,
    NotConnectedError,
    RefusedError,
    UnauthenticatedError,
)
from alicia.testing.waiting import until

from .harness import ADD, ALL, NOTED, SOUND, Note, Sum, take

CONNECT, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT = 1, 8, 10, 14
WELCOME = b"\x20\x03\x00\x00\x00"
BAD_PASSWORD = b"\x20\x03\x00\x86\x00"


@dataclass
class Script:
    """How the broker answers."""

    connack: bytes = WELCOME
    granted: int = 1
    puback: int | None = 0
    published: list[tuple[int, Any]] = field(default_factory=list[tuple[int, Any]])
    """Identifier and packet of what came."""
    greeted: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])
    port: int = 0

    def send(self, data: bytes) -> None:
        self.writers[-1].write(data)

    def ack(self, mid: int, code: int = 0) -> None:
        self.send(b"\x40\x04" + mid.to_bytes(2, "big") + bytes((code, 0)))

    def drop(self) -> None:
        self.writers[-1].transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        data = b""
        try:
            while chunk := await reader.read(65536):
                data += chunk
                while (found := codec.frame(data, 0)) is not None:
                    self.take(data[0], data[found[0] : found[1]])
                    data = data[found[1] :]
        except OSError:
            pass
        finally:
            writer.close()

    def take(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == CONNECT:
            self.greeted += 1
            self.send(self.connack)
        elif kind == SUBSCRIBE:
            self.send(b"\x90\x04" + body[:2] + bytes((0, self.granted)))
        elif kind == UNSUBSCRIBE:
            self.send(b"\xb0\x04" + body[:2] + b"\0\0")
        elif kind == DISCONNECT:
            self.writers[-1].close()
        elif kind == codec.PUBLISH:
            packet, mid = codec.unpack_publish(head, body)
            self.published.append((mid, packet))
            if mid and self.puback is not None:
                self.ack(mid, self.puback)


@asynccontextmanager
async def playing(script: Script) -> AsyncGenerator[Script, None]:
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for writer in script.writers:
            writer.close()
        await server.wait_closed()


def client(script: Script, timeout_s: float = 3) -> Bus:
    options = MqttOptions(
        url=f"mqtt://127.0.0.1:{script.port}", client_id="anna", connect_timeout_s=timeout_s
    )
    return Bus(MqttTransport(options), service="anna", instance="anna-1", declaration=ALL, root="s")


async def reconnected(bus: Bus, by: Callable[[], None]) -> None:
    transport = bus._transport
    assert isinstance(transport, MqttTransport)
    before = transport.reconnects
    by()
    await until(lambda: transport.reconnects > before)


def notes(script: Script) -> list[int]:
    return [Note.decode(packet.payload, {}).number for _, packet in script.published]


async def test_the_window_of_the_broker_is_kept() -> None:
    script = Script(connack=b"\x20\x06\x00\x00\x03\x21\x00\x02", puback=None)
    async with playing(script), client(script) as anna:
        saying = [asyncio.create_task(anna.say(NOTED, Note(number=n))) for n in range(5)]
        await until(lambda: len(script.published) == 2)
        for count in range(5):
            await until(lambda: len(script.published) > count)  # noqa: B023 - used at once
            assert len(script.published) <= count + 2
            script.ack(script.published[count][0])
        await asyncio.gather(*saying)
        assert notes(script) == [0, 1, 2, 3, 4]


async def test_the_largest_packet_of_the_broker_is_kept() -> None:
    script = Script(connack=b"\x20\x08\x00\x00\x05\x27\x00\x00\x02\x00")
    async with playing(script), client(script) as anna:
        await anna.say(NOTED, Note(text="x" * 200))
        with pytest.raises(MalformedMessageError):
            await anna.say(NOTED, Note(text="x" * 500))
        with pytest.raises(MalformedMessageError):
            await anna.say(SOUND, Note(text="x" * 500))
        assert len(script.published) == 1


async def test_a_stream_that_no_longer_fits_after_a_reconnect_is_dropped_and_counted() -> None:
    script = Script()
    async with playing(script), client(script) as anna:
        script.connack = b"\x20\x08\x00\x00\x05\x27\x00\x00\x02\x00"
        script.drop()
        while anna.connected:  # noqa: ASYNC110 - looked at each time round: it is soon back
            await asyncio.sleep(0)
        await anna.say(SOUND, Note(text="x" * 500))
        await anna.say(SOUND, Note(number=2))
        await until(lambda: script.published)
        assert notes(script) == [2]
        assert anna.dropped == {SOUND.pattern: 1}


async def test_a_refused_subscription_is_an_error() -> None:
    script = Script()
    async with playing(script), client(script) as anna:
        script.granted = 0x87
        with pytest.raises(RefusedError):
            async with anna.hear(NOTED):
                pass
        assert set(anna._subscribed) == {(anna._identity.inbox, None)}


async def test_a_refused_inbox_ends_the_entry_and_the_connection() -> None:
    script = Script(granted=0x87)
    async with playing(script):
        anna = client(script)
        with pytest.raises(RefusedError):
            await anna.__aenter__()
        assert not anna.connected


@pytest.mark.parametrize("code", [0x87, 0x97, 0x99], ids=["access", "quota", "format"])
async def test_a_message_that_the_broker_refuses_is_not_taken_for_said(code: int) -> None:
    script = Script(puback=code)
    async with playing(script), client(script) as anna:
        with pytest.raises(RefusedError) as raised:
            await anna.say(NOTED, Note())
        assert raised.value.fields["topic"] == "s/test/noted/hall"


async def test_what_was_not_acknowledged_is_sent_again_in_its_order() -> None:
    script = Script(puback=None)
    async with playing(script), client(script) as anna:
        saying = [asyncio.create_task(anna.say(NOTED, Note(number=n))) for n in range(6)]
        given_up = asyncio.create_task(anna.say(NOTED, Note(number=99)))
        await until(lambda: len(script.published) == 7)
        for index in (0, 3):
            script.ack(script.published[index][0])
        await until(lambda: saying[0].done() and saying[3].done())
        given_up.cancel()
        first = {
            n: packet.id for n, (_, packet) in zip(notes(script), script.published, strict=True)
        }
        script.published.clear()
        script.puback = 0
        script.drop()
        saying.append(asyncio.create_task(anna.say(NOTED, Note(number=6))))
        await asyncio.gather(*saying)
        assert notes(script) == [1, 2, 4, 5, 6]
        again = {n: p.id for n, (_, p) in zip(notes(script), script.published, strict=True)}
        # The same ids, so that who has heard them already does not hear them twice.
        assert all(again[n] == first[n] for n in (1, 2, 4, 5))


async def test_a_broker_that_is_lost_while_the_others_come_back_is_waited_for_anew() -> None:
    script = Script()
    async with playing(script), client(script) as anna:
        await reconnected(anna, script.drop)
        saying = asyncio.create_task(anna.say(NOTED, Note(number=1)))
        await reconnected(anna, script.drop)
        await saying
        assert notes(script) == [1]
        assert not anna._transport.settling


async def test_a_question_that_waited_here_tells_how_long_it_may_still_take() -> None:
    script = Script()
    async with playing(script), client(script) as anna:
        script.connack = b""
        script.drop()
        asking = asyncio.create_task(anna.ask(ADD, Sum(), deadline_s=2))
        # It hangs in a connection that is not answered, until that is dropped.
        greeted = script.greeted
        await until(lambda: script.greeted > greeted or len(script.writers) > 1)
        script.connack = WELCOME
        script.drop()
        await until(lambda: script.published)
        assert script.published[0][1].deadline_ms < 2000
        with pytest.raises(DeadlineError):
            await asking


async def test_a_password_that_is_refused_later_is_tried_again() -> None:
    script = Script()
    async with playing(script), client(script) as anna:
        script.connack = BAD_PASSWORD
        before = script.greeted
        script.drop()
        await until(lambda: script.greeted >= before + 2)
        script.connack = WELCOME
        await until(lambda: anna.connected)
        await anna.say(NOTED, Note(number=1))


async def test_a_password_that_is_refused_at_first_is_an_error_at_once() -> None:
    script = Script(connack=BAD_PASSWORD)
    async with playing(script):
        with pytest.raises(UnauthenticatedError):
            await client(script).__aenter__()
        assert script.greeted == 1


@pytest.mark.parametrize(
    "answer",
    [b"\x20\x03\x00\x88\x00", b"\x30\xff\xff\xff\xff\xff"],
    ids=["unavailable", "another protocol"],
)
async def test_a_broker_that_does_not_let_us_in_is_an_error_with_its_reason(answer: bytes) -> None:
    script = Script(connack=answer)
    async with playing(script):
        with pytest.raises(NotConnectedError) as raised:
            await client(script, timeout_s=0.4).__aenter__()
        assert raised.value.fields["reason"] != "no answer"


@pytest.mark.parametrize(
    "data", [b"\x30\x02\x00\x09", b"\x40\x01\x00", b"\x30\xff\xff\xff\xff\x01"]
)
async def test_nonsense_from_the_broker_ends_the_connection_and_it_comes_back(data: bytes) -> None:
    script = Script()
    async with playing(script), client(script) as anna:
        await reconnected(anna, lambda: script.send(data))


async def test_a_packet_that_the_bus_can_not_take_does_not_end_the_connection() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    script = Script()
    async with playing(script), client(script) as anna, anna.hear(NOTED) as hearing:
        taking: Callable[..., None] = anna._routing.to  # type: ignore[assignment]

        def fail(topic: str) -> None:
            del topic
            raise RuntimeError("a defect")

        anna._routing.to = fail  # type: ignore[method-assign, assignment]
        packet = anna._identity.packet(NOTED, Note(number=1))
        script.send(codec.pack_publish(packet, 7))
        await until(lambda: reported)
        anna._routing.to = taking  # type: ignore[method-assign, assignment]
        packet = anna._identity.packet(NOTED, Note(number=2))
        script.send(codec.pack_publish(packet, 8))
        assert (await take(hearing, 1))[0].number == 2


async def test_a_listener_that_fails_does_not_keep_the_bus_offline() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    script = Script()

    def fail() -> None:
        raise RuntimeError("a defect")

    async with playing(script):
        anna = client(script)
        anna.on_connected.append(fail)
        async with anna:
            assert anna.connected
    assert len(reported) == 1
