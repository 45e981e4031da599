"""Ticking off the call list: who telephoned a patient about which time of a visit."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.models import Appointment, ReminderCall
from scheduler.queries.texts.calls import told_of_from
from scheduler.queries.visits import appointments
from scheduler.usecases import audit
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@retry_deadlocks
def tick_off(session: Session, *, public_id: str, schedule_version: int, now: datetime, actor: Actor) -> None:
    """Called about this time of the visit, or that it is cancelled or must move. Ticked off already is as good; VersionConflict when it
    has moved since."""
    begin_write(session)
    visit = appointments.locked(session, public_id)
    if visit.schedule_version != schedule_version:
        raise VersionConflict(visit.version)
    call = _call(session, visit)
    told_from = told_of_from(session.connection(), visit.id, schedule_version)
    if call is None or (told_from is not None and call.called_at < told_from):
        call = call or ReminderCall(appointment_id=visit.id, schedule_version=schedule_version)
        call.called_at, call.called_by = now, str(actor)
        session.add(call)
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
