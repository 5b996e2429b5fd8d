"""Manners: a plain reply as somebody with these traits would say it, in nine languages.

A language's rules are `data/manners/LANGUAGE.toml`. Names and numbers are out of their reach: what
a reply tells stays, but for a confirmed command that is told in brief.
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from alicia.contracts.personas import ReplyKind, Traits
from alicia.language.tables import base_language

LOW, HIGH = 0.25, 0.75
"""Up to here a trait is its opposite, from here on it is heard."""

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_APART = "(?<![a-zà-ÿ])", "(?![a-zà-ÿ])"
"""A name is no part of a longer word; particles of Chinese, Japanese and Korean may touch it."""
_FIRST_SIGN = 0xE000
"""Signs for private use stand for names and numbers while rules are applied."""


@dataclass(frozen=True)
class _Rules:
    brief: dict[str, str]
    full: dict[str, str]
    warm: dict[str, tuple[str, ...]]
    humour: dict[str, tuple[str, ...]]
    formal: tuple[tuple[re.Pattern[str], str], ...]
    casual: tuple[tuple[re.Pattern[str], str], ...]


def say(
    plain: str, kind: ReplyKind, traits: Traits, language: str, *, names: Iterable[str] = ()
) -> str:
    """The reply; the same one for the same words, so that it can be rendered early.

    names: what is called by name in it. Raises UnsupportedLanguageError.
    """
    rules = _rules(base_language(language))
    hidden = _Hidden(names)
    text = hidden.hide(plain)
    brief = traits.verbosity <= LOW and kind is ReplyKind.DONE
    if brief:
        text = _brief(text, hidden, rules)
    elif plain:
        text = _fuller(text, kind, traits, rules)
    if traits.formality >= HIGH:
        text = _replaced(text, rules.formal)
    elif traits.formality <= LOW:
        text = _replaced(text, rules.casual)
    return hidden.show(text)


def _brief(text: str, hidden: _Hidden, rules: _Rules) -> str:
    """That it is done; with the number that was set, which may have been misheard."""
    numbers = hidden.numbers_in(text)
    if len(numbers) > 1:
        return text
    return rules.brief["value"].format(value=numbers[0]) if numbers else rules.brief["done"]


def _fuller(text: str, kind: ReplyKind, traits: Traits, rules: _Rules) -> str:
    if traits.verbosity >= HIGH and kind.value in rules.full:
        text = rules.full[kind.value].format(reply=text)
    more: Sequence[str] = ()
    if traits.warmth >= HIGH:
        more = rules.warm.get(kind.value, ())
    if traits.humour >= HIGH:
        more = (*more, *rules.humour.get(kind.value, ()))
    if more:
        text = more[zlib.crc32(text.encode()) % len(more)].format(reply=text)
    return text


def _replaced(text: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


class _Hidden:
    """Names and numbers of a text, each as one sign while the text is changed."""

    def __init__(self, names: Iterable[str]) -> None:
        longest_first = sorted({name for name in names if name.strip()}, key=len, reverse=True)
        named = [f"{_APART[0]}{re.escape(name)}{_APART[1]}" for name in longest_first]
        self._found = re.compile("|".join([*named, _NUMBER.pattern]), re.IGNORECASE)
        self._kept: list[str] = []

    def hide(self, text: str) -> str:
        return self._found.sub(self._keep, text)

    def show(self, text: str) -> str:
        return "".join(self._shown(sign) for sign in text)

    def numbers_in(self, text: str) -> list[str]:
        """The signs that stand for numbers."""
        return [sign for sign in text if _NUMBER.fullmatch(self._shown(sign))]

    def _keep(self, match: re.Match[str]) -> str:
        self._kept.append(match[0])
        return chr(_FIRST_SIGN + len(self._kept) - 1)

    def _shown(self, sign: str) -> str:
        number = ord(sign) - _FIRST_SIGN
        return self._kept[number] if 0 <= number < len(self._kept) else sign


@lru_cache(maxsize=9)
def _rules(language: str) -> _Rules:
    source = resources.files("alicia.language").joinpath("data", "manners", f"{language}.toml")
    read = tomllib.loads(source.read_text("utf-8"))
    return _Rules(
        brief=read["brief"],
        full=read["full"],
        warm={kind: tuple(texts) for kind, texts in read["warm"].items()},
        humour={kind: tuple(texts) for kind, texts in read["humour"].items()},
        formal=tuple((re.compile(a), b) for a, b in read["formal"]["replace"]),
        casual=tuple((re.compile(a), b) for a, b in read["casual"]["replace"]),
    )
