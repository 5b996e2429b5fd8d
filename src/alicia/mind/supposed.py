"""The home of another time, and how it is understood, as replays see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alicia.contracts.devices import HomeSnapshot

if TYPE_CHECKING:
    from alicia.home.model import Home
    from alicia.language.understanding import Understanding


class Supposed:
    """The home of another time, as replays see it: the last that was asked for."""

    def __init__(self) -> None:
        self.grammar = asyncio.Lock()
        self.languages: dict[str, Understanding] = {}
        self._taken: tuple[HomeSnapshot, Home] | None = None

    def take(self, then: HomeSnapshot) -> Home:
        from alicia.home.model import Home  # noqa: PLC0415 - heavy

        if self._taken is None or self._taken[0] != then:
            self._taken = then, Home.of(then)
        return self._taken[1]
