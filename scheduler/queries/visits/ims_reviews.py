"""Booked IMS that a physiotherapist is to look at, and what they answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from scheduler.models import Appointment, ImsReview, Patient, PhoneAccount, Practitioner, Treatment

_COMING = ("booked", "confirmed", "arrived")


@dataclass(frozen=True, slots=True)
class ReviewedVisit:
    """`answer` none: still to be looked at; `answered_by` entered it, `answered_for` is whose answer it is."""

    visit: str
    starts_local: datetime
    practitioner: str
    name_en: str
    name_fr: str
    patient_id: str
    patient: str
    number: str | None
    why: str
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None
    answered_by: str | None
    answered_for: str | None


def latest_review_ids() -> Select[int]:
    """The last one of each visit."""
    return select(func.max(ImsReview.id)).group_by(ImsReview.appointment_id)


def waiting(connection: Connection, now: datetime) -> list[ReviewedVisit]:
    """Visits to come, by time: those not looked at, and those whose patient is to be called."""
    decided = Practitioner.__table__.alias("decided")
    rows: Any = connection.execute(
        select(
            Appointment.public_id,
            Appointment.starts_local,
            Practitioner.given_name + " " + Practitioner.family_name,
            Treatment.name_en,
            Treatment.name_fr,
            Patient.public_id,
            Patient.given_name + " " + Patient.family_name,
            PhoneAccount.number,
            ImsReview.why,
            ImsReview.asked_at,
            ImsReview.answer,
            ImsReview.answered_at,
            ImsReview.answered_by,
            decided.c.given_name + " " + decided.c.family_name,
        )
        .join(Appointment, Appointment.id == ImsReview.appointment_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .outerjoin(decided, decided.c.id == ImsReview.practitioner_id)
        .where(ImsReview.id.in_(latest_review_ids()), ImsReview.answer.is_distinct_from("go_ahead"))
        .where(Appointment.status.in_(_COMING), Appointment.ends_at > now)
        .order_by(Appointment.starts_at)
    )
    return [ReviewedVisit(*row) for row in rows]


def open_for(connection: Connection, patient_id: int, now: datetime) -> dict[str, str | None]:
    """Public id of a visit of the patient that stands on the list → "call", or None while nobody has looked at it."""
    rows: Any = connection.execute(
        select(Appointment.public_id, ImsReview.answer)
        .join(Appointment, Appointment.id == ImsReview.appointment_id)
        .where(Appointment.patient_id == patient_id, Appointment.status.in_(_COMING), Appointment.ends_at > now)
        .where(ImsReview.id.in_(latest_review_ids()), ImsReview.answer.is_distinct_from("go_ahead"))
    )
    return dict(rows.all())


def unanswered(connection: Connection, now: datetime) -> int:
    """How many are still to be looked at."""
    return (
        connection.scalar(
            select(func.count())
            .select_from(ImsReview)
            .join(Appointment, Appointment.id == ImsReview.appointment_id)
            .where(ImsReview.answer.is_(None), Appointment.status.in_(_COMING), Appointment.ends_at > now)
        )
        or 0
    )
