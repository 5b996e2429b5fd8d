"""The linguist of a turn: translations, interpreting, and the language of replies.

a wish about languages -> the service language is asked -> what to say, and in which language
anything, where two are interpreted -> said in the other one, and nothing else is done
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from alicia.contracts.devices import Origin
from alicia.contracts.kinds import Command, Message
from alicia.contracts.languages import (
    CHOOSE_LANGUAGE,
    DETECT_LANGUAGE,
    INTERPRET,
    TRANSLATE_TEXT,
    ChooseLanguage,
    DetectLanguage,
    Interpret,
    LanguageDetected,
    LanguageScope,
    TranslateText,
)
from alicia.contracts.voice import Understand, Understood
from alicia.errors import (
    LanguageError,
    NoResponderError,
    NoTranslatorError,
    UndetectedLanguageError,
)
from alicia.language.naming import language_name
from alicia.language.phrases import word
from alicia.language.wishes import (
    InterpretWish,
    LanguageWish,
    SpeakWish,
    StopInterpretingWish,
    TranslateWish,
    wish,
)

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)

TRANSLATE, INTERPRETING, SPEAKING = "Translate", "Interpret", "SpeakLanguage"
SURE = 0.9


class Asking(Protocol):
    """How a command is asked over the bus."""

    async def __call__(self, command: Command[Q, R], request: Q) -> R: ...


async def answered(ask: Understand, asking: Asking) -> Understood | None:
    """What a sentence about languages comes to; None where it is about something else.

    Raises LanguageError (NoTranslatorError where the service language is away), UpstreamError,
    BusError; UnsupportedLanguageError.
    """
    meant = None if ask.between else wish(ask.text, ask.language)
    try:
        if ask.between:
            return await _interpreted(ask, asking)
        return None if meant is None else await _granted(ask, meant, asking)
    except NoResponderError as error:
        # It would be taken for this service's own absence, and be waited for.
        translates = bool(ask.between) or isinstance(meant, TranslateWish)
        raise (NoTranslatorError() if translates else LanguageError()) from error


async def _interpreted(ask: Understand, asking: Asking) -> Understood:
    """The text in the other of the two languages, or the end of it."""
    for language in dict.fromkeys((ask.language, *ask.between)):
        if isinstance(wish(ask.text, language), StopInterpretingWish):
            return await _stopped(ask, language, asking)
    source = await _spoken(ask, asking)
    other = next(one for one in ask.between if one != source)
    done = await asking(TRANSLATE_TEXT, TranslateText(text=ask.text, to=other, source=source))
    return _said(ask, INTERPRETING, done.text, other, goes_on=True)


async def _spoken(ask: Understand, asking: Asking) -> str:
    """Which of the two it is in: by its words, or by ear where these could be both."""
    try:
        found = await asking(DETECT_LANGUAGE, DetectLanguage(text=ask.text, among=ask.between))
    except UndetectedLanguageError:
        if ask.language in ask.between:
            return ask.language
        raise
    by_ear = ask.origin is Origin.VOICE and ask.language in ask.between
    return ask.language if by_ear and not _is_sure(found) else found.language


def _is_sure(found: LanguageDetected) -> bool:
    return found.probability >= SURE


async def _granted(ask: Understand, meant: LanguageWish, asking: Asking) -> Understood:
    match meant:
        case TranslateWish(text, to, source):
            translate = TranslateText(text=text, to=to, source=source, spoken_in=ask.language)
            done = await asking(TRANSLATE_TEXT, translate)
            return _said(ask, TRANSLATE, done.text, done.to)
        case InterpretWish(first, second):
            if not ask.dry_run:
                between = Interpret(satellite=ask.satellite, languages=[first, second])
                await asking(INTERPRET, between)
            language = ask.answers_in
            reply = word(
                "languages.interpreting",
                language,
                first=language_name(first, language),
                second=language_name(second, language),
            )
            return _said(ask, INTERPRETING, reply, language, goes_on=True)
        case StopInterpretingWish():
            return await _stopped(ask, ask.answers_in, asking)
        case SpeakWish(language):
            return await _chosen(ask, language, asking)


async def _stopped(ask: Understand, language: str, asking: Asking) -> Understood:
    if not ask.dry_run:
        await asking(INTERPRET, Interpret(satellite=ask.satellite))
    return _said(ask, INTERPRETING, word("languages.interpreted", language), language)


async def _chosen(ask: Understand, language: str | None, asking: Asking) -> Understood:
    """For the person where it is known who speaks, else for the satellite; taken back for both."""
    whose = {LanguageScope.SATELLITE: ask.satellite}
    if ask.speaker is not None:
        own = {LanguageScope.PERSON: ask.speaker}
        whose = own if language is not None else {**own, **whose}
    if not ask.dry_run:
        for scope, who in whose.items():
            choose = ChooseLanguage(scope=scope, who=who, language=language)
            await asking(CHOOSE_LANGUAGE, choose)
    if language is None:
        reply = word("languages.as_before", ask.language)
        return _said(ask, SPEAKING, reply, ask.language)
    return _said(ask, SPEAKING, word("languages.now", language), language)


def _said(
    ask: Understand, intent: str, reply: str, language: str, *, goes_on: bool = False
) -> Understood:
    return Understood(
        turn_id=ask.turn_id,
        heard=ask.text,
        intent=intent,
        reply=reply,
        language=language,
        expects_reply=goes_on,
    )
