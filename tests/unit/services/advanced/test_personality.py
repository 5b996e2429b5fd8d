from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Generator
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
import structlog

from alicia.contracts.personas import (
    ASSIGN_PERSONA,
    BLEND_PERSONAS,
    CAST,
    CHOOSE_VERBOSITY,
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
    Cast,
    ChooseVerbosity,
    DeletePersona,
    ExportPersonas,
    GetPersona,
    ImportPersonas,
    ListPersonas,
    Persona,
    PersonaDocument,
    PersonaHistory,
    PersonaVersion,
    PreviewPersona,
    PutPersona,
    ReplyKind,
    RestorePersona,
    Traits,
)
from alicia.errors import (
    AliciaError,
    BundledPersonaError,
    DeadlineError,
    InvalidPersonaError,
    MalformedMessageError,
    PersonaInUseError,
    ResponderLostError,
    SetupError,
    UnknownPersonaError,
    UnsupportedLanguageError,
)
from alicia.mind.casting import Casting
from alicia.mind.personas import bundled
from alicia.runtime import logs
from alicia.services.advanced.personality import MOST, Personality
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S

OPA = Persona(persona_id="opa", name="Opa", traits=Traits(warmth=0.9))
HOME, AREA, PERSON = AssignmentScope.HOME, AssignmentScope.AREA, AssignmentScope.PERSON


@pytest.fixture
def logged() -> Generator[StringIO, None, None]:
    stream = StringIO()
    logs.configure(level="debug", to=stream)
    yield stream
    structlog.reset_defaults()


async def put(home: RunningHouse, persona: Persona, by: str = "eva") -> PersonaVersion:
    ask = PutPersona(persona=persona, by=by)
    return await home.bus.ask(PUT_PERSONA, ask, deadline_s=PATIENCE_S)


async def assign(
    home: RunningHouse, scope: AssignmentScope, who: str, persona_id: str | None
) -> list[Assignment]:
    ask = AssignPersona(scope=scope, who=who, persona_id=persona_id, by="eva")
    return (await home.bus.ask(ASSIGN_PERSONA, ask)).assignments


async def history(home: RunningHouse, persona_id: str) -> PersonaHistory:
    return await home.bus.ask(GET_PERSONA, GetPersona(persona_id=persona_id))


async def listed(home: RunningHouse) -> dict[str, int]:
    found = await home.bus.ask(LIST_PERSONAS, ListPersonas())
    return {one.persona_id: one.version for one in found.personas}


async def test_at_the_start_there_are_those_that_come_with_alicia(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path, access_rules=True) as home:
        assert await listed(home) == dict.fromkeys(sorted(bundled()), 0)
        cast = await home.until(CAST)
        assert cast == Cast(personas=list(bundled().values()))


async def test_each_change_is_a_version_with_who_and_when(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        first = await put(home, OPA)
        colder = OPA.model_copy(update={"traits": Traits(warmth=0.1)})
        second = await put(home, colder, by="otto")
        assert (first.version, second.version) == (1, 2)
        assert (first.by, second.by) == ("eva", "otto")
        assert 0 < first.at <= second.at
        found = await history(home, "opa")
        assert [(one.version, one.persona) for one in found.versions] == [(2, colder), (1, OPA)]
        back = await home.bus.ask(
            RESTORE_PERSONA, RestorePersona(persona_id="opa", version=1, by="eva")
        )
        assert (back.version, back.persona) == (3, OPA)
        assert (await listed(home))["opa"] == 3


async def test_what_came_with_alicia_can_be_changed_and_restored_not_deleted(
    tmp_path: Path,
) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await put(home, OPA.model_copy(update={"persona_id": "alicia"}))
        assert (await home.until(CAST, lambda c: c.personas[0].name == "Opa")).personas
        with pytest.raises(BundledPersonaError):
            await home.bus.ask(DELETE_PERSONA, DeletePersona(persona_id="alicia"))
        ask = RestorePersona(persona_id="alicia", version=0)
        assert (await home.bus.ask(RESTORE_PERSONA, ask)).persona == bundled()["alicia"]


async def test_who_is_assigned_is_said_and_kept(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await put(home, OPA)
        await assign(home, AREA, "bedroom", "luna")
        await assign(home, PERSON, "emma", "mia")
        told = await assign(home, PERSON, "emma", "opa")
        assert [(a.scope, a.who, a.persona_id) for a in told] == [
            (AREA, "bedroom", "luna"),
            (PERSON, "emma", "opa"),
        ]
        cast = await home.until(CAST, lambda c: len(c.assignments) == 2)
        assert OPA in cast.personas, "no assignment is ahead of its persona"
        await home.stop(Personality)
        assert (await home.until(CAST)) == cast, "what is retained outlives the room"
        await home.start(Personality)
        found = await home.bus.ask(LIST_PERSONAS, ListPersonas())
        assert found.assignments == told
        assert await assign(home, PERSON, "emma", None) == told[:1]
        assert await assign(home, PERSON, "nobody", None) == told[:1]


async def test_how_much_is_said_is_chosen_kept_and_taken_back(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path, access_rules=True) as home:
        brief = ChooseVerbosity(scope=AREA, who="bedroom", verbosity=0.0, by="eva")
        await home.bus.ask(CHOOSE_VERBOSITY, brief)
        with pytest.raises(InvalidPersonaError):
            await home.bus.ask(CHOOSE_VERBOSITY, ChooseVerbosity(scope=PERSON, verbosity=0.0))
        await home.kill(Personality)
        await home.start(Personality)
        cast = await home.until(CAST, lambda c: bool(c.verbosities))
        casting = Casting(cast)
        there, elsewhere = (casting.answerer(None, area, "en") for area in ("bedroom", "kitchen"))
        plain = "Turned on the bedroom lamp."
        assert there.say(plain, ReplyKind.DONE, "en") == "Done."
        assert elsewhere.say(plain, ReplyKind.DONE, "en") == plain
        document = await home.bus.ask(EXPORT_PERSONAS, ExportPersonas())
        assert [one.who for one in document.verbosities] == ["bedroom"]
        back = brief.model_copy(update={"verbosity": None})
        assert (await home.bus.ask(CHOOSE_VERBOSITY, back)).verbosities == []
        await home.bus.ask(IMPORT_PERSONAS, ImportPersonas(document=document))
        assert (await home.until(CAST)).verbosities == document.verbosities


async def test_a_change_is_on_disk_when_it_is_answered(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await put(home, OPA)
        await assign(home, HOME, "", "opa")
        await home.kill(Personality)
        await home.start(Personality)
        assert (await listed(home))["opa"] == 1
        cast = await home.until(CAST)
        assert cast.assignments == [Assignment(scope=HOME, persona_id="opa")]


async def test_who_still_answers_can_not_be_deleted(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await put(home, OPA)
        await assign(home, AREA, "kitchen", "opa")
        with pytest.raises(PersonaInUseError) as refused:
            await home.bus.ask(DELETE_PERSONA, DeletePersona(persona_id="opa"))
        assert refused.value.fields["answers"] == ["area kitchen"]
        await assign(home, AREA, "kitchen", None)
        gone = await home.bus.ask(DELETE_PERSONA, DeletePersona(persona_id="opa", by="eva"))
        assert (gone.version, gone.persona) == (2, None)
        assert "opa" not in await listed(home)
        assert all(p.persona_id != "opa" for p in (await home.until(CAST)).personas)
        with pytest.raises(UnknownPersonaError):
            await home.bus.ask(RESTORE_PERSONA, RestorePersona(persona_id="opa", version=2))
        await home.bus.ask(RESTORE_PERSONA, RestorePersona(persona_id="opa", version=1))
        assert (await listed(home))["opa"] == 3


@pytest.mark.parametrize(
    ("scope", "who", "persona_id", "error"),
    [
        (PERSON, "", "mia", InvalidPersonaError),
        (HOME, "kitchen", "mia", InvalidPersonaError),
        (AREA, "a/b", "mia", MalformedMessageError),
        (AREA, "kitchen", "nobody", UnknownPersonaError),
    ],
)
async def test_an_assignment_that_makes_no_sense_is_refused(
    tmp_path: Path, scope: AssignmentScope, who: str, persona_id: str, error: type[AliciaError]
) -> None:
    async with house(Personality, folder=tmp_path) as home:
        with pytest.raises(error):
            await assign(home, scope, who, persona_id)
        assert (await home.until(CAST)).assignments == []


async def test_who_is_unknown_is_named(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        for command, ask in (
            (GET_PERSONA, GetPersona(persona_id="nobody")),
            (DELETE_PERSONA, DeletePersona(persona_id="nobody")),
            (RESTORE_PERSONA, RestorePersona(persona_id="nobody", version=1)),
            (PREVIEW_PERSONA, PreviewPersona(persona_id="nobody")),
        ):
            with pytest.raises(UnknownPersonaError) as refused:
                await home.bus.ask(command, ask)  # type: ignore[arg-type]
            assert refused.value.fields["name"] == "nobody"
        with pytest.raises(InvalidPersonaError):
            await put(home, OPA.model_copy(update={"persona_id": "not an id"}))


async def test_two_are_blended_into_a_third(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        ask = BlendPersonas(
            first="albert", second="nova", weight=0.5, persona_id="both", name="Both", by="eva"
        )
        made = await home.bus.ask(BLEND_PERSONAS, ask)
        assert made.persona is not None
        assert made.persona.traits.formality == pytest.approx((0.95 + 0.5) / 2)
        assert (await listed(home))["both"] == 1
        with pytest.raises(UnknownPersonaError):
            await home.bus.ask(BLEND_PERSONAS, ask.model_copy(update={"second": "nobody"}))


async def test_there_is_an_end_to_how_many_there_may_be(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        for number in range(MOST - len(bundled())):
            await put(home, OPA.model_copy(update={"persona_id": f"opa{number}"}))
        with pytest.raises(InvalidPersonaError):
            await put(home, OPA)
        await put(home, OPA.model_copy(update={"persona_id": "opa0"}))


# ---- preview ------------------------------------------------------------------------------------


async def test_a_preview_says_how_somebody_would_say_it_and_sound(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        ask = PreviewPersona(
            persona_id="albert", language="de", text="Was meinst du: A?", kind=ReplyKind.ERROR
        )
        told = await home.bus.ask(PREVIEW_PERSONA, ask)
        assert [sample.text for sample in told.samples] == ["Was meinen Sie: A?"]
        assert told.style.rate < 1
        assert "Albert" in told.prompt
        with pytest.raises(UnsupportedLanguageError):
            await home.bus.ask(PREVIEW_PERSONA, PreviewPersona(persona_id="mia", language="tlh"))


async def test_a_preview_knows_who_answers_whom_and_when(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await assign(home, AREA, "bedroom", "luna")
        day = await home.bus.ask(PREVIEW_PERSONA, PreviewPersona(area_id="bedroom", hour=12))
        night = await home.bus.ask(PREVIEW_PERSONA, PreviewPersona(area_id="bedroom", hour=23.5))
        plain = await home.bus.ask(PREVIEW_PERSONA, PreviewPersona(area_id="kitchen"))
        assert day.persona_id == night.persona_id == "luna"
        assert night.style.volume_db < day.style.volume_db < 0
        assert plain.persona_id == "alicia"
        assert all(sample.plain == sample.text for sample in plain.samples)


# ---- export and import --------------------------------------------------------------------------


async def test_what_is_exported_is_the_same_in_another_house(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path / "one") as home:
        await put(home, OPA)
        await put(home, OPA.model_copy(update={"name": "Grandpa"}))
        await put(home, bundled()["nova"].model_copy(update={"name": "Nova B"}))
        await assign(home, HOME, "", "opa")
        document = await home.bus.ask(EXPORT_PERSONAS, ExportPersonas())
        assert len(document.versions) == 3
    async with house(Personality, folder=tmp_path / "two") as home:
        ask = ImportPersonas(document=document, by="otto")
        done = await home.bus.ask(IMPORT_PERSONAS, ask)
        assert (done.added, done.updated, done.unchanged, done.assignments) == (2, 0, 0, 1)
        assert await home.bus.ask(EXPORT_PERSONAS, ExportPersonas()) == document
        again = await home.bus.ask(IMPORT_PERSONAS, ask)
        assert (again.added, again.updated, again.unchanged) == (0, 0, 2)
        cast = await home.until(CAST, lambda c: bool(c.assignments))
        assert {p.name for p in cast.personas} >= {"Grandpa", "Nova B"}


async def test_an_import_over_one_that_differs_is_its_next_version(tmp_path: Path) -> None:
    theirs = PersonaVersion(
        persona_id="opa",
        version=7,
        at=1.0,
        by="x",
        persona=OPA.model_copy(update={"name": "Theirs"}),
    )
    async with house(Personality, folder=tmp_path) as home:
        await put(home, OPA)
        ask = ImportPersonas(document=PersonaDocument(versions=[theirs]), by="otto")
        assert (await home.bus.ask(IMPORT_PERSONAS, ask)).updated == 1
        found = await history(home, "opa")
        assert [(one.version, one.by) for one in found.versions] == [(2, "otto"), (1, "eva")]
        assert found.versions[0].persona == theirs.persona


def _version(**given: object) -> PersonaVersion:
    whole = {"persona_id": "opa", "version": 1, "at": 1.0, "by": "x", "persona": OPA, **given}
    return PersonaVersion.model_validate(whole)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (PersonaDocument(format=2, versions=[]), InvalidPersonaError),
        (PersonaDocument(versions=[_version(), _version(persona_id="oma")]), InvalidPersonaError),
        (PersonaDocument(versions=[_version(version=0)]), InvalidPersonaError),
        (
            PersonaDocument(versions=[_version(), _version(persona_id="mia", persona=None)]),
            BundledPersonaError,
        ),
        (
            PersonaDocument(
                versions=[_version()], assignments=[Assignment(scope=HOME, persona_id="nobody")]
            ),
            UnknownPersonaError,
        ),
    ],
    ids=["format", "ids differ", "version 0", "deletes a bundled one", "assigns nobody"],
)
async def test_of_a_document_that_is_wrong_nothing_is_taken_over(
    tmp_path: Path, document: PersonaDocument, error: type[AliciaError]
) -> None:
    async with house(Personality, folder=tmp_path) as home:
        with pytest.raises(error):
            await home.bus.ask(IMPORT_PERSONAS, ImportPersonas(document=document))
        assert await listed(home) == dict.fromkeys(sorted(bundled()), 0)


# ---- on disk ------------------------------------------------------------------------------------


async def test_changes_at_the_same_time_all_count(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await asyncio.gather(*(put(home, OPA) for _ in range(8)))
        found = await history(home, "opa")
        assert [one.version for one in found.versions] == list(range(8, 0, -1))


async def test_a_file_that_can_not_be_read_is_said_and_left_alone(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        await put(home, OPA)
    path = tmp_path / "state" / "personality" / "personas.db"
    with closing(sqlite3.connect(path)) as rows:
        rows.execute("UPDATE version SET persona = '{}'")
        rows.commit()
    with pytest.raises(SetupError):
        async with house(Personality, folder=tmp_path):
            pass
    with closing(sqlite3.connect(path)) as rows:
        assert rows.execute("SELECT persona FROM version").fetchone() == ("{}",)


# ---- when it is lost, and what it says of anybody -----------------------------------------------


async def test_a_change_under_way_when_it_is_killed_is_whole_or_never_was(tmp_path: Path) -> None:
    async with house(Personality, folder=tmp_path) as home:
        path = tmp_path / "state" / "personality" / "personas.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # so that the change has to wait for the disk
            ask = PutPersona(persona=OPA, by="eva")
            asking = asyncio.create_task(home.bus.ask(PUT_PERSONA, ask, deadline_s=1))
            await asyncio.sleep(0.2)
            asyncio.get_running_loop().call_later(0.2, other.execute, "ROLLBACK")
            await home.kill(Personality)
        with pytest.raises((ResponderLostError, DeadlineError)):
            await asking
        await home.start(Personality)
        version = (await listed(home)).get("opa", 0)
        assert version in (0, 1)
        assert (await put(home, OPA)).version == version + 1
        cast = await home.until(CAST, lambda c: OPA in c.personas)
        assert cast.personas.count(OPA) == 1


async def test_nothing_of_what_people_call_each_other_is_in_its_logs(
    tmp_path: Path, logged: StringIO
) -> None:
    word = "canary"
    persona = OPA.model_copy(update={"name": word, "description": word, "greetings": {"en": word}})
    async with house(Personality, folder=tmp_path) as home:
        await put(home, persona, by=word)
        await assign(home, PERSON, "emma", "opa")
        ask = PreviewPersona(speaker="emma", text=word)
        assert (await home.bus.ask(PREVIEW_PERSONA, ask)).persona_id == "opa"
        with pytest.raises(PersonaInUseError):
            await home.bus.ask(DELETE_PERSONA, DeletePersona(persona_id="opa", by=word))
    assert "refused" in logged.getvalue()
    assert word not in logged.getvalue()
