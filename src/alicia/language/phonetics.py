"""How words sound, roughly: enough to tell a mishearing from another word."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_RULES = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"[^a-z]", ""),
        (r"^(?:kn|gn)", "n"),
        (r"^wr", "r"),
        (r"^wh", "w"),
        (r"(?:cough|tough|rough)", "kof"),
        (r"gh(?=t|$)", ""),
        (r"ph", "f"),
        (r"(?:tch|ch|sh|tion|sion|dge)", "x"),
        (r"ck", "k"),
        (r"c(?=[eiy])", "s"),
        (r"g(?=[ei])", "x"),
        (r"mb$", "m"),
        (r"th", "t"),
        (r"[cqg]", "k"),
        (r"x(?=[^a-z]|$)", "x"),
        (r"j", "x"),
        (r"z", "s"),
        (r"v", "f"),
        (r"d", "t"),
        (r"b", "p"),
        (r"^[aeiou]+", "A"),
        (r"[aeiouyhw]", ""),
        (r"(.)\1+", r"\1"),
    )
]


@lru_cache(maxsize=4096)
def english_key(word: str) -> str:
    """Consonants as they sound, voiced and unvoiced alike: "lied" and "light" are one."""
    key = word
    for pattern, sound in _RULES:
        key = pattern.sub(sound, key)
    return key


Rules = tuple[tuple[re.Pattern[str], str], ...]

_ENDING: tuple[tuple[str, str], ...] = (
    ("v", "f"),
    ("[dð]", "t"),
    ("b", "p"),
    ("z", "s"),
    ("^[aeiou]+", "A"),
    ("[aeiouyhw]", ""),
    (r"(.)\1+", r"\1"),
)
"""Voiced and unvoiced alike; vowels only at the start."""


def _rules(*pairs: tuple[str, str]) -> Rules:
    """Spelling to sound, on words without accents, then what all have in common."""
    every = (("[^a-z]", ""), *pairs, *_ENDING)
    return tuple((re.compile(pattern), sound) for pattern, sound in every)


_SPANISH = _rules(
    ("ch", "x"),
    ("h", ""),
    ("ll", "j"),
    ("(?:qu|gu)(?=[ei])", "k"),
    ("c(?=[ei])", "s"),
    ("g(?=[ei])", "j"),
    ("[cqg]", "k"),
    ("y(?=[aeiou])", "j"),
    ("v", "b"),
    ("b", "p"),
)
_FRENCH = _rules(
    ("(?:ch|sch)", "x"),
    ("ph", "f"),
    ("h", ""),
    ("(?:gn)", "nj"),
    ("(?:qu|gu)", "k"),
    ("c(?=[eiy])", "s"),
    ("g(?=[eiy])", "j"),
    ("(?:ai|ei|et|er|ez|es|ent)$", ""),
    ("(?:eaux|eau|aux|au)", "o"),
    ("(?:[aeio]|ai|ei|ou|u)[nm](?=[^aeiouynm]|$)", "N"),
    ("(?<=.)[stdxpzg]+$", ""),
    ("(?:ill|il)(?=e|$)", "j"),
    ("[cqg]", "k"),
    ("m(?=[bp])", "n"),
)
_GERMAN = _rules(
    ("sch", "x"),
    ("(?<=.)ig$", "ix"),
    ("ch", "x"),
    ("ph", "f"),
    ("pf", "f"),
    ("tz|ts|z", "s"),
    ("ck", "k"),
    ("^v|v", "f"),
    ("w", "f"),
    ("qu", "kf"),
    ("dt", "t"),
    ("(?<=[aeou])r(?=[^aeiou]|$)", ""),
    ("[cqg]", "k"),
    ("j", "i"),
)
_ITALIAN = _rules(
    ("(?:ch|gh)(?=[ei])", "k"),
    ("sc(?=[ei])", "x"),
    ("gli", "li"),
    ("gn", "n"),
    ("c(?=[ei])", "x"),
    ("g(?=[ei])", "x"),
    ("qu", "k"),
    ("[cqg]", "k"),
    ("h", ""),
)
_PORTUGUESE = _rules(
    ("(?:ch|x)", "x"),
    ("lh", "l"),
    ("nh", "n"),
    ("^h", ""),
    ("(?:qu|gu)(?=[ei])", "k"),
    ("c(?=[ei])", "s"),
    ("g(?=[ei])", "j"),
    ("ss", "s"),
    ("(?:t|d)(?=i)", "t"),
    ("(?<=[aeiou])l(?=[^aeiou]|$)", "u"),
    ("m$", "n"),
    ("[cqg]", "k"),
)


def _key_by(rules: Rules) -> Callable[[str], str]:
    @lru_cache(maxsize=8192)
    def key(word: str) -> str:
        """Consonants as they sound in this language."""
        for pattern, sound in rules:
            word = pattern.sub(sound, word)
        return word

    return key


KEYS: dict[str, Callable[[str], str]] = {
    "english": english_key,
    "spanish": _key_by(_SPANISH),
    "french": _key_by(_FRENCH),
    "german": _key_by(_GERMAN),
    "italian": _key_by(_ITALIAN),
    "portuguese": _key_by(_PORTUGUESE),
}
"""By the name that a language's table gives under `say.phonetic`."""
