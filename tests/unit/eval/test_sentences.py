"""The sentences of eval-mind are true: what they expect is something the demo home has and can."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from tests.bench.voice.labels import Bound, Change
from tests.eval.mind.lines import Line, load

from alicia.contracts.devices import Entity, Kind
from alicia.errors import InvalidValueError
from alicia.home import demo
from alicia.home.capabilities import capability_of, validate
from alicia.language.tables import LANGUAGES

FOLDER = Path(__file__).parents[2] / "eval/mind/sentences"
HOME = demo.load().picture()
ENTITIES = {entity.entity_id: entity for entity in HOME.entities()}
LEAST = {"all": 110, "wanted": 70, "times": 10, "later": 2, "reject": 20}
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
TAG = re.compile(r"[a-z_]+(\.[a-z]+)?")

SCRIPTS = {
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7a3]"),
}
"""A letter of these that each sentence of the language has, and the others have not."""


def read(language: str) -> list[Line]:
    """The lines as they are written, no value fitted to its device."""
    rows = (FOLDER / f"{language}.jsonl").read_text("utf-8").splitlines()
    return [Line.model_validate(json.loads(row)) for row in rows]


def key(text: str) -> str:
    """The letters and digits of a text: two that differ in nothing else are one."""
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


def test_each_language_has_its_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(LANGUAGES)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
class TestFile:
    def test_the_language_is_that_of_the_file(self, language: str) -> None:
        lines = read(language)
        assert {line.language for line in lines} == {language}
        for other, letter in SCRIPTS.items():
            for line in lines:
                if other == language:
                    assert letter.search(line.text), line.text
                elif (other, language) != ("zh", "ja"):
                    assert not letter.search(line.text), line.text

    def test_there_are_enough_of_each_kind(self, language: str) -> None:
        kinds = Counter(
            "wanted" if line.kind in ("act", "answer") else line.kind for line in read(language)
        )
        kinds["all"] = kinds.total()
        assert all(kinds[kind] >= least for kind, least in LEAST.items()), kinds

    def test_no_sentence_comes_twice(self, language: str) -> None:
        said = [" ".join([*line.after, line.area or "", line.text]) for line in read(language)]
        counted = Counter(map(key, said))
        assert [text for text, count in counted.items() if count > 1] == []

    def test_what_is_expected_can_be(self, language: str) -> None:
        reasons: list[str] = []
        for line in read(language):
            for changes in (*line.outcomes, line.before):
                reasons += [f"{line.text}: {c}: {why}" for c in changes if (why := untrue(c))]
                changed = Counter((c.entity, c.capability) for c in changes)
                reasons += [f"{line.text}: {what} twice" for what, n in changed.items() if n > 1]
        assert reasons == []

    def test_the_tags_say_what_a_line_is(self, language: str) -> None:
        for line in read(language):
            assert TAG.fullmatch(line.intent), line.text
            assert line.intent.startswith("reject.") == (line.kind == "reject"), line.text
            asks = line.intent.startswith("question.")
            # What is said after something else may be a question or not.
            assert asks == (line.kind == "answer") or line.after, line.text
            assert line.needs is None or line.needs in NEEDS, line.text

    def test_the_evaluation_takes_all_of_it(self, language: str) -> None:
        path = FOLDER / f"{language}.jsonl"
        assert len(load([path], HOME)) == len(read(language))
