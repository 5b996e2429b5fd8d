"""What is wrong with the home's certificates, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from alicia.errors import SetupError
from alicia.security.authority import (
    Authority,
    Pair,
    issued_by,
    names_of,
    read_certificate,
    read_key,
    server_names,
)
from alicia.security.files import open_to_others

_NEW_SERVER = "Start Alicia again: the broker's certificate is issued at the start."
_NEW_ROOT = (
    "Move the folder away and start Alicia again: a new root is made. "
    "Every satellite and app then needs the new ca.crt."
)
_CLOCK = "Set this machine's clock, best by network time."


@dataclass(frozen=True)
class Problem:
    """Something a person has to mend."""

    code: str
    message: str
    remedy: str


def problems(folder: Path, now: datetime, names: Iterable[str] = ()) -> list[Problem]:
    """All that is wrong with the authority in this folder; `names` as given to ensure_server."""
    authority = Authority(folder)
    found = list(_exposed(authority))
    root = _read(authority.ca_file, "ca", _NEW_ROOT, found)
    server = _read(authority.server_file, "server", _NEW_SERVER, found)
    if root is not None:
        found += _lifetime(root, "ca", "home's root", timedelta(days=90), now, _NEW_ROOT)
        found += _key(root, authority.ca_key_file, "ca", "root's", "Put the right ca.key back.")
    if server is not None:
        found += _lifetime(server, "server", "broker's", timedelta(days=14), now, _NEW_SERVER)
        found += _key(server, authority.server_file, "server", "broker's", _NEW_SERVER)
        found += _names(server, server_names(names))
    if root is not None and server is not None and not issued_by(root, server):
        found.append(
            Problem(
                "server.other_authority",
                "The broker's certificate was not issued by this home's root.",
                _NEW_SERVER,
            )
        )
    return found


def _exposed(authority: Authority) -> Iterator[Problem]:
    for path in (authority.folder, authority.ca_key_file, authority.server_file):
        if path.exists() and open_to_others(path):
            mode = "700" if path.is_dir() else "600"
            yield Problem(
                "file.exposed",
                f"Others on this machine may open {path}.",
                f"chmod {mode} '{path}'",
            )


def _read(path: Path, which: str, remedy: str, found: list[Problem]) -> x509.Certificate | None:
    if not path.exists():
        found.append(Problem(f"{which}.missing", f"{path} is missing.", _NEW_SERVER))
        return None
    try:
        return read_certificate(path)
    except SetupError as error:
        found.append(Problem(f"{which}.unreadable", error.message, remedy))
        return None


def _lifetime(
    certificate: x509.Certificate,
    which: str,
    whose: str,
    warn: timedelta,
    now: datetime,
    remedy: str,
) -> Iterator[Problem]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    name = f"The {whose} certificate"
    if now < start:
        yield Problem(
            f"{which}.not_yet_valid",
            f"{name} is valid from {start:%Y-%m-%d}, but this clock shows {now:%Y-%m-%d}.",
            _CLOCK,
        )
    elif now >= end:
        yield Problem(
            f"{which}.expired",
            f"{name} ended on {end:%Y-%m-%d}; this clock shows {now:%Y-%m-%d}.",
            f"If that date is wrong, set the clock. Otherwise: {remedy}",
        )
    elif end - now < warn:
        yield Problem(f"{which}.expires_soon", f"{name} ends on {end:%Y-%m-%d}.", remedy)


def _key(
    certificate: x509.Certificate, path: Path, which: str, whose: str, remedy: str
) -> Iterator[Problem]:
    if not path.exists():
        yield Problem(
            f"{which}.key_missing",
            f"{path} is missing: no certificate can be issued or renewed.",
            remedy,
        )
        return
    try:
        pair = Pair(certificate, read_key(path))
    except SetupError as error:
        yield Problem(f"{which}.key_unreadable", error.message, remedy)
        return
    if not pair.matches:
        yield Problem(
            f"{which}.key_mismatch", f"The {whose} key does not match its certificate.", remedy
        )


def _names(server: x509.Certificate, wanted: set[str]) -> Iterator[Problem]:
    missing = wanted - names_of(server)
    if missing:
        yield Problem(
            "server.names",
            f"The broker's certificate is not for {', '.join(sorted(missing))}.",
            _NEW_SERVER,
        )
