"""The health questions, answered at the desk for a visit that was booked without them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused
from scheduler.models import Appointment, Screening
from scheduler.usecases.booking.booking import screening_of
from scheduler.usecases.patients.elsewhere import record_within
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import locked, require_version, touch
from scheduler.usecases.visits.ims_reviews import OPEN, ask_after_screening

ANSWERED = "health questions"
"""In the history, as why."""


@retry_deadlocks
def answer_health(
    session: Session,
    *,
    clinic: ClinicSettings,
    public_id: str,
    answers: ScreeningAnswers,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
) -> Appointment:
    """IMS elsewhere told with them counts at once: this visit, or another booked one too near to it, must move then.

    Refuses with Invalid once they are answered, with StatusRefused when the visit is over or called off.
    """
    begin_write(session)
    visit = locked(session, public_id)
    require_version(visit, expected_version)
    if visit.patient_id is None:
        raise NotFound("appointment")
    if visit.status not in OPEN:
        raise StatusRefused(from_status=AppointmentStatus(visit.status), to_status=AppointmentStatus.BOOKED)
    if session.scalar(select(Screening.id).where(Screening.appointment_id == visit.id)) is not None:
        raise Invalid({"applies": "These questions are answered already."})
    if answers.needled_on is not None:
        record_within(
            session,
            clinic=clinic,
            patient_id=visit.patient_id,
            day=answers.needled_on,
            at=None,
            now=now,
            actor=actor,
            leaves_booked=True,
        )
    ask_after_screening(session, visit.patient_id, answers, now=now)
    session.add(screening_of(visit, answers, now))
    touch(visit, now=now, actor=actor, why=ANSWERED)
    session.commit()
    return visit
