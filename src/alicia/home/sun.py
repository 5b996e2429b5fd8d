"""Sun: when it rises and sets at a place, by NOAA's solar equations.

Good to about a minute between the polar circles; near the horizon's edge there (a sun that only
just rises) to a few. Weather moves the real horizon by more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import acos, cos, degrees, radians, sin, tan

ZENITH_DEG = 90.833
"""Of the sun's centre when its upper edge is on the horizon, refraction included."""
DAY_S = 86400.0
_EPOCH = date(1970, 1, 1).toordinal()
_J2000_DAYS = 10957.5
"""From the epoch to noon on 1 January 2000."""


@dataclass(frozen=True, slots=True)
class Place:
    """In degrees; north and east are positive."""

    latitude: float
    longitude: float


def sunrise(day: date, place: Place) -> float | None:
    """Seconds since the epoch on this day of the place's own sun; None where it doesn't rise."""
    return _crossing(day, place, -1)


def sunset(day: date, place: Place) -> float | None:
    """As sunrise."""
    return _crossing(day, place, 1)


def _crossing(day: date, place: Place, side: int) -> float | None:
    midnight = (day.toordinal() - _EPOCH) * DAY_S
    moment = midnight + DAY_S / 2 - place.longitude / 360 * DAY_S
    for _ in range(3):  # the sun moves on until then: twice is enough below a second
        found = _from_midnight(moment, place, side)
        if found is None:
            return None
        moment = midnight + found
    return moment


def _from_midnight(moment: float, place: Place, side: int) -> float | None:
    """Seconds after midnight UTC, with the sun as it stands at this moment."""
    declination, equation_min = _sun(moment)
    latitude = radians(place.latitude)
    cosine = cos(radians(ZENITH_DEG)) / (cos(latitude) * cos(declination)) - tan(latitude) * tan(
        declination
    )
    if not -1 <= cosine <= 1:
        return None
    angle = degrees(acos(cosine))
    return (720 - 4 * place.longitude - equation_min + side * 4 * angle) * 60


def _sun(moment: float) -> tuple[float, float]:
    """Declination in radians, and the equation of time in minutes."""
    century = (moment / DAY_S - _J2000_DAYS) / 36525
    mean_longitude = (280.46646 + century * (36000.76983 + century * 0.0003032)) % 360
    anomaly = radians(357.52911 + century * (35999.05029 - century * 0.0001537))
    eccentricity = 0.016708634 - century * (0.000042037 + century * 0.0000001267)
    centre = (
        sin(anomaly) * (1.914602 - century * (0.004817 + century * 0.000014))
        + sin(2 * anomaly) * (0.019993 - century * 0.000101)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * century)
    longitude = radians(mean_longitude + centre - 0.00569 - 0.00478 * sin(node))
    tilt = radians(
        23.439291 - century * (0.013004167 + century * 0.00000016389) + 0.00256 * cos(node)
    )
    sine = sin(tilt) * sin(longitude)
    declination = radians(90 - degrees(acos(sine)))
    half = tan(tilt / 2) ** 2
    twice = radians(2 * mean_longitude)
    equation = (
        half * sin(twice)
        - 2 * eccentricity * sin(anomaly)
        + 4 * eccentricity * half * sin(anomaly) * cos(twice)
        - 0.5 * half**2 * sin(2 * twice)
        - 1.25 * eccentricity**2 * sin(2 * anomaly)
    )
    return declination, 4 * degrees(equation)
