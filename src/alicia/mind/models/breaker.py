"""A circuit breaker: who failed repeatedly is left alone for a while, then tried once."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 3
"""In a row, after which it opens."""
REST_S = 30.0
LONGEST_S = 600.0
"""The longest rest that a server may ask for."""


class Breaker:
    """Of one provider."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        rest_s: float = REST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failed = 0
        self._open_until: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Nobody may ask now. After the rest one may, and decides."""
        if self._open_until is None:
            return False
        return self._trying or self._clock() < self._open_until

    def begin(self) -> None:
        """Somebody asks; followed by one of the other three."""
        self._trying = self._open_until is not None

    def succeeded(self) -> None:
        self._failed = 0
        self._open_until = None
        self._trying = False

    def failed(self, rest_s: float | None = None) -> None:
        """`rest_s`: it asked to be left alone for so long."""
        self._failed += 1
        if rest_s is not None:
            self._open_until = self._clock() + min(rest_s, LONGEST_S)
        elif self._trying or self._failed >= self._most:
            self._open_until = self._clock() + self._rest_s
        self._trying = False

    def given_up(self) -> None:
        """Who asked has left: nothing is known of the provider."""
        self._trying = False
