"""When practitioners are there and when not, as the pages that change it show it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, null, or_, select, union_all

from scheduler.domain.booking.availability import Absence, HiddenReason, SlotSearch, WeeklyHours, find_offer
from scheduler.domain.timeslot import TimeSlot
from scheduler.models import Closure, TimeOff, WorkingHours
from scheduler.queries.clinic import reference


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of the weekly pattern, or of a single day."""

    id: int
    weekday: int
    opens: time
    closes: time
    valid_from: date | None
    valid_until: date | None

    @property
    def only_day(self) -> date | None:
        return self.valid_from if self.valid_from is not None and self.valid_from == self.valid_until else None

    @property
    def passes_midnight(self) -> bool:
        return self.closes <= self.opens and self.closes != time.min

    def weekly(self, practitioner_id: int) -> WeeklyHours:
        return WeeklyHours(practitioner_id, self.weekday, self.opens, self.closes, self.valid_from, self.valid_until)


@dataclass(frozen=True, slots=True)
class Away:
    id: int
    starts_local: datetime
    ends_local: datetime
    reason: str


def why_not_at_work(connection: Connection, practitioner_id: int, stretch: TimeSlot) -> HiddenReason | None:
    """None when the practitioner is there for the whole of the stretch, booked or not; at most a day long."""
    first_day, last_day = stretch.start.date(), stretch.end.date()
    search = SlotSearch(
        first_day=first_day,
        last_day=last_day,
        minutes=(stretch.end - stretch.start) // timedelta(minutes=1),
        buffer_minutes=0,
        practitioners=(practitioner_id,),
        rooms=(),
        earliest_local=stretch.start,
        latest_local=stretch.end,
        grid_minutes=1,
    )
    touching: Any = union_all(
        select(null(), Closure.starts_local, Closure.ends_local).where(
            Closure.starts_local < stretch.end, Closure.ends_local > stretch.start
        ),
        select(TimeOff.practitioner_id, TimeOff.starts_local, TimeOff.ends_local).where(
            TimeOff.practitioner_id == practitioner_id,
            TimeOff.starts_local < stretch.end,
            TimeOff.ends_local > stretch.start,
        ),
    )
    absences = [Absence(*row) for row in connection.execute(touching)]
    offer = find_offer(search, reference.current(connection).hours, absences, busy=())
    reason = offer.why_hidden(stretch.start, practitioner_id)
    return reason if reason != HiddenReason.NO_ROOM else None  # rooms were none of the question


def hours_of(connection: Connection, practitioner_id: int, *, today: date) -> list[Stretch]:
    """Those of today and later."""
    rows = connection.execute(
        select(
            WorkingHours.id,
            WorkingHours.weekday,
            WorkingHours.opens,
            WorkingHours.closes,
            WorkingHours.valid_from,
            WorkingHours.valid_until,
        )
        .where(WorkingHours.practitioner_id == practitioner_id)
        .where(or_(WorkingHours.valid_until.is_(None), WorkingHours.valid_until >= today))
        .order_by(WorkingHours.weekday, WorkingHours.opens, WorkingHours.valid_from)
    )
    return [Stretch(*row) for row in rows]


def weekly_hours(connection: Connection, practitioner_ids: set[int | None]) -> list[WeeklyHours]:
    """From the table: those just changed in this transaction count, which reference.py does not know yet."""
    rows = connection.execute(
        select(
            WorkingHours.practitioner_id,
            WorkingHours.weekday,
            WorkingHours.opens,
            WorkingHours.closes,
            WorkingHours.valid_from,
            WorkingHours.valid_until,
        ).where(WorkingHours.practitioner_id.in_(practitioner_ids))
    )
    return [WeeklyHours(*row) for row in rows]


def time_off_of(connection: Connection, practitioner_id: int, *, now_local: datetime) -> list[Away]:
    rows = connection.execute(
        select(TimeOff.id, TimeOff.starts_local, TimeOff.ends_local, TimeOff.reason)
        .where(TimeOff.practitioner_id == practitioner_id, TimeOff.ends_local > now_local)
        .order_by(TimeOff.starts_local)
    )
    return [Away(*row) for row in rows]


def closures(connection: Connection, *, now_local: datetime) -> list[Away]:
    rows = connection.execute(
        select(Closure.id, Closure.starts_local, Closure.ends_local, Closure.name)
        .where(Closure.ends_local > now_local)
        .order_by(Closure.starts_local)
    )
    return [Away(*row) for row in rows]
