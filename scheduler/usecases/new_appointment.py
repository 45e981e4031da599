"""A new appointment, written by the driver itself: for this one row a session takes longer than for all the rest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy.orm import Session

from scheduler.domain.appointment_status import AppointmentStatus
from scheduler.models import Appointment
from scheduler.models.base import public_id
from scheduler.queries.plain import Plain, text_of
from scheduler.usecases.placing import A_ROOM, Place, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAppointment:
    """What has just been written, in the words of models.Appointment."""

    id: int
    public_id: str
    patient_id: int | None
    practitioner_id: int
    treatment_id: int
    origin: str
    status: str
    starts_local: datetime
    zone: str
    minutes: int
    buffer_minutes: int
    starts_at: datetime
    ends_at: datetime
    spacing_group_id: int | None
    hold_until: datetime | None
    time_known: bool = True
    version: int = 1
    schedule_version: int = 1


Visit = Appointment | NewAppointment

_COLUMNS = """public_id patient_id practitioner_id treatment_id origin status starts_local zone minutes buffer_minutes
starts_at ends_at busy_until spacing_group_id spacing_days counts_from_local time_known hold_until held_for
version schedule_version created_at changed_at changed_by""".split()
_VALUES: dict[str, Any] = {name: bindparam(name) for name in _COLUMNS}
_INSERT = insert(Appointment).returning(Appointment.id)
_INTO_FIRST_ROOM = Plain(_INSERT.values(_VALUES | {"room_id": bindparam("free_rooms")}))
_INTO_A_LOCKED_ROOM = Plain(_INSERT.values(_VALUES | {"room_id": A_ROOM}))


def add_appointment(
    session: Session,
    place: Place,
    request: Request,
    status: AppointmentStatus,
    *,
    origin: str,
    hold_until: datetime | None = None,
    held_for: str | None = None,
) -> NewAppointment:
    """Write it; its history line and the calendars' versions follow by trigger. Commits nothing."""
    treatment = place.treatment
    now, starts_local, starts_at = text_of(request.now), text_of(request.starts_local), place.starts_at
    ends_at = starts_at + timedelta(minutes=treatment.minutes)
    shown: dict[str, Any] = {
        "public_id": public_id(),
        "patient_id": request.patient_id,
        "practitioner_id": place.practitioner_id,
        "treatment_id": treatment.id,
        "origin": origin,
        "status": status.value,
        "zone": request.clinic.zone,
        "minutes": treatment.minutes,
        "buffer_minutes": treatment.buffer_minutes,
        "spacing_group_id": treatment.spacing_group_id,
    }
    connection = session.connection()
    on_postgresql = connection.dialect.name == "postgresql"
    insert_it = _INTO_A_LOCKED_ROOM if on_postgresql else _INTO_FIRST_ROOM
    ((appointment_id,),) = insert_it.all(
        connection,
        **shown,
        free_rooms=place.free_rooms if on_postgresql else place.free_rooms[0],
        starts_local=starts_local,
        counts_from_local=starts_local,
        time_known=True,
        starts_at=text_of(starts_at),
        ends_at=text_of(ends_at),
        busy_until=text_of(ends_at + timedelta(minutes=treatment.buffer_minutes)),
        spacing_days=treatment.min_days,
        hold_until=text_of(hold_until) if hold_until else None,
        held_for=held_for,
        version=1,
        schedule_version=1,
        created_at=now,
        changed_at=now,
        changed_by=str(request.actor),
    )
    return NewAppointment(
        id=appointment_id,
        starts_local=request.starts_local,
        starts_at=starts_at,
        ends_at=ends_at,
        hold_until=hold_until,
        **shown,
    )
