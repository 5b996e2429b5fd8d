"""When something is due: by the clock, across its changes, and by the sun."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicia.contracts.schedules import After, At, Becomes, Every, Sun, SunEvent, When
from alicia.errors import InvalidScheduleError, NoLocationError, PastScheduleError, SettingsError
from alicia.home.calendar import Calendar, zone_of
from alicia.home.sun import Place

BERLIN = Calendar(zone_of("Europe/Berlin"), Place(52.52, 13.405))
LORD_HOWE = Calendar(zone_of("Australia/Lord_Howe"))


def at(text: str, calendar: Calendar = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone).timestamp()


def times(
    when: When, now: str, count: int = 3, made: str | None = None, calendar: Calendar = BERLIN
) -> list[str]:
    found = calendar.preview(
        when, made_at=at(made or now, calendar), after=at(now, calendar), count=count
    )
    return [calendar.local(moment).isoformat(timespec="minutes") for moment in found]


def every(rule: str, now: str, count: int = 3, made: str | None = None) -> list[str]:
    return times(Every(rule=rule), now, count, made)


# ---- once ---------------------------------------------------------------------------------------


def test_so_long_from_now() -> None:
    assert times(After(seconds=600), "2026-11-30T12:00") == ["2026-11-30T12:10+01:00"]


def test_a_duration_is_as_long_as_it_is_whatever_the_clock_does() -> None:
    assert times(After(seconds=7200), "2026-03-29T01:00") == ["2026-03-29T04:00+02:00"]


def test_a_time_that_is_skipped_is_an_hour_later_by_the_clock() -> None:
    found = times(At(local="2026-03-29T02:30:00"), "2026-03-28T12:00")
    assert found == ["2026-03-29T03:30+02:00"]


def test_of_a_time_that_comes_twice_it_is_the_first() -> None:
    found = times(At(local="2026-10-25T02:30:00"), "2026-10-24T12:00")
    assert found == ["2026-10-25T02:30+02:00"]


def test_half_an_hour_is_skipped_where_the_clock_goes_by_half_hours() -> None:
    found = times(At(local="2026-10-04T02:15:00"), "2026-10-03T12:00", calendar=LORD_HOWE)
    assert found == ["2026-10-04T02:45+11:00"]


def test_what_is_over_is_refused() -> None:
    with pytest.raises(PastScheduleError):
        BERLIN.check(At(local="2026-11-30T11:59:00"), at("2026-11-30T12:00"))


@pytest.mark.parametrize("text", ["", "seven", "2026-13-01T00:00", "2026-11-30T12:00:00+01:00"])
def test_what_is_no_local_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidScheduleError):
        BERLIN.check(At(local=text), at("2026-11-30T12:00"))


# ---- again and again ----------------------------------------------------------------------------


def test_on_weekdays_at_seven() -> None:
    found = every("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=7;BYMINUTE=0", "2026-11-27T08:00")
    assert found == [
        "2026-11-30T07:00+01:00",
        "2026-12-01T07:00+01:00",
        "2026-12-02T07:00+01:00",
    ]


def test_what_a_rule_does_not_say_it_takes_from_when_it_was_made() -> None:
    assert every("FREQ=DAILY", "2026-11-30T14:03") == [
        "2026-12-01T14:03+01:00",
        "2026-12-02T14:03+01:00",
        "2026-12-03T14:03+01:00",
    ]


def test_every_second_week_stays_in_step_for_years() -> None:
    rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=7;BYMINUTE=0"
    once = every(rule, "2022-11-27T08:00", 120)
    later = every(rule, once[100][:16], 3, made="2022-11-27T08:00")
    assert later == once[101:104]


def test_the_last_day_of_each_month() -> None:
    assert every("FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=9;BYMINUTE=0", "2027-01-31T10:00") == [
        "2027-02-28T09:00+01:00",
        "2027-03-31T09:00+02:00",
        "2027-04-30T09:00+02:00",
    ]


def test_the_29th_of_february_comes_in_leap_years() -> None:
    found = every("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=8;BYMINUTE=0", "2026-11-30T10:00")
    assert [text[:4] for text in found] == ["2028", "2032", "2036"]


def test_daily_at_half_past_two_comes_once_on_each_day_of_a_change() -> None:
    spring = every("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-03-28T03:00")
    autumn = every("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-10-24T03:00")
    assert spring[:2] == ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]
    assert autumn[:2] == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_each_half_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    found = every("FREQ=MINUTELY;INTERVAL=30", "2026-10-25T01:40", 6, made="2026-10-25T01:00")
    assert found == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T03:00+01:00",
        "2026-10-25T03:30+01:00",
    ]


def test_each_half_hour_leaves_out_the_hour_that_is_skipped() -> None:
    assert every("FREQ=MINUTELY;INTERVAL=30", "2026-03-29T01:10", 2, made="2020-03-29T01:00") == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:00+02:00",
    ]


def test_at_some_minutes_of_some_hours() -> None:
    assert every("FREQ=HOURLY;BYMINUTE=0,30;BYHOUR=8,9;BYDAY=TU", "2026-11-24T08:10", 4) == [
        "2026-11-24T08:30+01:00",
        "2026-11-24T09:00+01:00",
        "2026-11-24T09:30+01:00",
        "2026-12-01T08:00+01:00",
    ]


def test_so_many_times_and_no_more() -> None:
    made = "2026-11-27T08:00"
    rule = "FREQ=DAILY;COUNT=3;BYHOUR=9;BYMINUTE=0"
    assert every(rule, made, 9) == [f"2026-11-{day}T09:00+01:00" for day in (27, 28, 29)]
    assert every(rule, "2026-11-28T12:00", 9, made=made) == ["2026-11-29T09:00+01:00"]


@pytest.mark.parametrize("until", ["20261129T080000Z", "20261129T090000", "20261129"])
def test_an_end_is_told_by_the_homes_clock_by_utc_or_as_a_day(until: str) -> None:
    found = every(f"FREQ=DAILY;UNTIL={until};BYHOUR=9;BYMINUTE=0", "2026-11-28T08:00", 9)
    assert found == ["2026-11-28T09:00+01:00", "2026-11-29T09:00+01:00"]


def test_a_rule_counts_from_its_own_beginning() -> None:
    when = Every(rule="FREQ=DAILY;INTERVAL=10", starting="2026-12-24T18:00:00")
    assert times(when, "2026-11-30T12:00", 2) == [
        "2026-12-24T18:00+01:00",
        "2027-01-03T18:00+01:00",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every day",
        "FREQ=SECONDLY",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=1000000",
        "FREQ=DAILY;BYHOUR=25",
        "FREQ=HOURLY;BYMINUTE=99",
        "FREQ=HOURLY;BYDAY=1TU",
        "FREQ=MINUTELY;BYMONTHDAY=1",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY\nEXDATE:20261129T090000",
    ],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(InvalidScheduleError):
        BERLIN.check(Every(rule=rule), at("2026-11-30T12:00"))


@pytest.mark.parametrize(
    "rule", ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MINUTELY;INTERVAL=7;BYHOUR=3;BYMINUTE=1"]
)
def test_a_rule_that_never_holds_ends(rule: str) -> None:
    found = every(rule + ";BYDAY=MO", "2026-11-24T08:00", made="2020-11-27T08:00")
    assert found == []


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(1_700_000_000, 1_900_000_000),
    rule=st.sampled_from(
        [
            "FREQ=HOURLY",
            "FREQ=MINUTELY;INTERVAL=20",
            "FREQ=DAILY;BYHOUR=2;BYMINUTE=30",
            "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2,3;BYMINUTE=0",
        ]
    ),
)
def test_who_goes_from_time_to_time_meets_them_all_once(start: float, rule: str) -> None:
    when = Every(rule=rule)
    at_once = BERLIN.preview(when, made_at=start, after=start, count=12)
    stepwise: list[float] = []
    moment: float | None = start
    while len(stepwise) < 12:
        moment = BERLIN.next(when, made_at=start, after=moment)
        assert moment is not None
        stepwise.append(moment)
    assert stepwise == at_once == sorted(set(at_once))


# ---- the sun, states, the zone ------------------------------------------------------------------


def test_half_an_hour_before_sunset_each_day() -> None:
    found = times(
        Sun(event=SunEvent.SUNSET, offset_s=-1800, repeat=True), "2026-11-24T15:20", count=2
    )
    assert found == ["2026-11-24T15:32+01:00", "2026-11-25T15:31+01:00"]


def test_once_is_the_next_sunrise() -> None:
    when = Sun(event=SunEvent.SUNRISE)
    made = "2026-11-24T16:00"
    assert times(when, made) == ["2026-11-25T07:45+01:00"]
    assert times(when, "2026-11-25T08:00", made=made) == []


def test_after_the_polar_night_the_sun_comes_back() -> None:
    north = Calendar(BERLIN.zone, Place(69.65, 18.96))
    when = Sun(event=SunEvent.SUNRISE, repeat=True)
    assert times(when, "2026-11-28T16:00", 1, calendar=north) == ["2027-01-15T11:35+01:00"]


def test_without_a_place_the_error_says_which_setting_to_make() -> None:
    nowhere = Calendar(BERLIN.zone)
    with pytest.raises(NoLocationError, match=r"latitude and longitude.*\[event_scheduler\]"):
        nowhere.check(Sun(event=SunEvent.SUNSET), at("2026-11-30T12:00"))


def test_a_state_says_itself_when_it_is_time() -> None:
    door = Becomes(entities=["lock.door"], capability="locked", value=False)
    assert BERLIN.check(door, 0) is None
    with pytest.raises(InvalidScheduleError):
        BERLIN.check(Becomes(entities=["lock.door"], capability="locked"), 0)
    with pytest.raises(InvalidScheduleError):
        BERLIN.check(door.model_copy(update={"above": 3.0}), 0)


def test_a_time_zone_that_is_none_is_a_setting_that_is_wrong() -> None:
    with pytest.raises(SettingsError, match="Europe/Berlin"):
        zone_of("Mars/Olympus")
    assert zone_of("").key
