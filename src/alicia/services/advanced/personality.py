"""Personality: who answers, and how.

    PUT | RESTORE | DELETE | BLEND | ASSIGN | CHOOSE_VERBOSITY | IMPORT asked
        -> on disk -> CAST said -> reply
    LIST | GET | PREVIEW | EXPORT asked -> reply

Who speaks with a person reads CAST, which is retained: replies keep their manner while this room is
away. No version is changed; another state of a persona is another version.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from alicia.contracts import personas as contract
from alicia.contracts.kinds import segment
from alicia.contracts.personas import (
    Assignments,
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
    PersonaPreview,
    Personas,
    PersonasImported,
    PersonaVersion,
    PreviewPersona,
    PutPersona,
    RestorePersona,
    Verbosities,
)
from alicia.errors import (
    BundledPersonaError,
    InvalidPersonaError,
    PersonaInUseError,
    UnknownPersonaError,
)
from alicia.mind import personas as craft
from alicia.mind.casting import Answerer, Casting, answering
from alicia.mind.trying import samples
from alicia.runtime.service import Service, runs, serves
from alicia.runtime.settings import Settings
from alicia.storage.personas import PersonaStore

T = TypeVar("T")
FORMAT = 1
MOST = 100
BUNDLED_BY = "alicia"


class Personality(Service[Settings]):
    """The personas of the house, and for whom each answers."""

    name = "personality"
    says = (contract.CAST,)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        # One writer at a time, so that what is said comes in the order of what was written.
        self._order = asyncio.Lock()
        self._writing: set[asyncio.Task[Any]] = set()
        self._unsaid = asyncio.Event()
        self._unsaid.set()
        self.bus.on_connected.append(self._unsaid.set)
        path = self.folder.state(self.name) / "personas.db"
        self._store = await self.off_loop(PersonaStore, path)
        try:
            await self._read()
            yield
            await asyncio.gather(*self._writing, return_exceptions=True)
        finally:
            await self.off_loop(self._store.close)

    @runs
    async def say_all(self) -> None:
        """At the start, and to a broker that may have lost what it retained."""
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            async with self._order:
                await self.say(contract.CAST, self._cast())

    # ---- what is asked ----

    @serves(contract.LIST_PERSONAS, concurrency=4)
    async def list_personas(self, _: ListPersonas) -> Personas:
        return Personas(
            personas=self._present(), assignments=self._assigned, verbosities=self._verbosities
        )

    @serves(contract.GET_PERSONA, concurrency=4)
    async def get_persona(self, ask: GetPersona) -> PersonaHistory:
        """Raises UnknownPersonaError."""
        versions = await self._history(ask.persona_id)
        return PersonaHistory(persona_id=ask.persona_id, versions=versions)

    @serves(contract.PREVIEW_PERSONA, concurrency=4)
    async def preview_persona(self, ask: PreviewPersona) -> PersonaPreview:
        """Raises UnknownPersonaError, UnsupportedLanguageError."""
        now = datetime.now().astimezone()
        hour = now.hour + now.minute / 60 if ask.hour is None else ask.hour
        if ask.persona_id is None:
            then = now.replace(hour=int(hour) % 24, minute=int(hour % 1 * 60))
            answerer = Casting(self._cast()).answerer(ask.speaker, ask.area_id, ask.language, then)
        else:
            answerer = answering(self._known(ask.persona_id), hour)
        persona = answerer.persona or self._known(craft.DEFAULT)
        return PersonaPreview(
            persona_id=persona.persona_id,
            samples=samples(Answerer(persona), ask.language, ask.text, ask.kind),
            style=answerer.style,
            prompt=craft.prompt(persona, ask.language),
        )

    @serves(contract.EXPORT_PERSONAS)
    async def export_personas(self, _: ExportPersonas) -> PersonaDocument:
        return PersonaDocument(
            format=FORMAT,
            versions=await self.off_loop(self._store.versions),
            assignments=self._assigned,
            verbosities=self._verbosities,
        )

    # ---- what is changed ----

    @serves(contract.PUT_PERSONA)
    async def put_persona(self, ask: PutPersona) -> PersonaVersion:
        """Raises InvalidPersonaError."""
        persona = craft.checked(ask.persona)
        return await self._change(lambda: self._put(persona.persona_id, persona, ask.by))

    @serves(contract.RESTORE_PERSONA)
    async def restore_persona(self, ask: RestorePersona) -> PersonaVersion:
        """Raises UnknownPersonaError where there is no such version, or it was deleted then."""

        async def restore() -> PersonaVersion:
            for one in await self._history(ask.persona_id):
                if one.version == ask.version and one.persona is not None:
                    return await self._put(ask.persona_id, one.persona, ask.by)
            raise UnknownPersonaError(name=ask.persona_id, version=ask.version)

        return await self._change(restore)

    @serves(contract.DELETE_PERSONA)
    async def delete_persona(self, ask: DeletePersona) -> PersonaVersion:
        """Raises UnknownPersonaError, BundledPersonaError, PersonaInUseError."""

        async def delete() -> PersonaVersion:
            self._known(ask.persona_id)
            if ask.persona_id in craft.bundled():
                raise BundledPersonaError(name=ask.persona_id)
            places = [
                f"{a.scope} {a.who}".strip()
                for a in self._assigned
                if a.persona_id == ask.persona_id
            ]
            if places:
                raise PersonaInUseError(name=ask.persona_id, answers=places)
            return await self._put(ask.persona_id, None, ask.by)

        return await self._change(delete)

    @serves(contract.BLEND_PERSONAS)
    async def blend_personas(self, ask: BlendPersonas) -> PersonaVersion:
        """Raises UnknownPersonaError, InvalidPersonaError."""

        async def blend() -> PersonaVersion:
            made = craft.blend(
                self._known(ask.first),
                self._known(ask.second),
                ask.weight,
                ask.persona_id,
                ask.name,
            )
            return await self._put(ask.persona_id, made, ask.by)

        return await self._change(blend)

    @serves(contract.ASSIGN_PERSONA)
    async def assign_persona(self, ask: AssignPersona) -> Assignments:
        """Raises UnknownPersonaError; InvalidPersonaError for a person or an area without an id."""
        _require_whose(ask)

        async def assign() -> Assignments:
            if ask.persona_id is not None:
                self._known(ask.persona_id)
            await self.off_loop(self._store.assign, ask.scope, ask.who, ask.persona_id, ask.by)
            return Assignments(assignments=await self.off_loop(self._store.assignments))

        return await self._change(assign)

    @serves(contract.CHOOSE_VERBOSITY)
    async def choose_verbosity(self, ask: ChooseVerbosity) -> Verbosities:
        """Raises InvalidPersonaError for a person or an area without an id."""
        _require_whose(ask)

        async def choose() -> Verbosities:
            await self.off_loop(self._store.choose, ask.scope, ask.who, ask.verbosity, ask.by)
            return Verbosities(verbosities=await self.off_loop(self._store.verbosities))

        return await self._change(choose)

    @serves(contract.IMPORT_PERSONAS)
    async def import_personas(self, ask: ImportPersonas) -> PersonasImported:
        """Raises InvalidPersonaError; then nothing is taken over."""
        document = ask.document
        if document.format != FORMAT:
            raise InvalidPersonaError(
                "This Alicia does not know that format.", field="format", known=FORMAT
            )
        for one in document.versions:
            if one.persona is not None:
                craft.checked(one.persona)
            if one.version < 1 or (one.persona and one.persona.persona_id != one.persona_id):
                raise InvalidPersonaError(field="versions", name=one.persona_id)
            if one.persona is None and one.persona_id in craft.bundled():
                raise BundledPersonaError(name=one.persona_id)
        return await self._change(lambda: self._import(document, ask.by))

    async def _import(self, document: PersonaDocument, by: str) -> PersonasImported:
        theirs: dict[str, list[PersonaVersion]] = {}
        for one in sorted(document.versions, key=lambda one: one.version):
            theirs.setdefault(one.persona_id, []).append(one)
        stored = {one.persona_id for one in await self.off_loop(self._store.versions)}
        added = [key for key in theirs if key not in stored]
        last = {key: versions[-1].persona for key, versions in theirs.items()}
        updated = [
            persona
            for key, persona in last.items()
            if key in stored and persona is not None and persona != self._personas.get(key)
        ]
        known = {*self._personas, *(key for key, persona in last.items() if persona is not None)}
        for assignment in document.assignments:
            if assignment.persona_id not in known:
                raise UnknownPersonaError(name=assignment.persona_id)
        _require_room(known)
        await self.off_loop(
            self._store.take_over,
            [one for key in added for one in theirs[key]],
            updated,
            document.assignments,
            document.verbosities,
            by,
        )
        return PersonasImported(
            added=len(added),
            updated=len(updated),
            unchanged=len(theirs) - len(added) - len(updated),
            assignments=len(document.assignments),
        )

    async def _change(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Not left halfway where the asker stops waiting: what is written is also said."""

        async def whole() -> T:
            async with self._order:
                done = await work()
                await self._read()
                await self.say(contract.CAST, self._cast())
                return done

        task = asyncio.create_task(whole())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return await asyncio.shield(task)

    async def _put(self, persona_id: str, persona: Persona | None, by: str) -> PersonaVersion:
        if persona is not None:
            _require_room({*self._personas, persona_id})
        return await self.off_loop(self._store.put, persona_id, persona, by)

    # ---- what is known ----

    async def _read(self) -> None:
        self._versions = {one.persona_id: one for one in map(_bundled, craft.bundled().values())}
        for one in await self.off_loop(self._store.versions):
            self._versions[one.persona_id] = one
        self._personas = {
            key: one.persona for key, one in self._versions.items() if one.persona is not None
        }
        self._assigned = await self.off_loop(self._store.assignments)
        self._verbosities = await self.off_loop(self._store.verbosities)

    def _present(self) -> list[PersonaVersion]:
        return [one for _, one in sorted(self._versions.items()) if one.persona is not None]

    def _cast(self) -> Cast:
        return Cast(
            personas=list(self._personas.values()),
            assignments=self._assigned,
            verbosities=self._verbosities,
        )

    def _known(self, persona_id: str) -> Persona:
        persona = self._personas.get(persona_id)
        if persona is None:
            raise UnknownPersonaError(name=persona_id, known=sorted(self._personas))
        return persona

    async def _history(self, persona_id: str) -> list[PersonaVersion]:
        """The newest first. Raises UnknownPersonaError."""
        versions = await self.off_loop(self._store.versions, persona_id)
        if persona_id in craft.bundled():
            versions = [_bundled(craft.bundled()[persona_id]), *versions]
        if not versions:
            raise UnknownPersonaError(name=persona_id, known=sorted(self._personas))
        return versions[::-1]


def _require_whose(ask: AssignPersona | ChooseVerbosity) -> None:
    """Raises InvalidPersonaError, and MalformedMessageError for an id that no topic can have."""
    if (ask.scope is AssignmentScope.HOME) != (ask.who == ""):
        raise InvalidPersonaError("A person or an area has an id, the home has none.", field="who")
    if ask.who:
        segment(ask.who)


def _require_room(personas: set[str]) -> None:
    """All of them travel in one message. Raises InvalidPersonaError."""
    if len(personas) > MOST:
        raise InvalidPersonaError("There are too many personas.", field="persona_id", most=MOST)


def _bundled(persona: Persona) -> PersonaVersion:
    return PersonaVersion(
        persona_id=persona.persona_id, version=0, at=0, by=BUNDLED_BY, persona=persona
    )
