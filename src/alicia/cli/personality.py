"""`alicia personality`: who answers, for whom, and how."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from alicia.cli.devices import area_named
from alicia.cli.output import Home, Json, emit, fail, out, run
from alicia.cli.visiting import visiting
from alicia.contracts.kinds import Command, Message
from alicia.contracts.personas import (
    ASSIGN_PERSONA,
    BLEND_PERSONAS,
    DELETE_PERSONA,
    EXPORT_PERSONAS,
    GET_PERSONA,
    IMPORT_PERSONAS,
    LIST_PERSONAS,
    PREVIEW_PERSONA,
    PUT_PERSONA,
    RESTORE_PERSONA,
    Assignment,
    AssignmentScope,
    AssignPersona,
    BlendPersonas,
    DeletePersona,
    ExportPersonas,
    GetPersona,
    ImportPersonas,
    ListPersonas,
    Persona,
    PersonasImported,
    PersonaVersion,
    PreviewPersona,
    PutPersona,
    ReplyKind,
    RestorePersona,
)
from alicia.errors import AliciaError, InvalidPersonaError, SettingsError
from alicia.mind.personas import NEUTRAL, TRAITS, parse, read_document
from alicia.peers.console import Console
from alicia.runtime.settings import Folder

Which = Annotated[str, typer.Argument(help="A persona's id: alicia, albert, mia, nova, luna, …")]
Trait = Annotated[float | None, typer.Option(min=0, max=1, help="0 to 1; 0.5 is neutral.")]


Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)


def _asked(command: Command[Q, R], ask: Q, home: Path | None, *, json: bool) -> R:
    """What the house answers; an error of ours ends the program."""

    async def work() -> R:
        async with visiting(Console, Folder(home)) as console:
            return await console.ask(command, ask)

    return run(work(), as_json=json)


def _me() -> str:
    return getpass.getuser()


# ---- list and show ------------------------------------------------------------------------------


def list_personas(*, json: Json = False, home: Home = None) -> None:
    """Show who may answer, what they are like, and for whom they answer."""
    found = _asked(LIST_PERSONAS, ListPersonas(), home, json=json)
    if json:
        emit(found.model_dump(mode="json"))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "name", "is", "answers", "version"):
        table.add_column(column)
    for one in found.personas:
        if (persona := one.persona) is None:
            continue
        places = [_place(a) for a in found.assignments if a.persona_id == persona.persona_id]
        table.add_row(
            persona.persona_id,
            persona.name,
            _manner(persona),
            ", ".join(places) or "—",
            str(one.version) if one.version else "as it came",
        )
    out.print(table)


def _place(assignment: Assignment) -> str:
    return f"{assignment.scope.value} {assignment.who}".strip()


_MANNERS = {
    "warmth": ("cool", "warm"),
    "formality": ("casual", "formal"),
    "humour": ("serious", "witty"),
    "verbosity": ("brief", "talkative"),
    "energy": ("calm", "lively"),
}


def _manner(persona: Persona) -> str:
    """In a few words; the traits that differ from neutral by more than a little."""
    told = [
        words[value > NEUTRAL]
        for trait, words in _MANNERS.items()
        if abs((value := getattr(persona.traits, trait)) - NEUTRAL) >= 0.15
    ]
    return ", ".join(told) or "plain"


def show(persona: Which, *, json: Json = False, home: Home = None) -> None:
    """Show a persona, with all its versions."""
    found = _asked(GET_PERSONA, GetPersona(persona_id=persona), home, json=json)
    if json:
        emit(found.model_dump(mode="json"))
        return
    now: Persona | None = found.versions[0].persona
    if now is None:
        out.print(f"{persona} was deleted.", highlight=False)
    else:
        out.print(f"[bold]{now.name}[/] ({persona})  {now.description}", highlight=False)
        out.print("  ".join(f"{t} {getattr(now.traits, t):g}" for t in TRAITS), highlight=False)
        voice = now.voice.model_dump(exclude_none=True).items()
        out.print("voice: " + "  ".join(f"{k} {v}" for k, v in voice), highlight=False)
        for mood in sorted(now.moods, key=lambda mood: mood.hour):
            told = mood.model_dump(exclude={"hour"}, exclude_defaults=True).items()
            more = ", ".join(f"{key} {value:+g}" for key, value in told) or "as it is"
            out.print(f"at {mood.hour:g} h: {more}", highlight=False)
    for one in found.versions:
        out.print(f"[dim]version {one.version}: {_when(one)}[/]", highlight=False)


def _when(one: PersonaVersion) -> str:
    if not one.version:
        return "came with Alicia"
    when = datetime.fromtimestamp(one.at).astimezone().strftime("%F %T")
    deleted = ", deleted" if one.persona is None else ""
    return f"{when} by {one.by or 'somebody'}{deleted}"


# ---- who answers --------------------------------------------------------------------------------


def set_persona(
    persona: Annotated[
        str | None, typer.Argument(help="A persona's id; none: nobody in particular.")
    ] = None,
    *,
    person: Annotated[
        str | None, typer.Option("--person", help="For somebody who is enrolled.")
    ] = None,
    area: Annotated[str | None, typer.Option("--area", help="In a room: its id or name.")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Choose who answers a person, in a room, or (without either) in the whole home."""
    if person is not None and area is not None:
        error = SettingsError("Name a person or a room, not both: a person's goes first anyway.")
        raise fail(error, as_json=json)

    async def work() -> AssignPersona:
        async with visiting(Console, Folder(home)) as console:
            scope, who = AssignmentScope.HOME, ""
            if person is not None:
                scope, who = AssignmentScope.PERSON, person
            elif area is not None:
                scope, who = AssignmentScope.AREA, (await area_named(console, area)).area_id
            ask = AssignPersona(scope=scope, who=who, persona_id=persona, by=_me())
            await console.ask(ASSIGN_PERSONA, ask)
            return ask

    done = run(work(), as_json=json)
    if json:
        emit(done.model_dump(mode="json", exclude={"by"}))
        return
    place = f"{done.scope.value} {done.who}".strip()
    out.print(f"{place}: {persona or 'nobody in particular'} answers.", highlight=False)


# ---- what they are like -------------------------------------------------------------------------


def change(
    persona: Which,
    *,
    like: Annotated[
        str | None, typer.Option("--like", help="Begin with this one: makes a new persona.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What it is called.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="Who it is.")] = None,
    warmth: Trait = None,
    formality: Trait = None,
    humour: Trait = None,
    verbosity: Trait = None,
    energy: Trait = None,
    rate: Annotated[float | None, typer.Option(min=0.5, max=2, help="How fast.")] = None,
    pitch: Annotated[float | None, typer.Option(min=0.5, max=2, help="How high.")] = None,
    volume_db: Annotated[float | None, typer.Option(min=-20, max=6, help="How loud.")] = None,
    voice: Annotated[str | None, typer.Option(help="An engine: piper, kokoro, …")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Change a persona: its next version. With --like, make another one."""
    traits = _given(
        warmth=warmth, formality=formality, humour=humour, verbosity=verbosity, energy=energy
    )
    sound = _given(rate=rate, pitch=pitch, volume_db=volume_db, voice=voice)

    async def work() -> PersonaVersion:
        async with visiting(Console, Folder(home)) as console:
            before = await console.ask(GET_PERSONA, GetPersona(persona_id=like or persona))
            base = before.versions[0].persona
            if base is None:
                raise InvalidPersonaError("It was deleted: restore it first.", name=persona)
            told = base.model_dump()
            told |= _given(name=name, description=description)
            told["persona_id"] = persona
            if like is not None and name is None:
                told["name"] = persona.replace("_", " ").title()
            told["traits"] |= traits
            told["voice"] |= sound
            return await console.ask(PUT_PERSONA, PutPersona(persona=parse(told), by=_me()))

    _say_version(run(work(), as_json=json), json=json)


def _given(**values: object) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _say_version(done: PersonaVersion, *, json: bool) -> None:
    if json:
        emit(done.model_dump(mode="json"))
        return
    what = "deleted" if done.persona is None else _manner(done.persona)
    out.print(f"{done.persona_id}, version {done.version}: {what}.", highlight=False)


def blend(
    first: Which,
    second: Which,
    into: Annotated[str, typer.Argument(help="The id of the persona that is made.")],
    *,
    weight: Annotated[
        float, typer.Option("--weight", min=0, max=1, help="How much of the second.")
    ] = 0.5,
    name: Annotated[str | None, typer.Option("--name", help="What it is called.")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Make a persona of two."""
    ask = BlendPersonas(
        first=first,
        second=second,
        weight=weight,
        persona_id=into,
        name=name or into.replace("_", " ").title(),
        by=_me(),
    )
    _say_version(_asked(BLEND_PERSONAS, ask, home, json=json), json=json)


def restore(
    persona: Which,
    version: Annotated[int, typer.Argument(help="As `show` lists them; 0 is as it came.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Make an older version the newest."""
    ask = RestorePersona(persona_id=persona, version=version, by=_me())
    _say_version(_asked(RESTORE_PERSONA, ask, home, json=json), json=json)


def remove(persona: Which, *, json: Json = False, home: Home = None) -> None:
    """Delete a persona for which nobody is assigned; its versions stay."""
    ask = DeletePersona(persona_id=persona, by=_me())
    _say_version(_asked(DELETE_PERSONA, ask, home, json=json), json=json)


# ---- preview ------------------------------------------------------------------------------------


def preview(
    persona: Annotated[
        str | None, typer.Argument(help="A persona's id; none: whoever answers there.")
    ] = None,
    *,
    text: Annotated[str | None, typer.Option("--text", help="A plain reply.")] = None,
    kind: Annotated[ReplyKind, typer.Option("--kind", help="What it tells.")] = ReplyKind.DONE,
    language: Annotated[str, typer.Option("--language", "-l", help="One of the nine.")] = "en",
    hour: Annotated[
        float | None, typer.Option("--hour", min=0, max=24, help="Of the day; now.")
    ] = None,
    person: Annotated[str | None, typer.Option("--person", help="Who speaks.")] = None,
    area: Annotated[str | None, typer.Option("--area", help="Where: an area's id.")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Read how somebody would say things; nothing is changed."""
    ask = PreviewPersona(
        persona_id=persona,
        speaker=person,
        area_id=area,
        language=language,
        hour=hour,
        text=text,
        kind=kind,
    )
    told = _asked(PREVIEW_PERSONA, ask, home, json=json)
    if json:
        emit(told.model_dump(mode="json"))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("kind", "plain", told.persona_id):
        table.add_column(column)
    for sample in told.samples:
        table.add_row(sample.kind.value, sample.plain, sample.text)
    out.print(table)
    style = told.style
    sound = f"rate {style.rate:g}, pitch {style.pitch:g}, {style.volume_db:+g} dB"
    out.print(f"\nvoice: {sound}", highlight=False)
    out.print(f"a model is told: {told.prompt}", style="dim", highlight=False, markup=False)


# ---- export and import --------------------------------------------------------------------------


def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output.")] = None,
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Write all that was made here into one JSON document, with its versions."""
    document = _asked(EXPORT_PERSONAS, ExportPersonas(), home, json=json)
    if file is None:
        emit(document.model_dump(mode="json"))
        return
    file.write_text(document.model_dump_json(indent=2) + "\n", "utf-8")
    if json:
        emit({"file": str(file), "versions": len(document.versions)})
        return
    out.print(f"{file}: {len(document.versions)} versions.", highlight=False)


def import_file(
    file: Annotated[Path, typer.Argument(help="JSON, or TOML with [[persona]] in it.")],
    *,
    json: Json = False,
    home: Home = None,
) -> None:
    """Take over what `export` wrote, or personas that somebody wrote by hand."""
    try:
        document, personas = read_document(file.read_text("utf-8"), toml=file.suffix == ".toml")
    except AliciaError as error:
        raise fail(error, as_json=json) from None

    async def work() -> list[PersonasImported | PersonaVersion]:
        async with visiting(Console, Folder(home)) as console:
            if document is not None:
                ask = ImportPersonas(document=document, by=_me())
                return [await console.ask(IMPORT_PERSONAS, ask)]
            asks = [PutPersona(persona=persona, by=_me()) for persona in personas]
            return [await console.ask(PUT_PERSONA, ask) for ask in asks]

    for done in run(work(), as_json=json):
        if isinstance(done, PersonaVersion):
            _say_version(done, json=json)
        elif json:
            emit(done.model_dump(mode="json"))
        else:
            out.print(
                f"{done.added} added, {done.updated} updated, {done.unchanged} as they were; "
                f"{done.assignments} assignments.",
                highlight=False,
            )
