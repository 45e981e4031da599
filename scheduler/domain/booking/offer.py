"""What a search found: the starts on offer, and for all others in working hours why they are hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import chain, compress, islice, product, starmap
from typing import NamedTuple

from scheduler.domain.booking.start_grid import StartGrid
from scheduler.domain.timeslot import OpenRange, TimeSlot


class HiddenReason(StrEnum):
    """Why a start is not offered. Of several reasons the first in this order is named."""

    TOO_LATE_TO_BOOK = "too-late-to-book"
    BEYOND_HORIZON = "beyond-horizon"
    OUTSIDE_HOURS = "outside-hours"
    OFF_GRID = "off-grid"
    CLOSED = "closed"
    PRACTITIONER_AWAY = "practitioner-away"
    CLOCK_CHANGE = "clock-change"
    PRACTITIONER_BUSY = "practitioner-busy"
    NO_ROOM = "no-room"
    TOO_SOON = "too-soon"
    PATIENT_BUSY = "patient-busy"


class OfferedStart(NamedTuple):
    """A tuple, not a dataclass: a page reads out thousands."""

    starts_local: datetime
    practitioner_id: int


class HiddenStart(NamedTuple):
    starts_local: datetime
    practitioner_id: int
    reason: HiddenReason


BY_NATURE = frozenset(
    {HiddenReason.CLOCK_CHANGE, HiddenReason.PRACTITIONER_BUSY, HiddenReason.NO_ROOM}
    | {HiddenReason.TOO_SOON, HiddenReason.PATIENT_BUSY}
)
"""What nobody can bend. The other reasons are agreements about when the clinic works."""


@dataclass(frozen=True)
class Offer:
    """Iterates its starts by time, equal times in the search's order of practitioners, reading day by day.

    `in_hours` and each value of `hidden_by` have one row (see start_grid) a practitioner; `rooms` maps each
    room to the row of starts at which it is taken.
    """

    grid: StartGrid
    minutes: int
    practitioners: tuple[int, ...]
    rooms: Mapping[int, int]
    in_hours: tuple[int, ...]
    hidden_by: Mapping[HiddenReason, tuple[int, ...]]

    def __iter__(self) -> Iterator[OfferedStart]:
        return chain.from_iterable(self._of_day(index) for index in range(self.grid.days))

    def __bool__(self) -> bool:
        return any(self._offered)

    def first(self, count: int) -> list[OfferedStart]:
        return list(islice(self, count))

    def days(self) -> dict[date, int]:
        """The days with something on offer, and how many distinct starts each has."""
        width = self.grid.per_day
        starts = self._by_anybody
        counts = (starts.count(1, index * width, (index + 1) * width) for index in range(self.grid.days))
        return {self.grid.day(index): count for index, count in enumerate(counts) if count}

    def nearest(self, wanted_local: datetime, count: int) -> tuple[OfferedStart, ...]:
        """The starts nearest to the wanted one, in order of time, each once."""
        offered, at = self._by_anybody, min(self.grid.index_from(wanted_local), self.grid.size)
        earlier = islice((index for index in range(at - 1, -1, -1) if offered[index]), count)
        later = islice((index for index in range(at, self.grid.size) if offered[index]), count)
        starts = sorted(map(self._first_at, chain(earlier, later)))
        return tuple(sorted(sorted(starts, key=lambda start: abs(start.starts_local - wanted_local))[:count]))

    def read_out(self, starts: Callable[[date], Sequence[str]], practitioners: Sequence[str]) -> Iterator[str]:
        """Each start on offer as text, in order: what `starts` has for it, followed by its practitioner's.

        `starts` gives one text for each start of a day's grid; `practitioners` are those of the offer. For answers of
        a thousand slots: five times as quick as writing each.
        """
        width = self.grid.per_day * len(self.practitioners)
        for index in range(self.grid.days):
            offered = self._offered_side_by_side[index * width : (index + 1) * width]
            if 1 in offered:
                yield from map("".join, compress(product(starts(self.grid.day(index)), practitioners), offered))

    def of_day(self, day: date) -> list[OfferedStart]:
        index = (day - self.grid.first_day).days
        return list(self._of_day(index)) if 0 <= index < self.grid.days else []

    def for_patient(self, *, too_soon: Iterable[OpenRange], visits: Iterable[TimeSlot]) -> Offer:
        """Less what `treatment_spacing.forbidden` says, and less what overlaps the patient's own visits."""
        length = timedelta(minutes=self.minutes)
        overlapping = (OpenRange(visit.start - length, visit.end) for visit in visits)
        return self.without(too_soon, HiddenReason.TOO_SOON).without(overlapping, HiddenReason.PATIENT_BUSY)

    def without(self, ranges: Iterable[OpenRange], reason: HiddenReason) -> Offer:
        """The same less all starts strictly inside the ranges."""
        row = self.grid.row(ranges)
        rows = tuple(row | before for before in self.hidden_by.get(reason, (0,) * len(self.practitioners)))
        return replace(self, hidden_by={**self.hidden_by, reason: rows})

    def at_any_hour(self) -> Offer:
        """Every start of the grid but those that nobody can bend: outside working hours, in the past, on a closed day."""
        return replace(
            self,
            in_hours=(self.grid.everything,) * len(self.practitioners),
            hidden_by={reason: rows for reason, rows in self.hidden_by.items() if reason in BY_NATURE},
        )

    def free_rooms(self, starts_local: datetime) -> list[int]:
        """The rooms free for the visit and its buffer, in the search's order; none when off the grid."""
        index = self.grid.index_of(starts_local)
        if index is None:
            return []
        return [room for room, taken in self.rooms.items() if not taken >> 8 * index & 1]

    def why_hidden(self, starts_local: datetime, practitioner_id: int) -> HiddenReason | None:
        """None for a start that is on offer."""
        index = self.grid.index_of(starts_local)
        if practitioner_id not in self.practitioners:
            return HiddenReason.OUTSIDE_HOURS
        if index is None:
            on_a_day = self.grid.origin <= starts_local < self.grid.origin + timedelta(days=self.grid.days)
            return HiddenReason.OFF_GRID if on_a_day else HiddenReason.OUTSIDE_HOURS
        place = self.practitioners.index(practitioner_id)
        if not self.in_hours[place] >> 8 * index & 1:
            return HiddenReason.OUTSIDE_HOURS
        return next((reason for reason, row in self._reasons(place) if row >> 8 * index & 1), None)

    def hidden(self) -> Iterator[HiddenStart]:
        """Every start inside a practitioner's working hours that is not on offer, ordered as the offer is."""
        reasons = list(HiddenReason)
        labels = (
            sum((reasons.index(reason) + 1) * row for reason, row in self._reasons(place))
            for place in range(len(self.practitioners))
        )
        starts = chain.from_iterable(self.grid.starts_of(self.grid.day(index)) for index in range(self.grid.days))
        for (start, practitioner), label in zip(
            product(starts, self.practitioners), self._side_by_side(labels), strict=True
        ):
            if label:
                yield HiddenStart(start, practitioner, reasons[label - 1])

    def why_empty(self) -> list[HiddenReason]:
        """Why nothing is on offer, the most telling reason first: the one that hid what got furthest.

        A range with nobody at work says OUTSIDE_HOURS; a range with something on offer says nothing.
        """
        if self:
            return []
        seen = {reason for place in range(len(self.practitioners)) for reason, row in self._reasons(place) if row}
        return sorted(seen, key=list(HiddenReason).index, reverse=True) or [HiddenReason.OUTSIDE_HOURS]

    def _of_day(self, index: int) -> Iterator[OfferedStart]:
        width = self.grid.per_day * len(self.practitioners)
        offered = self._offered_side_by_side[index * width : (index + 1) * width]
        if 1 not in offered:
            return iter(())
        starts = self.grid.starts_of(self.grid.day(index))
        return starmap(OfferedStart, compress(product(starts, self.practitioners), offered))

    @cached_property
    def _offered_side_by_side(self) -> bytes:
        return self._side_by_side(self._offered)

    def _first_at(self, index: int) -> OfferedStart:
        day, place = divmod(index, self.grid.per_day)
        who = next(p for p, row in zip(self.practitioners, self._offered, strict=True) if row >> 8 * index & 1)
        return OfferedStart(self.grid.starts_of(self.grid.day(day))[place], who)

    @cached_property
    def _by_anybody(self) -> bytes:
        anybody = 0
        for row in self._offered:
            anybody |= row
        return anybody.to_bytes(self.grid.size, "little")

    @cached_property
    def _offered(self) -> tuple[int, ...]:
        offered = []
        for place, in_hours in enumerate(self.in_hours):
            hidden = 0
            for rows in self.hidden_by.values():
                hidden |= rows[place]
            offered.append(in_hours ^ (in_hours & hidden))
        return tuple(offered)

    def _reasons(self, place: int) -> Iterator[tuple[HiddenReason, int]]:
        """Each reason with the starts it is the first to hide, of the practitioner at this place."""
        remaining = self.in_hours[place]
        for reason in HiddenReason:
            if reason in self.hidden_by:
                hit = remaining & self.hidden_by[reason][place]
                remaining ^= hit
                yield reason, hit

    def _side_by_side(self, rows: Iterable[int]) -> bytes:
        """The practitioners' rows interleaved: all practitioners of the first start, then of the second …"""
        width = len(self.practitioners)
        together = bytearray(self.grid.size * width)
        for place, row in enumerate(rows):
            together[place::width] = row.to_bytes(self.grid.size, "little")
        return bytes(together)
