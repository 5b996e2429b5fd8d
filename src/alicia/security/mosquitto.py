"""Mosquitto's configuration: what the program is told, rendered from settings and access.

    BrokerSettings, Access -> render() -> mosquitto.conf, acl, openssl.cnf

The same input gives the same text, byte for byte, so a change of a file is a change of meaning.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from alicia.errors import DependencyMissingError, SettingsError, SetupError
from alicia.security.identities import IDENTITY

CONF, ACL, PASSWORDS, OPENSSL = "mosquitto.conf", "acl", "passwords", "openssl.cnf"
PID, LOG, DATA = "mosquitto.pid", "mosquitto.log", "data"
OLDEST = (2, 0, 11)

# Debian and Homebrew install the program where an ordinary user's PATH does not look.
_ELSEWHERE = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/local/sbin")
_VERSION = re.compile(r"mosquitto version (\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Grant:
    """What one identity may do: MQTT filters, without `$share/…/`."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


Access: TypeAlias = Mapping[str, Grant]
"""Every identity and its grant. Who is not in it may do nothing."""


def _is_root() -> bool:
    return os.geteuid() == 0


@dataclass(frozen=True, kw_only=True)
class BrokerSettings:
    """How the broker runs. Raises SettingsError for what Mosquitto could misread."""

    folder: Path
    """Its own (0700): configuration, log, pid file, stored messages."""
    certificate_file: Path
    """PEM: certificate and key."""
    ca_file: Path
    """PEM: the root that issued the certificate."""
    program: Path | None = None
    """Mosquitto; searched for where it is not given."""
    bind_address: str = "127.0.0.1"
    """An IP address; empty for all of this machine's."""
    tls_port: int = 8883
    """0 takes the port of the last start, or a free one; so do the other ports."""
    websocket_port: int | None = None
    plain_port: int | None = None
    """Without TLS, and on 127.0.0.1 alone whatever the bind address."""
    persistence: bool = True
    autosave_s: int = 30
    """How much a crash may lose. The whole store is written each time, which wears out SD cards."""
    max_inflight: int = 1000
    max_queued: int = 10_000
    max_packet_bytes: int = 2_000_000
    as_root: bool = field(default_factory=_is_root)

    def __post_init__(self) -> None:
        for path in (self.folder, self.certificate_file, self.ca_file):
            text = str(path)
            if not path.is_absolute() or not text.isprintable() or text != text.strip():
                raise SettingsError(f"{text!r} is not an absolute path.", field="folder")
        if self.bind_address:
            try:
                ipaddress.ip_address(self.bind_address)
            except ValueError as error:
                raise SettingsError(
                    f"{self.bind_address!r} is not an IP address.", field="bind_address"
                ) from error
        fixed = [port for port in self.ports.values() if port]
        if not all(0 <= port <= 65535 for port in self.ports.values()):
            raise SettingsError("A port is a number from 0 to 65535.", field="tls_port")
        if len(set(fixed)) != len(fixed):
            raise SettingsError("Two listeners can't have the same port.", field="tls_port")
        # 20 bytes would still be legal MQTT, but no message of ours.
        for name, least in (
            ("autosave_s", 1),
            ("max_inflight", 1),
            ("max_queued", 1),
            ("max_packet_bytes", 1024),
        ):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} is at least {least}.", field=name)

    @property
    def ports(self) -> dict[str, int]:
        """The ports of the listeners, by field, in the order of the configuration."""
        named = {
            "tls_port": self.tls_port,
            "websocket_port": self.websocket_port,
            "plain_port": self.plain_port,
        }
        return {name: port for name, port in named.items() if port is not None}


@dataclass(frozen=True)
class Program:
    """An installed Mosquitto that will do."""

    path: Path
    version: tuple[int, int, int]


def render(settings: BrokerSettings, access: Access) -> dict[str, str]:
    """The files' texts by name, all but the passwords.

    Raises SettingsError for an identity or a filter that Mosquitto could read differently.
    """
    return {
        CONF: "\n".join(_configuration(settings)) + "\n",
        ACL: "\n".join(_access(access)) + "\n",
        # Mosquitto 2.0 does not apply tls_version to its WebSocket listener; OpenSSL's own floor
        # holds for both.
        OPENSSL: (
            "openssl_conf = broker\n[broker]\nssl_conf = tls\n"
            "[tls]\nsystem_default = floor\n[floor]\nMinProtocol = TLSv1.3\n"
        ),
    }


def check(settings: BrokerSettings) -> Program:
    """The program that these settings run. Raises DependencyMissingError."""
    return find_program(settings.program)


def find_program(given: Path | None = None) -> Program:
    """Find Mosquitto and its version.

    Raises DependencyMissingError where there is none, or it is too old.
    """
    remedy = "Install it: `apt install mosquitto` (Debian, Ubuntu) or `brew install mosquitto`."
    if given is not None:
        found = shutil.which(given)
    else:
        found = shutil.which(
            "mosquitto", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_ELSEWHERE))
        )
    if found is None:
        raise DependencyMissingError(
            f"The MQTT broker Mosquitto is missing. {remedy}",
            program=str(given or "mosquitto"),
        )
    version = _version(found)
    if version < OLDEST:
        raise DependencyMissingError(
            f"Mosquitto is too old: Alicia needs {_dotted(OLDEST)} or newer. {remedy}",
            program=found,
            version=_dotted(version),
        )
    return Program(Path(found).resolve(), version)


def approve(program: Program, conf: Path, environment: Mapping[str, str]) -> None:
    """Let Mosquitto itself judge the file, where it can (2.1). Raises SetupError."""
    if program.version < (2, 1, 0):
        return
    outcome = _run([str(program.path), "-c", str(conf), "--test-config"], environment)
    if outcome.returncode:
        raise SetupError(
            "Mosquitto does not accept its configuration.",
            path=str(conf),
            log=(outcome.stdout + outcome.stderr).strip().splitlines()[-10:],
        )


def _version(program: str) -> tuple[int, int, int]:
    # Mosquitto 2.0 knows no --version, and ends its help with a code other than 0.
    outcome = _run([program, "-h"], None)
    match = _VERSION.search(outcome.stdout + outcome.stderr)
    if match is None:
        raise DependencyMissingError(f"{program} is not Mosquitto.", program=program)
    return int(match[1]), int(match[2]), int(match[3])


def _run(
    argv: list[str], environment: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the program of the settings, no shell, fixed arguments
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DependencyMissingError(
            f"{argv[0]} can't be run: {error}.", program=argv[0]
        ) from error


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _configuration(settings: BrokerSettings) -> Iterator[str]:
    folder = settings.folder
    yield "# Written by Alicia at each start of the broker; changes made here are lost."
    yield "per_listener_settings false"
    yield "allow_anonymous false"
    yield f"password_file {folder / PASSWORDS}"
    yield f"acl_file {folder / ACL}"
    if settings.as_root:
        yield "# Started as root: without this line Mosquitto becomes the user `mosquitto`, who may"
        yield "# read none of these files (0600, in a folder of 0700)."
        yield "user root"
    yield "# Nagle's algorithm would hold small packets back for up to 40 ms."
    yield "set_tcp_nodelay true"
    yield f"max_inflight_messages {settings.max_inflight}"
    yield f"max_queued_messages {settings.max_queued}"
    yield f"max_packet_size {settings.max_packet_bytes}"
    yield f"persistence {'true' if settings.persistence else 'false'}"
    if settings.persistence:
        yield f"persistence_location {folder / DATA}"
        yield f"autosave_interval {settings.autosave_s}"
    # Written by the broker itself: were it ours to write, we could die between start and writing.
    yield f"pid_file {folder / PID}"
    # To stderr, which is the log file: Mosquitto then needs no right to open one itself.
    yield "log_dest stderr"
    for kind in ("error", "warning", "notice", "information"):
        yield f"log_type {kind}"
    yield "log_timestamp_format %Y-%m-%dT%H:%M:%S"
    address = f" {settings.bind_address}" if settings.bind_address else ""
    tls = (
        f"certfile {settings.certificate_file}",
        f"keyfile {settings.certificate_file}",
        "tls_version tlsv1.3",
    )
    yield from ("", f"listener {settings.tls_port}{address}", *tls)
    if settings.websocket_port is not None:
        yield from ("", f"listener {settings.websocket_port}{address}", "protocol websockets", *tls)
    if settings.plain_port is not None:
        yield from ("", f"listener {settings.plain_port} 127.0.0.1")


def _access(access: Access) -> Iterator[str]:
    yield "# Written by Alicia from the contract. What does not stand here is refused."
    for identity, grant in sorted(access.items()):
        if not IDENTITY.fullmatch(identity):
            raise SettingsError(f"{identity!r} can't be the name of an identity.", field="access")
        yield from ("", f"user {identity}")
        for verb, filters in (("read", grant.reads), ("write", grant.writes)):
            for topic_filter in sorted(set(filters)):
                yield f"topic {verb} {_checked(topic_filter, identity)}"


def _checked(topic_filter: str, identity: str) -> str:
    """The filter, where it means in Mosquitto's file what it means in MQTT."""
    levels = topic_filter.split("/")
    wrong = (
        not topic_filter
        or len(topic_filter.encode()) > 1024
        or not topic_filter.isprintable()
        or any(character.isspace() for character in topic_filter)
        or "%u" in topic_filter
        or "%c" in topic_filter
        or topic_filter.startswith("$share/")
        or any("#" in level and level != "#" for level in levels)
        or any("+" in level and level != "+" for level in levels)
        or "#" in levels[:-1]
    )
    if wrong:
        raise SettingsError(
            f"{topic_filter!r} can't stand in the broker's access rules.",
            field="access",
            identity=identity,
        )
    return topic_filter
