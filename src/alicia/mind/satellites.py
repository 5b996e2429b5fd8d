"""Who can be spoken to: the satellites that are here, where to be heard, and how loud."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from alicia.contracts.satellites import SatelliteHere, Targets
from alicia.errors import SettingsError

_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of each day, `22:00-07:00`; none where it is empty."""

    start: time | None = None
    end: time | None = None

    @classmethod
    def of(cls, text: str) -> QuietHours:
        """Raises SettingsError."""
        if not text.strip():
            return cls()
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise SettingsError("Quiet hours are written like 22:00-07:00.", given=text)
        hours = [int(part) for part in found.groups()]
        return cls(time(hours[0], hours[1]), time(hours[2], hours[3]))

    def at(self, now: datetime) -> bool:
        if self.start is None or self.end is None:
            return False
        moment = now.time()
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def volumes(text: str) -> dict[str, float]:
    """`kitchen=0.5,bedroom=0.3`: a volume by satellite or area. Raises SettingsError."""
    found: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = min(1.0, max(0.0, float(value)))
        except ValueError as error:
            raise SettingsError("Volumes are written like kitchen=0.5.", given=part) from error
    return found


def earshot(text: str) -> tuple[frozenset[str], ...]:
    """`kitchen+dining,hall+stairs`: areas that hear each other."""
    groups = (frozenset(filter(None, map(str.strip, g.split("+")))) for g in text.split(","))
    return tuple(group for group in groups if group)


class Directory:
    """The satellites that have said that they are here, each for as long as its lease lasts."""

    def __init__(self, *, lease_s: float) -> None:
        self._lease_s = lease_s
        self._here: dict[str, tuple[SatelliteHere, float]] = {}
        self.last: str | None = None
        """Where somebody spoke last."""

    def put(self, here: SatelliteHere, now: float) -> None:
        self._here[here.satellite] = here, now

    def gone(self, instance: str) -> None:
        """An instance went away."""
        self._here = {k: v for k, v in self._here.items() if v[0].instance != instance}

    def get(self, satellite: str, now: float) -> SatelliteHere | None:
        found = self._here.get(satellite)
        return found[0] if found is not None and now - found[1] < self._lease_s else None

    def all(self, now: float) -> list[SatelliteHere]:
        return [here for here, at in self._here.values() if now - at < self._lease_s]

    def choose(self, targets: Targets, now: float) -> tuple[list[SatelliteHere], list[str]]:
        """Satellites to be heard at, and the names among the targets where there is none.

        Without any target: where somebody spoke last; everywhere, where nobody has.
        """
        here = [satellite for satellite in self.all(now) if satellite.plays]
        if targets.everywhere:
            return here, []
        if not targets.satellites and not targets.areas:
            nearest = [satellite for satellite in here if satellite.satellite == self.last]
            return nearest or here, []
        chosen = [
            satellite
            for satellite in here
            if satellite.satellite in targets.satellites or satellite.area_id in targets.areas
        ]
        found = {s.satellite for s in chosen} | {f"{s.area_id}" for s in chosen}
        missing = [name for name in (*targets.satellites, *targets.areas) if name not in found]
        return chosen, missing
