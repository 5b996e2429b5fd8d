"""Casting: which persona answers whom, and a reply as it says it.

A person's persona goes before their room's, that before the home's, and where nobody is assigned
Alicia answers plainly. One that does not speak the language of the turn is passed over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alicia.contracts.devices import OutcomeKind, Result
from alicia.contracts.personas import AssignmentScope, Cast, Persona, ReplyKind, VoiceStyle
from alicia.errors import AliciaError
from alicia.home.model import Home, names_of
from alicia.language import manners
from alicia.language.phrases import phrase_for
from alicia.language.plan import Plan
from alicia.language.tables import base_language
from alicia.mind.personas import DEFAULT, NEUTRAL, address, at, is_plain, prompt, style

PLAIN = VoiceStyle()
NAME = "Alicia"
_NAMING = ("name", "area", "color", "device_class")
"""Slots whose words an answer may repeat."""
REMEMBERED = 32
"""Utterances whose speaker is known."""


@dataclass(frozen=True)
class Answerer:
    """A persona at an hour; with None for the plain one, whose replies stay as they are."""

    persona: Persona | None = None
    style: VoiceStyle = PLAIN

    @property
    def persona_id(self) -> str:
        return self.persona.persona_id if self.persona else DEFAULT

    def say(self, plain: str, kind: ReplyKind, language: str, names: Sequence[str] = ()) -> str:
        """The reply as this persona says it. Raises UnsupportedLanguageError."""
        if self.persona is None:
            return plain
        if kind is ReplyKind.HELLO:
            plain = self.persona.greetings.get(base_language(language), plain)
        return manners.say(plain, kind, self.persona.traits, language, names=names)

    def reply(
        self, plain: str, plan: Plan, results: Sequence[Result], home: Home, language: str
    ) -> str:
        """A plain reply to a plan of which this has become."""
        if self.persona is None:
            return plain
        return self.say(plain, kind_of(plan, results, home), language, _names(plan, home, language))

    def manner(self, language: str) -> str:
        """What a model is told of who answers. Raises UnsupportedLanguageError."""
        if self.persona is None:
            return f"You are Alicia, the voice of this home. {address(NEUTRAL, language)}".strip()
        return prompt(self.persona, language)

    def apology(self, plain: str, error: AliciaError, language: str) -> str:
        """Alicia's own error: the address may be another, what is told is not."""
        if self.persona is None:
            return plain
        return self.say(plain, ReplyKind.ERROR, language, _texts(error.fields.values()))


NOBODY = Answerer()


class Casting:
    """Who answers whom, from what was last said of it."""

    def __init__(self, cast: Cast | None = None) -> None:
        self._personas: dict[str, Persona] = {}
        self._assigned: dict[tuple[AssignmentScope, str], str] = {}
        self._verbosities: dict[tuple[AssignmentScope, str], float] = {}
        self._speakers: OrderedDict[str, str | None] = OrderedDict()
        if cast is not None:
            self.take(cast)

    def take(self, cast: Cast) -> None:
        self._personas = {persona.persona_id: persona for persona in cast.personas}
        self._assigned = {(a.scope, a.who): a.persona_id for a in cast.assignments}
        self._verbosities = {(v.scope, v.who): v.verbosity for v in cast.verbosities}

    def recognized(self, utterance_id: str, speaker: str | None) -> None:
        """Who speaks, for replies that are made ready before the utterance is over."""
        self._speakers[utterance_id] = speaker
        if len(self._speakers) > REMEMBERED:
            self._speakers.popitem(last=False)

    def speaker(self, utterance_id: str) -> str | None:
        return self._speakers.get(utterance_id)

    def answerer(
        self,
        speaker: str | None,
        area_id: str | None,
        language: str,
        now: datetime | None = None,
    ) -> Answerer:
        """Who answers somebody in an area, at this moment. Raises UnsupportedLanguageError."""
        found = self._find(speaker, area_id, base_language(language))
        verbosity = self.verbosity(speaker, area_id)
        if found is None or (is_plain(found) and verbosity is None):
            return NOBODY
        then = now or datetime.now().astimezone()
        return answering(found, then.hour + then.minute / 60, verbosity)

    def name(self, speaker: str | None, area_id: str | None, language: str) -> str:
        """What who answers them is called. Raises UnsupportedLanguageError."""
        found = self._find(speaker, area_id, base_language(language))
        return found.name if found is not None else NAME

    def _find(self, speaker: str | None, area_id: str | None, language: str) -> Persona | None:
        for whose in _scopes(speaker, area_id):
            persona = self._personas.get(self._assigned.get(whose, ""))
            if persona is not None and (not persona.languages or language in persona.languages):
                return persona
        return self._personas.get(DEFAULT)

    def verbosity(self, speaker: str | None, area_id: str | None) -> float | None:
        """What was chosen for them; None where the persona decides."""
        chosen = (self._verbosities.get(whose) for whose in _scopes(speaker, area_id))
        return next((verbosity for verbosity in chosen if verbosity is not None), None)


def _scopes(speaker: str | None, area_id: str | None) -> list[tuple[AssignmentScope, str]]:
    """For whom it may be decided, the nearest first."""
    scopes = (
        (AssignmentScope.PERSON, speaker),
        (AssignmentScope.AREA, area_id),
        (AssignmentScope.HOME, ""),
    )
    return [(scope, who) for scope, who in scopes if who is not None]


def answering(persona: Persona, hour: float, verbosity: float | None = None) -> Answerer:
    """The persona as it answers at an hour; as talkative as was chosen, where somebody did."""
    now = at(persona, hour)
    if verbosity is not None:
        traits = now.traits.model_copy(update={"verbosity": verbosity})
        now = now.model_copy(update={"traits": traits})
    return Answerer(now, style(now))


def kind_of(plan: Plan, results: Sequence[Result], home: Home) -> ReplyKind:
    """What the plain reply to a plan tells."""
    parts = plan.parts or (plan,)
    if any(part.question is not None for part in parts):
        return ReplyKind.ANSWER
    if not plan.actions:
        return ReplyKind.HELLO if plan.response == "hello" else ReplyKind.OKAY
    entities = [home.find(result.entity_id) for result in results]
    snapped = any(part.snapped for part in (plan, *parts))
    if snapped or any(entity is not None and entity.protected for entity in entities):
        return ReplyKind.GUARDED
    confirmed = all(result.outcome is OutcomeKind.CONFIRMED for result in results)
    return ReplyKind.DONE if confirmed and results else ReplyKind.FAILED


def apologised(error: AliciaError, language: str, answerer: Answerer) -> str:
    """An error's phrase, as somebody says it. Raises UnsupportedLanguageError."""
    return answerer.apology(phrase_for(error, language), error, language)


def _names(plan: Plan, home: Home, language: str) -> list[str]:
    """Everything that may be called by its name in an answer to this plan."""
    parts = (plan, *plan.parts)
    names = [part.slots[slot] for part in parts for slot in _NAMING if slot in part.slots]
    for entity in map(home.find, plan.entities):
        if entity is not None:
            names += names_of(entity, base_language(language))
    return names


def _texts(values: object) -> list[str]:
    if isinstance(values, str):
        return [values]
    try:
        return [text for value in values for text in _texts(value)]  # type: ignore[attr-defined]
    except TypeError:
        return []  # a number, or nothing
