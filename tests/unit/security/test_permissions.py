"""Who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alicia.contracts.devices import Capability, Entity, Kind, Value
from alicia.home.protection import is_protected
from alicia.security.people import Record
from alicia.security.permissions import (
    DEFAULTS,
    Decision,
    Person,
    Role,
    Rule,
    decide,
    opens,
    with_rule,
)

D = Decision


def entity(
    entity_id: str, *, protected: bool = False, area: str = "hallway", kind: str | None = None
) -> Entity:
    return Entity(
        entity_id=entity_id,
        domain=entity_id.partition(".")[0],
        name=entity_id,
        area_id=area,
        device_id="d1",
        adapter="virtual",
        capabilities=[Capability(name="power", kind=Kind.SWITCH)],
        device_class=kind,
        protected=protected,
    )


LAMP = entity("light.hall")
DOOR = entity("lock.front", protected=True)
GARAGE = entity("cover.garage", protected=True, kind="garage")
HEATING = entity("climate.hall")
ALARM = entity("alarm_control_panel.home")


@pytest.mark.parametrize(
    ("thing", "capability", "value", "expected"),
    [
        (DOOR, "locked", True, False),
        (DOOR, "locked", False, True),
        (GARAGE, "position", 0.0, False),
        (GARAGE, "position", 1.0, True),
        (GARAGE, "position", 100.0, True),
        (GARAGE, "open", False, False),
        (GARAGE, "open", True, True),
        (ALARM, "armed", True, False),
        (ALARM, "armed", False, True),
        # What is not known to close counts as opening, also a value of another type.
        (GARAGE, "power", False, True),
        (DOOR, "code", "1234", True),
        (DOOR, "locked", "true", True),
        (DOOR, "locked", 1.0, True),
        (GARAGE, "position", False, True),
        (LAMP, "power", False, False),
        (entity("cover.blind", kind="blind"), "position", 100.0, False),
    ],
)
def test_what_does_not_plainly_close_something_protected_opens_it(
    thing: Entity, capability: str, value: Value, expected: bool
) -> None:
    assert opens(thing, capability, value) is expected


def test_a_lock_is_protected_though_its_adapter_forgot_to_say_so() -> None:
    unmarked = [
        entity("lock.shed"),
        entity("cover.drive", kind="gate"),
        entity("cover.car", kind="garage"),
        ALARM,
    ]
    assert all(map(is_protected, unmarked))
    assert not any(map(is_protected, [LAMP, HEATING, entity("cover.blind", kind="blind")]))


@pytest.mark.parametrize(
    ("role", "decision"),
    [
        (Role.OWNER, D.NEEDS_PIN),
        (Role.RESIDENT, D.NEEDS_PIN),
        (Role.UNKNOWN, D.NEEDS_PIN),
        (Role.CHILD, D.DENY),
        (Role.GUEST, D.DENY),
    ],
)
def test_nobody_opens_what_is_protected_just_so_and_everybody_closes_it(
    role: Role, decision: Decision
) -> None:
    rules = DEFAULTS[role]
    for change in ((DOOR, "locked", False), (GARAGE, "position", 50.0), (ALARM, "armed", False)):
        assert decide(rules, *change) is decision
    for change in ((DOOR, "locked", True), (GARAGE, "position", 0.0), (LAMP, "power", True)):
        assert decide(rules, *change) is D.ALLOW


def test_every_role_has_a_rule_for_what_opens() -> None:
    assert set(DEFAULTS) == set(Role)
    for rules in DEFAULTS.values():
        assert any(rule.opens and rule.decision is not D.ALLOW for rule in rules)


@pytest.mark.parametrize(
    ("degrees", "decision"),
    [(15.5, D.DENY), (16.0, D.ALLOW), (23.0, D.ALLOW), (23.5, D.DENY), (30.0, D.DENY)],
)
def test_a_child_sets_the_heating_within_a_range(degrees: float, decision: Decision) -> None:
    change = HEATING, "target_temperature", degrees
    assert decide(DEFAULTS[Role.CHILD], *change) is decision
    assert decide(DEFAULTS[Role.GUEST], *change) is D.ALLOW


def test_a_persons_own_rule_comes_before_that_of_their_role() -> None:
    tim = Person(person_id="tim", name="Tim", role=Role.GUEST)
    record = Record().with_person(tim)
    record = record.with_rule(Role.GUEST, Rule(decision=D.DENY, area="hallway"))
    assert decide(record.rules_of(tim), LAMP, "power", True) is D.DENY
    record = record.with_rule(tim, Rule(decision=D.ALLOW, entity=LAMP.entity_id))
    mine = record.rules_of(record.find("tim"))
    assert decide(mine, LAMP, "power", True) is D.ALLOW
    assert decide(mine, HEATING, "target_temperature", 20.0) is D.DENY
    assert decide(mine, DOOR, "locked", False) is D.DENY
    assert decide(record.rules_of(None), LAMP, "power", True) is D.ALLOW


@pytest.mark.parametrize("wide", [{}, {"domain": "lock"}, {"area": "hallway"}])
@pytest.mark.parametrize("decision", [D.ALLOW, D.NEEDS_CONFIRMATION, D.NEEDS_PIN])
def test_who_is_allowed_everything_opens_nothing_protected(
    decision: Decision, wide: dict[str, Any]
) -> None:
    gus = Person(person_id="gus", name="Gus", role=Role.GUEST)
    record = Record().with_person(gus).with_rule(gus, Rule(decision=decision, **wide))
    rules = record.rules_of(record.find("gus"))
    assert decide(rules, DOOR, "locked", False) is D.DENY
    assert decide(rules, DOOR, "locked", True) is decision
    said = Rule(decision=decision, entity=DOOR.entity_id, opens=True)
    record = record.with_rule(gus, said)
    assert decide(record.rules_of(record.find("gus")), DOOR, "locked", False) is decision


def test_what_is_forbidden_is_forbidden_both_ways() -> None:
    rules = (Rule(decision=D.DENY, entity=DOOR.entity_id), *DEFAULTS[Role.OWNER])
    assert decide(rules, DOOR, "locked", False) is D.DENY
    assert decide(rules, DOOR, "locked", True) is D.DENY


def test_the_newest_rule_for_the_same_counts() -> None:
    rules = with_rule((), Rule(decision=D.DENY, domain="light"))
    rules = with_rule(rules, Rule(decision=D.NEEDS_CONFIRMATION, area="hallway"))
    rules = with_rule(rules, Rule(decision=D.ALLOW, domain="light"))
    assert [rule.decision for rule in rules] == [D.ALLOW, D.NEEDS_CONFIRMATION]


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "perhaps"},
        {"decision": "allow", "minimum": 5, "maximum": 1},
        {"decision": "allow", "domains": "lock"},
        {},
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(wrong)


def test_a_range_fits_numbers_only() -> None:
    rule = Rule(decision=D.DENY, minimum=0, maximum=1)
    assert rule.fits(LAMP, "power", 1.0)
    assert not rule.fits(LAMP, "power", True)
    assert not rule.fits(LAMP, "power", "1")
