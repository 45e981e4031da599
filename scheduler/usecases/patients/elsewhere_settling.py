"""IMS elsewhere that comes too near to a visit booked here: recorded together with moving or cancelling that visit."""

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.domain.booking.treatment_spacing import VisitMustMove
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, Screening
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.booking import move_within, screening_of
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.elsewhere import record_within
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import carry_out, change_to, locked, require_changeable, require_version


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of the visit that is too near: moved to `starts_local`, or cancelled when there is none."""

    public_id: str
    version: int
    starts_local: datetime | None = None
    practitioner: str | None = None
    reason: str = ""


@retry_deadlocks
def record_elsewhere_and_settle(
    session: Session,
    *,
    clinic: ClinicSettings,
    patient_id: int,
    day: date,
    at: time | None,
    settlement: Settlement,
    now: datetime,
    actor: Actor,
) -> Appointment | None:
    """Both or neither. Refuses as a move does, and with VisitMustMove when that visit would still be too near.

    None when yet another visit is too near: this one is settled, and the record waits for what becomes of that one.
    """
    here = appointments.by_public_id(session, settlement.public_id)
    request = BookingRequest(
        clinic=clinic,
        treatment=here.treatment.slug,
        practitioner=settlement.practitioner,
        starts_local=settlement.starts_local or here.starts_local,
        now=now,
        actor=actor,
        origin=here.origin,
        patient=here.patient_id,
        leaving_out=here.id,
    )

    def work() -> Appointment | None:
        if settlement.starts_local is not None:
            move_within(session, request, here, settlement.version)
        else:
            cancelled = locked(session, settlement.public_id)
            require_version(cancelled, settlement.version)
            require_changeable(cancelled, clinic=clinic, now=now, actor=actor)
            why = settlement.reason.strip()[:500] or "IMS elsewhere was too near"
            change_to(cancelled, AppointmentStatus.CANCELLED, now=now, actor=actor, why=why)
        session.flush()
        try:
            return record_within(session, clinic=clinic, patient_id=patient_id, day=day, at=at, now=now, actor=actor)
        except VisitMustMove as another:
            if another.wanted_local == settlement.starts_local:
                raise
            return None

    return carry_out(session, request, work)


@retry_deadlocks
def note_told(session: Session, *, public_id: str, answers: ScreeningAnswers, now: datetime) -> None:
    """Flag a booked visit with the IMS elsewhere that its patient has told of and that makes it too soon.

    It counts only when it is recorded, with what becomes of the visit; until then whoever opens the visit sees it.
    """
    begin_write(session)
    visit = appointments.locked(session, public_id)
    before = session.scalar(select(Screening).where(Screening.appointment_id == visit.id))
    if before is None:
        session.add(screening_of(visit, answers, now))
    else:
        before.answers = {**before.answers, ScreeningQuestion.NEEDLED_ELSEWHERE.value: True}
        before.flagged, before.needled_elsewhere_on, before.answered_at = True, answers.needled_on, now
    session.commit()
