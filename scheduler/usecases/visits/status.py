"""What becomes of a visit: arrived, completed, no-show, and the undoing of each."""

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.appointment_status import ACTIVE, AppointmentStatus, StatusRefused, require_change
from scheduler.models import Appointment
from scheduler.queries.clinic import reference
from scheduler.queries.visits import appointments
from scheduler.queries.visits.ims_given import last_answer
from scheduler.usecases.booking.booking import cancel_appointment
from scheduler.usecases.booking.locks import lock_rooms
from scheduler.usecases.booking.placing import require_patient_may, wanted_of
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.texts.reminder_planning import plan_for
from scheduler.usecases.transaction import retry_deadlocks
from scheduler.usecases.visits.changing import BEFORE_THE_VISIT, carry_out, change_to, locked, require_version
from scheduler.usecases.visits.ims_counting import recount
from scheduler.usecases.visits.ims_given import complete, is_own_slip
from scheduler.usecases.visits.must_move import let_stand

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
    why: str | None = None,
) -> Appointment:
    """Arrived, completed, no-show and their undoing. `ims_given`, at completion, decides whether the visit counts; none
    while nobody has said. Completion is refused by no rule: what has happened is recorded, and flagged where it is odd.

    Undoing a cancellation or no-show refuses as a booking would: when something took its place, and when the
    patient is no longer cleared. What happens on the day is refused before it. A completion with its answer is undone
    by whoever gave it, on the same day; later refuses with Invalid, for then a practitioner says otherwise and why
    (ims_given.py).
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
    request = _request(here, clinic, now, actor)
    _require_its_day(here, status, clock.to_local(now, clock.zone(clinic.zone)))

    def change() -> Appointment:
        changed = locked(session, public_id)
        require_version(changed, expected_version)
        if status == AppointmentStatus.COMPLETED:
            require_change(AppointmentStatus(changed.status), status)
            complete(session, changed, ims_given, clinic=clinic, now=now, actor=actor)
            return changed
        _require_unanswered_or_own_slip(session, changed, now=now, actor=actor)
        revived = AppointmentStatus(changed.status) not in ACTIVE and status in BEFORE_THE_VISIT
        answered, counted_from = changed.ims_given, changed.counts_from_local
        _as_planned(session, changed)
        if revived:
            connection = session.connection()
            require_patient_may(connection, request, wanted_of(request, reference.current(connection)))
            if changed.room_id is not None:
                lock_rooms(connection, {changed.room_id})
            changed.schedule_version = changed.version + 1  # its reminders were dropped and are planned anew
        change_to(changed, status, now=now, actor=actor, why=why)
        session.flush()
        if answered is not None or status == AppointmentStatus.NO_SHOW:
            recount(session, patient_id=changed.patient_id, around=[counted_from], now=now, actor=actor)
            if answered:
                let_stand(session, Appointment.patient_id == changed.patient_id, now=now)
        if revived:
            plan_for(session, appointment=changed, clinic=clinic, now=now)
        return changed

    return carry_out(session, request, change)


def _request(here: Appointment, clinic: ClinicSettings, now: datetime, actor: Actor) -> BookingRequest:
    """What the visit asked for when it was booked: so much of the rules binds its undoing."""
    practitioner = here.practitioner.slug if here.practitioner else None
    return BookingRequest(
        clinic=clinic,
        treatment=here.treatment.slug,
        practitioner=practitioner,
        starts_local=here.starts_local,
        now=now,
        actor=actor,
        origin=here.origin,
        patient=here.patient_id,
        leaving_out=here.id,
    )


def _as_planned(session: Session, visit: Appointment) -> None:
    """Only what has happened counts otherwise than planned."""
    planned = reference.current(session.connection()).treatment_by_id(visit.treatment_id)
    visit.ims_given, visit.ims_open, visit.ims_concerns = None, False, ""
    if visit.spacing_group_id != planned.spacing_group_id:
        visit.spacing_group_id, visit.spacing_days = planned.spacing_group_id, planned.min_days


def _require_unanswered_or_own_slip(session: Session, visit: Appointment, *, now: datetime, actor: Actor) -> None:
    if visit.ims_given is None:
        return
    last = last_answer(session.connection(), visit.id)
    if not is_own_slip(last, actor=actor, now=now, zone=clock.zone(visit.zone)):
        raise Invalid({"reason": "Say why the answer changes."})


def _require_its_day(visit: Appointment, status: AppointmentStatus, now_local: datetime) -> None:
    """Nobody has arrived, been treated or stayed away before the day itself; a no-show, before the visit begins."""
    too_early = (status in OF_THE_DAY and now_local.date() < visit.starts_local.date()) or (
        status == AppointmentStatus.NO_SHOW and now_local < visit.starts_local
    )
    if too_early:
        raise StatusRefused(from_status=AppointmentStatus(visit.status), to_status=status)
