"""The real Mosquitto, as this craft configures, starts, watches, leaves and adopts it."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from alicia.errors import NotReadyError, SetupError
from alicia.security import process
from alicia.security.authority import Authority
from alicia.security.endpoint import Endpoint, existing
from alicia.security.identities import Credentials, Identities
from alicia.security.mosquitto import Access, BrokerSettings, Grant, check
from alicia.security.supervisor import Mosquitto
from alicia.testing.waiting import Stopwatch, until

# Alice may do little; Bob hears and says everything.
ACCESS: Access = {
    "alice": Grant(reads=("in/#",), writes=("out/+",)),
    "bob": Grant(reads=("#",), writes=("#",)),
}
NOT_AUTHORIZED = 135


class Peer:
    """An MQTT 5 client that remembers what happened to it."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials | None) -> None:
        self.heard: list[str] = []
        self.codes: list[int] = []
        self.acknowledged: dict[int, int] = {}
        self.granted: list[int] = []
        self.lost = 0
        self._endpoint = endpoint
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.tls_set_context(endpoint.tls())
        if credentials is not None:
            self._client.username_pw_set(credentials.username, credentials.password)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe

    def _on_connect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self.codes.append(code.value)

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, _r: Any, _p: Any) -> None:
        self.lost += 1

    def _on_message(self, _c: Any, _u: Any, message: MQTTMessage) -> None:
        self.heard.append(message.topic)

    def _on_publish(self, _c: Any, _u: Any, mid: int, code: Any, _p: Any) -> None:
        self.acknowledged[mid] = code.value

    def _on_subscribe(self, _c: Any, _u: Any, _mid: int, codes: list[Any], _p: Any) -> None:
        self.granted += [code.value for code in codes]

    async def connect(self) -> int:
        """The broker's answer: 0, or why not."""
        await asyncio.to_thread(self._client.connect, self._endpoint.host, self._endpoint.port)
        self._client.loop_start()
        await until(lambda: self.codes)
        return self.codes[-1]

    async def hear(self, topic_filter: str) -> None:
        before = len(self.granted)  # first: the answer comes on a thread of Paho's
        self._client.subscribe(topic_filter, qos=1)
        await until(lambda: len(self.granted) > before)

    async def say(self, topic: str, *, retain: bool = False) -> int:
        """The broker's acknowledgement."""
        mid = self._client.publish(topic, b"x", qos=1, retain=retain).mid
        await until(lambda: mid in self.acknowledged)
        return self.acknowledged[mid]

    async def leave(self) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)


@dataclass
class Home:
    """A folder with an authority, identities, and every broker and client that used it."""

    folder: Path
    brokers: list[Mosquitto] = field(default_factory=list[Mosquitto])
    peers: list[Peer] = field(default_factory=list[Peer])

    @property
    def authority(self) -> Authority:
        return Authority(self.folder / "ca")

    @property
    def identities(self) -> Identities:
        return Identities(self.folder / "identities")

    @property
    def passwords(self) -> str:
        return self.identities.password_file()

    def broker(self, **changes: Any) -> Mosquitto:
        settings = BrokerSettings(
            folder=self.folder / "broker",
            certificate_file=self.authority.server_file,
            ca_file=self.authority.ca_file,
            tls_port=0,
        )
        made = Mosquitto(replace(settings, **changes))
        self.brokers.append(made)
        return made

    async def started(self, **changes: Any) -> Mosquitto:
        broker = self.broker(**changes)
        assert not await broker.start(ACCESS, self.passwords)
        return broker

    def peer(self, broker: Mosquitto, credentials: Credentials | None) -> Peer:
        made = Peer(broker.endpoint, credentials)
        self.peers.append(made)
        return made

    async def connected(self, broker: Mosquitto, name: str, *filters: str) -> Peer:
        peer = self.peer(broker, self.identities.ensure(name))
        assert await peer.connect() == 0
        for topic_filter in filters:
            await peer.hear(topic_filter)
        return peer

    def kill(self) -> None:
        conf = str(self.folder / "broker" / "mosquitto.conf")
        pids = {broker.pid for broker in self.brokers}
        with suppress(OSError, ValueError):
            pids.add(int((self.folder / "broker" / "mosquitto.pid").read_text()))
        for pid in pids:
            if pid and process.runs(pid, "-c", conf):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    # A space, as in macOS's "Application Support".
    made = Home(tmp_path / "a home")
    made.authority.ensure_server()
    for name in ACCESS:
        made.identities.ensure(name)
    try:
        yield made
    finally:
        for peer in made.peers:
            await peer.leave()
        for broker in made.brokers:
            await broker.stop()
        made.kill()


def tls_version(home: Home, port: int, newest: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=home.authority.ca_file)
    context.maximum_version = newest
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return secured.version()


async def test_tls_1_3_is_spoken_and_1_2_refused_on_both_listeners(home: Home) -> None:
    broker = await home.started(websocket_port=0)
    for port in broker.settings.ports.values():
        assert await asyncio.to_thread(tls_version, home, port, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(tls_version, home, port, ssl.TLSVersion.TLSv1_2)


async def test_nobody_enters_without_the_right_password(home: Home) -> None:
    broker = await home.started()
    wrong = Credentials("alice", "x" * 43)
    assert await home.peer(broker, None).connect() == NOT_AUTHORIZED
    assert await home.peer(broker, wrong).connect() == NOT_AUTHORIZED
    assert await home.peer(broker, Credentials("carol", "x" * 43)).connect() == NOT_AUTHORIZED
    assert await home.peer(broker, home.identities.ensure("alice")).connect() == 0


async def test_what_access_does_not_allow_to_say_reaches_nobody(home: Home) -> None:
    broker = await home.started()
    bob = await home.connected(broker, "bob", "#")
    alice = await home.connected(broker, "alice")
    for topic in ("in/a", "out", "out/a/b", "elsewhere"):
        assert await alice.say(topic) == NOT_AUTHORIZED
    await alice.say("out/a")
    # One connection's messages arrive in order: had one of the others been let through, it would
    # be here before this.
    await until(lambda: bob.heard)
    assert bob.heard == ["out/a"]


async def test_what_access_does_not_allow_to_hear_is_not_delivered(home: Home) -> None:
    broker = await home.started()
    alice = await home.connected(broker, "alice", "#", "$share/alice/shared/#")
    assert alice.granted == [1, 1]  # which proves nothing
    bob = await home.connected(broker, "bob")
    for topic in ("out/a", "elsewhere", "shared/a", "in/a"):
        await bob.say(topic)
    await until(lambda: alice.heard)
    assert alice.heard == ["in/a"]


async def test_a_reload_lets_a_new_identity_in_and_drops_nobody(home: Home) -> None:
    broker = await home.started()
    bob = await home.connected(broker, "bob", "#")
    carol = home.identities.ensure("carol")
    assert await home.peer(broker, carol).connect() == NOT_AUTHORIZED
    access = {**ACCESS, "carol": Grant(writes=("carol/#",))}
    assert await broker.reload(access, home.passwords)
    newcomer = await home.connected(broker, "carol")
    await newcomer.say("carol/here")
    await until(lambda: bob.heard == ["carol/here"])
    assert bob.lost == 0
    assert not await broker.reload(access, home.passwords)


async def test_a_reload_takes_a_right_away_from_a_client_that_stays(home: Home) -> None:
    broker = await home.started()
    alice = await home.connected(broker, "alice")
    assert await alice.say("out/a") != NOT_AUTHORIZED
    await broker.reload({**ACCESS, "alice": Grant(reads=("in/#",))}, home.passwords)
    assert await alice.say("out/a") == NOT_AUTHORIZED
    assert alice.lost == 0


async def test_rotated_credentials_count_from_the_reload_on(home: Home) -> None:
    broker = await home.started()
    old = home.identities.ensure("alice")
    new = home.identities.rotate("alice")
    await broker.reload(ACCESS, home.passwords)
    assert await home.peer(broker, old).connect() == NOT_AUTHORIZED
    assert await home.peer(broker, new).connect() == 0


async def test_a_reload_shows_new_clients_the_renewed_certificate(home: Home) -> None:
    broker = await home.started()
    bob = await home.connected(broker, "bob")
    named = replace(broker.endpoint, host="127.0.0.1").tls()

    def names() -> str:
        with (
            socket.create_connection(("127.0.0.1", broker.settings.tls_port), timeout=5) as plain,
            named.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            return str(secured.getpeercert())

    assert "alicia.home" not in await asyncio.to_thread(names)
    assert home.authority.ensure_server(["alicia.home"])
    await broker.reload(ACCESS, home.passwords)
    assert "alicia.home" in await asyncio.to_thread(names)
    assert bob.lost == 0
    assert not broker.needs_restart


async def test_a_websocket_listener_needs_a_restart_for_a_renewed_certificate(home: Home) -> None:
    broker = await home.started(websocket_port=0)
    assert not broker.needs_restart
    assert home.authority.ensure_server(["alicia.home"])
    assert broker.needs_restart
    first, ports = broker.pid, broker.settings.ports
    assert not await broker.start(ACCESS, home.passwords)
    assert broker.pid != first
    assert broker.settings.ports == ports
    assert not broker.needs_restart


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from alicia.security.mosquitto import BrokerSettings, Grant
from alicia.security.supervisor import Mosquitto

async def main(folder, certificate, ca, passwords):
    broker = Mosquitto(BrokerSettings(
        folder=Path(folder), certificate_file=Path(certificate), ca_file=Path(ca), tls_port=0))
    everything = Grant(reads=("#",), writes=("#",))
    await broker.start({"alice": everything, "bob": everything}, passwords)
    print(broker.pid, broker.settings.tls_port, flush=True)
    await broker.watch()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_broker_whose_supervisor_was_killed_is_adopted_unnoticed(home: Home) -> None:
    broker = home.broker()
    settings = broker.settings
    files = (settings.folder, settings.certificate_file, settings.ca_file)
    first = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", SUPERVISOR, *map(str, files), home.passwords],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert first.stdout is not None
        pid, port = map(int, (await first.stdout.readline()).split())
        client = Mosquitto(replace(settings, tls_port=port))
        bob = await home.connected(client, "bob", "#")
    finally:
        first.kill()
        await first.wait()
    assert await broker.start(ACCESS, home.passwords)
    assert (broker.pid, broker.settings.tls_port) == (pid, port)
    await bob.say("still/here")
    await until(lambda: bob.heard == ["still/here"])
    assert bob.lost == 0
    # The adopted one obeys the successor: its rules, its watch, its stop.
    alice = await home.connected(broker, "alice")
    assert await alice.say("elsewhere") == NOT_AUTHORIZED
    watching = asyncio.create_task(broker.watch())
    await asyncio.sleep(0)
    await broker.stop()
    assert (await watching).reason == "Mosquitto is gone."
    assert not process.runs(pid, "-c", str(settings.folder / "mosquitto.conf"))


async def test_other_settings_replace_the_running_broker(home: Home) -> None:
    first = await home.started()
    before = first.pid
    assert before is not None
    second = home.broker(max_queued=500)
    assert not await second.adopt(ACCESS, home.passwords)
    assert not await second.start(ACCESS, home.passwords)
    assert second.pid != before
    assert not process.alive(before)
    assert second.settings.tls_port == first.settings.tls_port


async def test_a_pid_file_that_names_another_process_is_not_believed(home: Home) -> None:
    broker = home.broker()
    broker.settings.folder.mkdir()
    broker.pid_file.write_text(f"{os.getpid()}\n")
    assert not await broker.adopt(ACCESS, home.passwords)
    assert not await broker.start(ACCESS, home.passwords)


async def killed(broker: Mosquitto, watching: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
    watch = asyncio.ensure_future(watching())
    await asyncio.sleep(0)
    assert broker.pid is not None
    began = Stopwatch()
    os.kill(broker.pid, signal.SIGKILL)
    return await watch, began.seconds


async def test_a_killed_broker_is_noticed_at_once_and_starts_on_the_same_port(home: Home) -> None:
    broker = await home.started()
    bob = await home.connected(broker, "bob")
    port, first = broker.settings.tls_port, broker.pid
    ended, took_s = await killed(broker, broker.watch)
    assert (ended.pid, ended.code) == (first, -signal.SIGKILL)
    assert ended.reason == "Mosquitto was ended by SIGKILL."
    assert any("running" in line for line in ended.log)
    assert took_s < 2
    assert not await broker.start(ACCESS, home.passwords)
    assert broker.settings.tls_port == port
    await until(lambda: bob.codes == [0, 0])  # paho connects again by itself


async def test_a_death_is_noticed_where_the_system_offers_only_polling(home: Home) -> None:
    broker = await home.started()
    assert broker.pid is not None
    pid = broker.pid
    code, took_s = await killed(broker, lambda: process.polled(pid))
    assert code == -signal.SIGKILL
    assert took_s < 2


async def test_a_retained_message_survives_a_clean_restart(home: Home) -> None:
    broker = await home.started()
    bob = await home.connected(broker, "bob")
    await bob.say("kept/a", retain=True)
    await bob.leave()
    await broker.stop()
    assert broker.pid is None
    await broker.start(ACCESS, home.passwords)
    later = await home.connected(broker, "bob", "kept/#")
    await until(lambda: later.heard == ["kept/a"])


async def test_a_port_that_is_taken_is_named(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        broker = home.broker(tls_port=port)
        with pytest.raises(SetupError, match=f"Port {port} can't be used") as caught:
            await broker.start(ACCESS, home.passwords)
    assert caught.value.fields["port"] == port
    assert broker.pid is None


async def test_a_broker_that_does_not_come_up_says_why_and_leaves_nothing(home: Home) -> None:
    home.authority.server_file.write_text("nonsense")
    broker = home.broker()
    with pytest.raises(SetupError, match="certificate") as caught:
        await broker.start(ACCESS, home.passwords)
    assert caught.value.fields["log"]
    assert broker.pid is None
    assert not broker.pid_file.exists()
    assert home.authority.ensure_server()
    assert not await broker.start(ACCESS, home.passwords)


async def test_a_broker_is_up_within_150_ms(home: Home) -> None:
    broker = home.broker(websocket_port=0, plain_port=0)
    tries: list[float] = []
    while min(tries, default=1) >= 0.15 and len(tries) < 40:  # it is others that keep it waiting
        began = monotonic()
        await broker.start(ACCESS, home.passwords)
        tries.append(monotonic() - began)
        await broker.stop()
    assert min(tries) < 0.15


async def test_what_does_not_run_can_be_neither_reloaded_nor_watched(home: Home) -> None:
    broker = home.broker()
    with pytest.raises(NotReadyError):
        await broker.reload(ACCESS, home.passwords)
    with pytest.raises(NotReadyError):
        await broker.watch()
    await broker.stop()


async def test_somebody_elses_broker_is_used_where_it_can_be_trusted(home: Home) -> None:
    broker = await home.started()
    endpoint = await existing(broker.endpoint.url, ca_file=home.authority.ca_file)
    peer = Peer(endpoint, home.identities.ensure("bob"))
    home.peers.append(peer)
    assert await peer.connect() == 0
    with pytest.raises(SetupError, match="can't be trusted"):
        await existing(broker.endpoint.url)


def test_the_installed_mosquitto_will_do(home: Home) -> None:
    assert check(home.broker().settings).version >= (2, 0, 11)
