"""How a time is written on the command line."""

from __future__ import annotations

import pytest

from alicia.cli.schedule import _seconds, _span, _when
from alicia.contracts.schedules import After, At, Every, Sun, SunEvent
from alicia.errors import InvalidScheduleError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2h3m4s", 7384)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds
    assert _when(text, None, None, None, 0, daily=False) == After(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "-5", "5x", "ten minutes", "9999999h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidScheduleError, match="1h30m"):
        _seconds(text)


def test_a_time_of_day_is_the_next_one_by_the_homes_clock() -> None:
    rule = "FREQ=DAILY;COUNT=1;BYHOUR=7;BYMINUTE=5"
    assert _when(None, "7:05", None, None, 0, daily=False) == Every(rule=rule)
    day = "2026-12-24T18:30"
    assert _when(None, day, None, None, 0, daily=False) == At(local=day)


def test_the_sun_with_an_offset_in_minutes() -> None:
    found = _when(None, None, None, SunEvent.SUNSET, -30, daily=True)
    assert found == Sun(event=SunEvent.SUNSET, offset_s=-1800, repeat=True)


@pytest.mark.parametrize("given", [(None, None, None, None), ("5m", "7:00", None, None)])
def test_exactly_one_time_is_told(given: tuple[str | None, str | None, None, None]) -> None:
    with pytest.raises(InvalidScheduleError, match="--in"):
        _when(*given, 0, daily=False)


def test_what_is_left_is_shown_as_a_clock_does() -> None:
    assert _span(5025) == "1:23:45"
