import json
from pathlib import Path

import pytest

from alicia.bus.bus import Bus, Declaration
from alicia.contracts.system import PRESENCE, Phase, Presence
from alicia.errors import NotReadyError, RefusedError, UnauthenticatedError
from alicia.runtime.house import Address, InlineHouse, MqttHouse
from alicia.runtime.roster import PEERS, ROOMS, built, needs, room
from alicia.runtime.settings import Folder


def test_an_address_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    address = Address("mqtts://127.0.0.1:8883", "/x/ca.crt", "home/1/alicia")
    address.write(folder)
    assert Address.read(folder) == address


@pytest.mark.parametrize("text", [None, "{", "[]", '{"url": "x", "more": 1}'])
def test_where_no_house_is_a_person_is_told_so(tmp_path: Path, text: str | None) -> None:
    folder = Folder(tmp_path)
    if text is not None:
        folder.broker.mkdir()
        Address.path(folder).write_text(text, "utf-8")
    with pytest.raises(NotReadyError, match="alicia up"):
        MqttHouse(folder).transport("stt", "stt-1")


def test_an_identity_without_credentials_is_told_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    Address("mqtts://127.0.0.1:8883", None).write(folder)
    with pytest.raises(NotReadyError, match="stt"):
        MqttHouse(folder).transport("stt", "stt-1")


def test_a_service_reaches_the_bus_by_its_credentials(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    Address("mqtts://127.0.0.1:8883", None, "home/1/alicia").write(folder)
    folder.identities.mkdir()
    (folder.identities / "stt.json").write_text(
        json.dumps({"username": "stt", "password": "x"}),  # pragma: allowlist secret
        "utf-8",
    )
    house = MqttHouse(folder)
    transport = house.transport("stt", "stt-1")
    assert not transport.connected
    assert house.root == "home/1/alicia"


async def test_a_house_in_one_process_has_the_access_rules_of_a_real_one() -> None:
    house = InlineHouse()
    declaration = Declaration(says=frozenset({PRESENCE}))
    stt = Bus(
        house.transport("stt", "stt-1"), service="stt", instance="stt-1", declaration=declaration
    )

    def presence(service: str) -> Presence:
        return Presence(
            service=service,
            instance="stt-1",
            phase=Phase.READY,
            version="1",
            pid=1,
            host="h",
            started_at=0,
        )

    async with stt:
        await stt.say(PRESENCE, presence("stt"))
        with pytest.raises(RefusedError):
            await stt.say(PRESENCE, presence("tts"))
    with pytest.raises(UnauthenticatedError):
        await house.transport("stranger", "x").open(
            lambda *_: None, will=None, on_connected=lambda: None
        )


def test_the_roster_has_its_23_rooms() -> None:
    assert len(ROOMS) == 23
    assert len({entry.name for entry in (*ROOMS, *PEERS)}) == len(ROOMS) + len(PEERS)
    assert room("stt") in built()
    assert "stt" in needs("router")
