"""Visits that are not shown to a parent: where no text about them may go."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from scheduler.domain.patients.coming_of_age import OF_AGE, born_before_is
from scheduler.models import Appointment, Patient, PrivateVisit

FURTHEST_WEST = timedelta(hours=12)


def is_private() -> ColumnElement[bool]:
    """Of the `Appointment` of the query."""
    return exists().where(PrivateVisit.appointment_id == Appointment.id)


def born_by(now: datetime) -> Any:
    """Whoever was born then or before is 16, wherever the clinic is."""
    return born_before_is(OF_AGE, (now - FURTHEST_WEST).date())


def is_kept_off(born_by: Any) -> ColumnElement[bool]:
    """Of the `Appointment` and `Patient` of the query: it is private, and the number is not the patient's alone. A child's
    never is: a parent may be at that telephone."""
    other = aliased(Patient)
    is_shared = exists().where(other.phone_account_id == Patient.phone_account_id, other.id != Patient.id)
    may_be_child = or_(Patient.birth_date.is_(None), Patient.birth_date > born_by)
    return and_(is_private(), or_(may_be_child, is_shared))


def kept_off(session: Session, appointment_id: int, now: datetime) -> bool:
    found = (
        select(Appointment.id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(Appointment.id == appointment_id, is_kept_off(born_by(now)))
    )
    return session.scalar(found) is not None
