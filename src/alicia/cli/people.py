"""`alicia people`: who belongs to this home, what each may do, and their PINs.

Needs no house: it changes a file that whoever carries commands out reads again at once. Run it on
the machine that does (`device_control`), as the one to whom the house belongs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from alicia.cli.output import Home, Json, emit, fail, out
from alicia.errors import AliciaError, InvalidValueError, VoiceprintError
from alicia.runtime.settings import Folder
from alicia.security.people import People, Record
from alicia.security.permissions import Decision, Person, Role, Rule
from alicia.security.pins import hash_pin

T = TypeVar("T")

Name = Annotated[str, typer.Argument(help="Whose name it is; the same as of their voice.")]
Who = Annotated[str, typer.Argument(help="A person, or a role: guest, child, unknown, …")]
What = Annotated[
    str,
    typer.Argument(help="An entity (lock.front_door), a domain (climate), area:bedroom, or all."),
]
Capability = Annotated[
    str | None, typer.Option("--capability", help="Only this: power, position, locked, …")
]
Opening = Annotated[
    bool,
    typer.Option("--only-opening", help="Only what opens, unlocks or disarms something protected."),
]


class By(StrEnum):
    PIN = "pin"
    CONFIRMATION = "confirmation"


# ---- list ---------------------------------------------------------------------------------------


def list_people(*, json: Json = False, home: Home = None) -> None:
    """Show who belongs to this home, their roles, and what this home has changed of those."""
    record = _told(lambda: _people(home).record(), as_json=json)
    if json:
        emit({"people": [_as_json(person) for person in record.people], "roles": _roles(record)})
        return
    if not record.people and not record.roles:
        out.print(
            "Nobody yet: everybody is unknown, and nothing protected is opened. "
            "`alicia people role NAME owner` and `alicia people pin NAME` change that.",
            highlight=False,
        )
        return
    table = Table(box=None, pad_edge=False)
    for title in ("who", "role", "PIN", "rules of their own"):
        table.add_column(title)
    for person in record.people:
        rules = "; ".join(map(sentence, person.rules))
        pin = "yes" if person.pin else "no"
        table.add_row(Text(person.name, style="cyan"), person.role.value, pin, Text(rules))
    for role, rules in record.roles.items():
        told = "; ".join(map(sentence, rules))
        table.add_row(Text(f"every {role.value}", style="bold"), "", "", Text(told))
    out.print(table)


def _as_json(person: Person) -> dict[str, Any]:
    """All but the hash, which is nobody's business."""
    told = person.model_dump(mode="json", exclude={"pin"}, exclude_none=True)
    return told | {"has_pin": person.pin is not None}


def _roles(record: Record) -> dict[str, Any]:
    return {
        role.value: [rule.model_dump(mode="json", exclude_none=True) for rule in rules]
        for role, rules in record.roles.items()
    }


def sentence(rule: Rule) -> str:
    """A rule for a person to read."""
    area = f"area:{rule.area}" if rule.area else None
    what = rule.entity or rule.domain or area or "all"
    words = [rule.decision.value.replace("_", " "), what]
    if rule.capability:
        words.append(rule.capability)
    if rule.minimum is not None or rule.maximum is not None:
        low = "…" if rule.minimum is None else f"{rule.minimum:g}"
        high = "…" if rule.maximum is None else f"{rule.maximum:g}"
        words.append(f"{low} to {high}")
    if rule.opens:
        words.append("(opening)")
    return " ".join(words)


# ---- changes ------------------------------------------------------------------------------------


def role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="What they are in this home.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Add somebody, or change what they are."""

    def change(people: People) -> Person:
        if role is Role.UNKNOWN:
            raise InvalidValueError("Nobody with a name is unknown.")
        record, person_id = people.record(), _id(name)
        known = record.find(person_id)
        person = (
            Person(person_id=person_id, name=name.strip(), role=role)
            if known is None
            else known.model_copy(update={"role": role})
        )
        people.put(record.with_person(person))
        return person

    _change(change, "{name} is {role} now.", home=home, as_json=json)


def remove(name: Name, *, json: Json = False, home: Home = None) -> None:
    """Take somebody out, with their rules and their PIN. Their voice stays enrolled."""

    def change(people: People) -> Person:
        person = people.person(_id(name))
        people.put(people.record().without(person.person_id))
        return person

    _change(change, "{name} is nobody here any more.", home=home, as_json=json)


def forbid(
    who: Who,
    what: What,
    *,
    capability: Capability = None,
    only_opening: Opening = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Forbid something, to a person or to all of a role."""
    _rule(
        who,
        lambda: _made(Decision.DENY, what, capability=capability, opening=only_opening),
        home=home,
        as_json=json,
    )


def allow(
    who: Who,
    what: What,
    *,
    by: Annotated[
        By | None, typer.Option("--by", help="Only with their PIN, or after a spoken yes.")
    ] = None,
    capability: Capability = None,
    minimum: Annotated[
        float | None, typer.Option("--from", help="Only numbers from this one.")
    ] = None,
    maximum: Annotated[float | None, typer.Option("--to", help="Only numbers up to this.")] = None,
    only_opening: Opening = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Allow something, to a person or to all of a role: just so, by PIN, or by a yes."""
    decision = {
        None: Decision.ALLOW,
        By.PIN: Decision.NEEDS_PIN,
        By.CONFIRMATION: Decision.NEEDS_CONFIRMATION,
    }[by]
    _rule(
        who,
        lambda: _made(
            decision,
            what,
            capability=capability,
            opening=only_opening,
            minimum=minimum,
            maximum=maximum,
        ),
        home=home,
        as_json=json,
    )


def pin(
    name: Name,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="They have none any more.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Set somebody's PIN. It is asked for, hidden; or read from a pipe, a line."""

    def change(people: People) -> Person:
        person = people.person(_id(name))
        kept = None if remove else hash_pin(_asked())
        person = person.model_copy(update={"pin": kept})
        people.put(people.record().with_person(person))
        return person

    done = "{name} has no PIN any more." if remove else "{name} has a new PIN."
    _change(change, done, home=home, as_json=json)


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return typer.prompt("New PIN", hide_input=True, confirmation_prompt="The same again").strip()


# ---- help ---------------------------------------------------------------------------------------


def _people(home: Any) -> People:  # noqa: ANN401 - a path, or none
    return People(Folder(home).state("device_control"))


def _id(name: str) -> str:
    """Raises InvalidValueError."""
    from alicia.cli.voice import speaker_id  # noqa: PLC0415 - heavy

    try:
        made = speaker_id(name)
    except VoiceprintError as error:
        raise InvalidValueError(error.message, name=name) from None
    if made in list(Role):
        raise InvalidValueError(f"{made!r} is a role; a person needs another name.")
    return made


def _made(
    decision: Decision,
    what: str,
    *,
    capability: str | None,
    opening: bool,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Rule:
    """Raises InvalidValueError."""
    kind = "domain"
    if what.startswith("area:"):
        kind, what = "area", what.removeprefix("area:")
    elif "." in what:
        kind = "entity"
    if not what or any(c.isspace() for c in what):
        raise InvalidValueError(
            f"{what!r} is no entity, domain or area. `alicia devices` lists them by their ids."
        )
    fields: dict[str, Any] = {} if what == "all" else {kind: what}
    try:
        return Rule(
            decision=decision,
            capability=capability,
            opens=True if opening else None,
            minimum=minimum,
            maximum=maximum,
            **fields,
        )
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise InvalidValueError(f"That is no rule: {reason}.") from error


def _rule(who: str, made: Callable[[], Rule], *, home: Any, as_json: bool) -> None:  # noqa: ANN401
    def change() -> tuple[str, Rule]:
        people, rule = _people(home), made()
        whose = Role(who.lower()) if who.lower() in list(Role) else people.person(_id(who))
        people.put(people.record().with_rule(whose, rule))
        return (whose.name if isinstance(whose, Person) else f"every {whose.value}"), rule

    whose, rule = _told(change, as_json=as_json)
    if as_json:
        emit({"who": whose, "rule": rule.model_dump(mode="json", exclude_none=True)})
    else:
        out.print(f"For {whose}: {sentence(rule)}.", highlight=False, markup=False)


def _change(change: Callable[[People], Person], done: str, *, home: Any, as_json: bool) -> None:  # noqa: ANN401
    person = _told(lambda: change(_people(home)), as_json=as_json)
    if as_json:
        emit(_as_json(person))
    else:
        said = done.format(name=person.name, role=person.role.value)
        out.print(said, highlight=False, markup=False)


def _told(work: Callable[[], T], *, as_json: bool) -> T:
    try:
        return work()
    except AliciaError as error:
        raise fail(error, as_json=as_json) from None
