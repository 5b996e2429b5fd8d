"""How fast, and at what cost? Each library as asker, publisher and subscriber in two processes.

python tests/bench/mqtt_clients/bench.py [--json] [--only paho,gmqtt] [--rounds 3]
"""

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from broker import PASSWORD, USER, Broker, broker
from candidates import CANDIDATES, Headers, Inbound, Link, installed

BODY = bytes(256)
ASKED = 300
SENT = {0: 4000, 1: 3000}
WINDOW = 64
# Round trip and CPU: less is better. Throughput: more.
FIGURES = {
    "q0_per_s": max,
    "q1_per_s": max,
    "rtt_p50_us": min,
    "rtt_p99_us": min,
    "q0_cpu_pub_us": min,
    "q0_cpu_sub_us": min,
    "q1_cpu_pub_us": min,
    "q1_cpu_sub_us": min,
}


async def connected(name: str, role: str, port: int, cafile: str) -> Any:
    client = CANDIDATES[name](lambda: None)
    await client.connect(
        Link(
            port=port,
            cafile=cafile or None,
            username=USER,
            password=PASSWORD,
            client_id=f"{role}-{name}",
        )
    )
    return client


async def be_subscriber(name: str, port: int, cafile: str) -> None:
    """Echoes what is asked; counts what is sent, and tells time and CPU at the last of it."""
    client = await connected(name, "sub", port, cafile)
    tasks: set[asyncio.Future[Any]] = set()
    count = 0
    cpu = 0.0

    def soon(work: Any) -> None:
        task = asyncio.ensure_future(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def asked(inbound: Inbound) -> None:
        soon(inbound.ack())
        headers = Headers(correlation=inbound.headers.correlation)
        soon(client.publish(inbound.headers.response_topic, inbound.payload, headers=headers))

    def sent(inbound: Inbound) -> None:
        nonlocal count, cpu
        if inbound.payload == b"start":
            count, cpu = 0, time.process_time()
        else:
            count += 1
            qos = int(inbound.topic[-1])
            if count == SENT[qos]:
                told = {"at": time.monotonic(), "cpu": time.process_time() - cpu}
                soon(client.publish("bench/told", json.dumps(told).encode()))
        soon(inbound.ack())

    def heard(inbound: Inbound) -> None:
        if inbound.topic == "bench/ask":
            asked(inbound)
        elif inbound.topic.startswith("bench/q"):
            sent(inbound)

    # One handler behind one filter, as some adapters give each handler everything.
    await client.subscribe("bench/+", heard)
    print("up", flush=True)
    await asyncio.sleep(60)  # until it is killed
    await client.close()


async def be_publisher(name: str, port: int, cafile: str) -> None:  # noqa: C901 - one scenario
    client = await connected(name, "pub", port, cafile)
    told: asyncio.Queue[dict[str, float]] = asyncio.Queue()
    replies: dict[bytes | None, asyncio.Future[None]] = {}
    tasks: set[asyncio.Future[None]] = set()

    def heard(inbound: Inbound) -> None:
        task = asyncio.ensure_future(inbound.ack())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if inbound.topic == "bench/told":
            told.put_nowait(json.loads(inbound.payload))
        elif inbound.topic == "bench/back/1":
            replies.pop(inbound.headers.correlation).set_result(None)

    await client.subscribe("bench/back/1", heard)
    await client.subscribe("bench/told", heard)
    figures: dict[str, float] = {}
    trips: list[float] = []
    for number in range(ASKED + 20):
        tag = str(number).encode()
        reply = replies[tag] = asyncio.get_running_loop().create_future()
        headers = Headers(response_topic="bench/back/1", correlation=tag, expiry=5)
        started = time.perf_counter()
        acked = asyncio.ensure_future(client.publish("bench/ask", BODY, headers=headers))
        await reply
        trips.append((time.perf_counter() - started) * 1e6)
        await acked
    trips = trips[20:]
    figures["rtt_p50_us"] = statistics.median(trips)
    figures["rtt_p99_us"] = statistics.quantiles(trips, n=100)[98]
    for qos, count in SENT.items():
        topic = f"bench/q{qos}"
        await client.publish(topic, b"start")
        cpu, started = time.process_time(), time.monotonic()
        if qos == 0:
            for number in range(count):
                await client.publish(topic, BODY, qos=0)
                if number % WINDOW == 0:
                    await asyncio.sleep(0)
        else:
            left = iter(range(count))

            async def send(left: Any = left, topic: str = topic) -> None:
                for _ in left:
                    await client.publish(topic, BODY, qos=1)

            with suppress(TimeoutError):
                async with asyncio.timeout(4):
                    await asyncio.gather(*(send() for _ in range(WINDOW)))
        try:
            async with asyncio.timeout(4):
                there = await told.get()
        except TimeoutError:
            continue  # not all of it arrived: no figure
        figures[f"q{qos}_per_s"] = count / (there["at"] - started)
        figures[f"q{qos}_cpu_pub_us"] = (time.process_time() - cpu) / count * 1e6
        figures[f"q{qos}_cpu_sub_us"] = there["cpu"] / count * 1e6
    await client.close()
    print(json.dumps(figures))


def measure(name: str, running: Broker, *, tls: bool) -> dict[str, float] | str:
    here = [sys.executable, str(Path(__file__).resolve()), "--role"]
    where = [name, str(running.tls if tls else running.plain), running.cafile if tls else ""]
    pipe = subprocess.PIPE
    with subprocess.Popen([*here, "sub", *where], stdin=pipe, stdout=pipe, text=True) as subscriber:
        try:
            assert subscriber.stdout
            assert subscriber.stdout.readline() == "up\n"
            publisher = subprocess.run(
                [*here, "pub", *where], capture_output=True, text=True, timeout=30, check=False
            )
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return type(error).__name__
        finally:
            subscriber.kill()
    if publisher.returncode:
        return publisher.stderr.strip().rpartition("\n")[2]
    return json.loads(publisher.stdout)


def best(runs: list[dict[str, float]]) -> dict[str, int | None]:
    """The best of each figure; None where no run came to an end."""
    seen = {key: [run[key] for run in runs if key in run] for key in FIGURES}
    return {key: round(FIGURES[key](some)) if some else None for key, some in seen.items()}


def shown(*figures: int | None, between: str = " / ") -> str:
    return between.join("-" if figure is None else f"{figure:,}" for figure in figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="names, with commas between them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--role", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.role:
        role, name, port, cafile = arguments.role
        asyncio.run((be_subscriber if role == "sub" else be_publisher)(name, int(port), cafile))
        return
    found = installed(arguments.only.split(",") if arguments.only else [])
    runs: dict[tuple[str, bool], list[dict[str, float]]] = {}
    failed: dict[str, str] = {}
    with broker(inflight=1000) as running:
        # Candidates take turns within a round, so that a busy moment falls on all of them.
        for _ in range(arguments.rounds):
            for name in found.versions:
                for tls in (True, False):
                    got = measure(name, running, tls=tls)
                    if isinstance(got, str):
                        failed[f"{name} {'tls' if tls else 'plain'}"] = got
                    else:
                        runs.setdefault((name, tls), []).append(got)
    results = {
        f"{name} {'tls' if tls else 'plain'}": {"runs": len(got), **best(got)}
        for (name, tls), got in sorted(runs.items(), key=lambda item: not item[0][1])
    }
    if arguments.json:
        print(json.dumps({"versions": found.versions, "best": results, "failed": failed}, indent=2))
        return
    print("| client | rtt p50/p99 us | q0 msg/s | q1 msg/s | CPU us pub+sub q0 | q1 |")
    print("|---" * 6 + "|")
    for name, one in results.items():
        cells = (
            shown(one["rtt_p50_us"], one["rtt_p99_us"]),
            shown(one["q0_per_s"]),
            shown(one["q1_per_s"]),
            shown(one["q0_cpu_pub_us"], one["q0_cpu_sub_us"], between="+"),
            shown(one["q1_cpu_pub_us"], one["q1_cpu_sub_us"], between="+"),
        )
        print(f"| {name} | " + " | ".join(cells) + " |")
    for name, why in failed.items():
        print(f"{name}: {why}")


if __name__ == "__main__":
    main()
