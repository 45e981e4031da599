"""Zones and now. Wall clock values are naive and named `…_local`; instants are aware UTC and named `…_at`."""

from __future__ import annotations

import time as _time
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # ships no types

from scheduler.domain.timeslot import TimeSlot

# The machine's zone files may be years old and disagree with the pinned package: read the package alone.
zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

MIN_TZDATA = "2026f"
"""The release in requirements.lock. British Columbia, Alberta and Manitoba changed their rules in 2026."""


class ZoneDataTooOld(RuntimeError):
    """The tzdata package is older than the one the service was tested with."""


class UnknownZone(ValueError):
    """The pinned tzdata package has no zone of this name."""


class ClockChangeTime(ValueError):
    """A wall clock time that names no instant, or two."""

    def __init__(self, local: datetime, zone: ZoneInfo) -> None:
        super().__init__(f"{local:%Y-%m-%d %H:%M} in {zone.key}")
        self.local = local


class NonexistentTime(ClockChangeTime):
    """The clocks go forward over it."""


class AmbiguousTime(ClockChangeTime):
    """The clocks go back over it: it exists twice."""


def steady() -> float:
    """Seconds: never set back, and counted on while the machine is asleep, where the system has such a clock."""
    return _time.clock_gettime(_STEADY)


_STEADY: int = getattr(_time, "CLOCK_BOOTTIME", _time.CLOCK_MONOTONIC)


def now() -> datetime:
    """The only reader of the clock."""
    return datetime.now(UTC)


def require_zone_data(installed: str = tzdata.IANA_VERSION) -> None:
    """Refuse to start on zone rules older than `MIN_TZDATA` (releases sort as text, 2026f before 2027a)."""
    if installed < MIN_TZDATA:
        raise ZoneDataTooOld(
            f"tzdata {installed} is installed, {MIN_TZDATA} or newer is needed: "
            "`make setup` installs the locked packages."
        )


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (
        zoneinfo.ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ) as error:  # OSError: a folder such as "America"
        raise UnknownZone(f"{name!r} is not a time zone such as America/Toronto.") from error


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The one instant at which the clinic's clock shows `local`. Refuses a time that exists not once."""
    first, second = (_offset(local.replace(fold=fold), zone) for fold in (0, 1))
    if first < second:
        raise NonexistentTime(local, zone)
    if first > second:
        raise AmbiguousTime(local, zone)
    try:
        return _instant(local, first)
    except OverflowError as error:  # the last hours of the year 9999
        raise NonexistentTime(local, zone) from error


def to_utc_or_near(local: datetime, zone: ZoneInfo) -> datetime:
    """For due times, where an hour does not matter: a skipped time is read as if the clocks had not changed
    yet, and of a doubled one the first is taken."""
    return _instant(local, _offset(local.replace(fold=0), zone))


def on(zone: ZoneInfo) -> Callable[[datetime], datetime]:
    """A wall clock time as it is, or the first after it that the clock of `zone` shows exactly once."""

    def shown(local: datetime) -> datetime:
        changes = clock_changes(local.date(), local.date(), zone)
        return next((each.end for each in changes if each.start <= local < each.end), local)

    return shown


def to_local(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clinic's clock shows at the instant `at`."""
    if at.tzinfo is None:
        raise ValueError(f"an instant needs a zone: {at}")
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def clock_changes(first_day: date, last_day: date, zone: ZoneInfo) -> list[TimeSlot]:
    """Wall clock intervals that don't exist or exist twice, of those touching these days (both included)."""
    begin = datetime.combine(first_day, time.min)
    end = datetime.combine(last_day, time.min) + timedelta(days=1)
    return [
        change
        for change in _changes(begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC), zone)
        if change.start < end and change.end > begin
    ]


def _changes(begin_at: datetime, end_at: datetime, zone: ZoneInfo) -> Iterator[TimeSlot]:
    """Compares the offset day by day; no zone changes its clocks twice within a day and back again."""
    day = timedelta(days=1)
    before_at = begin_at - 2 * day  # wall clocks are up to 14 hours from UTC, and a change moves them by up to a day
    before = to_local(before_at, zone) - before_at.replace(tzinfo=None)
    while before_at < end_at + 2 * day:
        after_at = before_at + day
        after = to_local(after_at, zone) - after_at.replace(tzinfo=None)
        if before != after:
            change = _first_instant_of(after, before_at, after_at, zone).replace(tzinfo=None)
            yield TimeSlot(change + min(before, after), change + max(before, after))
        before_at, before = after_at, after


def _first_instant_of(offset: timedelta, before_at: datetime, after_at: datetime, zone: ZoneInfo) -> datetime:
    """Bisects to the second."""
    while after_at - before_at > timedelta(seconds=1):
        middle = (before_at + (after_at - before_at) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after_at = middle
        else:
            before_at = middle
    return after_at


def _offset(local: datetime, zone: ZoneInfo) -> timedelta:
    offset = local.replace(tzinfo=zone).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always knows
    return offset


def _instant(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC, fold=0)
