"""What our bus costs over Paho alone: same library, broker and TLS, in turns.

    python tests/bench/bus/overhead.py [--rounds 5] [--json]

Asker and publisher run in one process, server and hearer in another. Paho alone is driven by its
own blocking loop, and carries only what it must: a response topic and correlation data.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from alicia.bus.bus import Bus, Declaration
from alicia.bus.hearing import Delivery
from alicia.bus.mqtt import MqttTransport
from alicia.bus.options import MqttOptions
from alicia.contracts.kinds import Command, Event, Message
from alicia.security.authority import Authority
from alicia.security.identities import Identities
from alicia.security.mosquitto import BrokerSettings, Grant
from alicia.security.supervisor import Mosquitto

ASKED, SAID, WINDOW = 500, 5000, 64
BODY = "x" * 200


class Text(Message):
    text: str


ECHO: Command[Text, Text] = Command("bench/echo", Text, reply=Text)
SAY: Event[Text] = Event("bench/say", Text)
DECLARED = Declaration(
    says=frozenset({SAY}),
    hears=frozenset({SAY}),
    asks=frozenset({ECHO}),
    serves=frozenset({ECHO}),
)


# ---- with our bus --------------------------------------------------------------------------------


def bus(options: dict[str, str], name: str) -> Bus:
    transport = MqttTransport(
        MqttOptions(
            url=f"mqtts://127.0.0.1:{options['port']}",
            username="bench",
            password=options["password"],
            ca=Path(options["ca"]),
            client_id=name,
        )
    )
    return Bus(transport, service="bench", instance=name, declaration=DECLARED)


async def bus_answers(options: dict[str, str]) -> None:
    async def echo(delivery: Delivery[Text]) -> Text:
        return delivery.message

    server = bus(options, "bus-answers")
    async with server, server.serve(ECHO, echo), server.hear(SAY) as hearing:
        print("ready", flush=True)
        count = 0
        async for _ in hearing:
            count += 1
            if count % SAID == 0:
                print(time.monotonic(), flush=True)


async def bus_asks(options: dict[str, str], done: Callable[[], float]) -> dict[str, float]:
    asker = bus(options, "bus-asks")
    async with asker:
        times: list[float] = []
        for _ in range(ASKED):
            start = time.perf_counter()
            await asker.ask(ECHO, Text(text=BODY))
            times.append(time.perf_counter() - start)
        window = asyncio.Semaphore(WINDOW)

        async def say() -> None:
            async with window:
                await asker.say(SAY, Text(text=BODY))

        start = time.monotonic()
        await asyncio.gather(*(say() for _ in range(SAID)))
        seconds = await asyncio.to_thread(done) - start
    return figures(times, seconds)


# ---- with Paho alone -----------------------------------------------------------------------------


def raw(options: dict[str, str], name: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    client.username_pw_set("bench", options["password"])
    client.tls_set(options["ca"])
    client.max_inflight_messages_set(1000)
    properties = Properties(PacketTypes.CONNECT)
    properties.ReceiveMaximum = 500
    client.connect("127.0.0.1", int(options["port"]), clean_start=True, properties=properties)
    sock = client.socket()
    assert sock is not None
    sock.setsockopt(6, 1, 1)  # type: ignore[union-attr] # TCP_NODELAY
    while not client.is_connected():
        client.loop(0.1)
    return client


def raw_answers(options: dict[str, str]) -> None:
    client = raw(options, "raw-answers")
    count = 0

    def on_message(_c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        nonlocal count
        if message.topic == "raw/echo":
            properties = Properties(PacketTypes.PUBLISH)
            asked: Any = message.properties
            properties.CorrelationData = asked.CorrelationData
            client.publish(asked.ResponseTopic, message.payload, 1, properties=properties)
            return
        count += 1
        if count % SAID == 0:
            print(time.monotonic(), flush=True)

    def on_subscribe(*_: Any) -> None:
        print("ready", flush=True)

    client.on_message = on_message
    client.on_subscribe = on_subscribe
    client.subscribe([("raw/echo", SubscribeOptions(1)), ("raw/say", SubscribeOptions(1))])
    client.loop_forever()


def raw_asks(  # noqa: C901 - one scenario
    options: dict[str, str], done: Callable[[], float]
) -> dict[str, float]:
    client = raw(options, "raw-asks")
    answers = acks = granted = flying = 0

    def on_message(*_: Any) -> None:
        nonlocal answers
        answers += 1

    def on_publish(*_: Any) -> None:
        nonlocal acks, flying
        acks += 1
        flying -= 1

    def on_subscribe(*_: Any) -> None:
        nonlocal granted
        granted += 1

    client.on_message, client.on_publish, client.on_subscribe = on_message, on_publish, on_subscribe
    client.subscribe("raw/reply", 1)
    while not granted:
        client.loop(0.1)
    body = json.dumps({"text": BODY}).encode()
    times: list[float] = []
    for number in range(ASKED):
        start = time.perf_counter()
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = "raw/reply", b"%d" % number
        client.publish("raw/echo", body, 1, properties=properties)
        while answers <= number:
            client.loop(1)
        times.append(time.perf_counter() - start)
    while acks < ASKED:
        client.loop(0.1)
    acks = flying = 0
    start = time.monotonic()
    for _ in range(SAID):
        while flying >= WINDOW:
            client.loop(1)
        flying += 1  # noqa: SIM113 - it also goes down
        client.publish("raw/say", body, 1)
    while acks < SAID:
        client.loop(1)
    seconds = done() - start
    client.disconnect()
    client.loop(0.1)
    return figures(times, seconds)


# ---- the comparison ------------------------------------------------------------------------------


def figures(times: list[float], seconds: float) -> dict[str, float]:
    times.sort()
    return {
        "rtt_p50_us": times[len(times) // 2] * 1e6,
        "rtt_p99_us": times[len(times) * 99 // 100] * 1e6,
        "per_s": SAID / seconds,
    }


def one_round(kind: str, options: dict[str, str]) -> dict[str, float]:
    child = subprocess.Popen(
        [sys.executable, __file__, "--answers", kind, json.dumps(options)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        out = child.stdout

        def done() -> float:
            return float(out.readline())

        if kind == "bus":
            return asyncio.run(bus_asks(options, done))
        return raw_asks(options, done)
    finally:
        child.kill()
        child.communicate()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--answers", nargs=2)
    given = arguments.parse_args()
    if given.answers:
        kind, text = given.answers
        if kind == "bus":
            asyncio.run(bus_answers(json.loads(text)))
        else:
            raw_answers(json.loads(text))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = Authority(folder / "ca")
        authority.ensure()
        authority.ensure_server()
        identities = Identities(folder / "identities")
        credentials = identities.ensure("bench")
        mosquitto = Mosquitto(
            BrokerSettings(
                folder=folder / "broker",
                certificate_file=authority.server_file,
                ca_file=authority.ca_file,
                tls_port=0,
                persistence=False,
            )
        )
        access = {"bench": Grant(("#",), ("#",))}
        asyncio.run(mosquitto.start(access, identities.password_file()))
        try:
            options = {
                "port": str(mosquitto.endpoint.port),
                "password": credentials.password,
                "ca": str(authority.ca_file),
            }
            rounds = [
                {kind: one_round(kind, options) for kind in ("bus", "raw")}
                for _ in range(given.rounds)
            ]
        finally:
            asyncio.run(mosquitto.stop())
    found = {
        kind: {
            figure: statistics.median(one[kind][figure] for one in rounds)
            for figure in rounds[0][kind]
        }
        for kind in ("bus", "raw")
    }
    ratios = {figure: found["bus"][figure] / found["raw"][figure] for figure in found["bus"]}
    if given.json:
        print(json.dumps({**found, "ratio": ratios}))
        return
    print(f"{'':12}{'bus':>10}{'paho':>10}{'ratio':>8}")
    for figure, ratio in ratios.items():
        bus_figure, raw_figure = found["bus"][figure], found["raw"][figure]
        print(f"{figure:12}{bus_figure:10.0f}{raw_figure:10.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
