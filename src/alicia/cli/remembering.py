"""`alicia memory`: what people told Alicia to remember; theirs to see, to change and to erase."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from alicia.cli.output import Home, Json, emit, fail, out, run
from alicia.cli.visiting import visiting
from alicia.contracts.kinds import Command, Message
from alicia.contracts.memory import (
    FORGET_FACTS,
    HOUSEHOLD,
    LIST_FACTS,
    PUT_FACT,
    Fact,
    Facts,
    ForgetFacts,
    ListFacts,
    PutFact,
)
from alicia.contracts.voice import FORGET_CONVERSATIONS, ForgetConversations
from alicia.errors import SettingsError, UnknownFactError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder
from alicia.security.files import write_private

Which = Annotated[str, typer.Argument(help="A fact's id, as `alicia memory` lists it.")]
Whose = Annotated[
    str | None, typer.Option("--person", help="Whose; `household` for what is for everybody.")
]
Words = Annotated[str, typer.Argument(help="The fact, in a sentence.")]
Language = Annotated[
    str, typer.Option("--language", "-l", help="The language it is in, and found by.")
]
EVERYBODY = "household"

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)


def _asked(command: Command[Q, R], ask: Q, home: Path | None, *, json: bool) -> R:
    """What the house answers; an error of ours ends the program."""

    async def work() -> R:
        async with visiting(Console, Folder(home)) as console:
            return await console.ask(command, ask)

    return run(work(), as_json=json)


def _person(person: str | None) -> str | None:
    return HOUSEHOLD if person == EVERYBODY else person


def _all(home: Path | None, person: str | None = None, *, json: bool) -> Facts:
    return _asked(LIST_FACTS, ListFacts(person_id=_person(person)), home, json=json)


def _one(fact_id: str, home: Path | None, *, json: bool) -> Fact:
    for one in _all(home, json=json).facts:
        if one.fact_id == fact_id:
            return one
    raise fail(UnknownFactError(name=fact_id), as_json=json)


def list_facts(*, person: Whose = None, json: Json = False, home: Home = None) -> None:
    """Show what is remembered, and for whom."""
    found = _all(home, person, json=json)
    if json:
        emit(found.model_dump(mode="json"))
        return
    if not found.facts:
        out.print("Nothing is remembered.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "for", "fact", "told"):
        table.add_column(column)
    for one in found.facts:
        when = f"{datetime.fromtimestamp(one.told_at).astimezone():%F %R}"
        table.add_row(one.fact_id, one.person_id or EVERYBODY, one.text, when)
    out.print(table)


def show(fact: Which, *, json: Json = False, home: Home = None) -> None:
    """Show one fact."""
    _say(_one(fact, home, json=json), json=json)


def add(
    text: Words,
    *,
    person: Whose = EVERYBODY,
    language: Language = "en",
    json: Json = False,
    home: Home = None,
) -> None:
    """Have something remembered: for somebody whose voice is enrolled, or for everybody."""
    ask = PutFact(person_id=_person(person) or HOUSEHOLD, text=text, language=language)
    _say(_asked(PUT_FACT, ask, home, json=json), json=json)


def edit(
    fact: Which,
    text: Words,
    *,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="The language it is in now.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Put a fact in other words; the old ones are erased."""
    before = _one(fact, home, json=json)
    ask = PutFact(
        fact_id=fact,
        person_id=before.person_id,
        text=text,
        language=language or before.language,
    )
    _say(_asked(PUT_FACT, ask, home, json=json), json=json)


def forget(
    facts: Annotated[list[str] | None, typer.Argument(help="Ids of facts.")] = None,
    *,
    person: Whose = None,
    talk: Annotated[
        bool,
        typer.Option(
            "--talk", help="What was lately said, with its summary: of a person, or of everybody."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Erase facts for good: some, or all of a person; or what was lately talked about."""
    if talk:
        if facts:
            raise fail(SettingsError("A fact is no talk: name one or the other."), as_json=json)
        _forget_talk(person, home, json=json)
        return
    if not facts and person is None:
        error = SettingsError("Name facts by their ids, or a person: `--person NAME`.")
        raise fail(error, as_json=json)
    if person is not None and not yes:
        typer.confirm(f"Erase all that is remembered for {person}?", abort=True, err=True)
    ask = ForgetFacts(fact_ids=facts or [], person_id=_person(person))
    done = _asked(FORGET_FACTS, ask, home, json=json)
    if json:
        emit(done.model_dump(mode="json"))
    elif not done.count:
        raise fail(UnknownFactError(name=", ".join(facts or [person or ""])))
    else:
        out.print(f"Erased: {done.count}.", highlight=False)


def _forget_talk(person: str | None, home: Path | None, *, json: bool) -> None:
    forgotten = _asked(FORGET_CONVERSATIONS, ForgetConversations(person_id=person), home, json=json)
    if json:
        emit(forgotten.model_dump(mode="json"))
    else:
        out.print(f"Forgotten: {forgotten.turns} turns and their summary.", highlight=False)


def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; without it, to standard output.")
    ] = None,
    *,
    person: Whose = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Write what is remembered as JSON, unencrypted: a person's data are theirs to have."""
    found = _all(home, person, json=json)
    if file is None:
        emit(found.model_dump(mode="json"))
        return
    write_private(file, found.model_dump_json(indent=1).encode())
    if json:
        emit({"file": str(file), "facts": len(found.facts)})
    else:
        out.print(f"{len(found.facts)} in {file}, for your eyes only (0600).", highlight=False)


def _say(one: Fact, *, json: bool) -> None:
    if json:
        emit(one.model_dump(mode="json"))
        return
    when = f"{datetime.fromtimestamp(one.told_at).astimezone():%F %R}"
    out.print(f"[bold]{one.fact_id}[/]  for {one.person_id or EVERYBODY}", highlight=False)
    out.print(one.text, highlight=False, markup=False)
    out.print(f"[dim]{one.language}, told {when}[/]", highlight=False)
