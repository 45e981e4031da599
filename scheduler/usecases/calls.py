"""Ticking off the call list: who telephoned a patient about which time of a visit."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import VersionConflict
from scheduler.models import Appointment, ReminderCall
from scheduler.queries import appointments
from scheduler.usecases import audit
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@retry_deadlocks
def tick_off(session: Session, *, public_id: str, schedule_version: int, now: datetime, actor: Actor) -> None:
    """Called about this time of the visit. Ticked off already is as good; VersionConflict when it has moved since."""
    begin_write(session)
    visit = appointments.locked(session, public_id)
    if visit.schedule_version != schedule_version:
        raise VersionConflict(visit.version)
    if _call(session, visit) is None:
        session.add(
            ReminderCall(
                appointment_id=visit.id, schedule_version=schedule_version, called_at=now, called_by=str(actor)
            )
        )
        audit.note(session, what=audit.CALLED, actor=actor, now=now, patient_id=visit.patient_id)
    session.commit()


@retry_deadlocks
def take_back(session: Session, *, public_id: str, now: datetime, actor: Actor) -> None:
    """Ticked off by mistake."""
    begin_write(session)
    visit = appointments.locked(session, public_id)
    call = _call(session, visit)
    if call is not None:
        session.delete(call)
        audit.note(session, what=audit.CALL_TAKEN_BACK, actor=actor, now=now, patient_id=visit.patient_id)
    session.commit()


def _call(session: Session, visit: Appointment) -> ReminderCall | None:
    return session.scalar(
        select(ReminderCall).where(
            ReminderCall.appointment_id == visit.id, ReminderCall.schedule_version == visit.schedule_version
        )
    )
