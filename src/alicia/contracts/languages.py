"""Languages: which one a text is in, translation, and what is spoken where."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from alicia.contracts.kinds import Command, Message, Personal, State

# ---- texts --------------------------------------------------------------------------------------


class DetectLanguage(Message):
    text: Personal
    among: list[str] = Field(default_factory=list)
    """Only these of the nine are considered; all where it is empty."""


class LikelyLanguage(Message):
    language: str
    probability: float


class LanguageDetected(Message):
    language: str
    probability: float
    """Among those considered. Of a text of one or two words it is often too high."""
    likely: list[LikelyLanguage] = Field(default_factory=list[LikelyLanguage])
    """All that were considered, the likeliest first."""


class TranslateText(Message):
    text: Personal = Field(max_length=2000)
    to: str
    source: str | None = None
    """The language it is in; found out where it is not given."""
    spoken_in: str | None = None
    """What whoever asks speaks: a short text is in that language, unless that is `to`."""
    within_s: float | None = Field(default=None, gt=0)
    """When the asker must have an answer, or an error; the service's own limit if it is sooner."""


class TextTranslated(Message):
    text: Personal
    source: str
    to: str
    by: str
    """Who translated it; `names` where there was nothing but names and numbers."""
    cached: bool = False
    kept: list[Personal] = Field(default_factory=list)
    """Names of this home that are in it: as they are, or as they are called in that language."""


class Localise(Message):
    """What an error, or a phrase, is in a language."""

    code: str
    """Of an error (`device.unavailable`) or of a phrase (`answer.okay`)."""
    language: str
    fields: dict[str, str | float | list[str]] = Field(default_factory=dict)


class Localised(Message):
    text: str
    language: str


class GetTranslators(Message):
    pass


class TranslationPair(Message):
    source: str
    to: str
    by: list[str]
    """In the order in which they are asked."""


class TranslatorState(Message):
    name: str
    leaves_home: bool
    """What is translated is sent to somebody's server, without this home's names."""
    pairs: int
    lacks: str | None = None
    """Why it has no pair now."""


class Translators(Message):
    """What can be translated now."""

    pairs: list[TranslationPair]
    translators: list[TranslatorState]


# ---- what is spoken where -----------------------------------------------------------------------


class LanguageScope(StrEnum):
    SATELLITE = "satellite"
    PERSON = "person"


class LanguageChoice(Message):
    """The language that replies are in, whatever language was heard."""

    scope: LanguageScope
    who: str
    """A satellite's name, or somebody who is enrolled."""
    language: str


class Interpretation(Message):
    """What is said at a satellite is said there again in the other language, and nothing else."""

    satellite: str
    first: str
    second: str
    until: float
    """Seconds since the epoch, by the service's clock."""


class LanguagesSpoken(Message):
    """Who is spoken to in which language. No text: it is retained."""

    choices: list[LanguageChoice] = Field(default_factory=list[LanguageChoice])
    interpretations: list[Interpretation] = Field(default_factory=list[Interpretation])


class ChooseLanguage(Message):
    scope: LanguageScope
    who: str
    language: str | None = None
    """None: as before, whichever is heard."""


class Interpret(Message):
    """Begin to interpret at a satellite, or end it where no languages are given."""

    satellite: str
    languages: list[str] = Field(default_factory=list)
    """Two, or none."""


DETECT_LANGUAGE: Command[DetectLanguage, LanguageDetected] = Command(
    "advanced/language/detect", DetectLanguage, reply=LanguageDetected, idempotent=True
)
TRANSLATE_TEXT: Command[TranslateText, TextTranslated] = Command(
    "advanced/language/translate", TranslateText, reply=TextTranslated, deadline_s=8
)
"""By a model it costs each time, so the runtime asks once."""
LOCALISE: Command[Localise, Localised] = Command(
    "advanced/language/localise", Localise, reply=Localised, idempotent=True
)
GET_TRANSLATORS: Command[GetTranslators, Translators] = Command(
    "advanced/language/translators", GetTranslators, reply=Translators, idempotent=True
)
CHOOSE_LANGUAGE: Command[ChooseLanguage, LanguagesSpoken] = Command(
    "advanced/language/choose", ChooseLanguage, reply=LanguagesSpoken, idempotent=True
)
INTERPRET: Command[Interpret, LanguagesSpoken] = Command(
    "advanced/language/interpret", Interpret, reply=LanguagesSpoken, idempotent=True
)
LANGUAGES_SPOKEN: State[LanguagesSpoken] = State("advanced/language/spoken", LanguagesSpoken)
