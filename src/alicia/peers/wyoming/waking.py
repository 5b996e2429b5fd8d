"""Wake words for Wyoming clients, as far as the craft of them is here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A wake word that can be listened for."""

    name: str
    phrase: str
    language: str


def words() -> list[Word]:
    """Those that can be listened for on this machine."""
    return []
