"""What becomes of a visit: arrived, completed, no-show, and the undoing of each."""

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.appointment_status import ACTIVE, AppointmentStatus
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import StatusRefused
from scheduler.models import Appointment
from scheduler.queries import appointments, reference
from scheduler.queries.reference import TreatmentInfo
from scheduler.usecases.booking import cancel_appointment
from scheduler.usecases.changing import (
    BEFORE_THE_VISIT,
    carry_out,
    change_to,
    locked,
    require_version,
)
from scheduler.usecases.elsewhere import count_again
from scheduler.usecases.locks import lock_rooms
from scheduler.usecases.placing import Request, require_patient_may, wanted_of
from scheduler.usecases.reminder_planning import plan_for
from scheduler.usecases.transaction import retry_deadlocks

OF_THE_DAY = (AppointmentStatus.ARRIVED, AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW)


@retry_deadlocks
def change_status(
    session: Session,
    *,
    clinic: ClinicSettings,
    public_id: str,
    status: AppointmentStatus,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
    ims_given: bool | None = None,
) -> Appointment:
    """Arrived, completed, no-show and their undoing. `ims_given`, at completion, decides whether the visit counts.

    Undoing a cancellation or no-show refuses as a booking would: when something took its place, and when the
    patient is no longer cleared. What happens on the day is refused before it.
    """
    if status == AppointmentStatus.CANCELLED:
        return cancel_appointment(
            session,
            clinic=clinic,
            public_id=public_id,
            reason="",
            now=now,
            actor=actor,
            expected_version=expected_version,
        )
    here = appointments.by_public_id(session, public_id)
    practitioner = here.practitioner.slug if here.practitioner else None
    counts_as = _needling(session).slug if ims_given else here.treatment.slug
    request = Request(
        clinic,
        counts_as,
        practitioner,
        here.starts_local,
        now,
        actor,
        here.patient_id,
        leaving_out=here.id,
        needs_clearance=not ims_given,  # what was given was given
    )
    _require_its_day(here, status, clock.to_local(now, clock.zone(clinic.zone)))

    def change() -> Appointment:
        changed = locked(session, public_id)
        require_version(changed, expected_version)
        revived = AppointmentStatus(changed.status) not in ACTIVE and status in BEFORE_THE_VISIT
        _count(session, changed, status, ims_given)
        if revived:
            connection = session.connection()
            require_patient_may(connection, request, wanted_of(request, reference.current(connection)))
            if changed.room_id is not None:
                lock_rooms(connection, {changed.room_id})
            changed.schedule_version = changed.version + 1  # its reminders were dropped and are planned anew
        change_to(changed, status, now=now, actor=actor)
        session.flush()
        if status == AppointmentStatus.NO_SHOW or ims_given is False:
            count_again(session, changed, changed.counts_from_local, now=now, actor=actor)
        if revived:
            plan_for(session, appointment=changed, clinic=clinic, now=now)
        return changed

    return carry_out(session, request, change)


def _require_its_day(visit: Appointment, status: AppointmentStatus, now_local: datetime) -> None:
    """Nobody has arrived, been treated or stayed away before the day itself; a no-show, before the visit begins."""
    too_early = (status in OF_THE_DAY and now_local.date() < visit.starts_local.date()) or (
        status == AppointmentStatus.NO_SHOW and now_local < visit.starts_local
    )
    if too_early:
        raise StatusRefused(from_status=AppointmentStatus(visit.status), to_status=status)


def _count(session: Session, visit: Appointment, status: AppointmentStatus, ims_given: bool | None) -> None:
    """What counts is what happened: at completion IMS may turn out given in another kind of visit, or not given."""
    current = reference.current(session.connection())
    planned = current.treatment_by_id(visit.treatment_id)
    group, days = planned.spacing_group_id, planned.min_days
    if status == AppointmentStatus.COMPLETED and ims_given is not None:
        if not ims_given and planned.needling:
            group = days = None
        elif ims_given:
            ims = _needling(session)
            group, days = ims.spacing_group_id, ims.min_days
    if visit.spacing_group_id != group:
        visit.spacing_group_id, visit.spacing_days = group, days


def _needling(session: Session) -> TreatmentInfo:
    return reference.current(session.connection()).needling
