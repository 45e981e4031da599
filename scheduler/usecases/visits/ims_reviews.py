"""Booked IMS that a physiotherapist is to look at: go ahead, or call the patient. Nothing is cancelled by itself."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import Appointment, ImsReview, Screening, Treatment
from scheduler.queries.visits.ims_reviews import latest_review_ids
from scheduler.usecases import audit

CLEARANCE_TAKEN_BACK, NEW_YES = "clearance_taken_back", "screening"
GO_AHEAD, CALL = "go_ahead", "call"
OPEN = ("booked", "confirmed", "arrived")


def ask_for_reviews(session: Session, patient_id: int, *, why: str, now: datetime) -> None:
    """Puts every booked IMS visit of the patient on the list; in the transaction of another use case, which has locked
    the patient: a booking of the same moment stands in the table by then, or is refused."""
    waiting = select(ImsReview.appointment_id).where(ImsReview.answer.is_(None))
    booked = session.scalars(
        select(Appointment.id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .where(Appointment.patient_id == patient_id, Appointment.status.in_(OPEN), Appointment.ends_at > now)
        .where(Treatment.needs_clearance, Appointment.id.not_in(waiting))
    ).all()
    session.add_all(ImsReview(appointment_id=each, why=why, asked_at=now) for each in booked)


def ask_after_screening(session: Session, patient_id: int, answers: ScreeningAnswers, *, now: datetime) -> None:
    """When a question that the patient answered with no the last time, or never, is answered with yes."""
    before = session.scalar(
        select(Screening.answers)
        .where(Screening.patient_id == patient_id)
        .order_by(Screening.answered_at.desc(), Screening.id.desc())
        .limit(1)
    )
    said_before = {question for question, yes in (before or {}).items() if yes}
    if {question.value for question in answers.yes} - said_before:
        ask_for_reviews(session, patient_id, why=NEW_YES, now=now)


def answer_within(
    session: Session, *, visit: str, answer: str, practitioner_id: int | None, now: datetime, actor: Actor
) -> ImsReview:
    """Of the visit with this public id; commits nothing. An answer "call" may become "go ahead": both are kept."""
    if answer not in (GO_AHEAD, CALL):
        raise Invalid({"answer": "Choose one of the two answers."})
    asked = session.scalar(
        select(ImsReview)
        .join(Appointment, Appointment.id == ImsReview.appointment_id)
        .where(Appointment.public_id == visit, ImsReview.id.in_(latest_review_ids()))
        .with_for_update(of=ImsReview)
    )
    if asked is None:
        raise NotFound("review")
    if asked.answer == answer:
        return asked
    if asked.answer is not None:
        asked = ImsReview(appointment_id=asked.appointment_id, why=asked.why, asked_at=asked.asked_at)
        session.add(asked)
    asked.answer, asked.answered_at, asked.answered_by = answer, now, str(actor)
    asked.practitioner_id = practitioner_id
    patient_id = session.scalar(select(Appointment.patient_id).where(Appointment.id == asked.appointment_id))
    audit.note(
        session, what=audit.IMS_REVIEWED, actor=actor, now=now, patient_id=patient_id, details=f"{visit}: {answer}"
    )
    return asked
