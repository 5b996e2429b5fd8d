"""Supposed: the home of another time, as replays see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alicia.contracts.devices import HomeSnapshot
    from alicia.home.model import Home
    from alicia.language.understanding import Understanding


class Supposed:
    """The last that was asked for, with the languages that understand by it."""

    def __init__(self) -> None:
        self.grammar = asyncio.Lock()
        self.languages: dict[str, Understanding] = {}
        self._taken: tuple[HomeSnapshot, Home] | None = None

    def take(self, then: HomeSnapshot) -> Home:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy

        if self._taken is None or self._taken[0] != then:
            self._taken = then, Home.of(then)
        return self._taken[1]
