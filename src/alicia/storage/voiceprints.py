"""Voiceprints: whose voice is whose, encrypted on the disk, with each owner's consent.

AES-256-GCM under a key in a file of its own (0600). Forgetting somebody makes a new key, writes
what is left under it and throws the old key away: what older copies of the file hold of that person
can't be read any more.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alicia.errors import SetupError
from alicia.security.files import write_private

_ID_BYTES, _NONCE_BYTES = 8, 12


@dataclass(frozen=True, slots=True)
class StoredVoiceprint:
    """One person's, with all that is known about it."""

    speaker_id: str
    name: str
    embedder: str
    """Which embedder it means something to."""
    centre: tuple[float, ...]
    utterances: int
    agreement: float
    consent_at: float
    """When its owner agreed that it is kept, in seconds since the epoch."""
    enrolled_at: float
    patience: float = 1.0
    """How long their pauses are, over the usual ones."""


class Voiceprints:
    """The voiceprints of a house. Blocking."""

    def __init__(self, folder: Path) -> None:
        """Raises SetupError where they can't be read; they are left as they are."""
        self._data = folder / "voiceprints"
        self._keys = folder / "voiceprints.key"
        self._known = self._read()

    def all(self) -> list[StoredVoiceprint]:
        """By name."""
        return sorted(self._known.values(), key=lambda one: one.name)

    def get(self, speaker_id: str) -> StoredVoiceprint | None:
        return self._known.get(speaker_id)

    def put(self, one: StoredVoiceprint) -> None:
        """Keep it, in place of what there was of this person. Raises SetupError."""
        known = {**self._known, one.speaker_id: one}
        self._write(known, self._key_in_use() or AESGCM.generate_key(256))
        self._known = known

    def forget(self, speaker_id: str) -> bool:
        """Whether there was anything to forget. Raises SetupError."""
        if speaker_id not in self._known:
            return False
        known = {key: one for key, one in self._known.items() if key != speaker_id}
        self._write(known, AESGCM.generate_key(256))
        self._known = known
        return True

    def _write(self, known: dict[str, StoredVoiceprint], key: bytes) -> None:
        keys = self._read_keys()
        # Both keys stand in the file while the data changes over: a crash in between loses nothing.
        self._write_keys({**keys, _id(key): key})
        text = json.dumps([asdict(one) for one in known.values()]).encode()
        nonce = os.urandom(_NONCE_BYTES)
        head = bytes.fromhex(_id(key)) + nonce
        write_private(self._data, head + AESGCM(key).encrypt(nonce, text, head))
        self._write_keys({_id(key): key})

    def _read(self) -> dict[str, StoredVoiceprint]:
        try:
            data = self._data.read_bytes()
        except FileNotFoundError:
            return {}
        head = data[: _ID_BYTES + _NONCE_BYTES]
        key = self._read_keys().get(head[:_ID_BYTES].hex())
        try:
            text = AESGCM(key or bytes(32)).decrypt(head[_ID_BYTES:], data[len(head) :], head)
            entries: list[dict[str, Any]] = json.loads(text)
        except (InvalidTag, ValueError) as error:
            raise SetupError(
                "The voiceprints can't be read: their key is missing or they were changed."
                " Restore both files from a backup, or move them away and enrol again.",
                file=str(self._data),
                key=str(self._keys),
            ) from error
        for entry in entries:
            entry["centre"] = tuple(entry["centre"])
        return {entry["speaker_id"]: StoredVoiceprint(**entry) for entry in entries}

    def _key_in_use(self) -> bytes | None:
        return next(iter(self._read_keys().values()), None)

    def _read_keys(self) -> dict[str, bytes]:
        try:
            found = json.loads(self._keys.read_text("ascii"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise SetupError("The key of the voiceprints is damaged.", file=str(self._keys)) from (
                error
            )
        return {name: bytes.fromhex(key) for name, key in found.items()}

    def _write_keys(self, keys: dict[str, bytes]) -> None:
        write_private(
            self._keys, json.dumps({name: key.hex() for name, key in keys.items()}).encode()
        )


def _id(key: bytes) -> str:
    """A name for a key that says nothing about it."""
    from hashlib import sha256  # noqa: PLC0415 - rarely needed

    return sha256(b"voiceprints" + key).hexdigest()[: 2 * _ID_BYTES]
