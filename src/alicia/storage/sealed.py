"""Sealed files: what is somebody's own, encrypted on the disk, and gone when it is forgotten.

AES-256-GCM under a key in a file of its own (0600). Whatever is to be forgotten makes a new key:
what is left is written under it and the old key is thrown away, so that older copies of the file
can't be read any more.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alicia.errors import SetupError
from alicia.security.files import private_folder, write_private

_ID_BYTES, _NONCE_BYTES = 8, 12


class SealedFile:
    """One file and its key. Blocking."""

    def __init__(self, folder: Path, name: str, *, remedy: str) -> None:
        """remedy: what a person can do where it can't be read, after "Restore both files …"."""
        self.path = folder / name
        self.key_path = folder / f"{name}.key"
        self._name, self._remedy = name, remedy

    def read(self) -> bytes | None:
        """What is in it, None where there is no file.

        Raises SetupError where it can't be read; it is left as it is.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error.strerror or "unreadable") from error
        head = data[: _ID_BYTES + _NONCE_BYTES]
        key = self._keys().get(head[:_ID_BYTES].hex())
        if key is None or len(head) < _ID_BYTES + _NONCE_BYTES:
            raise self._unreadable("no key")
        try:
            return AESGCM(key).decrypt(head[_ID_BYTES:], data[len(head) :], head)
        except InvalidTag as error:
            raise self._unreadable("changed") from error

    def write(self, content: bytes, *, forget: bool = False) -> None:
        """In one step. forget: under a new key, so that what was before is gone.

        Raises SetupError.
        """
        keys = self._keys()
        key = None if forget else next(iter(keys.values()), None)
        key = key or AESGCM.generate_key(256)
        # Both keys stand in the file while the data changes over: a crash in between loses nothing.
        self._write_keys({**keys, self._id(key): key})
        nonce = os.urandom(_NONCE_BYTES)
        head = bytes.fromhex(self._id(key)) + nonce
        write_private(self.path, head + AESGCM(key).encrypt(nonce, content, head))
        self._write_keys({self._id(key): key})

    def remove(self) -> None:
        """The file and its key. Raises SetupError."""
        try:
            self.key_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unreadable(error.strerror or "undeletable") from error

    @contextmanager
    def alone(self) -> Generator[None, None, None]:
        """Nobody else who asks for this is in it meanwhile: to read, and write what follows."""
        private_folder(self.path.parent)
        lock = self.path.parent / f"{self._name}.lock"
        with os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _keys(self) -> dict[str, bytes]:
        try:
            found = json.loads(self.key_path.read_text("ascii"))
            return {name: bytes.fromhex(key) for name, key in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise SetupError(
                f"The key of the {self._name} is damaged.", file=str(self.key_path)
            ) from error

    def _write_keys(self, keys: dict[str, bytes]) -> None:
        text = json.dumps({name: key.hex() for name, key in keys.items()})
        write_private(self.key_path, text.encode())

    def _id(self, key: bytes) -> str:
        """A name for a key that says nothing about it."""
        return sha256(self._name.encode() + key).hexdigest()[: 2 * _ID_BYTES]

    def _unreadable(self, reason: str) -> SetupError:
        return SetupError(
            f"The {self._name} can't be read: their key is missing or they were changed."
            f" Restore both files from a backup, or {self._remedy}.",
            file=str(self.path),
            key=str(self.key_path),
            reason=reason,
        )
