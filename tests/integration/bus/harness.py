"""One bus, two ways to carry it: the same house on a broker in memory and on a real Mosquitto."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from alicia.bus.bus import Bus, Declaration
from alicia.bus.hearing import Hearing
from alicia.bus.memory import MemoryBroker, MemoryTransport
from alicia.bus.mqtt import MqttTransport
from alicia.bus.options import MqttOptions
from alicia.bus.packet import Access, Transport
from alicia.contracts.kinds import Command, Event, Message, Payload, State, Stream
from alicia.contracts.system import DEAD_LETTER
from alicia.contracts.voice import AUDIO
from alicia.security.authority import Authority
from alicia.security.identities import Identities
from alicia.security.mosquitto import BrokerSettings, Grant
from alicia.security.supervisor import Mosquitto
from alicia.testing.waiting import PATIENCE_S

M = TypeVar("M", bound=Payload)
T = TypeVar("T")


# ---- what is said in these tests -----------------------------------------------------------------


class Note(Message):
    room: str = "hall"
    number: int = 0
    text: str = ""


class Sum(Message):
    a: int = 0
    b: int = 0
    text: str = ""


class Total(Message):
    total: int = 0
    by: str = ""
    text: str = ""


NOTED: Event[Note] = Event("test/noted/{room}", Note)
SHORT: Event[Note] = Event("test/short/{room}", Note, expiry_s=1)
LEVEL: State[Note] = State("test/level/{room}", Note)
PRESENT: State[Note] = State("test/present/{room}", Note, expiry_s=30)
SOUND: Stream[Note] = Stream("test/sound/{room}", Note, expiry_s=5)
ADD: Command[Sum, Total] = Command("test/add", Sum, reply=Total, idempotent=True)
ONCE: Command[Sum, Total] = Command("test/once", Sum, reply=Total)
ALL = Declaration(
    says=frozenset({NOTED, SHORT, LEVEL, PRESENT, SOUND, AUDIO, DEAD_LETTER}),
    hears=frozenset({NOTED, SHORT, LEVEL, PRESENT, SOUND, AUDIO, DEAD_LETTER}),
    asks=frozenset({ADD, ONCE}),
    serves=frozenset({ADD, ONCE}),
)
RULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "anna": (("#",), ("#",)),
    "ben": (("#",), ("#",)),
    # May say notes of its own room and hear levels, and nothing else.
    "guest": (("test/level/+",), ("test/noted/guest", "test/sound/guest")),
}
"""What each identity may read and write, under any root."""


# ---- houses --------------------------------------------------------------------------------------


class House:
    """A broker, and clients of it that leave when the test does."""

    kind: ClassVar[str]

    def __init__(self, root: str) -> None:
        self.root = root
        self._numbers = itertools.count(1)
        self._stack = AsyncExitStack()

    async def join(
        self,
        service: str = "anna",
        *,
        declaration: Declaration = ALL,
        instance: str | None = None,
        will: Note | None = None,
    ) -> Bus:
        return await self._stack.enter_async_context(
            self.client(service, declaration=declaration, instance=instance, will=will)
        )

    def client(
        self,
        service: str = "anna",
        *,
        declaration: Declaration = ALL,
        instance: str | None = None,
        will: Note | None = None,
    ) -> Bus:
        """Not connected yet."""
        instance = instance or f"{service}-{next(self._numbers)}"
        bus = Bus(
            self.transport(service, f"{self.root}-{instance}"),
            service=service,
            instance=instance,
            declaration=declaration,
            root=self.root,
        )
        if will is not None:
            bus.will(PRESENT, will)
        return bus

    def transport(self, identity: str, client_id: str) -> Transport:
        raise NotImplementedError

    @asynccontextmanager
    async def victim(self, will: Note) -> AsyncGenerator[Callable[[], None], None]:
        """A client that says PRESENT, serves ONCE without an end, and can be killed."""
        raise NotImplementedError(will)
        yield  # pyright: ignore[reportUnreachable]

    async def close(self) -> None:
        await self._stack.aclose()


class MemoryHouse(House):
    kind = "memory"

    def __init__(self, root: str) -> None:
        super().__init__(root)
        rooted = {
            name: Access(
                tuple(self._rooted(f) for f in reads), tuple(self._rooted(f) for f in writes)
            )
            for name, (reads, writes) in RULES.items()
        }
        self.broker = MemoryBroker(rooted)

    def _rooted(self, filter_: str) -> str:
        return filter_ if filter_ == "#" else f"{self.root}/{filter_}"

    def transport(self, identity: str, client_id: str) -> MemoryTransport:
        del client_id
        return MemoryTransport(self.broker, identity)

    @asynccontextmanager
    async def victim(self, will: Note) -> AsyncGenerator[Callable[[], None], None]:
        bus = self.client("ben", will=will)
        transport = bus._transport
        assert isinstance(transport, MemoryTransport)
        async with bus, bus.serve(ONCE, without_end):
            await bus.say(PRESENT, replaced(will, text="here"))

            def kill() -> None:
                transport.vanish()
                for task in bus._tasks:  # as a killed process, it says no last word
                    task.cancel()

            yield kill


class MqttHouse(House):
    kind = "mqtt"

    def __init__(self, root: str, broker: "Broker") -> None:
        super().__init__(root)
        self.broker = broker

    def transport(self, identity: str, client_id: str) -> MqttTransport:
        return MqttTransport(self.broker.options(identity, client_id))

    @asynccontextmanager
    async def victim(self, will: Note) -> AsyncGenerator[Callable[[], None], None]:
        options = self.broker.options("ben", f"{self.root}-victim")
        told = {
            "root": self.root,
            "url": options.url,
            "username": options.username,
            "password": options.password,
            "ca": str(options.ca),
            "will": will.model_dump(),
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).parent / "victim.py"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps(told).encode() + b"\n")
            async with asyncio.timeout(PATIENCE_S):
                assert await child.stdout.readline() == b"ready\n"
            yield lambda: child.send_signal(signal.SIGKILL)
        finally:
            if child.returncode is None:
                child.kill()
            await child.communicate()


@dataclass
class Broker:
    """A real Mosquitto as the security craft runs it."""

    folder: Path
    url: str | None = None
    mosquitto: Mosquitto = field(init=False)

    def __post_init__(self) -> None:
        authority = Authority(self.folder / "ca")
        authority.ensure()
        authority.ensure_server()
        self.ca_file = authority.ca_file
        self.identities = Identities(self.folder / "identities")
        self.credentials = {name: self.identities.ensure(name) for name in RULES}
        self.mosquitto = Mosquitto(
            BrokerSettings(
                folder=self.folder / "broker",
                certificate_file=authority.server_file,
                ca_file=authority.ca_file,
                tls_port=0,
                plain_port=0,
                persistence=False,
            )
        )

    async def start(self) -> None:
        """Started, again on the port that it had."""
        await self.mosquitto.start(
            {
                name: Grant(
                    tuple(f if f == "#" else f"+/{f}" for f in reads),
                    tuple(f if f == "#" else f"+/{f}" for f in writes),
                )
                for name, (reads, writes) in RULES.items()
            },
            self.identities.password_file(),
        )

    async def stop(self) -> None:
        await self.mosquitto.stop()

    async def killed(self) -> None:
        pid = self.mosquitto.pid
        assert pid is not None
        self.signal(signal.SIGKILL)
        await self.mosquitto.watch()

    def signal(self, number: signal.Signals) -> None:
        assert self.mosquitto.pid is not None
        os.kill(self.mosquitto.pid, number)

    def options(self, identity: str, client_id: str, **changes: Any) -> MqttOptions:
        return MqttOptions(
            url=self.mosquitto.endpoint.url,
            username=identity,
            password=self.password(identity),
            ca=self.ca_file,
            client_id=client_id,
            connect_timeout_s=5,
            **changes,
        )

    def password(self, identity: str) -> str:
        known = self.credentials.get(identity)
        return known.password if known else "guessed"

    def house(self, root: str) -> MqttHouse:
        return MqttHouse(root, self)


# ---- help ----------------------------------------------------------------------------------------


async def without_end(_: object) -> Total:
    await asyncio.Event().wait()
    return Total()


async def added(delivery: Any) -> Total:
    return Total(total=delivery.message.a + delivery.message.b)


def replaced(note: Note, **changes: object) -> Note:
    return note.model_copy(update=changes)


async def take(hearing: Hearing[M], count: int, within_s: float = PATIENCE_S) -> list[M]:
    """The next messages."""
    taken: list[M] = []
    async with asyncio.timeout(within_s):
        while len(taken) < count:
            taken.append((await anext(hearing)).message)
    return taken


def rooted(bus: Bus, relative: str) -> str:
    return bus._identity.root + relative
