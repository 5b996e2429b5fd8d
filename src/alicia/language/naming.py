"""What the nine languages are called, in each of them."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

from alicia.errors import UnsupportedLanguageError
from alicia.language.tables import LANGUAGES, base_language


@lru_cache(maxsize=len(LANGUAGES))
def languages_table(language: str) -> dict[str, Any]:
    """Names and patterns of a language, as `data/languages/` has them.

    Raises UnsupportedLanguageError.
    """
    base = base_language(language)
    source = resources.files("alicia.language").joinpath("data", "languages", f"{base}.toml")
    return tomllib.loads(source.read_text("utf-8"))


def language_name(of: str, language: str) -> str:
    """How somebody who speaks `language` calls `of`. Raises UnsupportedLanguageError."""
    names: dict[str, list[str]] = languages_table(language)["names"]
    return names[base_language(of)][0]


def language_names(language: str) -> dict[str, str]:
    """All names by which somebody who speaks `language` may call one, lower case."""
    names: dict[str, list[str]] = languages_table(language)["names"]
    return {name.lower(): of for of, called in names.items() for name in called}


def language_called(name: str) -> str:
    """The language of a code (`fr`, `pt-BR`) or of a name in any of the nine.

    Raises UnsupportedLanguageError.
    """
    wanted = " ".join(name.lower().split())
    try:
        return base_language(wanted)
    except UnsupportedLanguageError:
        for language in LANGUAGES:
            if (found := language_names(language).get(wanted)) is not None:
                return found
        raise
