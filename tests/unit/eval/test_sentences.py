"""The sentences of eval-mind are true: what they expect is something the demo home has and can."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from tests.bench.voice.labels import Bound, Change

from alicia.contracts.devices import Entity, Kind
from alicia.errors import InvalidValueError
from alicia.home import demo
from alicia.home.capabilities import capability_of, validate

FOLDER = Path(__file__).parents[2] / "eval/mind/sentences"
FILES = sorted(FOLDER.glob("*.jsonl"))
HOME = demo.load()
ENTITIES = {entity.entity_id: entity for entity in HOME.entities}
AREAS = {area.area_id for area in HOME.areas}
LEAST = {"all": 110, "wanted": 70, "later": 15, "reject": 20}
"""Sentences of a language, and of them those to be carried out or answered, and the others."""

NEEDS = {
    "timer",
    "delay",
    "recurrence",
    "condition",
    "scene",
    "reminder",
    "alarm",
    "conversation",
    "list",
    "duration",
}

SCRIPTS = {
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7a3]"),
}
"""A letter of these that each sentence of the language has, and the others have not."""


class Sentence(BaseModel):
    """One line, as the README of the folder says."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    language: str
    text: str
    expect: Annotated[list[Change] | Literal["reject", "later"], Field(union_mode="smart")]
    intent: Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)?$")]
    area: str | None = None
    either: Annotated[list[list[Change]], Field(alias="or")] = []
    answer: list[str] = []
    before: list[Change] = []
    needs: str | None = None


def read(path: Path) -> list[Sentence]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Sentence.model_validate(row) for row in rows]


def key(text: str) -> str:
    """The letters and digits of a text: two that differ in nothing else are one sentence."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def untrue(change: Change) -> str | None:
    """Why this can't be a change of the demo home; None where it can."""
    entity = ENTITIES.get(change.entity)
    if entity is None:
        return "no such entity"
    if change.capability not in [c.name for c in entity.capabilities if c.writable]:
        return "it has no such capability that can be set"
    if isinstance(change.value, Bound):
        return untrue_bound(entity, change.capability, change.value)
    try:
        taken = validate(entity, change.capability, change.value)
    except InvalidValueError as error:
        return str(error.fields)
    # A colour may be named; the device is told its #rrggbb.
    if capability_of(entity, change.capability).kind is Kind.COLOR or taken == change.value:
        return None
    return f"the device takes {taken}"


def untrue_bound(entity: Entity, capability: str, bound: Bound) -> str | None:
    rule = capability_of(entity, capability)
    if rule.minimum is None or rule.maximum is None or not rule.step:
        return "a bound of what is no number"
    steps = round((rule.maximum - rule.minimum) / rule.step)
    within = [bound.holds(rule.minimum + step * rule.step) for step in range(steps + 1)]
    if not any(within):
        return "no value that the device takes is within the bound"
    return "every value that the device takes is within the bound" if all(within) else None


def test_there_are_sentences() -> None:
    assert FILES, f"no *.jsonl in {FOLDER}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestFile:
    def test_the_language_is_that_of_the_file(self, path: Path) -> None:
        sentences = read(path)
        assert {s.language for s in sentences} == {path.stem}
        for language, letter in SCRIPTS.items():
            for s in sentences:
                if language == path.stem:
                    assert letter.search(s.text), s.text
                elif (language, path.stem) != ("zh", "ja"):
                    assert not letter.search(s.text), s.text

    def test_there_are_enough_of_each_kind(self, path: Path) -> None:
        sentences = read(path)
        kinds = Counter(s.expect if isinstance(s.expect, str) else "wanted" for s in sentences)
        kinds["all"] = len(sentences)
        assert all(kinds[kind] >= least for kind, least in LEAST.items()), kinds

    def test_no_sentence_comes_twice(self, path: Path) -> None:
        counted = Counter(key(s.text) for s in read(path))
        assert [text for text, count in counted.items() if count > 1] == []

    def test_what_is_expected_can_be(self, path: Path) -> None:
        reasons: list[str] = []
        for s in read(path):
            first = [] if isinstance(s.expect, str) else s.expect
            for changes in (first, *s.either, s.before):
                reasons += [f"{s.text}: {c}: {why}" for c in changes if (why := untrue(c))]
                changed = Counter((c.entity, c.capability) for c in changes)
                reasons += [f"{s.text}: {what} twice" for what, n in changed.items() if n > 1]
        assert reasons == []

    def test_the_fields_of_a_line_agree(self, path: Path) -> None:
        for s in read(path):
            assert s.area is None or s.area in AREAS, s.text
            assert (s.needs in NEEDS) if s.expect == "later" else (s.needs is None), s.text
            assert not s.answer or s.expect == [], s.text
            assert not s.either or (isinstance(s.expect, list) and s.expect), s.text
            assert s.intent.startswith("reject.") == (s.expect == "reject"), s.text
            assert s.intent.startswith("question.") == (s.expect == []), s.text
