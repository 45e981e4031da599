"""IMS elsewhere that comes too near to a visit booked here: recorded together with moving or cancelling that visit."""

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.appointment_status import AppointmentStatus
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.models import Appointment
from scheduler.queries import appointments
from scheduler.usecases.booking import move_within
from scheduler.usecases.changing import carry_out, change_to, locked, require_changeable, require_version
from scheduler.usecases.elsewhere import record_within
from scheduler.usecases.placing import Request
from scheduler.usecases.transaction import retry_deadlocks


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
) -> Appointment:
    """Both or neither. Refuses as a move does, and with VisitMustMove when yet another visit is too near."""
    here = appointments.by_public_id(session, settlement.public_id)
    request = Request(
        clinic,
        here.treatment.slug,
        settlement.practitioner,
        settlement.starts_local or here.starts_local,
        now,
        actor,
        here.patient_id,
        leaving_out=here.id,
    )

    def work() -> Appointment:
        if settlement.starts_local is not None:
            move_within(session, request, here, settlement.version)
        else:
            cancelled = locked(session, settlement.public_id)
            require_version(cancelled, settlement.version)
            require_changeable(cancelled, clinic=clinic, now=now, actor=actor)
            why = settlement.reason.strip()[:500] or "IMS elsewhere was too near"
            change_to(cancelled, AppointmentStatus.CANCELLED, now=now, actor=actor, why=why)
        session.flush()
        return record_within(session, clinic=clinic, patient_id=patient_id, day=day, at=at, now=now, actor=actor)

    return carry_out(session, request, work)
