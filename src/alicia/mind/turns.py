"""What is remembered of turns: those that are open, and the traces of those that are over."""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from pathlib import Path

from pydantic import BaseModel, ValidationError

from alicia.contracts.system import Span
from alicia.contracts.voice import (
    CancelReason,
    OpenTurn,
    TraceSpan,
    Transcript,
    TurnRecord,
    TurnTrace,
)
from alicia.mind.clocks import ahead_s

OPEN_S = 30.0
"""Nobody waits longer for an answer: an older open turn is not taken up again."""
TRACES = 256
"""Traces in memory whose turn is not over, or just was."""


class OpenEntry(BaseModel):
    """A turn under way, as far as it has come."""

    open: OpenTurn
    trace_id: str
    started_at: float
    transcript: Transcript | None = None
    speaker: str | None = None
    may_hold_a_pin: bool = False
    """Then its transcript is never written down."""

    @property
    def is_awaited(self) -> bool:
        """Whether somebody may still wait for its answer."""
        return time.time() - self.started_at < OPEN_S


class Journal:
    """The open turns, a file each, so that a killed process forgets none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, entry: OpenEntry) -> None:
        path = self._path(entry.open.turn_id)
        new = path.with_suffix(".new")
        new.write_text(entry.model_dump_json(), "utf-8")
        new.replace(path)

    def remove(self, turn_id: str) -> None:
        self._path(turn_id).unlink(missing_ok=True)

    def open_entries(self) -> list[OpenEntry]:
        """Turns that a killed process has left open; what can't be read is removed."""
        for half in self._folder.glob("*.new"):
            half.unlink()
        found: list[OpenEntry] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(OpenEntry.model_validate_json(path.read_bytes()))
            except ValidationError:
                path.unlink()
        return found

    def _path(self, turn_id: str) -> Path:
        return self._folder / f"{file_name(turn_id)}.json"


class Traces:
    """Turns that are over with their spans; the last `keep` on disk."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._spans: OrderedDict[str, dict[str, Span]] = OrderedDict()
        self._records: OrderedDict[str, TurnRecord] = OrderedDict()
        self._stored: dict[str, str] = {}

    def add(self, spans: list[Span]) -> None:
        """Take finished spans; those of a turn that is over are stored with it."""
        for span in spans:
            trace = self._spans.setdefault(span.trace_id, {})
            trace[span.span_id] = span
            self._spans.move_to_end(span.trace_id)
        while len(self._spans) > TRACES:
            self._spans.popitem(last=False)
        for trace_id in {span.trace_id for span in spans}:
            if trace_id in self._stored:
                self._write(self._stored[trace_id])

    def put(self, stored: TurnRecord, shown: TurnRecord) -> None:
        """A turn is over. `stored` goes to the disk, `shown` is told while it is in memory."""
        self._records[shown.turn_id] = shown
        self._stored[shown.trace_id] = shown.turn_id
        while len(self._records) > TRACES:
            _, oldest = self._records.popitem(last=False)
            self._stored.pop(oldest.trace_id, None)
        self._write(shown.turn_id, stored)
        self._forget()

    def record(self, turn_id: str) -> TurnRecord | None:
        """How a turn went, while it is in memory."""
        return self._records.get(turn_id)

    def cut_short(self, turn_id: str, reason: CancelReason) -> None:
        """The reply of a turn that is over was interrupted while it sounded."""
        if (record := self._records.get(turn_id)) is not None:
            self._records[turn_id] = record.model_copy(update={"cancelled": reason})

    def has(self, turn_id: str) -> bool:
        """Whether this turn is over."""
        return turn_id in self._records or self._path(turn_id).exists()

    def get(self, turn_id: str | None) -> TurnTrace | None:
        """A turn and its spans; the last one where no id is given."""
        if turn_id is None:
            if self._records:
                turn_id = next(reversed(self._records))
            else:
                newest = max(self._files(), key=lambda p: p.stat().st_mtime, default=None)
                turn_id = newest.stem if newest else None
        if turn_id is None:
            return None
        if turn_id in self._records:
            record = self._records[turn_id]
            return told(record, self._of(record))
        path = self._path(turn_id)
        try:
            content = json.loads(path.read_bytes())
            record = TurnRecord.model_validate(content["record"])
            spans = [Span.model_validate(span) for span in content["spans"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return told(record, spans)

    def _of(self, record: TurnRecord) -> list[Span]:
        return list(self._spans.get(record.trace_id, {}).values())

    def _write(self, turn_id: str, record: TurnRecord | None = None) -> None:
        path = self._path(turn_id)
        shown = self._records[turn_id]
        over_at: float | None = None
        if record is None:
            if not path.exists():
                return  # forgotten since
            over_at = path.stat().st_mtime
            record = TurnRecord.model_validate(json.loads(path.read_bytes())["record"])
        spans = [span.model_dump(exclude_none=True) for span in self._of(shown)]
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"record": record.model_dump(), "spans": spans}), "utf-8")
        if over_at is not None:
            # Late spans make no turn a newer one: the oldest are forgotten, by the file's time.
            os.utime(new, (over_at, over_at))
        new.replace(path)

    def _forget(self) -> None:
        files = self._files()
        if len(files) > self._keep:
            for path in sorted(files, key=lambda p: p.stat().st_mtime)[: len(files) - self._keep]:
                path.unlink()

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.json"))

    def _path(self, turn_id: str) -> Path:
        return self._folder / f"{file_name(turn_id)}.json"


def told(record: TurnRecord, spans: list[Span]) -> TurnTrace:
    """A turn and its waterfall, by the router's clock."""
    ahead = ahead_s(spans)
    by_one_clock = [
        span.model_copy(update={"start": span.start - ahead[span.instance]})
        if span.instance in ahead
        else span
        for span in spans
    ]
    return TurnTrace(
        record=record,
        spans=waterfall(record, by_one_clock),
        clocks_ahead_ms={instance: round(off * 1000) for instance, off in ahead.items()},
    )


def waterfall(record: TurnRecord, spans: list[Span]) -> list[TraceSpan]:
    """The spans as a tree in order of time, with times from the start of the turn."""
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = {}
    for span in spans:
        parent = span.parent_id if span.parent_id in known else None
        children.setdefault(parent, []).append(span)
    start = min((span.start for span in spans), default=record.started_at)
    rows: list[TraceSpan] = []

    def walk(parent: str | None, depth: int) -> None:
        for span in sorted(children.get(parent, []), key=lambda s: s.start):
            rows.append(
                TraceSpan(
                    name=span.name,
                    service=span.service,
                    depth=depth,
                    start_ms=round((span.start - start) * 1000, 1),
                    duration_ms=round(span.duration_ms, 1),
                    error=span.error,
                    attributes=span.attributes,
                )
            )
            walk(span.span_id, depth + 1)

    walk(None, 0)
    return rows


def file_name(turn_id: str) -> str:
    """A turn's id as a file name: ids are ours, but they come over the bus."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in turn_id)[:64]
