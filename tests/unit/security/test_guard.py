"""PINs, people and what a guard makes of them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from alicia.errors import InvalidValueError, PinLockedError, SetupError
from alicia.security.guard import ATTEMPTS, Guard, Proof
from alicia.security.people import People, Record
from alicia.security.permissions import Decision, Person, Role, Rule
from alicia.security.pins import (
    FREE_TRIES,
    LOCKED_S,
    LONGEST_LOCK_S,
    Attempts,
    hash_pin,
    is_pin,
)

from .test_permissions import DOOR, GARAGE, LAMP

PIN, OTHER = "258014", "741096"
UNLOCK = DOOR, "locked", False
LOCK = DOOR, "locked", True
LIGHT = LAMP, "power", True


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def somebody(name: str, role: Role, pin: str | None = None, *rules: Rule) -> Person:
    kept = None if pin is None else hash_pin(pin)
    return Person(person_id=name, name=name.title(), role=role, pin=kept, rules=rules)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home with an owner, a resident without a PIN, a child and a guest."""
    record = Record()
    for person in (
        somebody("anna", Role.OWNER, PIN),
        somebody("ben", Role.RESIDENT),
        somebody("mia", Role.CHILD, OTHER),
        somebody("gus", Role.GUEST),
    ):
        record = record.with_person(person)
    People(tmp_path).put(record)
    return tmp_path


# ---- PINs ---------------------------------------------------------------------------------------


def test_a_pin_is_kept_as_a_hash_that_only_it_fits() -> None:
    kept = hash_pin(PIN)
    assert PIN not in kept
    assert kept != hash_pin(PIN), "each has a salt of its own"
    assert is_pin(PIN, kept)
    assert not any(is_pin(wrong, kept) for wrong in ("", PIN[:-1], PIN + "0", OTHER, "\0"))


@pytest.mark.parametrize(
    "bad", ["", "123", "1234", "4321", "7890", "0000", "12a4", "١٢٣٥", "1" * 13, " 2580", "25.80"]
)
def test_what_anybody_would_try_first_is_no_pin(bad: str) -> None:
    with pytest.raises(InvalidValueError):
        hash_pin(bad)


@pytest.mark.parametrize("kept", ["", "scrypt$", "plain$2580", "scrypt$3$8$1$AAAA$AAAA"])
def test_a_damaged_hash_fits_nothing_and_says_what_to_do(kept: str) -> None:
    with pytest.raises(SetupError, match="alicia people pin"):
        is_pin(PIN, kept)


def test_after_three_wrong_tries_none_is_taken_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "attempts.json"
    for _ in range(FREE_TRIES):
        Attempts(path, clock=clock).begin("anna")
    with pytest.raises(PinLockedError) as locked:
        Attempts(path, clock=clock).begin("anna")
    assert locked.value.fields == {"seconds": 60}
    Attempts(path, clock=clock).begin("ben")  # another's tries are their own

    clock.now += LOCKED_S
    Attempts(path, clock=clock).begin("anna")
    clock.now += LOCKED_S
    with pytest.raises(PinLockedError):  # the next wait is twice as long
        Attempts(path, clock=clock).begin("anna")
    clock.now += LOCKED_S
    attempts = Attempts(path, clock=clock)
    attempts.begin("anna")
    attempts.was_right("anna")
    for _ in range(FREE_TRIES):
        attempts.begin("anna")


def test_a_clock_that_was_set_back_locks_no_longer_than_from_now(tmp_path: Path) -> None:
    clock = Clock()
    attempts = Attempts(tmp_path / "attempts.json", clock=clock)
    for _ in range(FREE_TRIES):
        attempts.begin("anna")
    clock.now -= 10 * LONGEST_LOCK_S
    with pytest.raises(PinLockedError) as locked:
        attempts.begin("anna")
    assert locked.value.fields["seconds"] <= LOCKED_S


def test_a_damaged_count_of_tries_takes_no_pin(folder: Path) -> None:
    (folder / ATTEMPTS).write_text('{"": {"wrong": "none"', "utf-8")
    guard = Guard(folder)
    proof = guard.prove(PIN, [UNLOCK], "anna")
    assert proof == Proof(error="setup")
    assert guard.refusal(UNLOCK, "anna", proof) == "setup"


# ---- the guard ----------------------------------------------------------------------------------


def with_pin(guard: Guard, pin: str, who: str | None) -> str | None:
    return guard.refusal(UNLOCK, who, guard.prove(pin, [UNLOCK], who))


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("anna", "security.pin_needed"),
        ("ben", "security.no_pin"),
        ("mia", "security.not_permitted"),
        ("gus", "security.not_permitted"),
        (None, "security.pin_needed"),
        ("a stranger who is enrolled", "security.pin_needed"),
    ],
)
def test_without_a_pin_nobody_unlocks_and_everybody_locks(
    folder: Path, who: str | None, code: str
) -> None:
    guard = Guard(folder)
    assert guard.refusal(UNLOCK, who) == code
    assert guard.refusal(UNLOCK, who, Proof(confirmed=True)) == code
    assert guard.refusal(LOCK, who) is None
    assert guard.refusal(LIGHT, who) is None


def test_the_pin_of_who_may_unlocks_for_them_and_for_a_voice_that_was_not_recognized(
    folder: Path,
) -> None:
    guard = Guard(folder)
    assert with_pin(guard, PIN, "anna") is None
    assert with_pin(guard, PIN, None) is None
    assert with_pin(guard, OTHER, "anna") == "security.pin_wrong"


def test_a_guest_and_a_child_do_not_unlock_with_any_pin(folder: Path) -> None:
    guard = Guard(folder)
    for who in ("gus", "mia"):
        for pin in (PIN, OTHER):
            assert with_pin(guard, pin, who) == "security.not_permitted"
    assert with_pin(guard, OTHER, None) == "security.pin_wrong", "a child's PIN opens nothing"
    assert with_pin(guard, PIN, "ben") == "security.no_pin", "nor does another's"


def test_a_pin_that_opens_nothing_frees_no_tries(folder: Path) -> None:
    clock = Clock()
    guard = Guard(folder, clock=clock)
    for _ in range(FREE_TRIES):
        assert with_pin(guard, OTHER, None) == "security.pin_wrong"
    assert with_pin(guard, PIN, None) == "security.pin_locked"
    assert with_pin(Guard(folder, clock=clock), PIN, None) == "security.pin_locked", "restarted"
    assert with_pin(guard, PIN, "anna") is None, "who is recognized has tries of their own"
    clock.now += LOCKED_S
    assert with_pin(guard, PIN, None) is None


def test_where_no_pin_is_needed_none_is_looked_at(folder: Path) -> None:
    guard = Guard(folder)
    for pin in (PIN, OTHER):
        assert guard.prove(pin, [LIGHT, LOCK], "anna") == Proof()
        assert guard.prove(pin, [UNLOCK], "gus") == Proof()
    assert not (folder / ATTEMPTS).exists()


def test_in_a_home_without_any_pin_nothing_protected_opens(tmp_path: Path) -> None:
    guard = Guard(tmp_path)
    assert guard.refusal(UNLOCK, None) == "security.no_pin"
    assert with_pin(guard, PIN, None) == "security.no_pin"
    assert guard.refusal(LOCK, None) is None


def test_a_home_may_ask_for_a_yes_instead_of_a_pin(folder: Path) -> None:
    people = People(folder)
    yes = Rule(decision=Decision.NEEDS_CONFIRMATION, entity=GARAGE.entity_id, opens=True)
    people.put(people.record().with_rule(Role.UNKNOWN, yes))
    guard, open_garage = Guard(folder), (GARAGE, "position", 100.0)
    assert guard.refusal(open_garage, None) == "security.confirmation_needed"
    assert guard.refusal(open_garage, None, Proof(confirmed=True)) is None
    assert guard.refusal(UNLOCK, None, Proof(confirmed=True)) == "security.pin_needed"
    assert guard.refusal(open_garage, "gus", Proof(confirmed=True)) == "security.not_permitted"


# ---- the file -----------------------------------------------------------------------------------


def test_a_change_of_the_file_counts_at_once(folder: Path) -> None:
    guard, people = Guard(folder), People(folder)
    assert guard.refusal(UNLOCK, "gus") == "security.not_permitted"
    gus = people.person("gus").model_copy(update={"role": Role.RESIDENT})
    people.put(people.record().with_person(gus))
    assert guard.refusal(UNLOCK, "gus") == "security.no_pin"
    people.put(people.record().without("gus"))
    assert guard.refusal(UNLOCK, "gus") == "security.pin_needed"


def test_the_file_is_for_its_owner_alone_and_holds_no_pin(folder: Path) -> None:
    path = People(folder).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PIN not in path.read_text("utf-8")
    assert OTHER not in path.read_text("utf-8")


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", '{"people": [{"person_id": "x", "name": "X", "role": "king"}]}', '{"pople": []}'],
)
def test_where_the_people_are_damaged_nothing_protected_opens_and_the_lights_work(
    folder: Path, damage: str
) -> None:
    guard, people = Guard(folder), People(folder)
    assert guard.refusal(LIGHT, "anna") is None
    people.path.write_text(damage, "utf-8")
    with pytest.raises(SetupError, match="can't be read"):
        people.record()
    assert guard.refusal(LIGHT, "anna") is None
    assert guard.refusal(LOCK, None) is None
    assert guard.refusal(UNLOCK, "anna") == "setup"
    assert with_pin(guard, PIN, "anna") == "setup"
    assert people.path.read_text("utf-8") == damage


def test_nobody_is_made_up(folder: Path) -> None:
    with pytest.raises(InvalidValueError) as unknown:
        People(folder).person("zoe")
    assert unknown.value.fields["valid"] == ["anna", "ben", "gus", "mia"]


def test_what_is_kept_reads_the_same_again(folder: Path) -> None:
    people = People(folder)
    record = people.record()
    record = record.with_rule(Role.GUEST, Rule(decision=Decision.DENY, domain="media_player"))
    people.put(record)
    assert People(folder).record() == record
    assert json.loads(people.path.read_text("utf-8"))["roles"]["guest"]
