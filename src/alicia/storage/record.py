"""Records: the tables of the device registry. What is put is on disk when `put` returns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alicia.contracts.devices import Area, Device, Entity
from alicia.errors import SetupError
from alicia.storage.database import Database

_MIGRATIONS = (
    (
        """CREATE TABLE area (
            area_id TEXT PRIMARY KEY, adapter TEXT NOT NULL, area TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE device (device_id TEXT PRIMARY KEY, device TEXT NOT NULL) STRICT""",
        """CREATE TABLE entity (
            entity_id TEXT PRIMARY KEY, found TEXT NOT NULL, patch TEXT NOT NULL
        ) STRICT""",
    ),
)

Areas = dict[str, tuple[Area, str]]
"""By id, with the adapter that named it."""


@dataclass(frozen=True)
class Record:
    """One entity, in its two layers."""

    found: Entity
    """As its adapter describes it."""
    patch: dict[str, Any] = field(default_factory=dict[str, Any])
    """The fields that a person has changed."""

    @cached_property
    def entity(self) -> Entity:
        names = {**self.found.names, **self.patch.get("names", {})}
        return self.found.model_copy(update={**self.patch, "names": names})


class Records:
    """Blocking."""

    def __init__(self, path: Path) -> None:
        """Raises SetupError."""
        self._path = path
        self._database = Database(path, _MIGRATIONS)

    def all(self) -> tuple[Areas, dict[str, Record]]:
        """In the order they came. Raises SetupError."""
        with self._database.transaction() as rows:
            areas = rows.execute("SELECT area, adapter FROM area ORDER BY rowid").fetchall()
            entities = rows.execute("SELECT found, patch FROM entity ORDER BY rowid").fetchall()
        try:
            named = [(Area.model_validate_json(text), adapter) for text, adapter in areas]
            records = [
                Record(Entity.model_validate_json(found), json.loads(patch))
                for found, patch in entities
            ]
        except (ValidationError, ValueError) as error:
            raise SetupError(
                "The record of devices can't be read. Restore a backup; the file has not been"
                " changed.",
                file=str(self._path),
                reason=type(error).__name__,
            ) from error
        return (
            {area.area_id: (area, adapter) for area, adapter in named},
            {record.found.entity_id: record for record in records},
        )

    def put(self, areas: Areas, records: Mapping[str, Record], found_on: Iterable[Device]) -> None:
        """All of it or nothing. Raises SetupError."""
        with self._database.transaction() as rows:
            rows.executemany(
                "INSERT INTO area VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET area = excluded.area",
                [(key, adapter, area.model_dump_json()) for key, (area, adapter) in areas.items()],
            )
            rows.executemany(
                "INSERT INTO device VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET device = excluded.device",
                [
                    (device.device_id, device.model_dump_json(exclude={"entities"}))
                    for device in found_on
                ],
            )
            rows.executemany(
                "INSERT INTO entity VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET found = excluded.found, patch = excluded.patch",
                [
                    (key, record.found.model_dump_json(), json.dumps(record.patch))
                    for key, record in records.items()
                ],
            )

    def close(self) -> None:
        self._database.close()
