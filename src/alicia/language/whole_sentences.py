"""Whole sentences: patterns that all of a sentence has to fit, politeness around it left out."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from alicia.language.naming import languages_table

LONGEST = 400
"""Characters of a sentence that is looked at."""


def plain(text: str) -> str:
    """One line, typographic apostrophes plain, without the stop at its end."""
    line = unicodedata.normalize("NFC", " ".join(text.split())).replace("’", "'")
    return line.rstrip(" .!?。！？…").lstrip("¿¡ ")


def whole(pattern: str, language: str, fields: Mapping[str, str] | None = None) -> re.Pattern[str]:
    """A pattern for `fullmatch` of a plain sentence; `{field}` in it stands for an expression.

    Raises UnsupportedLanguageError.
    """
    for field, expression in (fields or {}).items():
        pattern = pattern.replace(f"{{{field}}}", expression)
    around: Mapping[str, str] = languages_table(language)["patterns"]
    return re.compile(f"{around['address']}(?:{pattern}){around['polite']}", re.IGNORECASE)


@lru_cache(maxsize=8)
def sentence_table(name: str) -> dict[str, Any]:
    """What a file in `data/` has, by language."""
    source = resources.files("alicia.language").joinpath("data", f"{name}.toml")
    return tomllib.loads(source.read_text("utf-8"))
