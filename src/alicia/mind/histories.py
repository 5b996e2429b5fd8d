"""What a model was lately asked and answered at each satellite, so that one may go on about it.

In memory alone, and only what has been put to a model before: nothing leaves the home by a history
that had not left it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from alicia.contracts.conversation import Exchange

MOST = 8
"""Turns of a satellite that are kept."""


@dataclass(frozen=True, slots=True)
class _Kept:
    speaker: str | None
    exchange: Exchange
    at: float


class Histories:
    """By satellite; each turn is forgotten after a while. Times are of the monotonic clock."""

    def __init__(self, *, keep_s: float) -> None:
        self._keep_s = keep_s
        self._kept: dict[str, deque[_Kept]] = {}

    def of(self, satellite: str, speaker: str | None, now: float) -> list[Exchange]:
        """What was said there, the oldest first, without what is known to be another person's.

        Who is not recognized goes on with what was said last: of one person, if it is known whose.
        """
        kept = self._kept.get(satellite)
        if kept is None:
            return []
        found: list[Exchange] = []
        for one in reversed(kept):
            if now - one.at > self._keep_s:
                break
            speaker = speaker or one.speaker
            if one.speaker in (None, speaker):
                found.append(one.exchange)
        if now - kept[-1].at > self._keep_s:
            del self._kept[satellite]
        return found[::-1]

    def note(self, satellite: str, speaker: str | None, exchange: Exchange, now: float) -> None:
        """A turn is over that a model answered."""
        if self._keep_s > 0:
            kept = self._kept.setdefault(satellite, deque(maxlen=MOST))
            kept.append(_Kept(speaker, exchange, now))
