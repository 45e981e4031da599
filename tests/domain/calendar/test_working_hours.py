"""Stretches of a weekly pattern that touch or pass midnight."""

from datetime import date, datetime, time, timedelta

import pytest

from scheduler.domain.booking.availability import WeeklyHours
from scheduler.domain.calendar.working_hours import is_within, require_apart, stretches_of, without
from scheduler.domain.errors import Invalid

MONDAY = date(2026, 11, 30)


def hours(weekday: int, opens: str, closes: str, first: date | None = None, last: date | None = None) -> WeeklyHours:
    return WeeklyHours(1, weekday, time.fromisoformat(opens), time.fromisoformat(closes), first, last)


def at(clock_time: str, *, days: int = 0) -> datetime:
    return datetime.combine(MONDAY + timedelta(days=days), time.fromisoformat(clock_time))


@pytest.mark.parametrize(
    ("starts", "ends", "inside"),
    [
        (at("08:59"), at("09:30"), False),
        (at("09:00"), at("09:30"), True),
        (at("11:45"), at("12:15"), True),  # two stretches that touch
        (at("16:31"), at("17:01"), False),
        (at("23:45"), at("00:15", days=1), True),  # past midnight
        (at("01:30", days=1), at("02:00", days=1), True),
        (at("01:45", days=1), at("02:15", days=1), False),
        (at("09:00", days=7), at("09:30", days=7), False),  # after their last day
    ],
)
def test_a_visit_lies_inside_hours_that_touch_or_pass_midnight(starts: datetime, ends: datetime, inside: bool) -> None:
    weekly = [
        hours(0, "12:00", "17:00", last=MONDAY),
        hours(0, "09:00", "12:00", last=MONDAY),
        hours(0, "22:00", "02:00", last=MONDAY),
    ]
    assert is_within(weekly, starts, ends) == inside


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([], [("09:00", "17:00")]),
        ([("09:00", "12:00")], [("12:00", "17:00")]),
        ([("10:00", "11:00"), ("16:00", "18:00")], [("09:00", "10:00"), ("11:00", "16:00")]),
        ([("08:00", "18:00")], []),
        ([("17:00", "18:00")], [("09:00", "17:00")]),
    ],
)
def test_what_is_left_of_a_day(taken: list[tuple[str, str]], left: list[tuple[str, str]]) -> None:
    day = stretches_of([hours(0, "09:00", "17:00"), hours(1, "09:00", "17:00")], MONDAY)
    assert without(day, [(at(a), at(b)) for a, b in taken]) == [(at(a), at(b)) for a, b in left]


@pytest.mark.parametrize(
    ("new", "overlap"),
    [
        (hours(0, "17:00", "18:00"), False),
        (hours(0, "16:59", "18:00"), True),
        (hours(6, "22:00", "09:00"), False),  # Sunday night until Monday's begin
        (hours(6, "22:00", "09:01"), True),
        (hours(0, "10:00", "11:00", first=MONDAY + timedelta(days=1)), False),  # the others have ended
    ],
)
def test_hours_that_overlap_others_are_refused(new: WeeklyHours, overlap: bool) -> None:
    here = [hours(0, "09:00", "17:00", last=MONDAY)]
    if overlap:
        with pytest.raises(Invalid, match="overlap"):
            require_apart([new], here)
    else:
        require_apart([new], here)
    with pytest.raises(Invalid, match="overlap"):
        require_apart([new, new], here)
