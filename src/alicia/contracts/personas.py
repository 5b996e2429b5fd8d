"""Who answers: personas, for whom each of them answers, and how they would say it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from alicia.contracts.kinds import Command, Message, Personal, State

# ---- a persona -----------------------------------------------------------------------------------


class Traits(Message):
    """What somebody is like; 0.5 is neither one nor the other."""

    warmth: float = Field(default=0.5, ge=0, le=1)
    formality: float = Field(default=0.5, ge=0, le=1)
    humour: float = Field(default=0.5, ge=0, le=1)
    verbosity: float = Field(default=0.5, ge=0, le=1)
    energy: float = Field(default=0.5, ge=0, le=1)


class VoiceStyle(Message):
    """How a voice sounds, in the measures of SPEAK."""

    rate: float = Field(default=1.0, ge=0.5, le=2)
    pitch: float = Field(default=1.0, ge=0.5, le=2)
    volume_db: float = Field(default=0.0, ge=-20, le=6)
    voice: str | None = None
    """An engine that is to speak, where it is here; otherwise the language's own order decides."""


class Mood(Message):
    """A point of the day's curve: what is added to the traits and to the voice at this hour."""

    hour: float = Field(ge=0, le=24)
    """By the home's local time; between two points the curve is straight, around midnight too."""
    warmth: float = Field(default=0, ge=-1, le=1)
    formality: float = Field(default=0, ge=-1, le=1)
    humour: float = Field(default=0, ge=-1, le=1)
    verbosity: float = Field(default=0, ge=-1, le=1)
    energy: float = Field(default=0, ge=-1, le=1)
    rate: float = Field(default=1, ge=0.5, le=2)
    """Times the voice's rate."""
    volume_db: float = Field(default=0, ge=-20, le=6)


class Persona(Message):
    """Somebody who answers. With the traits and the voice of the defaults: plain Alicia."""

    persona_id: str
    name: Personal
    description: Personal = ""
    """Who it is, in a sentence or two: part of what a model is told."""
    traits: Traits = Field(default_factory=Traits)
    voice: VoiceStyle = Field(default_factory=VoiceStyle)
    moods: list[Mood] = Field(default_factory=list[Mood])
    """By hour, at most 24."""
    languages: list[str] = Field(default_factory=list[str])
    """The languages that it answers in; none: all nine."""
    greetings: dict[str, Personal] = Field(default_factory=dict[str, Personal])
    """By language: what it says to "hello"."""


# ---- for whom ------------------------------------------------------------------------------------


class AssignmentScope(StrEnum):
    """For whom a persona answers; the first that is assigned decides."""

    PERSON = "person"
    AREA = "area"
    HOME = "home"


class Assignment(Message):
    scope: AssignmentScope
    who: str = ""
    """The speaker's or the area's id; empty for the home."""
    persona_id: str


class Verbosity(Message):
    """How much is said to somebody, or somewhere, whoever answers there."""

    scope: AssignmentScope
    who: str = ""
    """The speaker's or the area's id; empty for the home."""
    verbosity: float = Field(ge=0, le=1)
    """In place of the persona's own, at every hour."""


class Cast(Message):
    """Everybody who may answer, and for whom: together, so that they fit each other."""

    personas: list[Persona]
    assignments: list[Assignment] = Field(default_factory=list[Assignment])
    verbosities: list[Verbosity] = Field(default_factory=list[Verbosity])


class ReplyKind(StrEnum):
    """What a reply tells: a persona may leave out and add by it."""

    DONE = "done"
    """Every change was confirmed."""
    GUARDED = "guarded"
    """The same of a lock or a garage door, or of a sentence that was not heard exactly: nothing is
    left out and nothing added."""
    FAILED = "failed"
    """Something was not done: all of it is told."""
    ANSWER = "answer"
    HELLO = "hello"
    OKAY = "okay"
    ERROR = "error"
    """Alicia's own error."""


# ---- what is asked ------------------------------------------------------------------------------


class PersonaVersion(Message):
    """One state of a persona."""

    persona_id: str
    version: int
    """0 is what came with Alicia."""
    at: float
    """Seconds since the epoch; 0 for what came with Alicia."""
    by: Personal
    persona: Persona | None = None
    """Absent: it was deleted."""


class ListPersonas(Message):
    """Who may answer, and for whom."""


class Personas(Message):
    personas: list[PersonaVersion]
    """The present version of each, by id."""
    assignments: list[Assignment]
    verbosities: list[Verbosity] = Field(default_factory=list[Verbosity])


class GetPersona(Message):
    persona_id: str


class PersonaHistory(Message):
    persona_id: str
    versions: list[PersonaVersion]
    """The newest first."""


class PutPersona(Message):
    """Make it, or its next version."""

    persona: Persona
    by: Personal = ""


class RestorePersona(Message):
    """Make an older version the newest."""

    persona_id: str
    version: int
    by: Personal = ""


class DeletePersona(Message):
    persona_id: str
    by: Personal = ""


class AssignPersona(Message):
    scope: AssignmentScope
    who: str = ""
    persona_id: str | None = None
    """Absent: nobody in particular; the next scope decides."""
    by: Personal = ""


class Assignments(Message):
    assignments: list[Assignment]


class ChooseVerbosity(Message):
    """From now on say more, or less: "be brief"."""

    scope: AssignmentScope
    who: str = ""
    verbosity: float | None = Field(default=None, ge=0, le=1)
    """Absent: as the persona has it."""
    by: Personal = ""


class Verbosities(Message):
    verbosities: list[Verbosity]


class BlendPersonas(Message):
    """Make a persona of two."""

    first: str
    second: str
    weight: float = Field(default=0.5, ge=0, le=1)
    """Of the second; 0 is the first, 1 the second."""
    persona_id: str
    name: Personal
    by: Personal = ""


class PreviewPersona(Message):
    """How somebody would say things; nothing is changed and nothing is said aloud."""

    persona_id: str | None = None
    """Absent: whoever answers this speaker in this area."""
    speaker: str | None = None
    area_id: str | None = None
    language: str = "en"
    hour: float | None = Field(default=None, ge=0, le=24)
    """Absent: now."""
    text: Personal | None = None
    """A plain reply; absent: some of Alicia's own."""
    kind: ReplyKind = ReplyKind.DONE
    """What the text tells."""


class PersonaSample(Message):
    kind: ReplyKind
    plain: Personal
    text: Personal


class PersonaPreview(Message):
    persona_id: str
    samples: list[PersonaSample]
    style: VoiceStyle
    prompt: Personal
    """What a model is told of this persona."""


class ExportPersonas(Message):
    """One document with all that was made here."""


class PersonaDocument(Message):
    """Every persona that was made or changed here, with its versions, and who answers whom."""

    format: int = 1
    versions: list[PersonaVersion]
    assignments: list[Assignment] = Field(default_factory=list[Assignment])
    verbosities: list[Verbosity] = Field(default_factory=list[Verbosity])


class ImportPersonas(Message):
    document: PersonaDocument
    by: Personal = ""


class PersonasImported(Message):
    added: int
    """With the versions that they came with."""
    updated: int
    """Those that were here and differed: a new version of what was here."""
    unchanged: int
    assignments: int


CAST: State[Cast] = State("advanced/personality/cast", Cast)
LIST_PERSONAS: Command[ListPersonas, Personas] = Command(
    "advanced/personality/list", ListPersonas, reply=Personas, idempotent=True
)
GET_PERSONA: Command[GetPersona, PersonaHistory] = Command(
    "advanced/personality/get", GetPersona, reply=PersonaHistory, idempotent=True
)
PUT_PERSONA: Command[PutPersona, PersonaVersion] = Command(
    "advanced/personality/put", PutPersona, reply=PersonaVersion
)
RESTORE_PERSONA: Command[RestorePersona, PersonaVersion] = Command(
    "advanced/personality/restore", RestorePersona, reply=PersonaVersion
)
DELETE_PERSONA: Command[DeletePersona, PersonaVersion] = Command(
    "advanced/personality/delete", DeletePersona, reply=PersonaVersion
)
ASSIGN_PERSONA: Command[AssignPersona, Assignments] = Command(
    "advanced/personality/assign", AssignPersona, reply=Assignments, idempotent=True
)
CHOOSE_VERBOSITY: Command[ChooseVerbosity, Verbosities] = Command(
    "advanced/personality/verbosity", ChooseVerbosity, reply=Verbosities, idempotent=True
)
BLEND_PERSONAS: Command[BlendPersonas, PersonaVersion] = Command(
    "advanced/personality/blend", BlendPersonas, reply=PersonaVersion
)
PREVIEW_PERSONA: Command[PreviewPersona, PersonaPreview] = Command(
    "advanced/personality/preview", PreviewPersona, reply=PersonaPreview, idempotent=True
)
EXPORT_PERSONAS: Command[ExportPersonas, PersonaDocument] = Command(
    "advanced/personality/export", ExportPersonas, reply=PersonaDocument, idempotent=True
)
IMPORT_PERSONAS: Command[ImportPersonas, PersonasImported] = Command(
    "advanced/personality/import", ImportPersonas, reply=PersonasImported, deadline_s=10
)
