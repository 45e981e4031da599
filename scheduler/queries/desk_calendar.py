"""What the desk's calendar shows of a few days: visits, slots being booked online, who is away.

Four SELECTs whatever the days hold, the calendar's state included.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, exists, null, or_, select, union_all
from sqlalchemy.orm import aliased

from scheduler.models import (
    Appointment,
    AppointmentNote,
    CardState,
    Closure,
    Patient,
    Reminder,
    Room,
    Screening,
    TimeOff,
)
from scheduler.models.base import Instant, WallTime
from scheduler.models.one_row import OneRow
from scheduler.queries.desk import Absence
from scheduler.queries.reference import STATE_COLUMNS

CALENDAR_STATUSES = ("held", "booked", "confirmed", "arrived", "completed")


class CalendarVisit(NamedTuple):
    """A held slot has no patient yet. `first_visit`: nothing before it but what was cancelled or missed."""

    public_id: str
    version: int
    status: str
    starts_local: datetime
    minutes: int
    practitioner_id: int
    room_id: int
    treatment_id: int
    given_name: str | None
    family_name: str | None
    birth_date: date | None
    flagged: bool | None
    came_before: bool
    reminder_failed: bool
    noted: bool


class DeskState(NamedTuple):
    """What the calendar's days hang on: the offer's state, and `card_version` for what else its cards show."""

    reference_version: int
    calendar_version: int
    card_version: int


@dataclass(frozen=True, slots=True)
class RoomName:
    id: int
    name: str


_STATE = OneRow(select(*STATE_COLUMNS, select(CardState.version).scalar_subquery()))
_FROM, _TO = bindparam("from_local", type_=WallTime()), bindparam("to_local", type_=WallTime())
_earlier = aliased(Appointment)
_CAME_BEFORE = exists().where(
    _earlier.patient_id == Appointment.patient_id,
    _earlier.starts_at < Appointment.starts_at,
    _earlier.origin != "elsewhere",
    _earlier.status.in_(("booked", "confirmed", "arrived", "completed")),
)
_FAILED = exists().where(Reminder.appointment_id == Appointment.id, Reminder.status == "failed")
_later = aliased(AppointmentNote)
_NOTED = exists().where(
    AppointmentNote.appointment_id == Appointment.id,
    AppointmentNote.words != "",
    ~exists().where(_later.appointment_id == AppointmentNote.appointment_id, _later.id > AppointmentNote.id),
)
_VISITS: Any = (
    select(
        Appointment.public_id,
        Appointment.version,
        Appointment.status,
        Appointment.starts_local,
        Appointment.minutes,
        Appointment.practitioner_id,
        Appointment.room_id,
        Appointment.treatment_id,
        Patient.given_name,
        Patient.family_name,
        Patient.birth_date,
        Screening.flagged,
        _CAME_BEFORE,
        _FAILED,
        _NOTED,
    )
    .outerjoin(Patient, Appointment.patient_id == Patient.id)
    .outerjoin(Screening, Screening.appointment_id == Appointment.id)
    .where(Appointment.starts_local >= _FROM, Appointment.starts_local < _TO, Appointment.origin != "elsewhere")
)
# Two statements, because active and inactive visits each have an index of their own.
_TAKING_TIME = _VISITS.where(
    Appointment.active,
    Appointment.status.in_(CALENDAR_STATUSES),
    or_(Appointment.status != "held", Appointment.hold_until > bindparam("now", type_=Instant())),
)
_MISSED = _VISITS.where(Appointment.active.is_(False), Appointment.status == "no_show")
_ABSENCES: Any = union_all(
    select(null(), Closure.starts_local, Closure.ends_local, Closure.name).where(
        Closure.starts_local < _TO, Closure.ends_local > _FROM
    ),
    select(TimeOff.practitioner_id, TimeOff.starts_local, TimeOff.ends_local, TimeOff.reason).where(
        TimeOff.starts_local < _TO, TimeOff.ends_local > _FROM
    ),
)


def state_now(engine: Engine) -> DeskState:
    """One SELECT, by the shortest way: every open desk asks it every few seconds."""
    row = _STATE.read(engine)
    assert row is not None  # noqa: S101 - the migrations put the rows there
    return DeskState(row[0], row[1] or 0, row[2])


def visits(connection: Connection, first_day: date, days: int, now: datetime) -> list[CalendarVisit]:
    """Whatever takes up time, and who stayed away, in the order of time. Cancelled visits leave the calendar."""
    bounds = {**_bounds(first_day, days), "now": now}
    rows = [*connection.execute(_TAKING_TIME, bounds), *connection.execute(_MISSED, _bounds(first_day, days))]
    return sorted((CalendarVisit(*row) for row in rows), key=lambda visit: (visit.starts_local, visit.practitioner_id))


def absences(connection: Connection, first_day: date, days: int) -> list[Absence]:
    return [Absence(*row) for row in connection.execute(_ABSENCES, _bounds(first_day, days))]


def rooms(connection: Connection) -> list[RoomName]:
    rows = connection.execute(select(Room.id, Room.name).where(Room.active).order_by(Room.position, Room.id))
    return [RoomName(*row) for row in rows]


def _bounds(first_day: date, days: int) -> dict[str, datetime]:
    begins = datetime.combine(first_day, time.min)
    return {"from_local": begins, "to_local": begins + timedelta(days=days)}
