"""What a visitor has typed so far, for the browser that typed it, and what a patient said before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.booking.screening import EarlierAnswers, ScreeningAnswers, ScreeningQuestion
from scheduler.domain.errors import NotFound
from scheduler.models import Appointment, BookingDraft, PrivateVisit, Reminder, Screening
from scheduler.queries.visits.private_visits import is_private


@dataclass(frozen=True, slots=True)
class Draft:
    """`booked`: the public id of the appointment it has become."""

    token: str
    fields: Mapping[str, Any]
    booked: str | None


def draft_of(session: Session, token: str, browser: str) -> Draft:
    """NotFound for every other browser."""
    row = session.execute(
        select(BookingDraft.fields, Appointment.public_id)
        .join(Appointment, Appointment.id == BookingDraft.appointment_id, isouter=True)
        .where(BookingDraft.token == token, BookingDraft.browser == browser)
    ).one_or_none()
    if row is None:
        raise NotFound("booking")
    return Draft(token, row.fields, row.public_id)


def visit_at(session: Session, patient_id: int, starts_local: datetime) -> Appointment | None:
    """The patient's visit at that very time, for a confirmation that was sent twice."""
    return session.scalar(
        select(Appointment)
        .where(Appointment.patient_id == patient_id, Appointment.starts_local == starts_local, Appointment.active)
        .where(Appointment.origin != "elsewhere", ~is_private())
    )


def last_answers(session: Session, patient_id: int, zone: ZoneInfo) -> EarlierAnswers | None:
    """What the patient answered to the screening questions the last time, but for a visit that is not shown to a parent:
    whoever books may be one."""
    private = exists().where(PrivateVisit.appointment_id == Screening.appointment_id)
    last = session.scalars(
        select(Screening)
        .where(Screening.patient_id == patient_id, ~private)
        .order_by(Screening.answered_at.desc(), Screening.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    yes = frozenset(question for question in ScreeningQuestion if last.answers.get(question))
    on = clock.to_local(last.answered_at, zone).date()
    return EarlierAnswers(on, ScreeningAnswers(yes, last.needled_elsewhere_on))


def texts_to_come(session: Session, appointment_id: int) -> list[tuple[str, datetime]]:
    """Kind and due time of each text planned for the visit, the next first."""
    rows = session.execute(
        select(Reminder.kind, Reminder.due_at)
        .where(Reminder.appointment_id == appointment_id, Reminder.status == "planned")
        .order_by(Reminder.due_at)
    )
    return [(kind, due_at) for kind, due_at in rows]
