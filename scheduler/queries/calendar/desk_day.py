"""What the desk looks at: the visits of a day, who is away, and what was texted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, false, func, literal_column, or_, select, true
from sqlalchemy.orm import aliased

from scheduler.models import (
    Appointment,
    Closure,
    Message,
    Patient,
    PhoneAccount,
    Practitioner,
    Reminder,
    Room,
    Screening,
    TimeOff,
    Treatment,
)
from scheduler.queries.patients.protection import NOTHING, Hidden

SHOWN = ("booked", "confirmed", "arrived", "completed", "cancelled", "no_show")


@dataclass(frozen=True, slots=True)
class DeskVisit:
    """`first_visit`: nothing before it but what was cancelled or missed. `flagged`: a yes in the screening."""

    public_id: str
    starts_local: datetime
    minutes: int
    status: str
    practitioner_id: int
    practitioner: str
    patient: str
    number: str | None
    treatment_en: str
    treatment_fr: str
    room: str
    first_visit: bool
    flagged: bool
    reminder_failed: bool
    ims_given: bool | None
    ims_open: bool

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en

    @property
    def is_off(self) -> bool:
        return self.status in ("cancelled", "no_show")


@dataclass(frozen=True, slots=True)
class Absence:
    """`practitioner_id` None: the clinic is shut."""

    practitioner_id: int | None
    starts_local: datetime
    ends_local: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Text:
    """A message, with the patient's name where it was about one."""

    id: int
    created_at: datetime
    direction: str
    kind: str
    number: str
    body: str
    status: str
    error_code: str | None
    given_name: str | None
    family_name: str | None
    patient_id: str | None


def visits_of_day(connection: Connection, day: date) -> list[DeskVisit]:
    """By time. Two statements, because active and inactive visits each have an index of their own."""
    found = [
        row for state in (Appointment.active.expression, ~Appointment.active) for row in _visits(connection, day, state)
    ]
    return sorted((DeskVisit(**row) for row in found), key=lambda visit: (visit.starts_local, visit.practitioner_id))


def absences_of_day(connection: Connection, day: date) -> list[Absence]:
    begins, ends = _bounds(day)
    found = [
        Absence(None, *row)
        for row in connection.execute(
            select(Closure.starts_local, Closure.ends_local, Closure.name).where(
                Closure.starts_local < ends, Closure.ends_local > begins
            )
        )
    ]
    found += [
        Absence(*row)
        for row in connection.execute(
            select(TimeOff.practitioner_id, TimeOff.starts_local, TimeOff.ends_local, TimeOff.reason).where(
                TimeOff.starts_local < ends, TimeOff.ends_local > begins
            )
        )
    ]
    return found


def texts(connection: Connection, *, before_id: int | None, limit: int, without: Hidden = NOTHING) -> list[Text]:
    """In and out, the newest first; `without` those of whom somebody may not see."""
    rows = connection.execute(
        select(
            Message.id,
            Message.created_at,
            Message.direction,
            Message.kind,
            Message.number,
            Message.body,
            Message.status,
            Message.error_code,
            Patient.given_name,
            Patient.family_name,
            Patient.public_id.label("patient_id"),
        )
        .outerjoin(Patient, Message.patient_id == Patient.id)
        .where(Message.id < before_id if before_id is not None else true(), *_not_of(without))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [Text(**row) for row in rows.mappings()]


def _not_of(hidden: Hidden) -> list[ColumnElement[bool]]:
    if not hidden.patients:
        return []
    of_others = or_(Message.patient_id.is_(None), Message.patient_id.not_in(hidden.patient_ids))
    return [of_others, Message.number.not_in(hidden.numbers)]


def _visits(connection: Connection, day: date, state: ColumnElement[bool]) -> Sequence[RowMapping]:
    begins, ends = _bounds(day)
    earlier = aliased(Appointment)
    came_before = exists().where(
        earlier.patient_id == Appointment.patient_id,
        earlier.starts_at < Appointment.starts_at,
        earlier.origin != "elsewhere",
        earlier.status.in_(("booked", "confirmed", "arrived", "completed")),
    )
    # Not as a parameter: SQLite would not know that the index of failed reminders serves.
    failed = exists().where(Reminder.appointment_id == Appointment.id, Reminder.status == literal_column("'failed'"))
    return (
        connection.execute(
            select(
                Appointment.public_id,
                Appointment.starts_local,
                Appointment.minutes,
                Appointment.status,
                Practitioner.id.label("practitioner_id"),
                (Practitioner.given_name + " " + Practitioner.family_name).label("practitioner"),
                (Patient.family_name + ", " + Patient.given_name).label("patient"),
                PhoneAccount.number,
                Treatment.name_en.label("treatment_en"),
                Treatment.name_fr.label("treatment_fr"),
                Room.name.label("room"),
                (~came_before).label("first_visit"),
                func.coalesce(Screening.flagged, false()).label("flagged"),
                failed.label("reminder_failed"),
                Appointment.ims_given,
                Appointment.ims_open,
            )
            .join(Patient, Appointment.patient_id == Patient.id)
            .join(Practitioner, Appointment.practitioner_id == Practitioner.id)
            .join(Room, Appointment.room_id == Room.id)
            .join(Treatment, Appointment.treatment_id == Treatment.id)
            .outerjoin(PhoneAccount, Patient.phone_account_id == PhoneAccount.id)
            .outerjoin(Screening, Screening.appointment_id == Appointment.id)
            .where(state, Appointment.starts_local >= begins, Appointment.starts_local < ends)
            .where(Appointment.status.in_(SHOWN), Appointment.origin != "elsewhere")
        )
        .mappings()
        .all()
    )


def _bounds(day: date) -> tuple[datetime, datetime]:
    begins = datetime.combine(day, time.min)
    return begins, begins + timedelta(days=1)
