"""A new appointment, written under its locks, with what is to be texted about it."""

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, Practitioner, PractitionerTreatment
from scheduler.usecases.booking.locks import lock_patient, lock_practitioners
from scheduler.usecases.booking.placing import Place, PlaceGone, lock_room, put
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.texts.reminder_planning import plan_for


def add_appointment(
    session: Session,
    place: Place,
    request: BookingRequest,
    status: AppointmentStatus,
    *,
    hold_until: datetime | None = None,
) -> Appointment:
    """Write it, and its reminders unless it is a hold; history line and the calendars' versions follow by trigger.
    Commits nothing. Raises PlaceGone, or an IntegrityError that names the violated constraint."""
    connection = session.connection()
    lock_practitioners(connection, {place.practitioner_id})
    _require_still_done_by(connection, place)
    if place.patient_id is not None:
        lock_patient(connection, place.patient_id)
    appointment = Appointment(
        patient_id=place.patient_id,
        treatment_id=place.treatment.id,
        origin=request.origin,
        status=status,
        spacing_group_id=place.treatment.spacing_group_id,
        spacing_days=place.treatment.min_days,
        hold_until=hold_until,
        held_for=request.held_for if hold_until else None,
        version=1,
        schedule_version=1,
        created_at=request.now,
        changed_at=request.now,
        changed_by=str(request.actor),
    )
    put(appointment, request, place, lock_room(connection, place))
    session.add(appointment)
    session.flush()
    if hold_until is None:
        plan_for(session, appointment=appointment, clinic=request.clinic, now=request.now)
    return appointment


def _require_still_done_by(connection: Connection, place: Place) -> None:
    """The search may have read before a change that this booking has just waited for."""
    does = (
        select(Practitioner.id)
        .join(PractitionerTreatment, PractitionerTreatment.practitioner_id == Practitioner.id)
        .where(Practitioner.id == place.practitioner_id, Practitioner.active)
        .where(PractitionerTreatment.treatment_id == place.treatment.id)
    )
    if connection.dialect.name == "postgresql" and connection.scalar(does) is None:
        raise PlaceGone
