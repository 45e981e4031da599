"""Moments as the API writes them: RFC 3339 with the clinic's offset out, with any offset in.

A wall-clock time without an offset is refused: it says nothing about the zone that the caller had in mind, and one
hour of every year would mean two moments.
"""

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from scheduler import clock

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,12})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}", re.ASCII)


def to_wall_clock(text: str, zone: ZoneInfo) -> datetime:
    """What the clinic's clock shows at that moment. ValueError for anything but RFC 3339."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("not a moment")
    try:
        at = datetime.fromisoformat(text.upper())
        return clock.to_local(at, zone)
    except OverflowError:  # the first and last hours of the calendar: far from anything that can be booked
        return at.replace(tzinfo=None)


def to_day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError("not a day")
    return date.fromisoformat(text)


def to_time(text: str) -> time:
    """A time of day, to the minute: seconds cut off would let a later visit come seconds too soon."""
    if not _TIME.fullmatch(text):
        raise ValueError("not a time")
    return time.fromisoformat(text)


def moment(local: datetime, zone: ZoneInfo) -> str:
    """A wall-clock time with the offset that holds then."""
    return local.isoformat(timespec="seconds") + offset(local, zone)


def moment_after(local: datetime, minutes: int, zone: ZoneInfo) -> str:
    """The end of something that takes `minutes`: an hour later than the wall clock says where the clocks change."""
    ends_at = clock.to_utc_or_near(local, zone) + timedelta(minutes=minutes)
    return moment_at(ends_at, zone)


def moment_at(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def offset(local: datetime, zone: ZoneInfo) -> str:
    """ "-05:00"."""
    return _offset_of_day(local.date(), zone) or clock.to_utc_or_near(local, zone).astimezone(zone).isoformat()[-6:]


@lru_cache(maxsize=1000)
def _offset_of_day(day: date, zone: ZoneInfo) -> str | None:
    """None on a day with two offsets."""
    midnight = datetime.combine(day, time.min)
    ends = {
        clock.to_utc_or_near(end, zone).astimezone(zone).isoformat()[-6:]
        for end in (midnight, midnight + timedelta(hours=23, minutes=59))
    }
    return ends.pop() if len(ends) == 1 else None
