"""What Mosquitto is told, and which Mosquitto will do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alicia.errors import DependencyMissingError, SettingsError, SetupError
from alicia.security.mosquitto import BrokerSettings, Grant, Program, approve, check, render

SETTINGS = BrokerSettings(
    folder=Path("/home/alicia/broker"),
    certificate_file=Path("/home/alicia/ca/server.pem"),
    ca_file=Path("/home/alicia/ca/ca.crt"),
    as_root=False,
)
TLS = [
    "certfile /home/alicia/ca/server.pem",
    "keyfile /home/alicia/ca/server.pem",
    "tls_version tlsv1.3",
]


def lines(**changes: Any) -> list[str]:
    text = render(replace(SETTINGS, **changes), {})["mosquitto.conf"]
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_default_configuration_is_one_tls_listener_on_loopback() -> None:
    assert lines() == [
        "per_listener_settings false",
        "allow_anonymous false",
        "password_file /home/alicia/broker/passwords",
        "acl_file /home/alicia/broker/acl",
        "set_tcp_nodelay true",
        "max_inflight_messages 1000",
        "max_queued_messages 10000",
        "max_packet_size 2000000",
        "persistence true",
        "persistence_location /home/alicia/broker/data",
        "autosave_interval 30",
        "pid_file /home/alicia/broker/mosquitto.pid",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        "listener 8883 127.0.0.1",
        *TLS,
    ]


def test_every_listener_but_the_loopback_one_speaks_tls_1_3() -> None:
    told = lines(bind_address="192.0.2.7", websocket_port=8884, plain_port=1883)
    assert told[told.index("listener 8883 192.0.2.7") :] == [
        *["listener 8883 192.0.2.7", *TLS],
        *["listener 8884 192.0.2.7", "protocol websockets", *TLS],
        "listener 1883 127.0.0.1",
    ]
    assert "MinProtocol = TLSv1.3" in render(SETTINGS, {})["openssl.cnf"]


def test_an_empty_bind_address_is_all_addresses() -> None:
    assert "listener 8883" in lines(bind_address="")


def test_root_stays_root_because_the_files_are_private() -> None:
    assert "user root" in lines(as_root=True)
    assert not any(line.startswith("user") for line in lines(as_root=False))


def test_without_persistence_nothing_is_stored() -> None:
    assert not any(
        line.startswith(("persistence_l", "autosave")) for line in lines(persistence=False)
    )


def test_access_rules_are_sorted_and_the_same_in_any_order() -> None:
    one = {"tts": Grant(reads=("b", "a/+/c", "b")), "stt": Grant(("a/#",), ("b/+",))}
    other = {"stt": Grant(("a/#",), ("b/+",)), "tts": Grant(reads=("a/+/c", "b"))}
    assert render(SETTINGS, one) == render(SETTINGS, other)
    assert render(SETTINGS, one)["acl"].splitlines()[1:] == [
        *["", "user stt", "topic read a/#", "topic write b/+"],
        *["", "user tts", "topic read a/+/c", "topic read b"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        *["", "a b", " a", "a\t", "a\nuser root", "alicia/%u/x", "alicia/%c", "$share/stt/a"],
        *["a/#/b", "a#", "a+/b", "#/a", "a/\0", "a\u00a0b", "a\u2028b", "x" * 1025],
    ],
)
def test_a_filter_that_mosquitto_could_read_differently_is_refused(wrong: str) -> None:
    for grant in (Grant(reads=(wrong,)), Grant(writes=(wrong,))):
        with pytest.raises(SettingsError):
            render(SETTINGS, {"stt": grant})


@pytest.mark.parametrize("identity", ["", "a b", "a\ntopic readwrite #", "Stt", "a:b", "#"])
def test_an_identity_that_mosquitto_could_read_differently_is_refused(identity: str) -> None:
    with pytest.raises(SettingsError):
        render(SETTINGS, {identity: Grant()})


@pytest.mark.parametrize(
    "change",
    [
        {"folder": Path("relative")},
        {"folder": Path("/a\nallow_anonymous true")},
        {"certificate_file": Path("/a/b ")},
        {"bind_address": "localhost"},
        {"bind_address": "127.0.0.1\nallow_anonymous true"},
        {"tls_port": 65536},
        {"tls_port": -1},
        {"websocket_port": 8883},
        {"autosave_s": 0},
        {"max_queued": 0},
        {"max_packet_bytes": 10},
    ],
)
def test_a_setting_that_mosquitto_could_misread_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        replace(SETTINGS, **change)


def test_several_ports_may_be_left_open() -> None:
    assert replace(SETTINGS, tls_port=0, websocket_port=0).ports == {
        "tls_port": 0,
        "websocket_port": 0,
    }


def program(folder: Path, script: str) -> Path:
    path = folder / "mosquitto"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


def test_a_missing_program_names_the_way_to_it(tmp_path: Path) -> None:
    with pytest.raises(DependencyMissingError, match="apt install mosquitto") as caught:
        check(replace(SETTINGS, program=tmp_path / "mosquitto"))
    assert "brew install" in caught.value.message


def test_the_version_stands_in_a_help_that_ends_with_an_error(tmp_path: Path) -> None:
    path = program(tmp_path, "echo mosquitto version 2.1.3; exit 3")
    assert check(replace(SETTINGS, program=path)) == Program(path.resolve(), (2, 1, 3))


def test_an_old_program_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path, "echo mosquitto version 2.0.10")
    with pytest.raises(DependencyMissingError, match=r"2\.0\.11"):
        check(replace(SETTINGS, program=path))


def test_another_program_is_refused(tmp_path: Path) -> None:
    path = program(tmp_path, "echo something else")
    with pytest.raises(DependencyMissingError, match="not Mosquitto"):
        check(replace(SETTINGS, program=path))


def test_a_newer_mosquitto_judges_the_file_itself(tmp_path: Path) -> None:
    path = program(tmp_path, 'test "$3" = --test-config && echo "Error: no such option" && exit 3')
    with pytest.raises(SetupError) as caught:
        approve(Program(path, (2, 1, 0)), tmp_path / "conf", {})
    assert caught.value.fields["log"] == ["Error: no such option"]


def test_an_older_mosquitto_is_not_asked(tmp_path: Path) -> None:
    approve(Program(tmp_path / "missing", (2, 0, 22)), tmp_path / "conf", {})
