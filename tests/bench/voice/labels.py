"""The labels of a folder of recordings: what is said in each, and what it should do.

`labels.jsonl` holds one JSON object a line. Only `file` must be there:

    {"file": "a.wav", "language": "en", "kind": "human", "text": "Turn on the kitchen light.",
     "expect": [{"entity": "light.kitchen", "capability": "power", "value": true}]}

expect   a list: exactly these changes. []: a question, answered without acting. "reject": nothing
         may be done. Absent: recognition alone is measured. A value may
         be {"above": 40} or {"below": 40} where "brighter" is all that was said.
also     other right spellings of `text` ("30 %" for "thirty percent"); the nearest one counts.
answer   words, one of which must be in the reply.
before   how the home is set up first, like `expect`, where that matters ("brighter").
speech_end_ms   the last sample of speech, where somebody has marked it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alicia.audio.formats import Pcm, read
from alicia.contracts.devices import Value
from alicia.errors import AliciaError

MAX_S = 28.0
FILE = "labels.jsonl"
REJECT = "reject"


class Bound(BaseModel):
    """A number that was not said."""

    model_config = ConfigDict(extra="forbid")
    above: float | None = None
    below: float | None = None

    def holds(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.above is None or value > self.above) and (
            self.below is None or value < self.below
        )


class Change(BaseModel):
    entity: str
    capability: str
    value: bool | float | str | Bound

    def holds(self, values: dict[str, Value]) -> bool:
        """Whether it is so in these values of the entity."""
        got = values.get(self.capability)
        if isinstance(self.value, Bound):
            return self.value.holds(got)
        if isinstance(self.value, bool) or isinstance(got, bool):
            return got is self.value
        return got == self.value


class Label(BaseModel):
    """One recording."""

    file: str
    language: str = "en"
    kind: str = "unknown"
    text: str | None = None
    also: list[str] = Field(default_factory=list)
    expect: Annotated[list[Change] | Literal["reject"] | None, Field(union_mode="smart")] = None
    answer: list[str] = Field(default_factory=list)
    before: list[Change] = Field(default_factory=list[Change])
    speech_end_ms: float | None = None
    tags: list[str] = Field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        return self.expect if isinstance(self.expect, list) else []

    @property
    def spellings(self) -> list[str]:
        return [text for text in (self.text, *self.also) if text]


@dataclass(frozen=True, slots=True)
class Recording:
    """A label with its audio."""

    label: Label
    pcm: Pcm


@dataclass
class SpeechSet:
    """What a folder has, and what of it can't be used."""

    folder: Path
    recordings: list[Recording] = field(default_factory=list[Recording])
    skipped: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """File and reason of each that can't be used."""

    def counts(self) -> Counter[tuple[str, str]]:
        return Counter((one.label.language, one.label.kind) for one in self.recordings)


class UnusableSetError(Exception):
    """There is nothing to measure; the sentence says why and what to do."""


def load(
    folder: Path,
    *,
    languages: Sequence[str] = (),
    kinds: Sequence[str] = (),
    tags: Sequence[str] = (),
    limit: int | None = None,
) -> SpeechSet:
    """The recordings of a folder; at most `limit` of each language and kind, evenly spread.

    Raises UnusableSetError where there is no list of labels, or nothing of it can be used.
    """
    found = SpeechSet(folder)
    labels: list[Label] = []
    for number, line in enumerate(_lines(folder), start=1):
        try:
            label = Label.model_validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            found.skipped.append({"file": f"{FILE} line {number}", "reason": _short(error)})
            continue
        if (
            (not languages or label.language in languages)
            and (not kinds or label.kind in kinds)
            and (not tags or set(tags) & set(label.tags))
        ):
            labels.append(label)
    for label in _spread(labels, limit):
        try:
            found.recordings.append(Recording(label, read(folder / label.file, max_s=MAX_S)))
        except AliciaError as error:
            found.skipped.append({"file": label.file, "reason": error.message})
    if not found.recordings:
        why = f" The first reason: {found.skipped[0]['reason']}" if found.skipped else ""
        raise UnusableSetError(f"There is no usable recording in {folder}.{why}")
    return found


def _lines(folder: Path) -> list[str]:
    path = folder / FILE
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSetError(
            f"{path} can't be read ({error.__class__.__name__}). It needs one line for each "
            'recording, such as {"file": "a.wav", "language": "en", "kind": "human", '
            '"text": "Turn on the kitchen light.", "expect": [{"entity": "light.kitchen", '
            '"capability": "power", "value": true}]}'
        ) from error
    return [line for line in text.splitlines() if line.strip()]


def _spread(labels: list[Label], limit: int | None) -> list[Label]:
    """At most so many of each language and kind, evenly from the first to the last."""
    if limit is None:
        return labels
    groups: dict[tuple[str, str], list[int]] = {}
    for index, label in enumerate(labels):
        groups.setdefault((label.language, label.kind), []).append(index)
    kept: set[int] = set()
    for members in groups.values():
        kept.update(members[at] for at in evenly(len(members), limit))
    return [label for index, label in enumerate(labels) if index in kept]


def evenly(count: int, wanted: int) -> list[int]:
    """Positions of so many out of `count`, evenly spread."""
    if wanted >= count:
        return list(range(count))
    return [round(step * count / wanted) for step in range(wanted)]


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
