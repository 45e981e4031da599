"""The clinic at a glance: sums over the visits that begin in a range of days, made by the database.

Six SELECTs however many visits there are; none of them reads a row outside the range.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, and_, case, cast, extract, func, select

from scheduler.domain.booking.availability import WeeklyHours
from scheduler.models import Appointment, Closure, Message, Practitioner, Reminder, TimeOff

KEPT = ("booked", "confirmed", "arrived", "completed")
LEAD_DAYS = (1, 3, 7, 14, 28)
"""Booked less than 1 day before the visit, 1 to 3, … 28 or more."""
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    monday: date
    visits: int
    missed: int


@dataclass(frozen=True, slots=True)
class Filled:
    """`minutes` of visits within `open_minutes` of working hours, closures and times off left out."""

    practitioner: str
    minutes: int
    open_minutes: int

    @property
    def share(self) -> float:
        return min(1.0, self.minutes / self.open_minutes) if self.open_minutes else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """`lead`: visits by how long before they were booked, as LEAD_DAYS has it. `origins` and `texts`: how many of each."""

    weeks: list[Week]
    filled: list[Filled]
    lead: list[int]
    origins: dict[str, int]
    texts: dict[str, int]


def figures(connection: Connection, *, first: date, end: date, hours: Iterable[WeeklyHours]) -> Figures:
    """Of the days from `first` until before `end`."""
    rows = [
        row
        for state in (Appointment.active.expression, ~Appointment.active)
        for row in _days(connection, first, end, state)
    ]
    return Figures(
        weeks=_weeks(rows, first, end),
        filled=_filled(connection, rows, first, end, list(hours)),
        lead=_lead(connection, first, end),
        origins=_origins(rows),
        texts=_texts(connection, first, end),
    )


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    practitioner_id: int
    practitioner: str
    status: str
    origin: str
    visits: int
    minutes: int


def _in_range(first: date, end: date, *states: ColumnElement[bool]) -> ColumnElement[bool]:
    begins, ends = datetime.combine(first, time.min), datetime.combine(end, time.min)
    return and_(
        *states, Appointment.starts_local >= begins, Appointment.starts_local < ends, Appointment.origin != "elsewhere"
    )


def _days(connection: Connection, first: date, end: date, state: ColumnElement[bool]) -> list[_Day]:
    day: Any = func.date(Appointment.starts_local)
    name = Practitioner.given_name + " " + Practitioner.family_name
    rows = connection.execute(
        select(
            day,
            Practitioner.id,
            name,
            Appointment.status,
            Appointment.origin,
            func.count(),
            func.sum(Appointment.minutes),
        )
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .where(_in_range(first, end, state), Appointment.status.in_((*KEPT, "no_show")))
        .group_by(day, Practitioner.id, name, Appointment.status, Appointment.origin)
    )
    return [_Day(date.fromisoformat(str(found)), *rest) for found, *rest in rows]


def _weeks(rows: list[_Day], first: date, end: date) -> list[Week]:
    monday = first - timedelta(days=first.weekday())
    visits: dict[date, list[int]] = {}
    while monday < end:
        visits[monday] = [0, 0]
        monday += A_WEEK
    for row in rows:
        visits[row.day - timedelta(days=row.day.weekday())][row.status == "no_show"] += row.visits
    return [Week(monday, kept, missed) for monday, (kept, missed) in visits.items()]


def _origins(rows: list[_Day]) -> dict[str, int]:
    found = {"online": 0, "desk": 0, "api": 0}
    for row in rows:
        if row.origin in found:  # not those brought from an earlier system
            found[row.origin] += row.visits
    return found


def _filled(connection: Connection, rows: list[_Day], first: date, end: date, hours: list[WeeklyHours]) -> list[Filled]:
    names = {row.practitioner_id: row.practitioner for row in rows}
    away = _absences(connection, first, end)
    found = []
    for practitioner_id, name in sorted(names.items(), key=lambda one: one[1]):
        own = [hour for hour in hours if hour.practitioner_id == practitioner_id]
        absent = [stretch for who, stretch in away if who in (None, practitioner_id)]
        minutes = sum(row.minutes for row in rows if row.practitioner_id == practitioner_id and row.status in KEPT)
        found.append(Filled(name, minutes, _open_minutes(own, absent, first, end)))
    return found


Stretch = tuple[datetime, datetime]


def _absences(connection: Connection, first: date, end: date) -> list[tuple[int | None, Stretch]]:
    begins, ends = datetime.combine(first, time.min), datetime.combine(end, time.min)
    closed = connection.execute(
        select(Closure.starts_local, Closure.ends_local).where(Closure.starts_local < ends, Closure.ends_local > begins)
    )
    away = connection.execute(
        select(TimeOff.practitioner_id, TimeOff.starts_local, TimeOff.ends_local).where(
            TimeOff.starts_local < ends, TimeOff.ends_local > begins
        )
    )
    return [(None, (row[0], row[1])) for row in closed] + [(row[0], (row[1], row[2])) for row in away]


def _open_minutes(hours: list[WeeklyHours], absent: list[Stretch], first: date, end: date) -> int:
    total = timedelta()
    merged: list[Stretch] = []
    for begins, ends in sorted(absent):
        if merged and begins <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(ends, merged[-1][1])
        else:
            merged.append((begins, ends))
    for number in range((end - first).days):
        day = first + timedelta(days=number)
        for hour in hours:
            begun = hour.valid_from is None or hour.valid_from <= day
            if hour.weekday == day.weekday() and begun and (hour.valid_until is None or day <= hour.valid_until):
                opens, closes = datetime.combine(day, hour.opens), datetime.combine(day, hour.closes)
                closes = closes if closes > opens else closes + timedelta(days=1)
                total += closes - opens
                total -= sum((max(timedelta(), min(closes, b) - max(opens, a)) for a, b in merged), timedelta())
    return int(total.total_seconds()) // 60


def _lead(connection: Connection, first: date, end: date) -> list[int]:
    ahead: ColumnElement[Any]
    if connection.dialect.name == "sqlite":
        ahead = func.julianday(Appointment.starts_at) - func.julianday(Appointment.created_at)
    else:
        ahead = cast(extract("epoch", Appointment.starts_at - Appointment.created_at), Float) / 86_400
    place = case(*((ahead < days, number) for number, days in enumerate(LEAD_DAYS)), else_=len(LEAD_DAYS))
    counts: Any = connection.execute(
        select(place, func.count())
        .where(_in_range(first, end, Appointment.active.expression))
        .where(Appointment.status.in_(KEPT), Appointment.origin != "import")
        .group_by(place)
    )
    found = dict(counts.all())
    return [found.get(number, 0) for number in range(len(LEAD_DAYS) + 1)]


def _texts(connection: Connection, first: date, end: date) -> dict[str, int]:
    """Reminders of the range's visits that a text was tried for: delivered, sent and not heard of again, or failed."""
    delivered = Message.status == "delivered"
    on_the_way = Message.status.in_(("accepted", "sent"))
    became = case((delivered, "delivered"), (on_the_way, "sent"), else_="failed")
    last = select(func.max(Message.id)).where(Message.reminder_id == Reminder.id).correlate(Reminder).scalar_subquery()
    counts: Any = connection.execute(
        select(became, func.count())
        .select_from(Appointment)
        .join(Reminder, Reminder.appointment_id == Appointment.id)
        .join(Message, Message.id == last)
        .where(_in_range(first, end), Reminder.status.in_(("sent", "failed")))
        .group_by(became)
    )
    return {"delivered": 0, "sent": 0, "failed": 0} | dict(counts.all())
