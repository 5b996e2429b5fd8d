"""Wishes about languages: "how do you say good night in French?", "speak French from now on".

Whole sentences only, by the patterns in `data/languages/`: what is not said like that is no wish
about a language, and goes on to be understood as ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from alicia.language.naming import language_names, languages_table
from alicia.language.tables import LANGUAGES, base_language
from alicia.language.whole_sentences import LONGEST, plain, whole

_QUOTES = "\"'“”„‟‘’‚«»‹›「」『』《》〈〉"
_FIELDS = ("to", "from", "a", "b")
_KINDS = ("stop", "own", "interpret", "speak", "translate")
"""In the order in which they are tried: the one that may be any words comes last."""


@dataclass(frozen=True, slots=True)
class TranslateWish:
    text: str
    to: str
    source: str | None = None
    """Where it was said."""


@dataclass(frozen=True, slots=True)
class InterpretWish:
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class StopInterpretingWish:
    pass


@dataclass(frozen=True, slots=True)
class SpeakWish:
    language: str | None
    """None: as before."""


LanguageWish = TranslateWish | InterpretWish | StopInterpretingWish | SpeakWish


def wish(text: str, language: str) -> LanguageWish | None:
    """What a sentence asks about languages; None where it is about something else.

    Raises UnsupportedLanguageError.
    """
    sentence = plain(text)
    if len(sentence) > LONGEST:
        return None
    for kind, pattern in _patterns(base_language(language)):
        found = pattern.fullmatch(sentence)
        if found and (meant := _meant(kind, found.groupdict(), language)) is not None:
            return meant
    return None


def _meant(kind: str, said: Mapping[str, str | None], language: str) -> LanguageWish | None:
    names = language_names(language)
    called = {field: " ".join((said.get(field) or "").lower().split()) for field in _FIELDS}
    of = {field: names[name] for field, name in called.items() if name}
    match kind:
        case "stop":
            return StopInterpretingWish()
        case "own":
            return SpeakWish(None)
        case "speak":
            return SpeakWish(of["to"])
        case "interpret":
            return InterpretWish(of["a"], of["b"]) if of["a"] != of["b"] else None
        case _:
            text = (said["text"] or "").strip(f" ,:：，、{_QUOTES}")
            return TranslateWish(text, of["to"], of.get("from")) if text else None


@lru_cache(maxsize=len(LANGUAGES))
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(_compiled(language))


def _compiled(language: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    patterns: dict[str, Any] = languages_table(language)["patterns"]
    called = sorted(language_names(language), key=len, reverse=True)
    name = "|".join(re.escape(one).replace(r"\ ", " ") for one in called)
    fields = {field: f"(?P<{field}>{name})" for field in _FIELDS}
    quote = f"[{_QUOTES}]?"
    fields["text"] = f"{quote}(?P<text>.+?){quote}"
    for kind in _KINDS:
        for pattern in patterns[kind]:
            yield kind, whole(pattern, language, fields)
