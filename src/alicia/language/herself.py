"""Herself: "who are you?" and "be brief from now on" in nine languages."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from alicia.language.tables import LANGUAGES, base_language
from alicia.language.whole_sentences import LONGEST, plain, sentence_table, whole


class Herself(StrEnum):
    """What is asked of Alicia about herself. The values are keys of the table."""

    WHO = "who"
    BRIEF = "brief"
    FULL = "full"
    BEFORE = "before"
    """As much as her persona says."""


def about_herself(text: str, language: str) -> Herself | None:
    """None where it is about something else. Raises UnsupportedLanguageError."""
    sentence = plain(text)
    if len(sentence) > LONGEST:
        return None
    known = _patterns(base_language(language))
    return next((asked for asked, pattern in known if pattern.fullmatch(sentence)), None)


@lru_cache(maxsize=len(LANGUAGES))
def _patterns(language: str) -> tuple[tuple[Herself, re.Pattern[str]], ...]:
    table = sentence_table("herself")[language]
    return tuple(
        (asked, whole(pattern, language)) for asked in Herself for pattern in table[asked.value]
    )
