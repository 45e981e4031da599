"""Stretches of a practitioner's weekly pattern, which may touch each other or pass midnight. All on the clinic's wall clock."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from scheduler.domain.booking.availability import WeeklyHours
from scheduler.domain.errors import Invalid

Stretch = tuple[datetime, datetime]
LONGEST_NIGHT = timedelta(hours=12)
"""Longer hours past midnight are a slip: "9:00 to 5:00" with an am for a pm would offer patients the small hours."""
A_DAY = timedelta(days=1)


def is_within(hours: Iterable[WeeklyHours], starts: datetime, ends: datetime) -> bool:
    """Inside one practitioner's working hours."""
    return any(opens <= starts and ends <= closes for opens, closes in _merged(hours, starts.date()))


def stretches_of(hours: Iterable[WeeklyHours], day: date) -> list[Stretch]:
    """Those that begin on `day`."""
    return [
        stretch(day, hour.opens, hour.closes)
        for hour in hours
        if hour.weekday == day.weekday() and (hour.valid_from or date.min) <= day <= (hour.valid_until or date.max)
    ]


def stretch(day: date, opens: time, closes: time) -> Stretch:
    """`closes` at or before `opens` is on the next day."""
    ends = datetime.combine(day, closes)
    return datetime.combine(day, opens), ends if closes > opens else ends + A_DAY


def without(stretches: Sequence[Stretch], taken: Sequence[Stretch]) -> list[Stretch]:
    """What is left of the stretches."""
    left = list(stretches)
    for begins, ends in taken:
        left = [
            part
            for opens, closes in left
            for part in ((opens, min(closes, begins)), (max(opens, ends), closes))
            if part[0] < part[1]
        ]
    return left


def require_a_shift(opens: time, closes: time) -> None:
    if opens == closes:
        raise Invalid({"closes": "Begin and end are the same."})
    begins, ends = stretch(date.min, opens, closes)
    if time.min < closes < opens and ends - begins > LONGEST_NIGHT:
        raise Invalid({"closes": "These hours would last far past midnight. Check morning and afternoon."})


def require_apart(added: Sequence[WeeklyHours], here: Sequence[WeeklyHours]) -> None:
    """None of one practitioner's `added` overlaps another, nor those `here` already."""
    for place, new in enumerate(added):
        if any(_clash(new, other) for other in (*here, *added[:place])):
            raise Invalid({"opens": "These hours overlap others. End those first."})


def _clash(new: WeeklyHours, other: WeeklyHours) -> bool:
    if (new.valid_until or date.max) < (other.valid_from or date.min):
        return False
    if (other.valid_until or date.max) < (new.valid_from or date.min):
        return False
    some_monday = date(2001, 1, 1)
    ours, theirs = (
        [
            (opens + week, closes + week)
            for week in (timedelta(days=-7), timedelta(), timedelta(days=7))
            for opens, closes in [stretch(some_monday + timedelta(days=hours.weekday), hours.opens, hours.closes)]
        ]
        for hours in (new, other)
    )
    return any(begins < closes and opens < ends for begins, ends in ours for opens, closes in theirs)


def _merged(hours: Iterable[WeeklyHours], day: date) -> list[Stretch]:
    """About `day`, those that touch made one."""
    weekly = list(hours)
    near = [one for first in (day - A_DAY, day, day + A_DAY) for one in stretches_of(weekly, first)]
    merged: list[Stretch] = []
    for opens, closes in sorted(near):
        if merged and opens <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], closes)
        else:
            merged.append((opens, closes))
    return merged
