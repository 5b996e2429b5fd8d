"""The file that the broker writes its log to: read from a place on, and kept short."""

from __future__ import annotations

import os
from pathlib import Path

from alicia.security.files import write_private

_MOST_BYTES = 1_000_000
_TAIL_BYTES = 16_384


class BrokerLog:
    """One log file; it may not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def since(self, start: int) -> bytes:
        """What was written after it had this size."""
        try:
            with self.path.open("rb") as file:
                # Shorter than before: it was trimmed meanwhile.
                file.seek(start if start <= self.size() else 0)
                return file.read()
        except OSError:
            return b""

    def last_lines(self, start: int = 0, count: int = 10) -> list[str]:
        start = max(start, self.size() - _TAIL_BYTES)
        return self.since(start).decode(errors="replace").splitlines()[-count:]

    def trim(self) -> None:
        """Keep the log and one before it, each about 1 MB."""
        if self.size() > _MOST_BYTES:
            # Mosquitto holds the file open at its end, so it is emptied, not replaced.
            write_private(self.path.with_suffix(".log.1"), self.path.read_bytes())
            os.truncate(self.path, 0)
