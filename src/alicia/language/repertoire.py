"""What Alicia is likely to say in this home, the likeliest first: a voice can learn it by heart.

Every sentence that the home can be told is understood, carried out in thought and answered; then
come the excuses, and the answers to questions for each state that may be found.

    python -m alicia.language.repertoire LANGUAGE < HOME > TEXTS

As a program it reads {"areas": [...], "entities": [...]} and writes one JSON string a line: it
works for seconds, at low priority, beside a voice that must answer at once.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from alicia.contracts.devices import (
    Area,
    Capability,
    Entity,
    EntityState,
    OutcomeKind,
    Result,
    Value,
)
from alicia.errors import AliciaError
from alicia.home.model import Home
from alicia.language.answers import answer
from alicia.language.candidates import Candidate, candidates
from alicia.language.phrases import phrase
from alicia.language.plan import Plan, QuestionKind
from alicia.language.tables import load_tables
from alicia.language.understanding import Understanding
from alicia.language.wording import NUMBER

_ALWAYS = (
    "answer.okay",
    "answer.done",
    "intent.not_understood",
    "voice.no_speech",
    "voice.unclear",
    "device.unknown_entity",
    "answer.unknown",
    "answer.hello",
    "intent.ambiguous",
    "intent.missing_slot",
    "intent.missing_slot.area",
    "intent.unsupported",
    "device.unavailable",
    "device.not_capable",
    "device.unconfirmed",
    "device.invalid_value",
    "voice.audio_lost",
    "voice.too_long",
    "voice.engine",
    "voice",
    "bus.deadline",
    "bus.overloaded",
    "bus.no_responder",
    "bus.responder_lost",
    "bus",
    "setup.not_ready",
    "setup",
    "security.forbidden",
    "security",
    "upstream.connectivity",
    "upstream",
    "internal",
    "alicia",
)
_FAILURES = (OutcomeKind.UNREACHABLE, OutcomeKind.TIMED_OUT, OutcomeKind.REFUSED)
_FIRST_NUMBERS = (50, 20, 22)
_MORE_NUMBERS = (*range(10, 101, 10), *range(16, 26), 25, 75, 0, 5)
_SET_DIRECTLY = 50.0


def repertoire(home: Home, language: str) -> Iterator[str]:
    """Each text once. Raises UnsupportedLanguageError."""
    seen: set[str] = set()
    for text in _texts(home, language):
        if text and text not in seen:
            seen.add(text)
            yield text


def _texts(home: Home, language: str) -> Iterator[str]:
    commands: list[Plan] = []
    questions: list[Plan] = []
    for plan in _plans(home, language, _FIRST_NUMBERS):
        (questions if plan.question else commands).append(plan)
        yield from _done(plan, home, language, OutcomeKind.CONFIRMED)
    for code in _ALWAYS:
        yield phrase(code, language)
    for plan in questions:
        yield from _found(plan, home, language)
    for outcome in _FAILURES:
        for plan in commands:
            if len(plan.entities) == 1:
                yield from _done(plan, home, language, outcome)
    for plan in _plans(home, language, _MORE_NUMBERS, only_numbers=True):
        yield from _done(plan, home, language, OutcomeKind.CONFIRMED)


def _plans(
    home: Home, language: str, numbers: Sequence[int], *, only_numbers: bool = False
) -> Iterator[Plan]:
    """What each sentence that this home can be told comes to; synonyms come to the same."""
    understanding = Understanding(language)
    understanding.prewarm(home)
    done: set[object] = set()
    for candidate in _one_of_each(candidates(load_tables(language), home)):
        if NUMBER not in candidate.text:
            if only_numbers:
                continue
            texts: Iterable[str] = (candidate.text,)
        else:
            texts = (candidate.text.replace(NUMBER, str(number)) for number in numbers)
        for text in texts:
            try:
                plan = understanding.recognize(text, home=home)
            except AliciaError:
                continue  # Not every sentence makes sense of every thing.
            same = plan.does, plan.response, tuple(sorted(plan.slots.items()))
            if same not in done:
                done.add(same)
                yield plan


def _one_of_each(told: Iterable[Candidate]) -> Iterator[Candidate]:
    """Without the many ways in which the same is said; a thing's other names are kept apart."""
    seen: set[object] = set()
    for candidate in told:
        slots = tuple(sorted((name, slot.text) for name, slot in candidate.slots.items()))
        same = candidate.does, candidate.targets, slots, NUMBER in candidate.text
        if same not in seen and not candidate.foreign:
            seen.add(same)
            yield candidate


def _done(plan: Plan, home: Home, language: str, outcome: OutcomeKind) -> Iterator[str]:
    """The answers to a command, where all that it asks for has this outcome."""
    if plan.question is None:
        yield from _answered(plan, expected_results(plan, home, outcome), home, language)


def expected_results(plan: Plan, home: Home, outcome: OutcomeKind) -> list[Result]:
    """What would be told of the plan's changes if each came to this."""
    return [
        Result(
            entity_id=entity,
            capability=action.capability,
            value=_reached(home.capability(entity, action.capability), action.value)
            if action.relative
            else action.value,
            outcome=outcome,
        )
        for action in plan.actions
        for entity in action.entities
    ]


def _reached(capability: Capability | None, value: Value) -> Value:
    """Where a relative change may end."""
    if isinstance(value, (bool, str)) or capability is None:
        return value
    return min(max(_SET_DIRECTLY, capability.minimum or 0), capability.maximum or _SET_DIRECTLY)


def _answered(plan: Plan, results: Sequence[Result], home: Home, language: str) -> Iterator[str]:
    try:
        yield answer(plan, results, home, language)
        # As the thing is called, not as it was just called.
        yield answer(replace(plan, slots={}), results, home, language)
    except AliciaError:
        return


def _found(plan: Plan, home: Home, language: str) -> Iterator[str]:
    """The answers to a question, for what may be found."""
    question = plan.question
    if question is None or question.kind in (QuestionKind.TIME, QuestionKind.DATE):
        return
    for everything in _imagined(home, question.entities, question.capability or ""):
        yield from _answered(plan, (), everything, language)


def _imagined(home: Home, entities: Sequence[str], capability: str) -> Iterator[Home]:
    """The home with these in each state that they are likely in; all alike."""
    declared = home.capability(entities[0], capability) if entities else None
    if declared is None:
        return
    for value in _likely(declared):
        imagined = Home()
        for area in home.areas():
            imagined.put_area(area)
        for entity in home.entities():
            imagined.put_entity(entity)
        for entity_id in entities:
            imagined.put_state(
                EntityState(
                    entity_id=entity_id,
                    available=True,
                    values={capability: value},
                    changed_at=0,
                )
            )
        yield imagined


def _likely(capability: Capability) -> Sequence[Value]:
    if capability.kind == "switch":
        return (True, False)
    if capability.unit == "°C":
        return [half / 2 for half in range(36, 49)]
    if capability.unit == "%":
        return [float(value) for value in (0, 100, *range(10, 100, 10))]
    return ()


def main() -> None:
    """The program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends us.
    if sys.platform == "linux":
        # Stopped, we would not notice that the parent is gone; the kernel does.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    told = json.loads(sys.stdin.read())
    home = Home()
    for area in told["areas"]:
        home.put_area(Area.model_validate(area))
    for entity in told["entities"]:
        home.put_entity(Entity.model_validate(entity))
    for text in repertoire(home, sys.argv[1]):
        sys.stdout.write(json.dumps(text, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
