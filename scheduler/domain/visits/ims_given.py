"""Whether IMS was given: who is asked, what was odd about it, and which of several visits count.

What has happened is never refused. Of two times that IMS was given too near each other the later one counts: every future
start that the earlier one forbids, it forbids as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Concern(StrEnum):
    """What was odd about IMS at the moment it was recorded. It stays with the visit, whatever is recorded later."""

    NOT_CLEARED = "not-cleared"
    MAY_NOT_NEEDLE = "may-not-needle"


def is_asked(*, is_ims: bool, may_needle: bool) -> bool:
    """At completion: of every visit that may have been IMS, whatever it is called."""
    return is_ims or may_needle


def concerns(*, cleared: bool, may_needle: bool) -> tuple[Concern, ...]:
    found = ((Concern.NOT_CLEARED, cleared), (Concern.MAY_NOT_NEEDLE, may_needle))
    return tuple(concern for concern, is_fine in found if not is_fine)


@dataclass(frozen=True, slots=True)
class Treated:
    """A visit at which IMS was given, or is taken to have been. `days`: how far the next one must be from it."""

    key: int
    moment: datetime
    days: int


def that_count(treated: Iterable[Treated], booked: Iterable[datetime]) -> set[int]:
    """The keys of those that count beside what is booked, which counts in any case: the later before the earlier."""
    counting = list(booked)
    found = set()
    for visit in sorted(treated, key=lambda visit: (visit.moment, visit.key), reverse=True):
        gap = timedelta(days=visit.days)
        if all(abs(visit.moment - other) >= gap for other in counting):
            counting.append(visit.moment)
            found.add(visit.key)
    return found


def days_after_the_last(moment: datetime, given: Iterable[datetime], *, min_days: int) -> int | None:
    """How many days after the last time before it IMS was given, by the calendar; none when that is far enough."""
    earlier = [other for other in given if other < moment]
    if not earlier or moment - max(earlier) >= timedelta(days=min_days):
        return None
    return (moment.date() - max(earlier).date()).days
