"""Patients, by who may see them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from scheduler.domain.errors import NotFound
from scheduler.models import Patient


def by_public_id(session: Session, public_id: str) -> Patient:
    """For callers who may see every patient. NotFound when there is none."""
    found = session.scalar(
        select(Patient).options(joinedload(Patient.phone_account)).where(Patient.public_id == public_id)
    )
    if found is None:
        raise NotFound("patient")
    return found


def of_account(session: Session, account_id: int) -> Sequence[Patient]:
    """The family on one number."""
    return session.scalars(select(Patient).where(Patient.phone_account_id == account_id).order_by(Patient.id)).all()


def one_of_account(session: Session, public_id: str, account_id: int) -> Patient:
    """NotFound as well when the patient is on another number."""
    found = session.scalar(
        select(Patient).where(Patient.public_id == public_id, Patient.phone_account_id == account_id)
    )
    if found is None:
        raise NotFound("patient")
    return found
