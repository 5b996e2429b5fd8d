"""Guard: whether one change on one entity may be made for the one who wants it.

The only place where that is decided. Whoever carries commands out asks it for each entity, with the
absolute value; a PIN is proved first, once for the whole command.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from alicia.contracts.devices import Entity, Value
from alicia.errors import (
    AliciaError,
    ConfirmationNeededError,
    NoPinError,
    NotPermittedError,
    PinNeededError,
    PinWrongError,
    SetupError,
)
from alicia.security.people import People, Record
from alicia.security.permissions import Decision, Person, Role, decide, opens
from alicia.security.pins import Attempts, is_pin

Change = tuple[Entity, str, Value]
"""A capability of an entity, and its absolute new value."""

ATTEMPTS = "pin_attempts.json"
SOMEBODY = ""
"""In whose name the wrong PINs of those are counted who are not known."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the one who wants something has shown."""

    pin_of: frozenset[str] = frozenset()
    """People whose PIN was given."""
    error: str | None = None
    """Why the PIN that was given proves nothing: code of the error."""
    confirmed: bool = False


NOTHING = Proof()


class Guard:
    """The people of this home, and what each may do."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._people = People(folder)
        self._attempts = folder / ATTEMPTS
        self._clock = clock
        self._one_try = Lock()

    def role_of(self, person_id: str) -> Role:
        """UNKNOWN where nobody gave this person one. Raises SetupError."""
        person = self._people.record().find(person_id)
        return Role.UNKNOWN if person is None else person.role

    def prove(
        self,
        pin: str,
        changes: Sequence[Change],
        person_id: str | None,
        *,
        confirmed: bool = False,
    ) -> Proof:
        """Whose PIN it is: the person's own; for somebody not known, that of anybody who may.

        It is looked at only where one of the changes needs it. Blocking: about 50 ms for each PIN
        that it may be. Raises nothing: what is wrong is in the proof.
        """
        # One after the other: tries that come together must not all find the last one free.
        with self._one_try:
            try:
                pin_of = self._tried(pin, changes, person_id)
            except AliciaError as error:
                return Proof(error=error.code, confirmed=confirmed)
        return Proof(pin_of=pin_of, confirmed=confirmed)

    def _tried(self, pin: str, changes: Sequence[Change], person_id: str | None) -> frozenset[str]:
        record = self._people.record()
        person = record.find(person_id)
        needing = [
            change
            for change in changes
            if decide(record.rules_of(person), *change) is Decision.NEEDS_PIN
        ]
        if not needing:
            return frozenset()
        # Only of those who may: with a PIN that opens nothing nobody frees the tries of others.
        kept = {
            one.person_id: one.pin
            for change in needing
            for one in _who_may(record, person, change)
            if one.pin is not None
        }
        if not kept:
            raise NoPinError
        whose = SOMEBODY if person is None else person.person_id
        attempts = Attempts(self._attempts, clock=self._clock)
        attempts.begin(whose)
        # All of them, also behind the right one: how long it takes tells nothing.
        right = frozenset([owner for owner, one in kept.items() if is_pin(pin, one)])
        if not right:
            raise PinWrongError
        attempts.was_right(whose)
        return right

    def refusal(self, change: Change, person_id: str | None, proof: Proof = NOTHING) -> str | None:
        """Code of the error for which it may not be done; None where it may.

        Where the people can't be read, everything may be done that opens nothing protected.
        """
        try:
            record = self._people.record()
        except SetupError as error:
            return error.code if opens(*change) else None
        person = record.find(person_id)
        match decide(record.rules_of(person), *change):
            case Decision.ALLOW:
                return None
            case Decision.DENY:
                return NotPermittedError.code
            case Decision.NEEDS_CONFIRMATION:
                return None if proof.confirmed else ConfirmationNeededError.code
            case Decision.NEEDS_PIN:
                return _without_pin(_who_may(record, person, change), proof)


def _who_may(record: Record, person: Person | None, change: Change) -> list[Person]:
    """Who has a PIN and may do it: this person alone, or whoever somebody not known may be."""
    return [
        one
        for one in ((person,) if person is not None else record.people)
        if one.pin is not None and decide(record.rules_of(one), *change) is not Decision.DENY
    ]


def _without_pin(may: Sequence[Person], proof: Proof) -> str | None:
    if any(one.person_id in proof.pin_of for one in may):
        return None
    if proof.error is not None:
        return proof.error
    return PinNeededError.code if may else NoPinError.code
