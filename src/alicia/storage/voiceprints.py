"""Voiceprints: whose voice is whose, encrypted on the disk, with each owner's consent.

What older copies of the file hold of somebody who was forgotten can't be read any more.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alicia.storage.sealed import SealedFile


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
        self._file = SealedFile(folder, "voiceprints", remedy="move them away and enrol again")
        self._known = self._read()

    def all(self) -> list[StoredVoiceprint]:
        """By name."""
        return sorted(self._known.values(), key=lambda one: one.name)

    def get(self, speaker_id: str) -> StoredVoiceprint | None:
        return self._known.get(speaker_id)

    def put(self, one: StoredVoiceprint) -> None:
        """Keep it, in place of what there was of this person. Raises SetupError."""
        known = {**self._known, one.speaker_id: one}
        self._write(known)
        self._known = known

    def forget(self, speaker_id: str) -> bool:
        """Whether there was anything to forget. Raises SetupError."""
        if speaker_id not in self._known:
            return False
        known = {key: one for key, one in self._known.items() if key != speaker_id}
        self._write(known, forget=True)
        self._known = known
        return True

    def _write(self, known: dict[str, StoredVoiceprint], *, forget: bool = False) -> None:
        text = json.dumps([asdict(one) for one in known.values()])
        self._file.write(text.encode(), forget=forget)

    def _read(self) -> dict[str, StoredVoiceprint]:
        entries: list[dict[str, Any]] = json.loads(self._file.read() or b"[]")
        for entry in entries:
            entry["centre"] = tuple(entry["centre"])
        return {entry["speaker_id"]: StoredVoiceprint(**entry) for entry in entries}
