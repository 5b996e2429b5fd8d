"""The access rules on a real Mosquitto: who may say and be told what, proven by delivery.

A SUBACK proves nothing: an acl_file grants every SUBSCRIBE, and a refusal shows as silence. So each
identity subscribes to everything, and what it collects is compared with its contract; and it says
everything, and what a witness collects is compared with its contract.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from alicia.bus.bus import Declaration
from alicia.contracts import declared, system, voice
from alicia.contracts.kinds import AnyTopic, Stream
from alicia.runtime.access import TAPPING, derive
from alicia.runtime.roster import declarations
from alicia.security.authority import Authority
from alicia.security.identities import Credentials, Identities
from alicia.security.mosquitto import BrokerSettings, Grant
from alicia.security.supervisor import Mosquitto

ROOT = "alicia"
PROBE = "probe"
"""An identity outside the contract that may do everything: it says, and it witnesses."""
IDENTITIES = sorted(declarations())
REFUSED = 135
WITHIN_S = 60.0


# ---- what the contract grants, worked out from the declarations alone ----------------------------


@dataclass(frozen=True)
class Place:
    """One topic name to try."""

    name: str
    topic: AnyTopic | None = None
    """What it is declared as."""
    owner: str | None = None
    """Whose it is, where each service has its own."""
    inbox: str | None = None
    """Who is answered there."""


def places() -> list[Place]:
    """A name of every declared topic, of everybody's own, every inbox, and some that nobody has."""
    found = [
        Place("elsewhere"),
        Place(f"{ROOT}/undeclared"),
        Place(f"{ROOT}/voice/stt/audio"),
        Place(f"{ROOT}/voice/stt/audio/u1/more"),
        Place("other/voice/stt/audio/u1"),
        Place(f"{ROOT}/system/reply/{PROBE}/i1", inbox=PROBE),
    ]
    for topic in declared().values():
        owners = IDENTITIES if topic.each_own else [None]
        for owner in owners:
            values = {place: f"{place}1" for place in topic.places}
            if owner is not None:
                values["service"] = owner
            found.append(Place(f"{ROOT}/{topic.filter(**values)}", topic, owner))
    found += [Place(f"{ROOT}/system/reply/{who}/i1", inbox=who) for who in IDENTITIES]
    return found


PLACES = places()


def may_be_told(who: str, place: Place) -> bool:
    mine = declarations()[who]
    if place.inbox is not None:
        return place.inbox == who and bool(mine.asks)
    if place.topic is None:
        return False
    if who == TAPPING and not isinstance(place.topic, Stream):
        return True
    serves = place.topic in mine.serves and place.owner in (None, who)
    return place.topic in mine.hears or serves


def may_say(who: str, place: Place) -> bool:
    mine = declarations()[who]
    if place.inbox is not None:
        return place.inbox in IDENTITIES and answers(mine, declarations()[place.inbox])
    if place.topic is None:
        return False
    says = place.topic in mine.says and place.owner in (None, who)
    return says or place.topic in mine.asks


def answers(mine: Declaration, asker: Declaration) -> bool:
    return bool(mine.serves & asker.asks)


# ---- the broker, and who connects to it ----------------------------------------------------------


class Peer:
    """An MQTT 5 client that remembers what it was told and what was refused."""

    def __init__(self, broker: Mosquitto, credentials: Credentials) -> None:
        self.told: list[tuple[str, bytes, bool]] = []
        self.acknowledged: dict[int, int] = {}
        self._granted = 0
        self._connected: list[int] = []
        self._news = threading.Condition()
        self._broker = broker
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.max_inflight_messages_set(0)
        self._client.tls_set_context(broker.endpoint.tls())
        self._client.username_pw_set(credentials.username, credentials.password)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe

    def connect(self, *, will: str | None = None) -> None:
        if will is not None:
            self._client.will_set(will, b"will", qos=1)
        endpoint = self._broker.endpoint
        self._client.connect(endpoint.host, endpoint.port)
        self._client.loop_start()
        self.until(lambda: bool(self._connected))
        assert self._connected == [0]

    def hear(self, *filters: str) -> None:
        self._client.subscribe(
            [(topic_filter, SubscribeOptions(qos=1)) for topic_filter in filters]
        )
        self.until(lambda: self._granted >= len(filters))
        self._granted = 0

    def say(self, topic: str, payload: bytes = b"", *, qos: int = 1, retain: bool = False) -> int:
        return self._client.publish(topic, payload, qos=qos, retain=retain).mid

    def code(self, mid: int) -> int:
        """The broker's acknowledgement."""
        self.until(lambda: mid in self.acknowledged)
        return self.acknowledged[mid]

    def topics(self) -> set[str]:
        return {topic for topic, _, _ in self.told}

    def until(self, fact: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(fact, WITHIN_S), "it did not come true in time"

    def vanish(self) -> None:
        """Break the connection, so that the broker says the will."""
        sock: Any = self._client.socket()
        self._client.loop_stop()
        sock.close()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _noting(self, note: Callable[[], object]) -> None:
        with self._news:
            note()
            self._news.notify_all()

    def _on_connect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self._noting(lambda: self._connected.append(code.value))

    def _on_message(self, _c: Any, _u: Any, message: MQTTMessage) -> None:
        told = message.topic, bytes(message.payload), message.retain
        self._noting(lambda: self.told.append(told))

    def _on_publish(self, _c: Any, _u: Any, mid: int, code: Any, _p: Any) -> None:
        self._noting(lambda: self.acknowledged.update({mid: code.value}))

    def _on_subscribe(self, _c: Any, _u: Any, _mid: int, codes: list[Any], _p: Any) -> None:
        def count() -> None:
            self._granted += len(codes)

        self._noting(count)


@dataclass
class House:
    """A Mosquitto with the real house's rules, and a probe who may do everything."""

    broker: Mosquitto
    identities: Identities
    peers: list[Peer] = field(default_factory=list[Peer])

    def join(self, identity: str, *filters: str, will: str | None = None) -> Peer:
        peer = Peer(self.broker, self.identities.ensure(identity))
        self.peers.append(peer)
        peer.connect(will=will)
        if filters:
            peer.hear(*filters)
        return peer

    def leave(self) -> None:
        for peer in self.peers:
            peer.leave()
        self.peers.clear()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Generator[House, None, None]:
    folder = tmp_path_factory.mktemp("access")
    authority = Authority(folder / "ca")
    authority.ensure()
    authority.ensure_server()
    identities = Identities(folder / "identities")
    rules = {name: Grant(reads=a.read, writes=a.write) for name, a in derive(ROOT).items()}
    assert sorted(rules) == IDENTITIES
    rules[PROBE] = Grant(reads=("#", "$SYS/#"), writes=("#",))
    for name in rules:
        identities.ensure(name)
    broker = Mosquitto(
        BrokerSettings(
            folder=folder / "broker",
            certificate_file=authority.server_file,
            ca_file=authority.ca_file,
            tls_port=0,
            persistence=False,
        )
    )
    asyncio.run(broker.start(rules, identities.password_file()))
    yield House(broker, identities)
    asyncio.run(broker.stop())


@pytest.fixture
def house(started: House) -> Generator[House, None, None]:
    yield started
    # What is retained is the next test's too.
    sweeper = started.join(PROBE, "#")
    last = f"swept/{monotonic()}"
    sweeper.say(last)
    sweeper.until(lambda: last in sweeper.topics())
    kept = {topic for topic, _, retained in sweeper.told if retained}
    for mid in [sweeper.say(topic, retain=True) for topic in kept]:
        sweeper.code(mid)
    started.leave()


def expected(who: str, fits: Callable[[str, Place], bool]) -> set[str]:
    return {place.name for place in PLACES if fits(who, place)}


def told_everything(house: House, listener: Peer, *, retain: bool = False) -> set[str]:
    """What reaches the listener of one message on every topic name there is."""
    probe = house.join(PROBE)
    for place in PLACES:
        probe.say(place.name, b"probe", retain=retain)
    last = f"{ROOT}/system/presence/{PROBE}/last"  # which everybody may hear
    probe.say(last)
    # One connection's messages come in order: what was let through is here before the last.
    listener.until(lambda: last in listener.topics())
    return listener.topics() - {last} - sys(listener.topics())


def sys(topics: Iterable[str]) -> set[str]:
    return {topic for topic in topics if topic.startswith("$SYS")}


# ---- being told ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", IDENTITIES)
def test_an_identity_is_told_exactly_what_its_contract_grants(house: House, who: str) -> None:
    listener = house.join(who, "#", "$SYS/#")
    assert told_everything(house, listener) == expected(who, may_be_told)


@pytest.mark.parametrize("who", IDENTITIES)
def test_a_shared_subscription_lets_nothing_more_through(house: House, who: str) -> None:
    listener = house.join(who, f"$share/{who}/#", f"$share/{who}/$SYS/#", f"{ROOT}/system/#")
    heard = told_everything(house, listener)
    assert heard == expected(who, may_be_told)


@pytest.mark.parametrize("who", IDENTITIES)
def test_what_is_retained_is_given_to_those_who_may_hear_it(house: House, who: str) -> None:
    probe = house.join(PROBE)
    codes = [probe.say(place.name, b"kept", retain=True) for place in PLACES]
    for mid in codes:
        assert probe.code(mid) != REFUSED
    listener = house.join(who, "#", "$SYS/#")
    last = f"{ROOT}/system/presence/{PROBE}/last"
    probe.say(last)
    listener.until(lambda: last in listener.topics())
    kept = {topic for topic, _, retained in listener.told if retained}
    assert kept - sys(kept) == expected(who, may_be_told)


def test_the_brokers_own_figures_are_for_the_broker_room_alone(house: House) -> None:
    listeners = {who: house.join(who, "#", "$SYS/#") for who in IDENTITIES}
    listeners["broker"].until(lambda: bool(sys(listeners["broker"].topics())))
    probe = house.join(PROBE)
    last = f"{ROOT}/system/presence/{PROBE}/last"
    probe.say(last)
    for listener in listeners.values():
        listener.until(lambda heard=listener: last in heard.topics())
    assert [who for who, listener in listeners.items() if sys(listener.topics())] == ["broker"]


# ---- saying --------------------------------------------------------------------------------------


@pytest.mark.parametrize("retain", [False, True], ids=["passing", "retained"])
@pytest.mark.parametrize("who", IDENTITIES)
def test_what_the_contract_does_not_grant_is_refused_and_reaches_nobody(
    house: House, who: str, *, retain: bool
) -> None:
    witness = house.join(PROBE, "#")
    speaker = house.join(who)
    said = {place.name: speaker.say(place.name, who.encode(), retain=retain) for place in PLACES}
    refused = {name for name, mid in said.items() if speaker.code(mid) == REFUSED}
    for place in PLACES:
        speaker.say(place.name, b"at most once", qos=0, retain=retain)
    last = f"{ROOT}/system/presence/{who}/last"
    speaker.say(last)
    witness.until(lambda: last in witness.topics())

    granted = expected(who, may_say)
    assert refused == {place.name for place in PLACES} - granted
    for payload in (who.encode(), b"at most once"):
        assert {topic for topic, said_, _ in witness.told if said_ == payload} == granted
    newcomer = house.join(PROBE, "#")
    speaker.say(f"{last}/again")  # refused: three levels too many
    speaker.code(speaker.say(last))
    newcomer.until(lambda: last in newcomer.topics())
    kept = {topic for topic, _, retained in newcomer.told if retained}
    assert kept == (granted if retain else set())


def test_a_will_in_anothers_name_is_not_said(house: House) -> None:
    witness = house.join(PROBE, "#")
    allowed, forged = (f"{ROOT}/system/presence/{whose}/i1" for whose in ("stt", "router"))
    # A broker may refuse the will at the door or when it is due; both keep it from being said.
    for will in (forged, allowed):
        house.join("stt", will=will).vanish()
    witness.until(lambda: allowed in witness.topics())
    assert forged not in witness.topics()


# ---- by name -------------------------------------------------------------------------------------


def test_stt_can_neither_publish_nor_receive_outside_its_contract(house: House) -> None:
    witness = house.join(PROBE, "#")
    stt = house.join("stt", "#", "$SYS/#", "$share/stt/#", "$share/ai/#", "$share/router/#")
    own = {
        f"{ROOT}/{name}"
        for name in (
            "voice/stt/listening/u1",
            "voice/stt/partial/u1",
            "voice/stt/ended/u1",
            "system/presence/stt/i1",
            "system/deadletter/stt",
            "system/trace/stt",
            "system/reply/router/i1",
            "system/reply/console/i1",
        )
    }
    for name in (*own, *(place.name for place in PLACES)):
        stt.say(name, b"stt")
    last = f"{ROOT}/system/presence/stt/last"
    stt.say(last)
    witness.until(lambda: last in witness.topics())
    said = {topic for topic, payload, _ in witness.told if payload == b"stt"}
    assert said == own | expected("stt", may_say)
    for forbidden in (
        "system/presence/router/i1",
        "system/reply/satellite/i1",
        "voice/stt/transcribe",
        "voice/stt/audio/u1",
        "voice/tts/speech/t1",
        "voice/router/turn/s1",
        "voice/ai/understand",
        "devices/control/command",
        "devices/adapter/virtual/command",
    ):
        assert stt.code(stt.say(f"{ROOT}/{forbidden}", b"stt")) == REFUSED

    stt.told.clear()  # its own presence, which everybody is told
    told = told_everything(house, stt)
    allowed = {
        f"{ROOT}/advanced/advanced_voice/speaker/utterance_id1",  # whose patience counts
        f"{ROOT}/voice/stt/audio/utterance_id1",
        f"{ROOT}/voice/stt/transcribe",
        f"{ROOT}/voice/router/cancel/turn_id1",
        f"{ROOT}/system/reply/stt/i1",  # of what it asks the mind
        *(f"{ROOT}/system/service/stt/instance1/{what}" for what in ("ping", "info", "stats")),
        *(f"{ROOT}/system/presence/{who}/instance1" for who in IDENTITIES),
    }
    assert told == allowed
    assert voice.AUDIO in declarations()["stt"].hears
    assert not sys(stt.topics())


def test_who_joins_anothers_group_is_told_nothing_of_what_it_takes(house: House) -> None:
    group = f"$share/ai/{ROOT}/{voice.UNDERSTAND.filter()}"
    presence = f"{ROOT}/{system.PRESENCE.filter()}"
    ai, stt = house.join("ai", group, presence), house.join("stt", group, presence)
    router = house.join("router")
    sentences = [f"sentence {number}".encode() for number in range(10)]
    for sentence in sentences:
        router.say(f"{ROOT}/{voice.UNDERSTAND.pattern}", sentence)
    last = f"{ROOT}/system/presence/router/last"
    router.say(last)
    for listener in (ai, stt):
        listener.until(lambda heard=listener: last in heard.topics())
    assert stt.topics() == {last}
    # Mosquitto picks a member before it looks at access: what falls to the intruder is lost.
    taken = [payload for topic, payload, _ in ai.told if topic != last]
    assert set(taken) < set(sentences)


def test_the_console_hears_everything_but_a_microphone_and_a_voice(house: House) -> None:
    console = house.join(TAPPING, "#")
    told = told_everything(house, console)
    for stream in (voice.AUDIO, voice.SPEECH):
        assert not any(stream.match(topic.removeprefix(f"{ROOT}/")) for topic in told)
    assert f"{ROOT}/voice/router/say" in told
    assert f"{ROOT}/system/reply/router/i1" not in told


def test_answers_to_one_are_kept_from_all_others(house: House) -> None:
    inbox = f"{ROOT}/system/reply/satellite/i1"
    curious = {who: house.join(who, "#", inbox, f"{ROOT}/system/reply/#") for who in IDENTITIES}
    probe = house.join(PROBE)
    probe.say(inbox, b"a transcript")
    last = f"{ROOT}/system/presence/{PROBE}/last"
    probe.say(last)
    for listener in curious.values():
        listener.until(lambda heard=listener: last in heard.topics())
    assert [who for who, peer in curious.items() if inbox in peer.topics()] == ["satellite"]


def test_a_presence_can_only_be_said_in_ones_own_name(house: House) -> None:
    witness = house.join(PROBE, f"{ROOT}/{system.PRESENCE.filter()}")
    for who in IDENTITIES:
        speaker = house.join(who)
        said = {
            name: speaker.say(f"{ROOT}/system/presence/{name}/i1", who.encode())
            for name in IDENTITIES
        }
        assert [name for name, mid in said.items() if speaker.code(mid) != REFUSED] == [who]
    last = f"{ROOT}/system/presence/{PROBE}/last"  # behind all that was acknowledged
    witness.say(last)
    witness.until(lambda: last in witness.topics())
    told = {(topic.split("/")[3], payload.decode()) for topic, payload, _ in witness.told}
    assert told == {(who, who) for who in IDENTITIES} | {(PROBE, "")}
