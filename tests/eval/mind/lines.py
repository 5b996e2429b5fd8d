"""The sentences of eval-mind: one JSON object a line. The form is in `sentences/README.md`."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from tests.bench.voice.labels import Bound, Change
from tests.eval.mind.timely import Expected

from alicia.errors import DeviceError
from alicia.home.capabilities import validate
from alicia.home.model import Home
from alicia.language.tables import LANGUAGES

_SHOWN = 8
"""Bad lines that an error names."""


class UnusableSentencesError(Exception):
    """There is nothing to evaluate; the sentence says why, and in which lines."""


class Line(BaseModel):
    """One sentence, and what should come of it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    language: str = ""
    area: str | None = None
    after: list[str] = Field(default_factory=list[str])
    expect: Annotated[
        list[Change] | Expected | Literal["reject", "later", "nothing"],
        Field(union_mode="smart"),
    ]
    others: list[list[Change]] = Field(default_factory=list[list[Change]], alias="or")
    answer: list[str] = Field(default_factory=list[str])
    before: list[Change] = Field(default_factory=list[Change])
    needs: str | None = None
    intent: str = "untagged"

    @property
    def outcomes(self) -> list[list[Change]]:
        """Each list of changes that is right; none where nothing may be done."""
        return [self.expect, *self.others] if isinstance(self.expect, list) else []

    @property
    def half(self) -> Literal["tune", "held_out"]:
        """Of which half it is: failures are looked at of one alone (ADR 0080)."""
        return "held_out" if zlib.crc32(self.text.encode()) % 2 else "tune"

    @property
    def kind(self) -> Literal["act", "answer", "nothing", "reject", "later", "times"]:
        if isinstance(self.expect, str):
            return self.expect
        if isinstance(self.expect, Expected):
            return "times"
        return "act" if self.expect else "answer"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.answer and self.kind != "answer":
            raise ValueError('"answer" belongs to a question, "expect": []')
        if self.others and self.kind != "act":
            raise ValueError('"or" belongs to a list of changes in "expect"')
        if (self.needs is not None) != (self.kind == "later"):
            raise ValueError('"needs" and "expect": "later" belong together')
        if any(isinstance(change.value, Bound) for change in self.before):
            raise ValueError('"before" takes values, no bounds')
        return self


def load(paths: Sequence[Path], home: Home, *, languages: Sequence[str] = ()) -> list[Line]:
    """The lines of these files for this home, of these languages or of all, in their order.

    A line without a language is in the only one of `languages`. Raises UnusableSentencesError
    where a file can't be read, a line is no sentence for this home, or none is left: a line that is
    passed over would make the figures those of another set.
    """
    found: list[Line] = []
    bad: list[str] = []
    for path in paths:
        for number, row in _rows(path):
            try:
                line = _line(row, home, languages)
            except (ValueError, DeviceError) as error:
                bad.append(f"{path} line {number}: {_short(error)}")
                continue
            if not languages or line.language in languages:
                found.append(line)
    if bad:
        more = [f"and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
        raise UnusableSentencesError("\n".join([*bad[:_SHOWN], *more]))
    if not found:
        among = f" in {', '.join(languages)}" if languages else ""
        raise UnusableSentencesError(f"There is no sentence{among} in {_listed(paths)}.")
    return found


def _rows(path: Path) -> Iterable[tuple[int, str]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSentencesError(
            f"{path} can't be read ({type(error).__name__}). It needs one line for each sentence, "
            'such as {"language": "en", "text": "kitchen light on", "expect": '
            '[{"entity": "light.kitchen", "capability": "power", "value": true}]}'
        ) from error
    return [(n, row) for n, row in enumerate(text.splitlines(), start=1) if row.strip()]


def _line(row: str, home: Home, languages: Sequence[str]) -> Line:
    line = Line.model_validate(json.loads(row))
    if not line.language and len(languages) == 1:
        line.language = languages[0]
    if line.language not in LANGUAGES:
        raise ValueError(f"language: {line.language!r} is none of {', '.join(LANGUAGES)}")
    if line.area is not None and home.area(line.area) is None:
        known = ", ".join(area.area_id for area in home.areas())
        raise ValueError(f"area: {line.area!r} is none of this home's: {known}")
    timed = line.expect.do if isinstance(line.expect, Expected) else []
    for change in (*line.before, *timed, *(c for outcome in line.outcomes for c in outcome)):
        _fit(change, home)
    return line


def _fit(change: Change, home: Home) -> None:
    """The value as the device takes it. Raises DeviceError or ValueError."""
    entity = home.entity(change.entity)
    if isinstance(change.value, Bound):
        rule = home.capability(change.entity, change.capability)
        if rule is None or rule.kind != "number" or not rule.writable:
            raise ValueError(f"value: {change.entity} {change.capability} takes no bound")
    else:
        change.value = validate(entity, change.capability, change.value)


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else first["msg"]
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg} (character {error.pos + 1})"
    return str(error)


def _listed(paths: Sequence[Path]) -> str:
    if not paths:
        return "an empty folder"
    return str(paths[0] if len(paths) == 1 else paths[0].parent)
