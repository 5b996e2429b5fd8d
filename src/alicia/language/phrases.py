"""Phrases: what Alicia says for every error code, and the words of her answers, in nine languages.

One table per language in `data/phrases/`. A code without a phrase of its own takes its family's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources

from alicia.errors import AliciaError
from alicia.language.naming import language_name
from alicia.language.tables import base_language

_VARIANTS = (
    ("several", frozenset({"names"})),
    ("named", frozenset({"name"})),
    ("choices", frozenset({"choices"})),
    ("range", frozenset({"minimum", "maximum"})),
    ("area", frozenset({"area"})),
    ("pair", frozenset({"source_language", "target_language"})),
    ("target", frozenset({"target_language"})),
)
"""Longer forms of a phrase, and the fields that each needs; the first that fits is said."""


def phrase(code: str, language: str, /, **fields: object) -> str:
    """The sentence for a code, with what is known about it.

    Falls back to the code's family. Raises UnsupportedLanguageError.
    """
    table = _table(base_language(language))
    known = {
        name: _named(name, value, language) for name, value in fields.items() if value is not None
    }
    slot = fields.get("slot")
    family = code
    while True:
        if isinstance(slot, str) and f"{family}.{slot}" in table:
            return table[f"{family}.{slot}"]
        for variant, needs in _VARIANTS:
            text = table.get(f"{family}.{variant}")
            if text is not None and needs <= known.keys():
                return _sentence(text.format_map(known))
        if family in table:
            return table[family]
        family = family.rpartition(".")[0] or "alicia"


def phrase_for(error: AliciaError, language: str) -> str:
    """The sentence for an error, with the fields it carries."""
    return phrase(error.code, language, **error.fields)


def word(key: str, language: str, **fields: object) -> str:
    """A word or a part of an answer: `state.on`, `unit.percent`. Raises KeyError."""
    known = {name: _spoken(value, language) for name, value in fields.items()}
    return _table(base_language(language))[key].format_map(known)


def listing(items: Sequence[str], language: str, *, conjunction: str = "and") -> str:
    """`a, b and c`, as the language does it."""
    if len(items) < 2:
        return "".join(items)
    comma = {"zh": "、", "ja": "、"}.get(base_language(language), ", ")
    return word(f"answer.{conjunction}", language, first=comma.join(items[:-1]), last=items[-1])


def text_of(sentences: Iterable[str], language: str) -> str:
    """Sentences one after the other, as the language does it."""
    gap = "" if base_language(language) in ("zh", "ja") else " "
    return gap.join(filter(None, sentences))


def ended(text: str, language: str) -> str:
    """As a sentence, which a voice lets fall at its end."""
    text = text.strip()
    if text.endswith((".", "!", "?", "。", "！", "？")):
        return text
    return text + ("。" if base_language(language) in ("zh", "ja") else ".")


def number(value: float, language: str) -> str:
    """A number as it is said: no needless decimals, the language's own decimal mark."""
    text = f"{round(value, 1):g}"
    return text if base_language(language) in ("en", "zh", "ja", "ko") else text.replace(".", ",")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _named(field: str, value: object, language: str) -> str:
    """A field as it is said: `source_language` and the like by the language's name."""
    if field.endswith("_language"):
        return language_name(str(value), language)
    return _spoken(value, language)


def _spoken(value: object, language: str) -> str:
    if isinstance(value, (list, tuple)):
        return listing([str(item) for item in value], language, conjunction="or")
    if isinstance(value, float):
        return number(value, language)
    return str(value)


@lru_cache(maxsize=9)
def _table(language: str) -> dict[str, str]:
    source = resources.files("alicia.language").joinpath("data", "phrases", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8"))
