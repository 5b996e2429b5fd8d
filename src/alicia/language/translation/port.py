"""The port to whoever translates: which pairs it has, and one text at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pair:
    source: str
    to: str
    """Languages of the nine, never the same one."""


class Translator(Protocol):
    """One way to translate."""

    @property
    def name(self) -> str: ...

    @property
    def pairs(self) -> frozenset[Pair]:
        """What it can translate now; empty where it lacks something."""
        ...

    @property
    def lacks(self) -> str | None:
        """What keeps it from translating, for a person; None where nothing is known to."""
        ...

    @property
    def leaves_home(self) -> bool:
        """Whether the text is sent to somebody else's server."""
        ...

    async def translate(self, text: str, pair: Pair, *, within_s: float) -> str:
        """The translation. `[1]`, `[2]`, … in the text stand for names, and are kept as they are.

        Raises LanguageError or UpstreamError, BusError where it is asked over the bus.
        """
        ...
