"""Who may connect to the broker: one generated password per identity.

Each identity has a file of its own (0600) that its service reads: `{"username", "password"}`.
The broker gets only hashes, in Mosquitto's `$7$` form.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from alicia.errors import SetupError
from alicia.security.files import write_once, write_private

# What both a file's name and Mosquitto's password and access files take; lower case, because some
# file systems don't tell `Stt` from `stt`.
IDENTITY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")

# Mosquitto's own count. Stretching protects passwords that can be guessed; 256 random bits can't.
_ITERATIONS = 101


@dataclass(frozen=True)
class Credentials:
    """What an identity connects with."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Identities:
    """The identities in a folder (0700), a file each."""

    folder: Path

    def path(self, name: str) -> Path:
        """Its file. Raises SetupError for a name that can't be one."""
        if not IDENTITY.fullmatch(name):
            raise SetupError(f"{name!r} can't be the name of an identity.", identity=name)
        return self.folder / f"{name}.json"

    def names(self) -> list[str]:
        return sorted(
            path.stem for path in self.folder.glob("*.json") if IDENTITY.fullmatch(path.stem)
        )

    def ensure(self, name: str) -> Credentials:
        """Its credentials, generated the first time."""
        path = self.path(name)
        if not path.exists():
            write_once(path, _generated(name))
        return read_credentials(path)

    def rotate(self, name: str) -> Credentials:
        """New credentials; the old ones count until the broker reads its password file again."""
        path = self.path(name)
        write_private(path, _generated(name))
        return read_credentials(path)

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def password_file(self) -> str:
        """Mosquitto's password file for all of them; the same text until credentials change."""
        lines: list[str] = []
        for name in self.names():
            credentials = read_credentials(self.path(name))
            if credentials.username != name:
                raise SetupError(f"{self.path(name)} is for another identity.", identity=name)
            lines.append(password_line(credentials) + "\n")
        return "".join(lines)


def read_credentials(path: Path) -> Credentials:
    """What stands in an identity's file. Raises SetupError where it can't be used."""
    try:
        content = json.loads(path.read_bytes())
        username, password = content["username"], content["password"]
    except FileNotFoundError as error:
        raise SetupError(f"There are no credentials in {path}.", path=str(path)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        # The reason is not chained into the message: it could quote the password.
        raise SetupError(f"The credentials in {path} can't be read.", path=str(path)) from error
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        raise SetupError(f"The credentials in {path} are not complete.", path=str(path))
    return Credentials(username, password)


def password_line(credentials: Credentials) -> str:
    """The line of Mosquitto's password file: PBKDF2-HMAC-SHA512.

    The salt comes from the password itself, so the line changes only with the credentials. That
    gives nothing away where the password is random; don't use it for one that a person chose.
    """
    password = credentials.password.encode()
    # 12 bytes is what Mosquitto 2.0 takes, no more and no less.
    salt = hmac.digest(password, b"mosquitto salt " + credentials.username.encode(), "sha512")[:12]
    digest = hashlib.pbkdf2_hmac("sha512", password, salt, _ITERATIONS)
    return f"{credentials.username}:$7${_ITERATIONS}${_base64(salt)}${_base64(digest)}"


def _generated(name: str) -> bytes:
    content = {"username": name, "password": secrets.token_urlsafe(32)}
    return json.dumps(content, indent=2).encode() + b"\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
