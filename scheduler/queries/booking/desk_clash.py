"""The visits that stand in a visit's way, with the names that only the desk may see."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select

from scheduler.models import Appointment, Patient, Practitioner, Room, Treatment
from scheduler.queries.calendar.occupied import LONGEST_VISIT


@dataclass(frozen=True, slots=True)
class OtherVisit:
    """`family_name` none: a slot that somebody is booking online at this moment."""

    public_id: str
    starts_local: datetime
    busy_until_local: datetime
    given_name: str | None
    family_name: str | None
    treatment_en: str
    treatment_fr: str
    practitioner: str | None
    room: str | None

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en


_VISITS: Any = (
    select(
        Appointment.public_id,
        Appointment.starts_local,
        Appointment.minutes + Appointment.buffer_minutes,
        Patient.given_name,
        Patient.family_name,
        Treatment.name_en,
        Treatment.name_fr,
        Practitioner.given_name,
        Room.name,
    )
    .join(Treatment, Treatment.id == Appointment.treatment_id)
    .join(Patient, Patient.id == Appointment.patient_id, isouter=True)
    .join(Practitioner, Practitioner.id == Appointment.practitioner_id, isouter=True)
    .join(Room, Room.id == Appointment.room_id, isouter=True)
    .where(Appointment.active, Appointment.origin != "elsewhere")
    .order_by(Appointment.starts_local, Appointment.id)
)


def at_that_time(
    connection: Connection,
    *,
    starts_local: datetime,
    minutes: int,
    practitioner_id: int | None = None,
    room_id: int | None = None,
    patient_id: int | None = None,
    leaving_out: int | None = None,
) -> list[OtherVisit]:
    """Those of this practitioner, in this room or of this patient that overlap; `minutes` with the buffer, as theirs are."""
    ends_local = starts_local + timedelta(minutes=minutes)
    whose = [
        column == wanted
        for column, wanted in (
            (Appointment.practitioner_id, practitioner_id),
            (Appointment.room_id, room_id),
            (Appointment.patient_id, patient_id),
        )
        if wanted is not None
    ]
    if not whose:
        return []
    rows = connection.execute(
        _VISITS.where(
            Appointment.starts_local > starts_local - LONGEST_VISIT,
            Appointment.starts_local < ends_local,
            Appointment.id != (leaving_out or 0),
            or_(*whose),
        )
    )
    return [visit for visit in map(_other, rows) if visit.busy_until_local > starts_local]


def of_day(connection: Connection, patient_id: int, day: date) -> list[OtherVisit]:
    """The patient's own visits that day."""
    midnight = datetime.combine(day, datetime.min.time())
    rows = connection.execute(
        _VISITS.where(
            Appointment.patient_id == patient_id,
            Appointment.starts_local >= midnight,
            Appointment.starts_local < midnight + timedelta(days=1),
        )
    )
    return [_other(row) for row in rows]


def _other(row: Any) -> OtherVisit:
    public_id, starts_local, minutes, *names = row
    return OtherVisit(public_id, starts_local, starts_local + timedelta(minutes=minutes), *names)
