"""Confirmation dialogue: "Please say your PIN", and what is made of the reply.

    a plan that was refused for want of a PIN or a yes -> a question is open at that satellite
    the next sentence there, spoken where the first was -> the plan again, with what was shown

A question is open for half a minute, at one satellite, for one way of speaking, and, where it is
known who asked, for that person. Whatever else is said or typed there closes it. Nothing is decided
here: who may do what is judged where it is carried out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from alicia.contracts.devices import Origin, Result
from alicia.contracts.voice import TurnRecord, Understand, Understood
from alicia.errors import (
    ConfirmationNeededError,
    NoSpeechError,
    NotPermittedError,
    NotUnderstoodError,
    PinNeededError,
    PinWrongError,
    UnclearSpeechError,
)
from alicia.language.phrases import phrase
from alicia.language.plan import Plan
from alicia.language.replies import digits_of, is_mostly_digits, is_yes
from alicia.security.pins import LONGEST, SHORTEST

OPEN_S = 30.0
"""How long a question waits for its reply."""
LATE_S = 90.0
"""How long after a PIN was asked for digits alone are a PIN, and nothing else."""
INTENT = "Confirm"
"""Intent of a reply to a question."""


_UNHEARD = (NoSpeechError.code, UnclearSpeechError.code)


class Wanted(Enum):
    """What the question asks for."""

    PIN = frozenset({PinNeededError.code, PinWrongError.code})
    YES = frozenset({ConfirmationNeededError.code})


@dataclass(frozen=True, slots=True)
class _Question:
    turn_id: str
    origin: Origin
    speaker: str | None
    plan: Plan
    """What was refused, and no more."""
    wanted: Wanted
    until: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan to be carried out with what its person has shown."""

    plan: Plan
    on_behalf_of: str | None
    confirmed: bool = False
    pin: str | None = field(default=None, repr=False)


class ConfirmationDialogue:
    """The open questions, one for each satellite."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, _Question] = {}
        self._pin_asked_at: dict[str, float] = {}

    def asking(
        self, ask: Understand, plan: Plan, results: Sequence[Result], reply: Understood
    ) -> Understood:
        """The reply, and that it asks something back where something was refused for want of it.

        Whatever was open at this satellite is closed.
        """
        if ask.dry_run:
            return reply
        self._open.pop(ask.satellite, None)
        errors = {result.error for result in results}
        wanted = next((one for one in Wanted if not errors.isdisjoint(one.value)), None)
        if wanted is None:
            return reply
        refused = {(r.entity_id, r.capability) for r in results if r.error in wanted.value}
        self._open[ask.satellite] = _Question(
            ask.turn_id,
            ask.origin,
            ask.speaker,
            _only(plan, refused),
            wanted,
            self._clock() + OPEN_S,
        )
        asks_pin = wanted is Wanted.PIN
        if asks_pin:
            self._pin_asked_at[ask.satellite] = self._clock()
        return reply.model_copy(update={"expects_reply": True, "asks_pin": asks_pin})

    def answer(self, ask: Understand) -> Shown | Understood | None:
        """What is to be done now, or what is to be said to a reply that does nothing.

        None where no question is open here, or this is no reply to it: it is understood like any
        other sentence. Raises UnsupportedLanguageError, and NotUnderstoodError for a PIN that comes
        too late: "258014" is no brightness then, and goes no further.
        """
        question = self._question(ask)
        if question is None:
            self._refuse_late_pin(ask)
            return None
        if question.wanted is Wanted.PIN:
            return self._answer_pin(ask, question)
        said = is_yes(ask.text, ask.language)
        if said is None:
            return None
        del self._open[ask.satellite]
        if not said:
            return _said(ask, phrase("answer.okay", ask.answers_in))
        if self._somebody_else(ask, question):
            return _said(ask, phrase(NotPermittedError.code, ask.answers_in))
        return Shown(question.plan, ask.speaker or question.speaker, confirmed=True)

    def again(self, ask: Understand) -> Understood | None:
        """The question once more, for words that were no reply and nothing else either.

        None where none is open.
        """
        question = self._question(ask)
        if question is None:
            return None
        # No longer than the first time: else noise would keep it open.
        self._open[ask.satellite] = replace(question, turn_id=ask.turn_id)
        needs_pin = question.wanted is Wanted.PIN
        code = PinNeededError.code if needs_pin else ConfirmationNeededError.code
        again = _said(ask, phrase(code, ask.answers_in), secret=needs_pin)
        return again.model_copy(update={"expects_reply": True, "asks_pin": needs_pin})

    def ended(self, record: TurnRecord) -> None:
        """A turn is over: a question that an earlier one has asked there is closed.

        That closes it after "stop", which nobody has to understand. Silence does not.
        """
        question = self._open.get(record.satellite)
        if question is not None and question.turn_id != record.turn_id:
            if record.error in _UNHEARD:
                return
            del self._open[record.satellite]

    def _question(self, ask: Understand) -> _Question | None:
        question = self._open.get(ask.satellite)
        if question is None or ask.dry_run or question.origin is not ask.origin:
            return None
        if self._clock() >= question.until:
            del self._open[ask.satellite]
            return None
        return question

    def _refuse_late_pin(self, ask: Understand) -> None:
        asked_at = self._pin_asked_at.get(ask.satellite)
        if asked_at is None or self._clock() - asked_at >= LATE_S:
            return
        if is_mostly_digits(ask.text, ask.language, least=SHORTEST):
            raise NotUnderstoodError

    def _answer_pin(self, ask: Understand, question: _Question) -> Shown | Understood | None:
        pin = digits_of(ask.text, ask.language)
        if pin is None:
            if is_yes(ask.text, ask.language) is False:
                del self._open[ask.satellite]
                return _said(ask, phrase("answer.okay", ask.answers_in))
            # A PIN that was misheard goes no further: neither to a grammar nor to a model.
            return self.again(ask) if is_mostly_digits(ask.text, ask.language) else None
        if not SHORTEST <= len(pin) <= LONGEST:
            return self.again(ask)  # half of it was heard; no try is spent
        del self._open[ask.satellite]
        if self._somebody_else(ask, question):
            return _said(ask, phrase(NotPermittedError.code, ask.answers_in), secret=True)
        return Shown(question.plan, ask.speaker or question.speaker, pin=pin)

    @staticmethod
    def _somebody_else(ask: Understand, question: _Question) -> bool:
        """A voice that is not recognized may be the same: "yes" is too short to know by."""
        return None not in (ask.speaker, question.speaker) and ask.speaker != question.speaker


def _only(plan: Plan, refused: set[tuple[str, str]]) -> Plan:
    """What of a plan is about these: entities, each with a capability."""
    actions = [
        replace(a, entities=tuple(e for e in a.entities if (e, a.capability) in refused))
        for a in plan.actions
    ]
    parts = tuple(left for part in plan.parts if (left := _only(part, refused)).actions)
    if len(parts) == 1:
        return parts[0]
    kept = tuple(action for action in actions if action.entities)
    return replace(plan, actions=kept, parts=parts, heard="")


def _said(ask: Understand, reply: str, *, secret: bool = False) -> Understood:
    return Understood(
        turn_id=ask.turn_id,
        heard="" if secret else ask.text,
        intent=INTENT,
        reply=reply,
        language=ask.answers_in,
        secret=secret,
    )
