"""Does this patient get texts about this visit? Everybody who asks, asks here."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, null, select
from sqlalchemy.orm import Session

from scheduler.domain.texts.no_texts import NoTexts
from scheduler.models import Appointment, Patient, PhoneAccount
from scheduler.models.texts.wrong_number import is_stopped
from scheduler.queries.visits.private_visits import born_by, is_kept_off


def why_no_texts(born_by: Any) -> ColumnElement[str | None]:
    """Of the `Appointment`, `Patient` and `PhoneAccount` of the query (outer joined): a value of NoTexts, or NULL when
    texts go out. `born_by` as `private_visits.born_by` gives it."""
    return case(
        (Patient.restricted_at.is_not(None), NoTexts.RESTRICTED.value),
        (PhoneAccount.id.is_(None), NoTexts.NO_NUMBER.value),
        (PhoneAccount.opted_out_at.is_not(None), NoTexts.OPTED_OUT.value),
        (PhoneAccount.unreachable_at.is_not(None), NoTexts.UNREACHABLE.value),
        (is_kept_off(born_by), NoTexts.NOT_TO_A_PARENT.value),
        (is_stopped(), NoTexts.WRONG_NUMBER.value),
        else_=null(),
    )


def why_none_about(session: Session, appointment_id: int, now: datetime) -> NoTexts | None:
    found = session.scalar(
        select(why_no_texts(born_by(now)))
        .select_from(Appointment)
        .outerjoin(Patient, Patient.id == Appointment.patient_id)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(Appointment.id == appointment_id)
    )
    return NoTexts(found) if found else None
