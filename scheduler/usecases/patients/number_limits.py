"""How many patients one number registers online. Desk, API, import, and who is registered already, are not bound."""

from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from scheduler.domain.booking.refusals import PleaseCall
from scheduler.models import Appointment, Patient, PhoneAccount
from scheduler.models.texts.wrong_number import is_marked

PATIENTS_OF_A_NUMBER = 6
"""A family; whoever looks after more people telephones."""
UNSEEN_OF_A_NUMBER = 2
"""With visits to come, and never here: nobody fills a calendar with names that they make up."""
BOOKING_TAKES = timedelta(hours=1)
"""Somebody registered as lately as that may be about to book."""


def require_room_on_number(session: Session, account_id: int, *, now: datetime) -> None:
    """Refuses with PleaseCall. The number is locked, so that two at once count each other."""
    session.execute(select(PhoneAccount.id).where(PhoneAccount.id == account_id).with_for_update(key_share=True))
    theirs = (Patient.phone_account_id == account_id, ~is_marked())
    registered = session.scalar(select(func.count(Patient.id)).where(*theirs)) or 0
    if registered >= PATIENTS_OF_A_NUMBER:
        raise PleaseCall
    seen, coming = aliased(Appointment), aliased(Appointment)
    was_here = exists().where(
        seen.patient_id == Patient.id, seen.origin != "elsewhere", seen.status.in_(("arrived", "completed"))
    )
    is_coming = exists().where(
        coming.patient_id == Patient.id, coming.status.in_(("booked", "confirmed")), coming.starts_at > now
    )
    unseen = select(func.count(Patient.id)).where(
        and_(*theirs, ~was_here, or_(is_coming, Patient.created_at > now - BOOKING_TAKES))
    )
    if (session.scalar(unseen) or 0) >= UNSEEN_OF_A_NUMBER:
        raise PleaseCall
