"""Appointments, by who may see them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from scheduler.domain.errors import NotFound
from scheduler.models import Appointment, Patient

SHOWN = ("booked", "confirmed", "arrived", "completed", "cancelled", "no_show")
WHOLE = (
    joinedload(Appointment.patient),
    joinedload(Appointment.practitioner),
    joinedload(Appointment.treatment),
    joinedload(Appointment.room),
)


def by_public_id(session: Session, public_id: str) -> Appointment:
    """For callers who may see every appointment. NotFound when there is none."""
    return _one(session, select(Appointment).options(*WHOLE).where(Appointment.public_id == public_id))


def of_account(session: Session, public_id: str, account_id: int) -> Appointment:
    """NotFound as well when it is somebody else's."""
    return _one(
        session,
        select(Appointment)
        .options(*WHOLE)
        .join(Appointment.patient)
        .where(Appointment.public_id == public_id, Patient.phone_account_id == account_id)
        .where(Appointment.status.in_(SHOWN)),
    )


def locked(session: Session, public_id: str) -> Appointment:
    """The appointment as it is now, its row locked; lock its practitioner before (usecases/placing.py)."""
    return _one(
        session,
        select(Appointment)
        .where(Appointment.public_id == public_id)
        .with_for_update(key_share=True, of=Appointment)
        .execution_options(populate_existing=True),
    )


def holds_of(session: Session, held_for: str) -> Sequence[Appointment]:
    """What this visitor keeps at the moment, run out or not."""
    return session.scalars(
        select(Appointment)
        .where(Appointment.status == "held", Appointment.held_for == held_for)
        .order_by(Appointment.practitioner_id)
    ).all()


def next_of_account(session: Session, account_id: int, now: datetime) -> Sequence[Appointment]:
    """Coming visits of all patients who share the number, the soonest first."""
    return session.scalars(
        _of_account(account_id)
        .where(Appointment.ends_at > now, Appointment.status.in_(("booked", "confirmed", "arrived")))
        .order_by(Appointment.starts_at)
    ).all()


def past_of_account(session: Session, account_id: int, now: datetime, limit: int = 20) -> Sequence[Appointment]:
    """Visits that are over, and cancelled ones, the latest first; IMS received elsewhere is not listed."""
    return session.scalars(
        _of_account(account_id)
        .where(
            (Appointment.ends_at <= now) | Appointment.status.in_(("completed", "cancelled", "no_show")),
            Appointment.status.in_(SHOWN),
            Appointment.origin != "elsewhere",
        )
        .order_by(Appointment.starts_at.desc())
        .limit(limit)
    ).all()


def _of_account(account_id: int) -> Select[Appointment]:
    return select(Appointment).options(*WHOLE).join(Appointment.patient).where(Patient.phone_account_id == account_id)


def _one(session: Session, statement: Select[Appointment]) -> Appointment:
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("appointment")
    return found
