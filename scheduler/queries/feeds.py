"""What a calendar feed and a single calendar file are made of. Column reads, because calendars poll all day."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, bindparam, case, or_, select

from scheduler.models.patients.patient import Patient, PatientMerge
from scheduler.models.texts.wrong_number import is_marked
from scheduler.models.visits.appointment import Appointment
from scheduler.queries.driver_statements import Plain
from scheduler.queries.visits.private_visits import is_private


class FeedState(NamedTuple):
    """`calendar_version` rises with each change of an appointment of this patient."""

    patient_id: int
    calendar_version: int
    language: str
    given_name: str


class FeedVisit(NamedTuple):
    public_id: str
    version: int
    changed_at: datetime
    starts_local: datetime
    minutes: int
    zone: str
    status: str


class SingleVisit(NamedTuple):
    visit: FeedVisit
    language: str
    phone_account_id: int | None
    feed_token: str
    is_private: bool


_VISIT = (
    Appointment.public_id,
    Appointment.version,
    Appointment.changed_at,
    Appointment.starts_local,
    Appointment.minutes,
    Appointment.zone,
    Appointment.status,
)
# Never a hold, nor a hold that ran out, nor a visit somewhere else: none of these is a promise of this clinic.
_KEPT = Appointment.status.in_(("booked", "confirmed", "arrived", "completed", "no_show"))

_STATE = Plain(
    select(Patient.id, Patient.calendar_version, Patient.language, Patient.given_name)
    .outerjoin(PatientMerge, PatientMerge.merged_patient_id == Patient.id)
    .where(Patient.feed_token == bindparam("token"), PatientMerge.id.is_(None))
)
_VISITS = (
    select(*_VISIT)
    .where(
        Appointment.patient_id == bindparam("patient_id"),
        Appointment.starts_at >= bindparam("since_at"),
        Appointment.origin != "elsewhere",
        ~is_private(),  # a parent may have subscribed
        or_(_KEPT, and_(Appointment.status == "cancelled", Appointment.changed_at >= bindparam("cancelled_since_at"))),
    )
    .order_by(Appointment.starts_at, Appointment.id)
)
_SINGLE = (
    select(*_VISIT, Patient.language, case((~is_marked(), Patient.phone_account_id)), Patient.feed_token, is_private())
    .join(Patient, Patient.id == Appointment.patient_id)
    .where(
        Appointment.public_id == bindparam("public_id"),
        Appointment.origin != "elsewhere",
        or_(_KEPT, Appointment.status == "cancelled"),
    )
)


def feed_state(engine: Engine, token: str) -> FeedState | None:
    """One indexed SELECT: all it takes to say that nothing changed. None as well for a record merged into another."""
    row = _STATE.first_alone(engine, token=token)
    return FeedState(*row) if row else None


def feed_visits(
    connection: Connection, patient_id: int, *, since_at: datetime, cancelled_since_at: datetime
) -> Sequence[FeedVisit]:
    """Visits starting at `since_at` or later, in order of time; cancelled ones if that was done lately."""
    given = {"patient_id": patient_id, "since_at": since_at, "cancelled_since_at": cancelled_since_at}
    return [FeedVisit(*row) for row in connection.execute(_VISITS, given)]


def single_visit(connection: Connection, public_id: str) -> SingleVisit | None:
    row = connection.execute(_SINGLE, {"public_id": public_id}).one_or_none()
    if row is None:
        return None
    *visit, language, phone_account_id, feed_token, private = row
    return SingleVisit(FeedVisit._make(visit), language, phone_account_id, feed_token, bool(private))
