"""Personas: what they may be like, two blended, one at an hour, and how its voice sounds."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter, ValidationError

from alicia.contracts.personas import Mood, Persona, PersonaDocument, Traits, VoiceStyle
from alicia.errors import InvalidPersonaError, UnsupportedLanguageError
from alicia.language import manners
from alicia.language.tables import base_language

DEFAULT = "alicia"
"""Who answers where nobody is assigned."""

TRAITS = tuple(Traits.model_fields)
DAY_H = 24.0
MOST_MOODS = 24
LONGEST_NAME, LONGEST_TEXT = 60, 600
NEUTRAL = 0.5
LIVELY_RATE, LIVELY_PITCH = 0.2, 0.1
"""How much faster and higher the most energetic is than the least."""
RATE_STEP, PITCH_STEP, VOLUME_STEP_DB = 0.05, 0.05, 1.0
"""A style moves in steps, so that what was rendered at eight is not made anew at nine."""

_BY_HAND = TypeAdapter(list[dict[str, Any]])
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")


def is_plain(persona: Persona) -> bool:
    """Whether its replies are as if there were no personas."""
    return (
        persona.traits == Traits()
        and persona.voice == VoiceStyle()
        and not persona.moods
        and not persona.greetings
    )


# ---- valid --------------------------------------------------------------------------------------


def parse(given: Mapping[str, Any]) -> Persona:
    """A persona from a document. Raises InvalidPersonaError, which names the field."""
    unknown = sorted(set(given) - set(Persona.model_fields))
    if unknown:
        raise InvalidPersonaError(
            "A persona has no such field.", field=unknown[0], valid=list(Persona.model_fields)
        )
    try:
        persona = Persona.model_validate(given)
    except ValidationError as error:
        raise _invalid(error) from error
    return checked(persona)


def checked(persona: Persona) -> Persona:
    """The persona, where it is a whole one. Raises InvalidPersonaError, which names the field."""
    if not _ID.fullmatch(persona.persona_id):
        raise InvalidPersonaError(
            "An id is up to 40 of a-z, 0-9 and _, and begins with a letter.",
            field="persona_id",
        )
    _require(bool(persona.name.strip()), "name", "it can't be empty")
    _require(len(persona.name) <= LONGEST_NAME, "name", f"at most {LONGEST_NAME} signs")
    _require(
        len(persona.description) <= LONGEST_TEXT, "description", f"at most {LONGEST_TEXT} signs"
    )
    hours = [mood.hour % DAY_H for mood in persona.moods]
    _require(len(hours) <= MOST_MOODS, "moods", f"at most {MOST_MOODS} points")
    _require(len(set(hours)) == len(hours), "moods", "each hour once")
    for field, languages in (("languages", persona.languages), ("greetings", persona.greetings)):
        for language in languages:
            _require(_is_spoken(language), field, f"{language!r} is none of the nine languages")
    for greeting in persona.greetings.values():
        _require(
            0 < len(greeting.strip()) <= LONGEST_TEXT, "greetings", "none may be empty or long"
        )
    return persona


def _require(met: bool, field: str, reason: str) -> None:
    if not met:
        raise InvalidPersonaError(field=field, reason=reason)


def _is_spoken(language: str) -> bool:
    try:
        return base_language(language) == language
    except UnsupportedLanguageError:
        return False


def read_document(text: str, *, toml: bool) -> tuple[PersonaDocument | None, list[Persona]]:
    """A document that was exported; or the personas that somebody wrote by hand (`[[persona]]`).

    Raises InvalidPersonaError.
    """
    try:
        read: Any = tomllib.loads(text) if toml else json.loads(text)
    except ValueError as error:
        raise InvalidPersonaError(
            "That is neither JSON nor (by its name) TOML.", reason=str(error)
        ) from error
    try:
        if isinstance(read, dict) and "persona" in read:
            return None, [parse(one) for one in _BY_HAND.validate_python(read["persona"])]
        return PersonaDocument.model_validate(read), []
    except ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: ValidationError) -> InvalidPersonaError:
    first = error.errors(include_url=False, include_input=False)[0]
    return InvalidPersonaError(field=".".join(map(str, first["loc"])), reason=first["msg"])


@lru_cache(maxsize=1)
def bundled() -> Mapping[str, Persona]:
    """Those that come with Alicia, by id."""
    source = resources.files("alicia.mind").joinpath("personas.toml")
    read = tomllib.loads(source.read_text("utf-8"))["persona"]
    return {persona.persona_id: persona for persona in map(parse, read)}


# ---- blended ------------------------------------------------------------------------------------


def blend(first: Persona, second: Persona, weight: float, persona_id: str, name: str) -> Persona:
    """Between the two, by the weight of the second (0 to 1): traits, voice and the day's curve.

    What has no middle (an engine, greetings) is the heavier one's, and of the languages those that
    both speak, unless there is none. Raises InvalidPersonaError.
    """
    _require(0 <= weight <= 1, "weight", "it is between 0 and 1")
    heavier = second if weight > NEUTRAL else first
    shared = _shared(first.languages, second.languages)
    hours = sorted({mood.hour % DAY_H for mood in (*first.moods, *second.moods)})
    return checked(
        Persona(
            persona_id=persona_id,
            name=name,
            description=heavier.description,
            traits=Traits(
                **{
                    trait: _between(
                        getattr(first.traits, trait), getattr(second.traits, trait), weight
                    )
                    for trait in TRAITS
                }
            ),
            voice=VoiceStyle(
                rate=_between(first.voice.rate, second.voice.rate, weight),
                pitch=_between(first.voice.pitch, second.voice.pitch, weight),
                volume_db=_between(first.voice.volume_db, second.voice.volume_db, weight),
                voice=heavier.voice.voice,
            ),
            moods=[
                _mood_between(mood_at(first, hour), mood_at(second, hour), weight, hour)
                for hour in hours
            ],
            languages=shared or heavier.languages,
            greetings=heavier.greetings,
        )
    )


def _shared(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """The languages of both; whoever names none speaks all."""
    if not first or not second:
        return list(first or second)
    return [language for language in first if language in second]


def _between(first: float, second: float, weight: float) -> float:
    return round(first + (second - first) * weight, 4)


def _mood_between(first: Mood, second: Mood, weight: float, hour: float) -> Mood:
    told = {
        field: _between(getattr(first, field), getattr(second, field), weight)
        for field in Mood.model_fields
        if field != "hour"
    }
    return Mood(hour=hour, **told)


# ---- by the hour --------------------------------------------------------------------------------


def mood_at(persona: Persona, hour: float) -> Mood:
    """The day's curve at an hour (0 to 24): straight between its points, around midnight too."""
    points = sorted(persona.moods, key=lambda mood: mood.hour % DAY_H)
    if not points:
        return Mood(hour=hour % DAY_H)
    around = [
        (points[-1].hour % DAY_H - DAY_H, points[-1]),
        *((point.hour % DAY_H, point) for point in points),
        (points[0].hour % DAY_H + DAY_H, points[0]),
    ]
    at = hour % DAY_H
    for (since, before), (until, after) in pairwise(around):
        if since <= at <= until and until > since:
            return _mood_between(before, after, (at - since) / (until - since), at)
    return points[0]


def at(persona: Persona, hour: float) -> Persona:
    """The persona as it is at this hour, with no curve any more."""
    if not persona.moods:
        return persona
    mood = mood_at(persona, hour)
    traits = {
        trait: min(max(getattr(persona.traits, trait) + getattr(mood, trait), 0.0), 1.0)
        for trait in TRAITS
    }
    voice = persona.voice.model_copy(
        update={
            "rate": persona.voice.rate * mood.rate,
            "volume_db": persona.voice.volume_db + mood.volume_db,
        }
    )
    update = {"traits": Traits(**traits), "voice": voice, "moods": []}
    return persona.model_copy(update=update)


# ---- the voice ----------------------------------------------------------------------------------


def style(persona: Persona) -> VoiceStyle:
    """How the voice of a persona without a curve sounds: what is set, livelier by its energy."""
    lively = persona.traits.energy - NEUTRAL
    voice = persona.voice
    return VoiceStyle(
        rate=_stepped(voice.rate * (1 + lively * LIVELY_RATE), RATE_STEP, 0.5, 2.0),
        pitch=_stepped(voice.pitch * (1 + lively * LIVELY_PITCH), PITCH_STEP, 0.5, 2.0),
        volume_db=_stepped(voice.volume_db, VOLUME_STEP_DB, -20.0, 6.0),
        voice=voice.voice,
    )


def _stepped(value: float, step: float, least: float, most: float) -> float:
    return min(max(round(round(value / step) * step, 4), least), most)


# ---- what a model is told -----------------------------------------------------------------------

_WORDS = {
    "warmth": ("Be matter-of-fact.", "Be warm and friendly."),
    "formality": ("Speak casually, as to a friend.", "Speak formally."),
    "humour": ("Make no jokes.", "A light, kind joke is welcome where it fits."),
    "verbosity": (
        "Answer in as few words as possible.",
        "You may explain in two or three sentences.",
    ),
    "energy": ("Sound calm.", "Sound lively."),
}
_LOW, _HIGH = 0.35, 0.65
_ADDRESS = {  # casual, as Alicia's own phrases are, formal
    "de": ("'du'", "'du'", "'Sie'"),
    "es": ("'tú'", "'tú'", "'usted'"),
    "fr": ("'tu'", "'tu'", "'vous'"),
    "it": ("'tu'", "'tu'", "'Lei'"),
    "pt": ("'você'", "'você'", "'o senhor' or 'a senhora', or without a pronoun"),
    "zh": ("'你'", "'你'", "'您'"),
    "ja": ("plain forms (だ・する)", "です・ます forms", "です・ます forms with honorific words"),
    "ko": ("해체 (반말)", "해요체", "합쇼체"),
}
_ALWAYS = (
    "Your words are spoken aloud: no lists, no markup. Never change names, numbers or what became "
    "of a command. Tell all of what failed; no jokes about failures, locks or alarms."
)


def address(formality: float, language: str) -> str:
    """How a model is to address people: as the home's own phrases do.

    Empty where the language has no choice. Raises UnsupportedLanguageError.
    """
    forms = _ADDRESS.get(base_language(language))
    if forms is None:
        return ""
    form = forms[(formality > manners.LOW) + (formality >= manners.HIGH)]
    return f"Address the person with {form}."


def prompt(persona: Persona, language: str) -> str:
    """What a model is told of a persona without a curve. Raises UnsupportedLanguageError."""
    told = [f"You are {persona.name}, the voice of this home.", persona.description]
    for trait, (low, high) in _WORDS.items():
        value = getattr(persona.traits, trait)
        told.append(low if value <= _LOW else high if value >= _HIGH else "")
    told += [address(persona.traits.formality, language), _ALWAYS]
    told += [f"Answer in the language with the code {base_language(language)!r}."]
    return " ".join(text for text in told if text)
