"""Which starts can be booked: working hours less closures, time off, appointments and full rooms, on a grid.

All of it is one question asked in bulk: a start is forbidden when it lies strictly between two moments. An
appointment from 10:00 to 10:45 forbids a visit of 30 + 15 minutes every start between 09:15 and 10:45; a
counting visit forbids those within seven days. So each practitioner and room has a row with one byte for each
start of the whole range, a forbidden interval is one slice of it, and whole rows are combined as integers:
nothing loops over minutes, days or starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from scheduler.domain.booking.offer import HiddenReason, Offer, OfferedStart
from scheduler.domain.booking.start_grid import DAY_MINUTES, StartGrid, start_grid
from scheduler.domain.timeslot import OpenRange, TimeSlot

__all__ = [
    "Absence",
    "Busy",
    "HiddenReason",
    "Offer",
    "OfferedStart",
    "SlotSearch",
    "WeeklyHours",
    "find_offer",
]


class WeeklyHours(NamedTuple):
    """A practitioner works every `weekday` (Monday 0) from `opens`; `closes` at or before it is next day.

    So `closes=time.min` is midnight at the end of the day. Valid on days from `valid_from` to `valid_until`,
    both included; None is without limit. A tuple, because each search looks up all of them in its cache.
    """

    practitioner_id: int
    weekday: int
    opens: time
    closes: time
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """Time off, or with no practitioner a closure of the clinic. No visit may touch it."""

    practitioner_id: int | None
    start_local: datetime
    end_local: datetime


class Busy(NamedTuple):
    """Active appointments that take equally long (`minutes`, buffer included), of one practitioner in one room.

    `starts` are wall minutes (start_grid.py). Together, because a search may read thousands.
    """

    practitioner_id: int | None
    room_id: int | None
    minutes: int
    starts: Sequence[int]


@dataclass(frozen=True, slots=True)
class SlotSearch:
    """Looks for starts on `first_day` to `last_day`, from `earliest_local` until just before `latest_local`.

    The visit itself lies inside working hours; its buffer need only be free of other appointments. The order
    of `practitioners` is the order of equal starts in the offer.
    """

    first_day: date
    last_day: date
    minutes: int
    buffer_minutes: int
    practitioners: tuple[int, ...]
    rooms: tuple[int, ...]
    earliest_local: datetime
    latest_local: datetime
    grid_minutes: int = 15

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("a search must not end before it begins")
        if self.minutes <= 0 or self.buffer_minutes < 0 or self.grid_minutes <= 0:
            raise ValueError("a visit and the grid need minutes")
        if DAY_MINUTES % self.grid_minutes:
            raise ValueError("the grid must divide a day, so that every day has the same starts")


def find_offer(
    search: SlotSearch,
    hours: Iterable[WeeklyHours],
    absences: Iterable[Absence],
    busy: Iterable[Busy],
    clock_changes: Iterable[TimeSlot] = (),
) -> Offer:
    """Everything on offer to anybody. `busy` in any order.

    Hand in what touches the days around the range too: visits may pass midnight. A query may merge appointments
    that touch, for practitioners and for rooms apart (None for the other): the answer is the same.
    """
    grid = start_grid(search.first_day, search.last_day, search.grid_minutes)
    in_hours, past_closing = _hours_rows(search.minutes, search.practitioners, tuple(hours), grid)
    closed, away = _absence_rows(search, absences, grid)
    practitioners_busy, rooms_busy = _busy_rows(search, busy, grid)
    no_room = grid.everything
    for room_busy in rooms_busy:
        no_room &= room_busy
    length = timedelta(minutes=search.minutes)
    clock_change = grid.row(OpenRange(change.start - length, change.end) for change in clock_changes)

    def for_everybody(row: int) -> tuple[int, ...]:
        return (row,) * len(search.practitioners)

    return Offer(
        grid=grid,
        minutes=search.minutes,
        practitioners=search.practitioners,
        rooms=dict(zip(search.rooms, rooms_busy, strict=True)),
        in_hours=in_hours,
        hidden_by={
            HiddenReason.TOO_LATE_TO_BOOK: for_everybody(grid.before(search.earliest_local)),
            HiddenReason.BEYOND_HORIZON: for_everybody(grid.everything ^ grid.before(search.latest_local)),
            HiddenReason.OUTSIDE_HOURS: past_closing,
            HiddenReason.CLOSED: for_everybody(closed),
            HiddenReason.PRACTITIONER_AWAY: away,
            HiddenReason.CLOCK_CHANGE: for_everybody(clock_change),
            HiddenReason.PRACTITIONER_BUSY: practitioners_busy,
            HiddenReason.NO_ROOM: for_everybody(no_room),
        },
    )


@lru_cache(maxsize=256)  # the same days are asked for again and again, and hours seldom change
def _hours_rows(
    minutes: int, practitioners: tuple[int, ...], hours: tuple[WeeklyHours, ...], grid: StartGrid
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each practitioner the starts within working hours, and those of them too near to closing time."""
    shifts: dict[int, list[tuple[int, int]]] = {practitioner: [] for practitioner in practitioners}
    for weekly in hours:
        if weekly.practitioner_id in shifts:
            shifts[weekly.practitioner_id] += _shifts(weekly, grid)
    worked = [_merged(shifts[practitioner]) for practitioner in practitioners]
    in_hours = [grid.row_of_minutes(parts) for parts in worked]
    fitting = [grid.row_of_minutes((opens, closes - minutes + 1) for opens, closes in parts) for parts in worked]
    return tuple(in_hours), tuple(every ^ fits for every, fits in zip(in_hours, fitting, strict=True))


def _shifts(weekly: WeeklyHours, grid: StartGrid) -> Iterator[tuple[int, int]]:
    """In minutes from the first midnight. The days around the range count too: shifts may pass midnight."""
    opens = weekly.opens.hour * 60 + weekly.opens.minute
    closes = weekly.closes.hour * 60 + weekly.closes.minute
    if closes <= opens:
        closes += DAY_MINUTES
    first, last = -1, grid.days
    if weekly.valid_from:
        first = max(first, (weekly.valid_from - grid.first_day).days)
    if weekly.valid_until:
        last = min(last, (weekly.valid_until - grid.first_day).days)
    first += (weekly.weekday - grid.first_day.weekday() - first) % 7
    for midnight in range(first * DAY_MINUTES, last * DAY_MINUTES + 1, 7 * DAY_MINUTES):
        yield midnight + opens, midnight + closes


def _merged(shifts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A visit may lie across two shifts that touch."""
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(shifts):
        if merged and opens <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], closes)
        else:
            merged.append((opens, closes))
    return merged


def _absence_rows(search: SlotSearch, absences: Iterable[Absence], grid: StartGrid) -> tuple[int, tuple[int, ...]]:
    """The starts whose visit would touch a closure, and for each practitioner those touching time off."""
    length = timedelta(minutes=search.minutes)
    ranges: dict[int | None, list[OpenRange]] = {}
    for absence in absences:
        ranges.setdefault(absence.practitioner_id, []).append(
            OpenRange(absence.start_local - length, absence.end_local)
        )
    away = tuple(grid.row(ranges.get(practitioner, ())) for practitioner in search.practitioners)
    return grid.row(ranges.get(None, ())), away


def _busy_rows(search: SlotSearch, busy: Iterable[Busy], grid: StartGrid) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The starts forbidden by each practitioner's and each room's appointments."""
    practitioners = dict.fromkeys(search.practitioners, 0)
    rooms = dict.fromkeys(search.rooms, 0)
    needed = search.minutes + search.buffer_minutes
    for practitioner, room, minutes, starts in busy:
        if practitioner in practitioners or room in rooms:
            row = grid.row_around(starts, before=needed, after=minutes)
            if practitioner in practitioners:
                practitioners[practitioner] |= row
            if room in rooms:
                rooms[room] |= row
    return tuple(practitioners.values()), tuple(rooms.values())
