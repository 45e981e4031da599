"""Visits to come that a change of the clinic's zone, or of its rules, has left without their time on the clinic's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from scheduler import clock
from scheduler.models import Appointment, Patient

MOST_LISTED = 50
AHEAD = timedelta(days=400)
_TO_COME = Appointment.status.in_(("booked", "confirmed"))


@dataclass(frozen=True, slots=True)
class LeftVisit:
    """`zone`: another than the clinic's, when the visit could not be moved; the clinic's, when its clock skips or repeats
    the visit's time."""

    public_id: str
    starts_local: datetime
    zone: str
    given_name: str
    family_name: str


def left_visits(connection: Connection, *, zone: str, now: datetime) -> list[LeftVisit]:
    """By time, the first fifty."""
    changes = clock.clock_changes(now.date(), (now + AHEAD).date(), clock.zone(zone))
    within = [and_(Appointment.starts_local >= each.start, Appointment.starts_local < each.end) for each in changes]
    rows = connection.execute(
        select(
            Appointment.public_id, Appointment.starts_local, Appointment.zone, Patient.given_name, Patient.family_name
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(_TO_COME, Appointment.starts_at > now, or_(Appointment.zone != zone, *within))
        .order_by(Appointment.starts_local)
        .limit(MOST_LISTED)
    )
    return [LeftVisit(*row) for row in rows]


def count_in_other_zones(connection: Connection, *, zone: str, now: datetime) -> int:
    asked = select(func.count()).select_from(Appointment)
    return connection.scalar(asked.where(_TO_COME, Appointment.starts_at > now, Appointment.zone != zone)) or 0
