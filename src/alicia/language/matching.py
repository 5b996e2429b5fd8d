"""Matching: what the two ways to compare sentences, by words and by signs, have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

NEVER = float("inf")


class Entry(NamedTuple):
    """A sentence that can be said, ready to be compared with."""

    text: str
    sound: str
    parts: tuple[str, ...]
    """Words, or the readings of its parts."""
    weight: float
    """The distance at which nothing is alike."""


class Near(NamedTuple):
    distance: float
    at: int
    """Place in the pool."""


class Matcher(Protocol):
    margin: float
    """How much nearer the best must be than one that does something else."""
    tie: float
    """Within this two are as near as each other."""
    threshold: float
    """Likeness from which a sentence is taken."""

    def prepared(self, bare: str, segments: Sequence[str]) -> Entry: ...

    def alike(
        self, heard: str, index: dict[str, list[str]], *, most: int
    ) -> list[tuple[float, int]]:
        """Likeness and place of those that look or sound most alike, however unlike they are."""
        ...

    def near(
        self, heard: str, pool: Sequence[Entry], index: dict[str, list[str]]
    ) -> list[Near]: ...
