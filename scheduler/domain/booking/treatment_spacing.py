"""The seven-day rule: visits of one spacing group start at least `min_days` × 24 h apart, on the wall clock.

Wall clock only, so a clock change in between alters nothing: Monday 10:00 to next Monday 10:00 is always
allowed, next Monday 09:59 never. The rule looks both ways: at earlier visits and at later ones already made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.domain.timeslot import OpenRange

IMS_GROUP = "ims"
IMS_MIN_DAYS = 7


@dataclass(frozen=True, slots=True)
class CountingVisit:
    """A visit that counts. `starts_local` is the moment it counts from.

    For a visit elsewhere at an unknown time of day that is `end_of_day` of its day, with `time_known=False`. `private`: it
    is not shown to a parent, so no page of a patient names its day.
    """

    starts_local: datetime
    elsewhere: bool = False
    time_known: bool = True
    private: bool = False

    @property
    def day(self) -> date:
        """The day to name to the patient."""
        return (self.starts_local if self.time_known else self.starts_local - timedelta(days=1)).date()


class TreatmentTooSoon(BookingRefused):
    """The seven-day rule, or another group's spacing.

    `clash` is the counting visit nearest to the wanted start. `earliest` is the first allowed start after the
    wanted one; `latest_before` the last allowed one before it, None when that is already past.
    """

    code = "treatment-too-soon"

    def __init__(
        self,
        *,
        wanted_local: datetime,
        clash: CountingVisit,
        earliest: datetime,
        latest_before: datetime | None,
        min_days: int,
    ) -> None:
        super().__init__(wanted_local, clash, earliest, latest_before, min_days)
        self.wanted_local = wanted_local
        self.clash = clash
        self.earliest = earliest
        self.latest_before = latest_before
        self.min_days = min_days


class VisitMustMove(TreatmentTooSoon):
    """IMS elsewhere cannot be recorded: a visit booked already (`wanted_local`) is too near to it."""

    is_private = False
    """That visit is not shown to a parent."""


def require_spacing(
    wanted_local: datetime,
    taken: Iterable[CountingVisit],
    *,
    min_days: int,
    now_local: datetime | None = None,
    on_clock: Callable[[datetime], datetime] = lambda local: local,
) -> None:
    """Refuse a start nearer than `min_days` × 24 h to a counting visit, before or after it.

    With `now_local` the refusal names no earlier start (`latest_before`) that is already past, and with `on_clock`
    (clock.on) no time that the clinic's clock does not show.
    """
    taken = tuple(taken)
    nearest = min(taken, key=lambda visit: abs(visit.starts_local - wanted_local), default=None)
    if nearest is None or abs(nearest.starts_local - wanted_local) >= timedelta(days=min_days):
        return
    latest_before = latest_allowed_before(wanted_local, taken, min_days=min_days)
    raise TreatmentTooSoon(
        wanted_local=wanted_local,
        clash=nearest,
        earliest=earliest_allowed(wanted_local, taken, min_days=min_days, on_clock=on_clock),
        latest_before=None if now_local and latest_before <= now_local else latest_before,
        min_days=min_days,
    )


def earliest_allowed(
    from_local: datetime,
    taken: Iterable[CountingVisit],
    *,
    min_days: int,
    on_clock: Callable[[datetime], datetime] = lambda local: local,
) -> datetime:
    """The first allowed start at or after `from_local`; with `on_clock` (clock.on) one that the clinic's clock shows, once.

    The time after a clock change may itself be too near the next visit, so the ranges that follow are looked at too.
    """
    for after, before in forbidden(taken, min_days=min_days):
        if after < from_local < before:
            from_local = on_clock(before)
    return from_local


def last_before(allowed: datetime, taken: Iterable[CountingVisit], *, min_days: int) -> CountingVisit | None:
    """Of the visits that are `min_days` or more before the start `allowed`, the last: the one that is waited for."""
    gap = timedelta(days=min_days)
    far_enough = (visit for visit in taken if visit.starts_local + gap <= allowed)
    return max(far_enough, key=lambda visit: visit.starts_local, default=None)


def latest_allowed_before(from_local: datetime, taken: Iterable[CountingVisit], *, min_days: int) -> datetime:
    """The last allowed start at or before `from_local`."""
    for after, before in forbidden(taken, min_days=min_days):
        if after < from_local < before:
            return after
    return from_local


def forbidden(taken: Iterable[CountingVisit], *, min_days: int) -> list[OpenRange]:
    """All starts the rule forbids, in order and merged.

    Ranges that merely touch stay apart: the moment between them is `min_days` from both visits, and allowed.
    """
    gap = timedelta(days=min_days)
    merged: list[OpenRange] = []
    for moment in sorted(visit.starts_local for visit in taken):
        after, before = moment - gap, moment + gap
        if merged and after < merged[-1].before:
            merged[-1] = OpenRange(merged[-1].after, before)
        else:
            merged.append(OpenRange(after, before))
    return merged


def end_of_day(day: date) -> datetime:
    """The midnight that ends `day`: what a visit counts from when its time of day is unknown."""
    return datetime.combine(day, time.min) + timedelta(days=1)


def require_min_days(group: str, min_days: int) -> int:
    """Refuse a spacing that a group may not have: IMS never below 7 days, no group below 1."""
    if group == IMS_GROUP and min_days < IMS_MIN_DAYS:
        raise Invalid({"min_days": "IMS visits are never less than 7 days apart."})
    if min_days < 1:
        raise Invalid({"min_days": "Give at least 1 day."})
    return min_days
