"""The desk shows a visit to nobody who acts for the patient, or shows it again."""

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.models import Appointment, PrivateVisit
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import locked, require_version, touch

PRIVATE, SHOWN_AGAIN = "private", "shown again"
"""In the history, as why."""


@retry_deadlocks
def set_private(
    session: Session,
    *,
    public_id: str,
    is_private: bool,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
) -> Appointment:
    """A change of the visit, so that calendars that have it fetch it anew. Said twice is said once."""
    begin_write(session)
    visit = locked(session, public_id)
    require_version(visit, expected_version)
    if visit.patient_id is None:
        raise NotFound("appointment")
    mark = session.get(PrivateVisit, visit.id)
    if (mark is not None) != is_private:
        if mark is not None:
            session.delete(mark)
        else:
            session.add(PrivateVisit(appointment_id=visit.id, set_at=now, set_by=str(actor)[:80]))
        touch(visit, now=now, actor=actor, why=PRIVATE if is_private else SHOWN_AGAIN)
    session.commit()
    return visit
