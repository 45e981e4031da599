"""When practitioners are there and when not, as the pages that change it show it."""

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import Connection, or_, select

from scheduler.domain.availability import WeeklyHours
from scheduler.models import Closure, TimeOff, WorkingHours


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
