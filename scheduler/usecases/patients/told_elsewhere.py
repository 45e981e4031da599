"""IMS elsewhere that a patient has told of stands on the screening of visits to come, until it turns out not to be so."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.booking.screening import ScreeningQuestion
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, Screening
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@retry_deadlocks
def take_back_told(session: Session, *, patient_id: int, day: date, now: datetime) -> None:
    """The patient has corrected the day, or the answer, before it was recorded."""
    begin_write(session)
    forget_told(session, patient_id=patient_id, day=day, now=now)
    session.commit()


def forget_told(session: Session, *, patient_id: int, day: date, now: datetime) -> None:
    """The same in the transaction of another use case. What is recorded of that day stays; so do the other answers."""
    begins = datetime.combine(day, time.min)
    recorded = select(Appointment.id).where(
        Appointment.patient_id == patient_id,
        Appointment.origin == "elsewhere",
        Appointment.status == AppointmentStatus.COMPLETED,
        Appointment.starts_local >= begins,
        Appointment.starts_local < begins + timedelta(days=1),
    )
    if session.scalar(recorded.limit(1)) is not None:
        return
    told = (
        select(Screening)
        .join(Appointment, Appointment.id == Screening.appointment_id)
        .where(Appointment.patient_id == patient_id, Appointment.starts_at > now)
        .where(Screening.needled_elsewhere_on == day)
    )
    for screening in session.scalars(told.with_for_update(of=Screening)):
        screening.answers = {**screening.answers, ScreeningQuestion.NEEDLED_ELSEWHERE.value: False}
        screening.flagged, screening.needled_elsewhere_on = any(screening.answers.values()), None
    session.flush()
