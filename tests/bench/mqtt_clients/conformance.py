"""Does a library show what our bus needs of MQTT 5? Probes against a real Mosquitto.

python tests/bench/mqtt_clients/conformance.py [--json] [--only paho,gmqtt]
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker import PASSWORD, USER, Broker, broker
from candidates import CANDIDATES, Headers, Inbound, Link, Paho, installed

WINDOW = 10  # small, so that an overrun shows
BURST = 5000
HERE = str(Path(__file__).resolve())
PROBES: dict[str, Callable[["Bench"], Awaitable[str]]] = {}


class NoError(AssertionError):
    """The probe's answer is no; the message says what was seen."""


def need(truth: object, seen: str) -> None:
    if not truth:
        raise NoError(seen)


def probe(title: str) -> Callable[[Callable[["Bench"], Awaitable[str]]], Any]:
    def keep(function: Callable[["Bench"], Awaitable[str]]) -> Any:
        PROBES[title] = function
        return function

    return keep


@dataclass
class Bench:
    """One candidate before one broker."""

    name: str
    broker: Broker
    count: int = 0
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def link(self, **asked: Any) -> Link:
        self.count += 1
        values: dict[str, Any] = {
            "port": self.broker.tls,
            "cafile": self.broker.cafile,
            "username": USER,
            "password": PASSWORD,
            "client_id": f"{self.name}-{os.getpid()}-{self.count}",
        }
        return Link(**{**values, **asked})

    @asynccontextmanager
    async def client(self, kind: Any = None, **asked: Any) -> AsyncGenerator[Any]:
        """The candidate, or a client of another kind, connected."""
        lost = asyncio.Event()
        if kind is None:
            self.lost = lost
        client = (kind or CANDIDATES[self.name])(lost.set)
        await client.connect(self.link(**asked))
        try:
            yield client
        finally:
            # What a library says to closing a connection that it has lost is not asked here.
            with suppress(Exception) if lost.is_set() else nullcontext():
                async with asyncio.timeout(5):
                    await client.close()


class Box:
    """What arrived; acknowledged at once unless told otherwise."""

    def __init__(self, *, hold: bool = False) -> None:
        self.hold = hold
        self.all: list[Inbound] = []
        self._tasks: set[asyncio.Future[None]] = set()

    def __call__(self, inbound: Inbound) -> None:
        self.all.append(inbound)
        if not self.hold:
            task = asyncio.ensure_future(inbound.ack())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def filled(self, count: int, within: float = 3) -> None:
        try:
            async with asyncio.timeout(within):
                while len(self.all) < count:  # noqa: ASYNC110 - a probe may poll
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise NoError(f"{len(self.all)} of {count} arrived") from None


@probe("PUBACK 0x10 visible")
async def no_subscribers(bench: Bench) -> str:
    async with bench.client() as client:
        code = await client.publish("bench/nobody", b"x")
        need(code is not None, "hidden")
        need(code == 0x10, f"code {code}")
    return "yes"


@probe("PUBACK 135 visible")
async def refused(bench: Bench) -> str:
    async with bench.client() as client:
        code = await client.publish("refused/topic", b"x")
        need(code is not None, "hidden")
        need(code == 135, f"code {code}")
    return "yes"


@probe("properties both ways")
async def properties(bench: Bench) -> str:
    """Against another client than the candidate, so that no two mistakes cancel."""
    sent = Headers(
        user=(("from", "stt/1"), ("from", "twice"), ("ünï", "çödé")),
        response_topic="bench/reply",
        correlation=b"\x00\xff\x10",
        expiry=60,
    )
    async with bench.client() as client, bench.client(Paho) as peer:
        here, there = Box(), Box()
        await client.subscribe("bench/here", here)
        await peer.subscribe("bench/there", there)
        await client.publish("bench/there", b"\x00", headers=sent)
        await peer.publish("bench/here", b"\x00", headers=sent)
        await here.filled(1)
        await there.filled(1)
        for way, box in (("in", here), ("out", there)):
            got = box.all[0].headers
            need(got == sent, f"{way}: {got}")
            need(box.all[0].payload == b"\x00", f"{way}: payload")
    return "yes"


@probe("manual ack holds the window")
async def manual_ack(bench: Bench) -> str:
    async with bench.client(receive_maximum=4) as client, bench.client(Paho) as peer:
        box = Box(hold=True)
        await client.subscribe("bench/held", box)
        for number in range(10):
            if bench.lost.is_set():
                break
            await peer.publish("bench/held", str(number).encode())
        await asyncio.sleep(0.4)
        need(len(box.all) == 4, f"{len(box.all)} of 10 came unacknowledged")
        # Mosquitto 2.0.11 answers one PUBACK with a whole window, and so overruns it.
        try:
            await box.all[0].ack()
            await box.filled(5)
        except Exception:  # noqa: BLE001 - each library has an error of its own for it
            raise NoError("ends the connection when the broker overruns it") from None
        await asyncio.sleep(0.1)
        need(not bench.lost.is_set(), "ends the connection when the broker overruns it")
        box.hold = False
        with suppress(Exception):
            for inbound in box.all[1:]:
                await inbound.ack()
        need(not bench.lost.is_set(), "ends the connection when the broker overruns it")
        await box.filled(10)
    return "yes"


@probe("will on abrupt loss")
async def will(bench: Bench) -> str:
    async with bench.client(Paho) as peer:
        box = Box()
        await peer.subscribe("bench/will", box)
        victim = await asyncio.create_subprocess_exec(
            *(sys.executable, HERE, "--victim", bench.name, str(bench.broker.tls)),
            bench.broker.cafile,
            stdout=asyncio.subprocess.PIPE,
        )
        assert victim.stdout
        try:
            line = await asyncio.wait_for(victim.stdout.readline(), 10)
            need(line == b"up\n", "the victim did not connect")
        finally:
            victim.kill()
            await victim.wait()
        await box.filled(1)
        need(box.all[0].payload == b"gone", "payload")
    return "yes"


@probe("session expiry")
async def session(bench: Bench) -> str:
    asked = {"client_id": f"session-{bench.name}", "session_expiry": 60, "clean_start": False}
    async with bench.client(**asked) as client:
        await client.subscribe("bench/kept", Box())
    async with bench.client(Paho) as peer:
        await peer.publish("bench/kept", b"while away")
    box = Box()
    client = CANDIDATES[bench.name](lambda: None)
    client.listen("bench/kept", box)  # after a loss the old session speaks before any SUBACK
    present = await client.connect(bench.link(**asked))
    await client.subscribe("bench/kept", box)
    try:
        await box.filled(1)
    except NoError:
        raise NoError(f"session present: {present}; what waited is lost") from None
    finally:
        await client.close()
    return "yes"


@probe("TCP_NODELAY on the socket")
async def nodelay(bench: Bench) -> str:
    async with bench.client() as client:
        sock = client.socket()
        need(sock is not None, "no socket")
        need(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "off")
    private = CANDIDATES[bench.name].private
    return "yes" + (" (private)" if "socket" in private and "_create" not in private else "")


@probe("cancellation clean")
async def cancellation(bench: Bench) -> str:
    before = asyncio.all_tasks()
    async with bench.client() as client:
        await client.subscribe("bench/cancelled", Box())
        for turns in (0, 1, 2, 3):
            tasks = [
                asyncio.create_task(client.publish("bench/cancelled", b"x")) for _ in range(30)
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(3):  # still of use
            await client.publish("bench/cancelled", b"x")
    await asyncio.sleep(0.1)
    left = asyncio.all_tasks() - before
    need(not left, f"{len(left)} tasks left")
    return "yes"


@probe("5,000 QoS 1 in the window")
async def burst(bench: Bench) -> str:
    """All at once, through a tap that counts how many are on their way."""
    async with tapped(bench.broker.plain) as tap, bench.client(Paho) as peer:
        box = Box()
        await peer.subscribe("bench/burst", box)
        async with bench.client(port=tap.port, cafile=None) as client:
            jobs = [client.publish("bench/burst", str(n).encode()) for n in range(BURST)]
            got = await asyncio.gather(*jobs, return_exceptions=True)
            errors = [one for one in got if isinstance(one, BaseException)]
            need(not errors, f"{len(errors)} {type(errors[0]).__name__}" if errors else "")
            await box.filled(BURST, 20)
        numbers = [int(inbound.payload) for inbound in box.all]
        need(numbers == list(range(BURST)), "lost or out of order")
        need(tap.most <= WINDOW, f"{tap.most} in flight, {WINDOW} allowed")
    window = CANDIDATES[bench.name].window
    return "yes" + ("" if window == "library" else f" (window: {window})")


@probe("loss noticed, kill -9")
async def loss(bench: Bench) -> str:
    """The last probe: it ends the broker, with a publish on its way."""
    client = CANDIDATES[bench.name](bench.lost.set)
    await client.connect(bench.link())
    await client.subscribe("bench/loss", Box())
    os.kill(bench.broker.process.pid, signal.SIGSTOP)  # so that the publish can't be answered
    waiting = asyncio.create_task(client.publish("bench/loss", b"x"))
    await asyncio.sleep(0.05)
    started = time.perf_counter()
    os.kill(bench.broker.process.pid, signal.SIGKILL)
    try:
        async with asyncio.timeout(3):
            await bench.lost.wait()
    except TimeoutError:
        raise NoError("not within 3 s") from None
    took = (time.perf_counter() - started) * 1000
    done, _ = await asyncio.wait({waiting}, timeout=1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    need(done, f"{took:.0f} ms, but a publish under way hangs")
    return f"yes, {took:.0f} ms"


@dataclass
class Tap:
    port: int
    flying: int = 0
    most: int = 0


@asynccontextmanager
async def tapped(upstream: int) -> AsyncGenerator[Tap]:
    """A relay that counts QoS 1 PUBLISH from the client against PUBACK from the broker."""
    tap = Tap(0)
    writers: list[asyncio.StreamWriter] = []

    async def relay(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, publish: int, step: int
    ) -> None:
        try:
            while True:
                head = await reader.readexactly(1)
                length, shift = 0, 0
                while True:
                    byte = await reader.readexactly(1)
                    head += byte
                    length |= (byte[0] & 127) << shift
                    shift += 7
                    if byte[0] < 128:
                        break
                if head[0] & 0xF6 == publish:
                    tap.flying += step
                    tap.most = max(tap.most, tap.flying)
                writer.write(head + await reader.readexactly(length))
                await writer.drain()
        except (OSError, EOFError):
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", upstream)
        writers.extend((writer, up_writer))
        await asyncio.gather(relay(reader, up_writer, 0x32, 1), relay(up_reader, writer, 0x40, -1))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    tap.port = server.sockets[0].getsockname()[1]
    try:
        yield tap
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.05)


async def examine(name: str) -> dict[str, str]:
    answers: dict[str, str] = {}
    with broker(inflight=WINDOW) as running:
        bench = Bench(name, running)
        for title, ask in PROBES.items():
            try:
                async with asyncio.timeout(60):
                    answers[title] = await ask(bench)
            except NoError as no:
                answers[title] = f"no: {no}"
            except Exception as error:  # noqa: BLE001 - a library's failure is an answer
                answers[title] = f"no: {type(error).__name__} {error}".strip()
    return answers


async def be_victim(name: str, port: str, cafile: str) -> None:
    client = CANDIDATES[name](lambda: None)
    link = Link(
        port=int(port),
        cafile=cafile,
        username=USER,
        password=PASSWORD,
        client_id=f"victim-{name}",
        will=("bench/will", b"gone"),
    )
    await client.connect(link)
    print("up", flush=True)
    await asyncio.sleep(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="names, with commas between them")
    parser.add_argument("--victim", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.victim:
        asyncio.run(be_victim(*arguments.victim))
        return
    found = installed(arguments.only.split(",") if arguments.only else [])
    results = {name: asyncio.run(examine(name)) for name in found.versions}
    if arguments.json:
        print(json.dumps({"versions": found.versions, "probes": results}, indent=2))
        return
    print("| probe | " + " | ".join(f"{n} {v}" for n, v in found.versions.items()) + " |")
    print("|---" * (len(results) + 1) + "|")
    for title in PROBES:
        print(f"| {title} | " + " | ".join(answers[title] for answers in results.values()) + " |")


if __name__ == "__main__":
    main()
