"""Who is spoken to in which language, from one start to the next."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from alicia.contracts.languages import LanguagesSpoken


class SpokenLanguagesStore:
    """One small file, for its owner alone. Blocking."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> LanguagesSpoken | None:
        """None where nothing was chosen yet, or what is there can't be read."""
        try:
            return LanguagesSpoken.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, spoken: LanguagesSpoken) -> None:
        """On disk when it returns, as a whole or not at all. Raises OSError."""
        beside = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(spoken.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
