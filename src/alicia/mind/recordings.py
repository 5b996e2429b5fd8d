"""Recordings of turns: kept only where somebody consented, for as long as the house wants."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path

from pydantic import BaseModel

from alicia.contracts.devices import HomeSnapshot
from alicia.contracts.satellites import Recording, RecordingInfo
from alicia.contracts.voice import TurnRecord
from alicia.errors import MalformedMessageError
from alicia.mind.turns import file_name

HOME = ".home.json"


class _Kept(BaseModel):
    record: TurnRecord
    area_id: str | None = None


class RecordingStore:
    """For each turn a FLAC, its record and the home as it was; for the house's owner alone."""

    def __init__(self, folder: Path, *, days: float, most: int) -> None:
        self._folder = folder
        self._days = days
        self._most = most

    def keep(
        self,
        record: TurnRecord,
        area_id: str | None,
        pcm: bytes,
        home: HomeSnapshot | None = None,
    ) -> None:
        """Store 16 kHz mono s16le with the turn's record and the home. Raises OSError."""
        import soundfile  # noqa: PLC0415 - heavy

        from alicia.audio.formats import RATE_HZ, from_bytes  # noqa: PLC0415 - heavy

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        flac = io.BytesIO()
        soundfile.write(flac, from_bytes(pcm), RATE_HZ, format="FLAC", subtype="PCM_16")
        base = self._folder / file_name(record.turn_id)
        for suffix, data in (
            (HOME, home.encode() if home else None),
            (".flac", flac.getvalue()),
            (".json", _Kept(record=record, area_id=area_id).model_dump_json().encode()),
        ):
            if data is not None:
                new = base.with_suffix(".new")
                new.touch(mode=0o600)
                new.write_bytes(data)
                new.replace(base.with_suffix(suffix))
        self.tidy()

    def all(self) -> list[RecordingInfo]:
        """What is kept, the newest first."""
        found = [info for path in self._folder.glob("*.flac") if (info := self._info(path))]
        return sorted(found, key=lambda info: info.started_at, reverse=True)

    def get(self, turn_id: str) -> Recording | None:
        path = self._folder / f"{file_name(turn_id)}.flac"
        kept = self._read(path)
        if kept is None:
            return None
        flac = base64.b64encode(path.read_bytes()).decode()
        return Recording(
            record=kept.record, area_id=kept.area_id, flac_base64=flac, home=self._home(path)
        )

    def forget(self, turn_id: str | None = None) -> int:
        """Delete one, or all of them; how many there were."""
        names = [file_name(turn_id)] if turn_id else [p.stem for p in self._folder.glob("*.flac")]
        return sum(self._remove(name) for name in names)

    def tidy(self) -> None:
        """Delete what is older or more than the house wants to keep."""
        files = sorted(self._folder.glob("*.flac"), key=lambda p: p.stat().st_mtime, reverse=True)
        oldest = time.time() - self._days * 86_400
        for number, path in enumerate(files):
            if number >= self._most or path.stat().st_mtime < oldest:
                self._remove(path.stem)

    def _remove(self, name: str) -> bool:
        paths = [self._folder / f"{name}{suffix}" for suffix in (".flac", ".json", HOME)]
        existed = paths[0].exists()
        for path in paths:
            path.unlink(missing_ok=True)
        return existed

    def _read(self, path: Path) -> _Kept | None:
        try:
            return _Kept.model_validate(json.loads(path.with_suffix(".json").read_bytes()))
        except (OSError, ValueError):
            return None

    def _home(self, path: Path) -> HomeSnapshot | None:
        try:
            return HomeSnapshot.decode(path.with_suffix(HOME).read_bytes(), {})
        except (OSError, MalformedMessageError):
            return None

    def _info(self, path: Path) -> RecordingInfo | None:
        import soundfile  # noqa: PLC0415 - heavy

        kept = self._read(path)
        if kept is None:
            return None
        return RecordingInfo(
            turn_id=kept.record.turn_id,
            satellite=kept.record.satellite,
            started_at=kept.record.started_at,
            duration_s=round(soundfile.info(str(path)).duration, 2),
            size_bytes=path.stat().st_size,
            transcript=kept.record.transcript,
        )


def pcm_of(recording: Recording) -> bytes:
    """The samples of a recording: 16 kHz mono s16le."""
    from alicia.audio.formats import read  # noqa: PLC0415 - heavy

    return read(base64.b64decode(recording.flac_base64), max_s=120).tobytes()
