"""The home of another time, as replays see it: the last that was asked for."""

from __future__ import annotations

import asyncio

from alicia.contracts.devices import HomeSnapshot
from alicia.home.model import Home
from alicia.language.understanding import Understanding


class Supposed:
    def __init__(self) -> None:
        self.grammar = asyncio.Lock()
        self.languages: dict[str, Understanding] = {}
        self._taken: tuple[HomeSnapshot, Home] | None = None

    def take(self, then: HomeSnapshot) -> Home:
        if self._taken is None or self._taken[0] != then:
            self._taken = then, Home.of(then)
        return self._taken[1]
