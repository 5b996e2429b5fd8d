"""What takes long to load and is changed by no test: loaded once for a whole run."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from alicia.language.understanding import Understanding

PUBLIC = ("prewarm", "recognize", "complete", "preview", "likely", "twins", "sentences")


class _Shared(Understanding):
    """One call at a time: each begins with the home that it is about.

    A house that has been left may still be taking names up, in a thread, when the next one asks.
    """

    def __init__(self, language: str) -> None:
        self._calls = threading.RLock()
        super().__init__(language)


def _one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def waiting(self: Any, *given: Any, **named: Any) -> Any:
        with self._calls:
            return method(self, *given, **named)

    return waiting


for _name in PUBLIC:
    setattr(_Shared, _name, _one_at_a_time(getattr(Understanding, _name)))

understanding: Callable[[str], Understanding] = functools.lru_cache(_Shared)
"""One of each language. It takes up the names of whatever home it is asked about."""
