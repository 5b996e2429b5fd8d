"""Sunrise and sunset, against tables that were not made with this code."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from alicia.home.sun import Place, sunrise, sunset

# By the library astral 3.2 (Apache-2.0), whose source is NOAA's too, to the minute.
KNOWN = (
    ("Europe/Berlin", Place(52.52, 13.405), "2026-03-20", "06:09", "18:19"),
    ("Europe/Berlin", Place(52.52, 13.405), "2026-06-21", "04:43", "21:33"),
    ("Europe/Berlin", Place(52.52, 13.405), "2026-12-21", "08:15", "15:54"),
    ("America/New_York", Place(40.7128, -74.006), "2026-06-21", "05:25", "20:30"),
    ("Asia/Tokyo", Place(35.68, 139.69), "2026-12-21", "06:47", "16:31"),
    ("Pacific/Auckland", Place(-36.85, 174.76), "2026-06-21", "07:34", "17:11"),
    ("America/Guayaquil", Place(-0.18, -78.47), "2026-09-23", "06:03", "18:09"),
)


@pytest.mark.parametrize(("zone", "place", "day", "rises", "sets"), KNOWN)
def test_the_sun_rises_and_sets_when_the_tables_say(
    zone: str, place: Place, day: str, rises: str, sets: str
) -> None:
    for found, known in ((sunrise, rises), (sunset, sets)):
        moment = found(date.fromisoformat(day), place)
        assert moment is not None
        wanted = datetime.fromisoformat(f"{day}T{known}").replace(tzinfo=ZoneInfo(zone))
        assert abs(moment - wanted.timestamp()) < 90, datetime.fromtimestamp(moment, ZoneInfo(zone))


def test_beyond_the_polar_circle_there_are_days_without_one() -> None:
    tromso = Place(69.65, 18.96)
    assert sunrise(date(2026, 12, 21), tromso) is None
    assert sunset(date(2026, 6, 21), tromso) is None
    assert sunrise(date(2026, 3, 20), tromso) is not None


def test_the_poles_themselves_are_no_error() -> None:
    assert sunrise(date(2026, 6, 21), Place(90, 0)) is None
    assert sunset(date(2026, 6, 21), Place(-90, 0)) is None
