"""Alarm panel: whether a sentence is about the alarm system of a home, in nine languages.

Without one nothing else is meant by it: no alarm that wakes, and no device whose name is near.
"""

from __future__ import annotations

import re
from functools import lru_cache

from alicia.language.tables import LANGUAGES, base_language
from alicia.language.whole_sentences import LONGEST, plain, sentence_table, whole

DOMAIN = "alarm_control_panel"


def about_alarm_panel(text: str, language: str) -> bool:
    """Raises UnsupportedLanguageError."""
    sentence = plain(text)
    if len(sentence) > LONGEST:
        return False
    return any(pattern.fullmatch(sentence) for pattern in _patterns(base_language(language)))


@lru_cache(maxsize=len(LANGUAGES))
def _patterns(language: str) -> tuple[re.Pattern[str], ...]:
    table = sentence_table("alarm_panel")[language]
    return tuple(whole(one, language, {"system": table["system"]}) for one in table["say"])
