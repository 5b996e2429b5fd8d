"""The tables of a language: Home Assistant's intents, and our own beside them in `data/`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import Any

from home_assistant_intents import get_intents

from alicia.errors import UnsupportedLanguageError

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "zh", "ja", "ko")

_THEIR_NAME = {"zh": "zh-CN", "pt": "pt-BR"}
"""Home Assistant's name for ours, where it differs: pt-BR says more than pt (41 intents to 30)."""

_BARE_NAME = re.compile(r"(\[[^\]]*\]\s*)*\{(name|area)\}(\s*\[[^\]]*\])*")


@dataclass(frozen=True)
class Tidy:
    """How a recognizer's text becomes the words of the sentences."""

    replace: tuple[tuple[re.Pattern[str], str], ...] = ()
    asked: tuple[tuple[re.Pattern[str], str], ...] = ()
    """The same for what ends in a question mark: "I closed the garage" tells, and may ask."""
    fillers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tables:
    language: str
    intents: dict[str, Any]
    """Home Assistant's, with our sentences added."""
    tidy: Tidy
    say: dict[str, Any] = field(default_factory=dict[str, Any])
    """The patterns of what a home can be told, and how its words are compared."""
    words: dict[str, Any] = field(default_factory=dict[str, Any])
    """What answers are made of."""

    @property
    def articles(self) -> frozenset[str]:
        """With which a name may begin: `la`, `l'`."""
        return frozenset(self.words.get("articles", []))

    @property
    def grammar_first(self) -> bool:
        """Whether the templates are trusted more than our own patterns."""
        return bool(self.say.get("grammar_first", False))

    def response(self, intent: str, key: str) -> str | None:
        """The template of an answer, or else the intent's usual one."""
        return self.own_response(intent, key) or self.own_response(intent, "default")

    def own_response(self, intent: str, key: str) -> str | None:
        """The template under exactly this key: ours, or else Home Assistant's."""
        own = self.words.get("responses", {}).get(intent, {}).get(key)
        if own is not None:
            return own
        return self.intents["responses"].get("intents", {}).get(intent, {}).get(key)


def base_language(language: str) -> str:
    """`en` for `en-GB`. Raises UnsupportedLanguageError."""
    base = language.replace("_", "-").partition("-")[0].lower()
    if base not in LANGUAGES:
        raise UnsupportedLanguageError(language=language)
    return base


@lru_cache(maxsize=len(LANGUAGES))
def load_tables(language: str) -> Tables:
    """Reads a language once. Raises UnsupportedLanguageError."""
    base = base_language(language)
    intents = get_intents(_THEIR_NAME.get(base, base))
    if intents is None:
        raise UnsupportedLanguageError(language=language)
    own = _own(base)
    _drop_bare_names(intents)
    _leave_out(intents, own.get("leave_out", []))
    _add_sentences(intents, own)
    tidy = own.get("tidy", {})
    return Tables(
        language=base,
        intents=intents,
        tidy=Tidy(
            replace=tuple((re.compile(a), b) for a, b in tidy.get("replace", [])),
            asked=tuple((re.compile(a), b) for a, b in tidy.get("asked", [])),
            fillers=tuple(tidy.get("fillers", [])),
        ),
        say=own.get("say", {}),
        words=own.get("words", {}),
    )


@lru_cache(maxsize=len(LANGUAGES))
def follow_up_table(language: str) -> dict[str, Any]:
    """What is said after something else, or together with it, in a language."""
    source = resources.files("alicia.language").joinpath("data", "follow_ups.toml")
    return tomllib.loads(source.read_text("utf-8")).get(language, {})


def _own(language: str) -> dict[str, Any]:
    source = resources.files("alicia.language").joinpath("data", f"{language}.toml")
    return tomllib.loads(source.read_text("utf-8")) if source.is_file() else {}


def _drop_bare_names(intents: dict[str, Any]) -> None:
    """Takes out the templates that a name alone fits: "the thermostat" switches nothing."""
    for intent in intents["intents"].values():
        for data in intent["data"]:
            data["sentences"] = [s for s in data["sentences"] if not _BARE_NAME.fullmatch(s)]
        intent["data"] = [data for data in intent["data"] if data["sentences"]]


def _leave_out(intents: dict[str, Any], words: Sequence[str]) -> None:
    """Takes words out of the templates, and those that can't be said without: they are names."""
    for intent, word in product(intents["intents"].values(), words):
        for data in intent["data"]:
            texts = [s.replace(f"[{word}]", "") for s in data["sentences"]]
            data["sentences"] = [s for s in texts if word not in s]
        intent["data"] = [data for data in intent["data"] if data["sentences"]]


def _add_sentences(intents: dict[str, Any], own: dict[str, Any]) -> None:
    for block in own.get("sentences", []):
        data = {key: value for key, value in block.items() if key != "intent"}
        intents["intents"].setdefault(block["intent"], {"data": []})["data"].append(data)
    for name, values in own.get("lists", {}).items():
        intents["lists"][name] = {"values": [{"in": v, "out": k} for k, v in values.items()]}
