"""Arbitration: several satellites heard one wake word, and one of them answers.

The first detection claims the turn at once. A clearly better one within the window revokes it;
every other is told that it is answered elsewhere. Times are the router's own, less the age that
each detection says it has: no clock of a satellite's is asked.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from alicia.contracts.voice import Wake

UNKNOWN_DB = -60.0
"""The loudness of who tells none: as if it were far."""
SCORE_DB = 20.0
"""What a surer detector is worth: 0.1 of score is as good as 2 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    window_s: float = 0.3
    """How long after the first claim a better detection may still revoke it."""
    same_wake_s: float = 1.5
    """Detections nearer than this in one earshot are of one wake word."""
    clearly_db: float = 3.0
    """How much better is clearly better."""
    earshot: tuple[frozenset[str], ...] = ()
    """Areas that hear each other. Without any, everybody hears everybody."""

    def group(self, area_id: str | None) -> frozenset[str]:
        """Who hears the same: areas in no group hear only themselves where there are groups."""
        if not self.earshot:
            return frozenset()
        own = frozenset({area_id or ""})
        return next((areas for areas in self.earshot if area_id in areas), own)


class Verdict(Enum):
    CLAIMED = "claimed"
    REVOKES = "revokes"
    """Claimed, and the turn that had it must be ended first."""
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    loser: str | None = None
    """The turn that is revoked."""


@dataclass(slots=True)
class Claim:
    turn_id: str
    satellite: str
    wake: Wake
    group: frozenset[str]
    first_at: float
    """When the group's first detection came in."""
    heard_at: float
    """When the word was heard, as far as its age tells."""
    settled: bool = False
    """It can't be revoked any more: what was said is known."""


@dataclass(slots=True)
class Arbiter:
    """The claims of a house. `now` is a monotonic clock of the caller's."""

    rules: Rules = field(default_factory=Rules)
    _claims: deque[Claim] = field(default_factory=deque[Claim])

    def detect(
        self, turn_id: str, satellite: str, wake: Wake, area_id: str | None, now: float
    ) -> Decision:
        """Who answers. The same turn asked again gets the same answer."""
        while self._claims and now - self._claims[0].first_at > 4 * self.rules.same_wake_s + 5:
            self._claims.popleft()
        group, heard_at = self.rules.group(area_id), now - wake.age_ms / 1000
        for claim in self._claims:
            if claim.turn_id == turn_id:
                return Decision(Verdict.CLAIMED)
        rival = self._rival(group, wake.word, heard_at, satellite)
        new = Claim(turn_id, satellite, wake, group, now, heard_at)
        if rival is None:
            self._claims.append(new)
            return Decision(Verdict.CLAIMED)
        late = now - rival.first_at > self.rules.window_s
        better = merit(wake) - merit(rival.wake) >= self.rules.clearly_db
        if late or rival.settled or not better:
            return Decision(Verdict.ELSEWHERE)
        # The window and the wake stay those of the first: who revokes can be revoked, not for ever.
        new.first_at, new.heard_at = rival.first_at, rival.heard_at
        self._claims[self._claims.index(rival)] = new
        return Decision(Verdict.REVOKES, rival.turn_id)

    def settle(self, turn_id: str) -> None:
        """What was said in this turn is known: it keeps the claim."""
        for claim in self._claims:
            if claim.turn_id == turn_id:
                claim.settled = True

    def _rival(
        self, group: frozenset[str], word: str, heard_at: float, satellite: str
    ) -> Claim | None:
        near = (
            claim
            for claim in self._claims
            if claim.group == group
            and claim.wake.word == word
            and claim.satellite != satellite
            and abs(heard_at - claim.heard_at) < self.rules.same_wake_s
        )
        return min(near, key=lambda claim: abs(heard_at - claim.heard_at), default=None)


def merit(wake: Wake) -> float:
    """How well it was heard: the nearer satellite hears it louder, and is surer of it."""
    level = UNKNOWN_DB if wake.level_db is None else wake.level_db
    return level + SCORE_DB * wake.score
