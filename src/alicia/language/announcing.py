"""Announcing: "tell everyone that dinner is ready" in nine languages, as what the others hear.

    whole sentence -> the words that are to be said, and the rooms where

Whole sentences only, by the patterns in `data/announcing.toml`: what is not said like that is none,
and goes on to be understood as ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from alicia.home.model import Home, names_of
from alicia.language.phrases import ended
from alicia.language.schedules import load_schedules
from alicia.language.tables import LANGUAGES, base_language, load_tables
from alicia.language.whole_sentences import LONGEST, plain, sentence_table, whole
from alicia.language.written_numbers import lettered

_TEXT = re.compile(r"\{text(?::((?:[^{}])+))?\}")


@dataclass(frozen=True, slots=True)
class ToAnnounce:
    text: str
    """A sentence, as it is to be heard."""
    areas: tuple[str, ...] = ()
    """Everywhere where there are none."""


@dataclass(frozen=True)
class _Way:
    pattern: re.Pattern[str]
    says: str
    """With the place of the words."""


def to_announce(text: str, language: str, home: Home) -> ToAnnounce | None:
    """What it wants announced now; None where it wants nothing like that, or at another time.

    Raises UnsupportedLanguageError.
    """
    sentence = plain(text)
    base = base_language(language)
    if len(sentence) > LONGEST:
        return None
    for way in _ways(base):
        found = way.pattern.fullmatch(sentence)
        if found is None:
            continue
        said = found.groupdict()
        areas: tuple[str, ...] = ()
        if said.get("area"):
            area = _area(said["area"], base, home)
            if area is None:
                continue  # "in ten minutes" is no room.
            areas = (area,)
        if meal := said.get("meal"):
            return ToAnnounce(_meal(meal, base), areas)
        words = (said.get("text") or "").strip(" ,:，、：\"'“”„‟«»「」")
        if words and not load_schedules(base).begins_with_a_time(words):
            return ToAnnounce(_sentence(way.says.format(text=words), base), areas)
    return None


def _area(name: str, language: str, home: Home) -> str | None:
    """The room of that name, which may be said without its article."""
    said = _bare(name, language)
    for area in home.areas():
        if any(_bare(one, language) == said for one in names_of(area, language)):
            return area.area_id
    return None


def _bare(name: str, language: str) -> str:
    articles = {lettered(article) for article in load_tables(language).articles}
    plain_name = lettered(name).strip()
    for article in sorted(articles, key=len, reverse=True):
        gap = "" if article.endswith("'") else " "
        if plain_name.startswith(article + gap):
            return plain_name[len(article + gap) :]
    return plain_name


def _meal(said: str, language: str) -> str:
    meals: dict[str, str] = sentence_table("announcing")[language]["meals"]
    return next(s for meal, s in meals.items() if re.fullmatch(meal, said, re.IGNORECASE))


def _sentence(text: str, language: str) -> str:
    return ended(text[:1].upper() + text[1:], language)


@lru_cache(maxsize=len(LANGUAGES))
def _ways(language: str) -> tuple[_Way, ...]:
    return tuple(_compiled(language))


def _compiled(language: str) -> Iterator[_Way]:
    table = sentence_table("announcing")[language]
    fields = {
        "all": table["all"],
        "area": r"(?P<area>[\w' -]+?)",
        "meal": f"(?P<meal>{'|'.join(table['meals'])})",
    }
    for entry in table["say"]:
        for pattern in entry["say"]:
            words = _TEXT.sub(lambda t: f"(?P<text>{t[1] or '.+'})", pattern)
            # With a room where one is named, and else as if no pattern knew of rooms.
            for room in (table["in"], "(?!)") if "{in}" in words else ("",):
                told = words.replace("{in}", room)
                yield _Way(whole(told, language, fields), entry.get("as", "{text}"))
