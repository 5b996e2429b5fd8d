"""What was spent on models, by day, kept over restarts; and the most that a day may cost.

Instances share the file, so together they keep the cap but for what is under way at that moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alicia.errors import QuotaError
from alicia.mind.models.port import Usage
from alicia.storage.database import Database

_MIGRATIONS = (
    (
        """CREATE TABLE spent (
            day TEXT NOT NULL, provider TEXT NOT NULL, requests INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, usd REAL NOT NULL,
            PRIMARY KEY (day, provider)
        ) STRICT""",
    ),
)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input_usd: float
    output_usd: float

    def of(self, usage: Usage) -> float:
        spent = usage.input_tokens * self.input_usd + usage.output_tokens * self.output_usd
        return spent / 1_000_000


class Costs:
    """The account of one day after another, by the days of this home's time zone."""

    def __init__(
        self, path: Path | None, *, cap_usd: float, clock: Callable[[], float] = time.time
    ) -> None:
        """Blocking. Without a path it is kept in memory. Raises SetupError."""
        self.cap_usd = cap_usd
        self._clock = clock
        self._database = Database(path, _MIGRATIONS)
        self._reserved_usd = 0.0

    async def reserve(self, most_usd: float) -> None:
        """Set this much aside until `settle`. Raises QuotaError where the day has less left."""
        left = self.cap_usd - await self.spent() - self._reserved_usd
        if most_usd > 0 and most_usd > left:
            raise QuotaError(cap_usd=self.cap_usd, left_usd=round(max(0.0, left), 4))
        self._reserved_usd += most_usd

    async def settle(self, reserved_usd: float, provider: str, usage: Usage, usd: float) -> None:
        """What it came to, in place of what was set aside."""
        try:
            await asyncio.to_thread(self._add, provider, usage, usd)
        finally:
            self._reserved_usd -= reserved_usd

    async def spent(self) -> float:
        """US dollars, today."""
        return await asyncio.to_thread(self._sum)

    def close(self) -> None:
        self._database.close()

    def _day(self) -> str:
        return datetime.fromtimestamp(self._clock()).astimezone().date().isoformat()

    def _sum(self) -> float:
        with self._database.transaction() as rows:
            (total,) = rows.execute(
                "SELECT ifnull(sum(usd), 0) FROM spent WHERE day = ?", (self._day(),)
            ).fetchone()
        return float(total)

    def _add(self, provider: str, usage: Usage, usd: float) -> None:
        with self._database.transaction() as rows:
            rows.execute(
                "INSERT INTO spent VALUES (?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " requests = requests + 1, input_tokens = input_tokens + excluded.input_tokens,"
                " output_tokens = output_tokens + excluded.output_tokens, usd = usd + excluded.usd",
                (self._day(), provider, usage.input_tokens, usage.output_tokens, usd),
            )
