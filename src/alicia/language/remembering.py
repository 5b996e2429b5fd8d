"""Remembering: what is said to Alicia's memory in nine languages, and which facts fit a sentence.

    "remember that the bins go out on Tuesday" -> KEEP "the bins go out on Tuesday"
    "when do the bins go out?"                 -> that fact, by the words that both have

A fact is text. Nothing here reads it as a sentence that asks for something.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib import resources
from typing import Any

from rapidfuzz import fuzz

from alicia.contracts.memory import Fact
from alicia.language.tables import base_language


class Wish(Enum):
    """What is wanted of the memory; in the order in which the patterns are tried."""

    FORGET_ALL = "forget_all"
    FORGET_THAT = "forget_that"
    ALL = "all"
    FORGET_ABOUT = "forget_about"
    ABOUT = "about"
    KEEP_FOR_ALL = "keep_for_all"
    KEEP = "keep"
    LIKE = "like"


KEEPING = frozenset({Wish.KEEP, Wish.KEEP_FOR_ALL, Wish.LIKE})


@dataclass(frozen=True, slots=True)
class Wanted:
    wish: Wish
    text: str = ""
    """The fact, or what it is to be about."""


@dataclass(frozen=True)
class _Table:
    wishes: tuple[tuple[Wish, re.Pattern[str]], ...]
    question: re.Pattern[str]
    idle: frozenset[str]
    cut: re.Pattern[str]
    secret: re.Pattern[str]


ALIKE = 82.0
"""Likeness from which two words are one: "bin" and "bins", "heißt" and "heiße"."""
ENOUGH = 0.6
"""Share of a question's words that a fact must have."""
TOLD_AT_ONCE = 3
_STEM, _KOREAN_STEM = 4, 3
"""Letters from which a word that begins another is the same: "raus" and "rausmüssen"."""
_SIGNS = ("zh", "ja")
_NAME = r"^(?:(?:hey|ok|okay|hallo|oye|dis|ehi|ei|嘿|ねえ|야)[\s,，、]+)?"
_CALLED = re.compile(
    _NAME + r"(?:alicia|alisia|アリシア|알리시아|艾丽西亚)[\s,，、:：]+", re.IGNORECASE
)
_PLACE = re.compile(r"\{(fact|topic)(?::((?:[^{}]|\{[\d,]+\})+))?\}")
_PARTICLE = re.compile(r"(?<=.)(?:은|는|이|가|을|를|의|에|이야|야|이지|지|에는)$")
_ENDS = " \t\n.!?。！？¡¿…"


def wanted(text: str, language: str) -> Wanted | None:
    """What it asks of the memory; None where it says nothing to it.

    Raises UnsupportedLanguageError.
    """
    said = _plain(text)
    for wish, pattern in _table(base_language(language)).wishes:
        found = pattern.fullmatch(said)
        if found is not None:
            told = found.groupdict()
            return Wanted(
                wish, (told.get("fact") or told.get("topic") or "").strip(_ENDS + ",，、")
            )
    return None


def is_question(text: str, language: str) -> bool:
    """Whether it may ask for something that was told. Raises UnsupportedLanguageError."""
    said = unicodedata.normalize("NFKC", text).strip()
    called = _CALLED.sub("", said).lstrip("¿ ")
    return _table(base_language(language)).question.search(called.casefold()) is not None


def is_secret(text: str, language: str) -> bool:
    """Whether a PIN or a password is told. Raises UnsupportedLanguageError."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return any(_table(one).secret.search(plain) for one in {base_language(language), "en"})


def about(text: str, facts: Iterable[Fact], language: str) -> list[Fact]:
    """The facts of this language that a sentence is about, the nearest ones alone: at most a few.

    Raises UnsupportedLanguageError.
    """
    base = base_language(language)
    known = [one for one in facts if base_language(one.language) == base]
    return [known[at] for at in nearest(text, [one.text for one in known], base)][-TOLD_AT_ONCE:]


def nearest(text: str, told: Sequence[str], language: str) -> list[int]:
    """Which of what was told, all in this language, words are about: those alone that are nearest.

    Raises UnsupportedLanguageError.
    """
    base = base_language(language)
    words = _words(text, base)
    shares = [_share(words, _words(one, base), _bare(one)) for one in told]
    best = max(shares, default=0.0)
    return [at for at, share in enumerate(shares) if share >= ENOUGH and share > best - 0.01]


def bearing(text: str, facts: Sequence[Fact], language: str, *, most: int) -> list[Fact]:
    """Facts that have any word with the sentence in common, those with most in common first."""
    base = base_language(language)
    words = _words(text, base)
    shares = [
        (_share(words, _words(one.text, base), _bare(one.text)), at) for at, one in enumerate(facts)
    ]
    ordered = sorted(((share, at) for share, at in shares if share > 0), reverse=True)
    return [facts[at] for _, at in ordered[:most]]


def _share(words: Sequence[str], told: Sequence[str], bare: str) -> float:
    """How many of the words are told; signs without gaps are looked for where they stand."""
    if not words:
        return 0.0
    found = sum(
        (not word.isascii() and len(word) <= 2 and word in bare) or _is_among(word, told)
        for word in words
    )
    return found / len(words)


def _is_among(word: str, told: Sequence[str]) -> bool:
    return any(_alike(word, one) for one in told)


def _alike(one: str, other: str) -> bool:
    if one == other or fuzz.ratio(one, other) >= ALIKE:
        return True
    if "가" <= one[0] <= "힣":
        # By letters, not syllables: 버려 and 버린다 begin alike.
        one, other = (unicodedata.normalize("NFD", word) for word in (one, other))
        return one[:_KOREAN_STEM] == other[:_KOREAN_STEM]
    short, long = sorted((one, other), key=len)
    return len(short) >= _STEM and long.startswith(short)


def _words(text: str, language: str) -> list[str]:
    """What says what it is about: words, in Chinese and Japanese pairs of signs."""
    table = _table(language)
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if language in _SIGNS:
        return _pairs(table.cut.sub(" ", plain))
    words = re.findall(r"[^\W_]+(?:'s\b)?", plain)
    kept = [word.removesuffix("'s") for word in words]
    if language == "ko":
        kept = [w if w in table.idle else _PARTICLE.sub("", w) for w in kept]
    return [word for word in kept if word not in table.idle]


def _pairs(text: str) -> list[str]:
    pairs: list[str] = []
    for part in re.findall(r"[^\W_]+", text):
        if part.isascii() or len(part) == 1:
            pairs.append(part)
        else:
            pairs += [part[at : at + 2] for at in range(len(part) - 1)]
    return pairs


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _plain(text: str) -> str:
    """One line, without who is spoken to and without what ends it; its words stay as they are."""
    said = " ".join(unicodedata.normalize("NFC", text).replace("’", "'").split())
    return _CALLED.sub("", said).strip(_ENDS)


@lru_cache(maxsize=9)
def _table(language: str) -> _Table:
    told: dict[str, Any] = _tables()[language]
    idle = frozenset(told["idle"].split())
    return _Table(
        wishes=tuple((wish, _compiled(one)) for wish in Wish for one in told[wish.value]),
        question=re.compile(told["question"]),
        idle=idle,
        cut=re.compile("|".join(map(re.escape, sorted(idle, key=len, reverse=True)))),
        secret=re.compile(told["codes"]),
    )


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    source = resources.files("alicia.language").joinpath("data", "remembering.toml")
    return tomllib.loads(source.read_text("utf-8"))


def _compiled(pattern: str) -> re.Pattern[str]:
    def place(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{found[2] or '.+'})"

    return re.compile(_PLACE.sub(place, pattern), re.IGNORECASE)
