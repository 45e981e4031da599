"""The possible starts of a range of days as rows: one byte, 0 or 1, for each start, the first start lowest.

A row is held as one big integer, so that `&`, `|` and `^` combine whole rows and `bit_count` counts starts.
Moments that come by the thousand are wall minutes: minutes since 1970 began on the wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from scheduler.domain.timeslot import OpenRange

DAY_MINUTES = 24 * 60
EPOCH = date(1970, 1, 1).toordinal()


def wall_minute(local: datetime) -> int:
    """The seconds are cut off."""
    return (local.toordinal() - EPOCH) * DAY_MINUTES + local.hour * 60 + local.minute


class StartGrid:
    """Starts every `grid_minutes` from midnight, on each day from `first_day` to `last_day`."""

    def __init__(self, first_day: date, last_day: date, grid_minutes: int) -> None:
        self.first_day = first_day
        self.days = (last_day - first_day).days + 1
        self.grid_minutes = grid_minutes
        self.per_day = DAY_MINUTES // grid_minutes
        self.size = self.days * self.per_day
        self.origin = datetime.combine(first_day, time.min)
        # A bytearray, because assigning a slice of bytes to a bytearray takes twice as long.
        self.ones = bytearray(b"\x01") * self.size
        self.everything = int.from_bytes(self.ones, "little")

    def row(self, ranges: Iterable[OpenRange]) -> int:
        """The starts strictly inside any of the ranges."""
        return self.row_of_slices(self.inside(after, before) for after, before in ranges)

    def before(self, moment: datetime) -> int:
        """The starts before `moment`."""
        return self.row_of_slices([slice(0, self.index_from(moment))])

    def row_of_minutes(self, parts: Iterable[tuple[int, int]]) -> int:
        """The starts from the one up to and without the other, both in minutes from the first midnight."""
        step = self.grid_minutes
        return self.row_of_slices(slice(max(-(-a // step), 0), max(-(-b // step), 0)) for a, b in parts)

    def row_around(self, moments: Iterable[int], *, before: int, after: int) -> int:
        """The starts less than `before` minutes before any of the moments, or less than `after` minutes after it."""
        row, ones, step = bytearray(self.size), self.ones, self.grid_minutes
        origin = wall_minute(self.origin)
        since, until = origin + before, origin - after
        for moment in moments:  # most of a search is spent here
            last = -((until - moment) // step)
            if last > 0:
                first = (moment - since) // step + 1
                if first < 0:
                    first = 0
                row[first:last] = ones[first:last]
        return int.from_bytes(row, "little")

    def row_of_slices(self, slices: Iterable[slice]) -> int:
        row = bytearray(self.size)
        for part in slices:
            row[part] = self.ones[part]
        return int.from_bytes(row, "little")

    def inside(self, after: datetime, before: datetime) -> slice:
        """The starts strictly between the two. Ends after the last start are fine: slices clip themselves."""
        since = after - self.origin
        first = since.days * self.per_day + since.seconds // (60 * self.grid_minutes) + 1
        return slice(max(first, 0), self.index_from(before))

    def index_from(self, moment: datetime) -> int:
        """Index of the first start at or after `moment`, and 0 for any earlier moment."""
        until = self.origin - moment  # the other way round, so that rounding down rounds the index up
        return max(-(until.days * self.per_day + until.seconds // (60 * self.grid_minutes)), 0)

    def index_of(self, start_local: datetime) -> int | None:
        """None when there is no such start on the grid."""
        since = start_local - self.origin
        index, rest = divmod(since, timedelta(minutes=self.grid_minutes))
        return index if not rest and 0 <= index < self.size else None

    def day(self, index: int) -> date:
        return self.first_day + timedelta(days=index)

    def starts_of(self, day: date) -> tuple[datetime, ...]:
        return _starts_of(day, self.grid_minutes)


@lru_cache(maxsize=128)
def start_grid(first_day: date, last_day: date, grid_minutes: int) -> StartGrid:
    """Grids never change, and the same days are asked for again and again."""
    return StartGrid(first_day, last_day, grid_minutes)


@lru_cache(maxsize=400)  # a horizon of 90 days, several grids: a few kilobytes a day, and most of the reading time
def _starts_of(day: date, grid_minutes: int) -> tuple[datetime, ...]:
    midnight = datetime.combine(day, time.min)
    return tuple(midnight + timedelta(minutes=minute) for minute in range(0, DAY_MINUTES, grid_minutes))
