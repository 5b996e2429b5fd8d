"""Facts: what people told Alicia to remember, sealed on the disk, erased when it is forgotten.

Several processes may have the file open: each change is read, made and written alone, and who reads
takes up what another has written.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from alicia.contracts.memory import HOUSEHOLD, Fact
from alicia.errors import MemoryFullError, SetupError, UnknownFactError
from alicia.storage.sealed import SealedFile

MOST = 200
"""Facts of one person, and of the household."""
_FACTS = TypeAdapter(list[Fact])


class FactStore:
    """Blocking."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file = SealedFile(folder, "memory", remedy="move them away and tell me again")
        self._clock = clock
        self._seen: tuple[int, ...] | None = None
        self._facts: list[Fact] = []

    def all(self, *people: str | None) -> list[Fact]:
        """Of these people and ("") the household, or of all; the oldest first.

        Raises SetupError.
        """
        facts = self._read()
        wanted = set(people)
        return [one for one in facts if not people or one.person_id in wanted]

    def put(
        self, text: str, language: str, person_id: str = HOUSEHOLD, fact_id: str | None = None
    ) -> Fact:
        """A new fact, or new words for an old one, which then leaves no trace of what it was.

        The same words again are the fact that is there. Raises UnknownFactError, MemoryFullError,
        SetupError.
        """
        with self._file.alone():
            facts = self._read()
            if fact_id is not None:
                old = next((one for one in facts if one.fact_id == fact_id), None)
                if old is None:
                    raise UnknownFactError(name=fact_id)
                new = old.model_copy(update={"text": text, "language": language})
                self._write([new if one is old else one for one in facts], forget=True)
                return new
            mine = [one for one in facts if one.person_id == person_id]
            for one in mine:
                if one.text.casefold() == text.casefold():
                    return one
            if len(mine) >= MOST:
                raise MemoryFullError(most=MOST)
            new = Fact(
                fact_id=secrets.token_hex(4),
                person_id=person_id,
                text=text,
                language=language,
                told_at=self._clock(),
            )
            self._write([*facts, new])
            return new

    def forget(self, fact_ids: Iterable[str] = (), *, person_id: str | None = None) -> int:
        """How many there were of these, and of all of a person. Raises SetupError."""
        gone = set(fact_ids)
        with self._file.alone():
            facts = self._read()
            kept = [one for one in facts if one.fact_id not in gone and one.person_id != person_id]
            if len(kept) < len(facts):
                self._write(kept, forget=True)
            return len(facts) - len(kept)

    def _write(self, facts: list[Fact], *, forget: bool = False) -> None:
        if facts:
            self._file.write(_FACTS.dump_json(facts), forget=forget)
        else:
            self._file.remove()
        self._seen, self._facts = self._stamp(), facts

    def _read(self) -> list[Fact]:
        seen = self._stamp()
        if seen != self._seen:
            content = self._file.read()
            try:
                self._facts = _FACTS.validate_json(content) if content else []
            except ValidationError as error:
                raise SetupError(
                    "The memory was written by another Alicia. Run that one, or restore a backup;"
                    " the file has not been changed.",
                    file=str(self._file.path),
                ) from error
            self._seen = seen
        return self._facts

    def _stamp(self) -> tuple[int, ...]:
        """Something that changes with the file; empty where there is none."""
        try:
            now: os.stat_result = self._file.path.stat()
        except FileNotFoundError:
            return ()
        return now.st_ino, now.st_mtime_ns, now.st_size
