"""How English words sound, roughly: enough to tell a mishearing from another word."""

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


KEYS: dict[str, Callable[[str], str]] = {"english": english_key}
"""By the name that a language's table gives under `snap.phonetic`."""
