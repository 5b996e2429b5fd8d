"""What only a real broker can do to the bus: die, freeze, refuse, speak another language."""

import asyncio
import gc
import signal
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from alicia.bus.bus import Bus
from alicia.bus.hearing import Delivery
from alicia.bus.mqtt import SETTLE_S, MqttTransport
from alicia.bus.options import MqttOptions
from alicia.errors import (
    DeadlineError,
    NoResponderError,
    NotConnectedError,
    SettingsError,
    SetupError,
    UnauthenticatedError,
)
from alicia.testing.waiting import PATIENCE_S, Stopwatch, until

from .harness import (
    ADD,
    ALL,
    LEVEL,
    NOTED,
    ONCE,
    SOUND,
    Broker,
    MqttHouse,
    Note,
    Sum,
    Total,
    added,
    take,
)


def bus_at(options: MqttOptions) -> Bus:
    return Bus(MqttTransport(options), service="anna", instance="anna-x", declaration=ALL, root="x")


async def opened(options: MqttOptions) -> None:
    async with bus_at(options):
        pass


# ---- the broker dies -----------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 64, 500])
async def test_a_killed_broker_loses_doubles_and_reorders_no_event(
    mqtt_house: MqttHouse, window: int
) -> None:
    anna, ben = await mqtt_house.join("anna"), await mqtt_house.join("ben")
    heard: list[int] = []
    at_200 = asyncio.Event()

    async def hear() -> None:
        async with ben.hear(NOTED) as hearing:
            hearing_now.set()
            async for delivery in hearing:
                heard.append(delivery.message.number)
                if len(heard) == 200:
                    at_200.set()

    async def say_all() -> None:
        slots = asyncio.Semaphore(window)

        async def say(number: int) -> None:
            async with slots:
                await anna.say(NOTED, Note(number=number))

        await asyncio.gather(*(say(number) for number in range(500)))

    hearing_now = asyncio.Event()
    hearing = asyncio.create_task(hear())
    await hearing_now.wait()
    saying = asyncio.create_task(say_all())
    await at_200.wait()
    await mqtt_house.broker.killed()
    await until(lambda: not anna.connected and not ben.connected)
    await mqtt_house.broker.start()
    await asyncio.wait_for(saying, PATIENCE_S)
    await anna.say(NOTED, Note(number=-1))
    await until(lambda: heard[-1] == -1)
    assert heard == [*range(500), -1]
    hearing.cancel()
    with suppress(asyncio.CancelledError):
        await hearing


async def test_an_ask_that_runs_while_the_broker_dies_is_answered_and_done_once(
    mqtt_house: MqttHouse,
) -> None:
    anna, ben = await mqtt_house.join("anna"), await mqtt_house.join("ben")
    done: list[int] = []
    gate = asyncio.Event()

    async def slow(delivery: Delivery[Sum]) -> Total:
        done.append(delivery.message.a)
        await gate.wait()
        return Total(total=delivery.message.a)

    async with ben.serve(ADD, slow, concurrency=4), ben.serve(ONCE, slow, concurrency=4):
        asked = [
            asyncio.create_task(anna.ask(command, Sum(a=number), deadline_s=20))
            for number, command in enumerate((ADD, ONCE, ADD, ONCE))
        ]
        await until(lambda: len(done) == 4)
        await mqtt_house.broker.killed()
        await until(lambda: not anna.connected and not ben.connected)
        await mqtt_house.broker.start()
        await until(lambda: anna.connected and ben.connected)
        gate.set()
        assert [answer.total for answer in await asyncio.gather(*asked)] == [0, 1, 2, 3]
    assert sorted(done) == [0, 1, 2, 3]


async def test_an_answer_that_is_ready_while_the_broker_is_away_arrives(
    mqtt_house: MqttHouse,
) -> None:
    anna, ben = await mqtt_house.join("anna"), await mqtt_house.join("ben")
    gate, finished = asyncio.Event(), asyncio.Event()

    async def slow(_: Delivery[Sum]) -> Total:
        await gate.wait()
        finished.set()
        return Total(total=1)

    async with ben.serve(ONCE, slow):
        asking = asyncio.create_task(anna.ask(ONCE, Sum(), deadline_s=20))
        await until(lambda: ben.busy)
        await mqtt_house.broker.killed()
        await until(lambda: not ben.connected)
        gate.set()
        await finished.wait()
        await mqtt_house.broker.start()
        assert (await asking).total == 1


async def test_a_question_that_died_with_broker_and_server_is_asked_again_if_it_may_be(
    mqtt_house: MqttHouse,
) -> None:
    anna, first = await mqtt_house.join("anna"), mqtt_house.client("ben")
    stuck = asyncio.Event()

    async def forget(_: Delivery[Sum]) -> Total:
        await stuck.wait()
        return Total()

    async def serve() -> None:
        async with first, first.serve(ADD, forget), first.serve(ONCE, forget):
            await stuck.wait()

    serving = asyncio.create_task(serve())
    await until(lambda: len(first._subscribed) == 3)
    await until(lambda: first.connected)
    idempotent = asyncio.create_task(anna.ask(ADD, Sum(a=1, b=2), deadline_s=40))
    other = asyncio.create_task(anna.ask(ONCE, Sum(), deadline_s=2.5))
    await until(lambda: first.busy == 2)
    await until(lambda: all(question.taken for question in anna._asking.pending.values()))
    await mqtt_house.broker.killed()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    await mqtt_house.broker.start()
    second = await mqtt_house.join("ben")
    async with second.serve(ADD, added), second.serve(ONCE, added):
        assert (await idempotent).total == 3
        with pytest.raises(DeadlineError):
            await other


async def test_what_is_asked_while_the_broker_is_away_waits_for_it(mqtt_house: MqttHouse) -> None:
    anna, ben = await mqtt_house.join("anna"), await mqtt_house.join("ben")
    async with ben.serve(ADD, added):
        await mqtt_house.broker.killed()
        await until(lambda: not anna.connected)
        with pytest.raises(DeadlineError):
            await anna.ask(ADD, Sum(), deadline_s=0.2)
        asking = asyncio.create_task(anna.ask(ADD, Sum(a=1, b=1), deadline_s=10))
        await mqtt_house.broker.start()
        assert (await asking).total == 2
        assert anna.pending == 0


async def test_after_the_settling_nobody_serving_is_known_at_once_again(
    mqtt_house: MqttHouse,
) -> None:
    anna = await mqtt_house.join("anna")
    await mqtt_house.broker.killed()
    await until(lambda: not anna.connected)
    await mqtt_house.broker.start()
    await until(lambda: anna.connected)
    start = Stopwatch()
    with pytest.raises(NoResponderError):
        await anna.ask(ADD, Sum(), deadline_s=10)
    assert start.seconds < SETTLE_S + 1
    start = Stopwatch()
    with pytest.raises(NoResponderError):
        await anna.ask(ADD, Sum(), deadline_s=10)
    assert start.seconds < 0.5


async def test_every_subscription_is_back_after_the_broker_was(mqtt_house: MqttHouse) -> None:
    anna, ben = await mqtt_house.join("anna"), await mqtt_house.join("ben")
    reconnected = 0

    def count() -> None:
        nonlocal reconnected
        reconnected += 1

    ben.on_connected.append(count)
    async with (
        ben.hear(NOTED, room="hall") as noted,
        ben.hear(LEVEL) as level,
        ben.hear(SOUND) as sound,
        ben.tap("test/#") as tap,
        ben.serve(ADD, added),
    ):
        async with ben.hear(NOTED, room="attic"):
            pass
        await mqtt_house.broker.killed()
        await until(lambda: not ben.connected and not anna.connected)
        await mqtt_house.broker.start()
        await until(lambda: ben.connected and anna.connected)
        assert reconnected == 1
        await anna.say(NOTED, Note(room="attic", number=1))
        await anna.say(NOTED, Note(room="hall", number=2))
        await anna.say(LEVEL, Note(number=3))
        await anna.say(SOUND, Note(number=4))
        for hearing, number in ((noted, 2), (level, 3), (sound, 4)):
            assert (await take(hearing, 1))[0].number == number
        assert (await anna.ask(ADD, Sum(a=2, b=3))).total == 5
        assert len([await anext(tap) for _ in range(4)]) == 4
        assert isinstance(ben._transport, MqttTransport)
        assert ben._transport.reconnects == 1


async def test_a_stream_keeps_the_newest_while_the_broker_is_away(mqtt_house: MqttHouse) -> None:
    anna, ben = await mqtt_house.join("anna"), await mqtt_house.join("ben")
    async with ben.hear(SOUND, limit=1000) as sound:
        await mqtt_house.broker.killed()
        await until(lambda: not anna.connected and not ben.connected)
        for number in range(700):
            await anna.say(SOUND, Note(number=number))
        assert anna.dropped == {SOUND.pattern: 700 - 512}
        await mqtt_house.broker.start()
        # What anna kept may be sent before ben is back, and a stream waits for nobody.
        await until(lambda: anna.connected and ben.connected)
        await anna.say(SOUND, Note(number=700))
        heard: list[int] = []
        while not heard or heard[-1] != 700:
            heard.append((await take(sound, 1))[0].number)
        assert heard[0] >= 700 - 512
        assert heard == list(range(heard[0], 701)) or heard == [700]


# ---- the broker freezes --------------------------------------------------------------------------


@asynccontextmanager
async def frozen(broker: Broker) -> AsyncGenerator[None, None]:
    broker.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        broker.signal(signal.SIGCONT)


@asynccontextmanager
async def never_blocked(most_s: float = 0.5) -> AsyncGenerator[None, None]:
    """The loop goes round all the time."""
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            since = Stopwatch()
            await asyncio.sleep(0.01)
            gaps.append(since.seconds)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
    assert max(gaps, default=0) < most_s


async def test_a_frozen_broker_blocks_nobody_and_is_noticed(broker: Broker) -> None:
    house = broker.house("frozen")
    options = replace(broker.options("anna", "anna-frozen"), keepalive_s=1)
    anna = Bus(MqttTransport(options), service="anna", instance="a", declaration=ALL, root="frozen")
    ben = await house.join("ben")
    async with anna, ben.hear(NOTED) as hearing, never_blocked():
        async with frozen(broker):
            saying = asyncio.create_task(anna.say(NOTED, Note(number=1)))
            for number in range(3000):
                await anna.say(SOUND, Note(number=number, text="x" * 2000))
            assert anna.dropped[SOUND.pattern] > 0
            with pytest.raises(DeadlineError):
                await anna.ask(ADD, Sum(), deadline_s=0.2)
            start = Stopwatch()
            await until(lambda: not anna.connected, within_s=10)
            assert start.seconds < 6
            assert not saying.done()
        await asyncio.wait_for(saying, PATIENCE_S)
        assert (await take(hearing, 1))[0].number == 1
    await house.close()


async def test_a_stream_goes_on_when_the_way_is_free_again(broker: Broker) -> None:
    house = broker.house("congested")
    anna, ben = await house.join("anna"), await house.join("ben")
    transport = anna._transport
    assert isinstance(transport, MqttTransport)
    async with ben.hear(SOUND, limit=10_000) as sound:
        async with frozen(broker):
            number = 0
            while not anna.dropped:
                await anna.say(SOUND, Note(number=number, text="x" * 2000))
                number += 1
                await asyncio.sleep(0)
            link = transport._link
            assert link is not None
            assert link._blocked
        heard: list[int] = []
        while not heard or heard[-1] != number - 1:
            heard.append((await take(sound, 1))[0].number)
        # The oldest of those that waited here were dropped, and nothing else.
        assert len(heard) == number - anna.dropped[SOUND.pattern]
        assert heard == sorted(heard)
        assert transport.reconnects == 0
    await house.close()


async def test_leaving_a_frozen_broker_does_not_take_long(broker: Broker) -> None:
    anna = bus_at(broker.options("anna", "anna-leaves"))
    async with never_blocked():
        await anna.__aenter__()
        hearing = anna.hear(NOTED)
        await hearing.__aenter__()
        async with frozen(broker):
            start = Stopwatch()
            await hearing.__aexit__(None, None, None)
            await anna.__aexit__(None, None, None)
            assert start.seconds < 4


async def test_connecting_to_a_frozen_broker_fails_in_time_and_blocks_nobody(
    broker: Broker,
) -> None:
    options = replace(broker.options("anna", "anna-late"), connect_timeout_s=0.5)
    async with frozen(broker), never_blocked():
        start = Stopwatch()
        with pytest.raises(NotConnectedError):
            await opened(options)
        assert start.seconds < 3


async def test_connecting_can_be_cancelled_and_leaves_nothing(broker: Broker) -> None:
    before = open_files()
    async with frozen(broker):
        opening = asyncio.create_task(opened(broker.options("anna", "anna-cancelled")))
        await until(lambda: len(open_files()) > len(before))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert open_files() == before


# ---- leaving -------------------------------------------------------------------------------------


def open_files() -> set[str]:
    gc.collect()
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            name = str(descriptor.readlink())
            if name.startswith("socket"):
                found.add(name)
    return found


async def test_leaving_leaves_no_socket_and_no_task(shared_broker: Broker) -> None:
    before, tasks = open_files(), asyncio.all_tasks()
    house = shared_broker.house("leaving")
    for number in range(3):
        async with house.client() as anna, anna.hear(NOTED) as hearing, anna.serve(ADD, added):
            await anna.say(NOTED, Note(number=number))
            await take(hearing, 1)
            await anna.ask(ADD, Sum())
    assert open_files() == before
    assert asyncio.all_tasks() == tasks


async def test_leaving_while_the_broker_is_away_leaves_nothing_either(broker: Broker) -> None:
    before, tasks = open_files(), asyncio.all_tasks()
    async with bus_at(broker.options("anna", "anna-x")) as anna:
        await broker.killed()
        await until(lambda: not anna.connected)
        saying = asyncio.create_task(anna.say(NOTED, Note()))
        await asyncio.sleep(0)
    with pytest.raises(NotConnectedError):
        await saying
    assert open_files() == before
    assert asyncio.all_tasks() == tasks


# ---- who may not, and what can't be --------------------------------------------------------------


GUESSED = "guessed"


async def test_a_wrong_password_is_known_at_once(shared_broker: Broker) -> None:
    start = Stopwatch()
    with pytest.raises(UnauthenticatedError) as raised:
        await opened(replace(shared_broker.options("anna", "a"), password=GUESSED))
    assert start.seconds < 2
    assert raised.value.fields == {"identity": "anna"}
    assert GUESSED not in repr(shared_broker.options("anna", "a"))


async def test_nobody_listening_is_an_error_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = MqttOptions(url=f"mqtt://127.0.0.1:{port}", client_id="a", connect_timeout_s=0.3)
    with pytest.raises(NotConnectedError) as raised:
        await opened(options)
    assert "alicia doctor" in raised.value.message
    assert raised.value.fields["url"] == options.url
    assert "refused" in raised.value.fields["reason"].lower()


async def test_the_authority_of_another_home_is_not_trusted(
    shared_broker: Broker, tmp_path: Path
) -> None:
    other = Broker(tmp_path)
    with pytest.raises(SetupError, match="can't be trusted"):
        await opened(replace(shared_broker.options("anna", "a"), ca=other.ca_file))


async def test_a_ca_that_can_not_be_read_is_an_error_that_names_it(
    shared_broker: Broker, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(SetupError, match=r"ca\.pem"):
        await opened(replace(shared_broker.options("anna", "a"), ca=path))
    path.write_text("nonsense")
    with pytest.raises(SetupError, match=r"ca\.pem"):
        await opened(replace(shared_broker.options("anna", "a"), ca=path))


async def test_a_broker_without_tls_1_3_is_refused(shared_broker: Broker) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(shared_broker.mosquitto.settings.certificate_file)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            with suppress(OSError):
                context.wrap_socket(listener.accept()[0], server_side=True).close()

        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        url = f"mqtts://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(SetupError, match=r"TLS 1\.3"):
            await opened(replace(shared_broker.options("anna", "a"), url=url))
        await refusing


async def test_without_tls_only_this_machine_is_reached(shared_broker: Broker) -> None:
    for url in ("mqtt://192.0.2.1", "mqtt://broker.local:1883", "http://127.0.0.1", "mqtts://"):
        with pytest.raises(SettingsError):
            await opened(MqttOptions(url=url, client_id="a"))
    port = shared_broker.mosquitto.settings.plain_port
    options = replace(shared_broker.options("anna", "a"), url=f"mqtt://127.0.0.1:{port}")
    async with bus_at(options) as anna, anna.serve(ADD, added):
        assert (await anna.ask(ADD, Sum(a=1, b=1))).total == 2


async def test_a_name_is_looked_up_and_each_of_its_addresses_tried(shared_broker: Broker) -> None:
    # `localhost` is often ::1 first, where this broker doesn't listen.
    port = shared_broker.mosquitto.endpoint.port
    options = replace(shared_broker.options("anna", "a"), url=f"mqtts://localhost:{port}")
    async with bus_at(options) as anna:
        assert anna.connected


async def test_who_speaks_without_tls_to_a_tls_port_gets_no_connection(
    shared_broker: Broker,
) -> None:
    port = shared_broker.mosquitto.endpoint.port
    options = replace(
        shared_broker.options("anna", "a"),
        url=f"mqtt://127.0.0.1:{port}",
        connect_timeout_s=0.5,
    )
    with pytest.raises(NotConnectedError):
        await opened(options)
