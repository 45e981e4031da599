"""A new appointment, written by the driver itself: for this one row a session takes longer than for all the rest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, TIMESTAMP, Connection, String, bindparam, cast, func, insert, literal_column, select, true

from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, Patient, Practitioner, PractitionerTreatment
from scheduler.models.base import public_id
from scheduler.models.texts.sms import Reminder
from scheduler.queries.driver_statements import Plain, array_of, text_of
from scheduler.usecases.booking.placing import A_ROOM, Place, PlaceGone, Request
from scheduler.usecases.texts.reminder_planning import add_reminders, due_reminders


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
    ims_given: bool | None = None
    time_known: bool = True
    version: int = 1
    schedule_version: int = 1


Visit = Appointment | NewAppointment

_COLUMNS = """public_id patient_id practitioner_id treatment_id origin status starts_local zone minutes buffer_minutes
starts_at ends_at busy_until spacing_group_id spacing_days counts_from_local time_known hold_until held_for
version schedule_version created_at changed_at changed_by""".split()
_VALUES: dict[str, Any] = {name: bindparam(name) for name in _COLUMNS}
_INTO_FIRST_ROOM = Plain(
    insert(Appointment).values(_VALUES | {"room_id": bindparam("free_rooms")}).returning(Appointment.id)
)


def _with_locks_and_reminders() -> Plain:
    """PostgreSQL: locks practitioner, patient and room in this order, then writes the appointment and its reminders.

    In one statement, which can be a whole transaction: others wait for these locks no longer than it takes.
    """
    columns = Appointment.__table__.columns
    given = {name: bindparam(name, type_=columns[name].type) for name in _COLUMNS}
    practitioner = (
        select(Practitioner.id)
        .join(PractitionerTreatment, PractitionerTreatment.practitioner_id == Practitioner.id)
        .where(Practitioner.id == given["practitioner_id"], Practitioner.active)
        .where(PractitionerTreatment.treatment_id == given["treatment_id"])
        .with_for_update(key_share=True)  # both: of what is only read, this statement sees what stood before it waited
    ).cte("practitioner_first")
    patient = (
        select(Patient.id)
        .join(practitioner, true())  # only so that it comes second
        .where(Patient.id == given["patient_id"])
        .with_for_update(key_share=True, of=Patient)
    ).cte("patient_second")
    row: dict[str, Any] = given | {"practitioner_id": practitioner.c.id, "patient_id": patient.c.id, "room_id": A_ROOM}
    values = select(*row.values()).select_from(practitioner.outerjoin(patient, true()))
    made = insert(Appointment).from_select(list(row), values).returning(Appointment.id).cte("made")
    kinds, times = cast(bindparam("kinds"), ARRAY(String)), cast(bindparam("times"), ARRAY(TIMESTAMP(timezone=True)))
    due = func.unnest(kinds, times).table_valued("kind", "at").render_derived(name="due")
    reminder = {
        Reminder.appointment_id: made.c.id,
        Reminder.version: given["version"],
        Reminder.kind: due.c.kind,
        Reminder.due_at: due.c.at,
        Reminder.next_attempt_at: due.c.at,
        Reminder.attempts: literal_column("0"),
        Reminder.status: literal_column("'planned'"),
    }
    planned = insert(Reminder).from_select(list(reminder), select(*reminder.values())).cte("planned")
    return Plain(select(made.c.id).add_cte(planned))


_WITH_LOCKS_AND_REMINDERS = _with_locks_and_reminders()


def add_appointment(
    connection: Connection,
    place: Place,
    request: Request,
    status: AppointmentStatus,
    *,
    origin: str,
    hold_until: datetime | None = None,
    held_for: str | None = None,
) -> NewAppointment:
    """Write it, and what is to be texted about it unless it is a hold; history line and the calendars' versions follow
    by trigger. Commits nothing."""
    treatment = place.treatment
    now, starts_local, starts_at = text_of(request.now), text_of(request.starts_local), place.starts_at
    ends_at = starts_at + timedelta(minutes=treatment.minutes)
    zone = request.clinic.zone
    due = [] if hold_until else due_reminders(request.starts_local, zone, clinic=request.clinic, now=request.now)
    shown: dict[str, Any] = {
        "public_id": public_id(),
        "patient_id": place.patient_id,
        "practitioner_id": place.practitioner_id,
        "treatment_id": treatment.id,
        "origin": origin,
        "status": status.value,
        "zone": zone,
        "minutes": treatment.minutes,
        "buffer_minutes": treatment.buffer_minutes,
        "spacing_group_id": treatment.spacing_group_id,
    }
    row = shown | {
        "starts_local": starts_local,
        "counts_from_local": starts_local,
        "time_known": True,
        "starts_at": text_of(starts_at),
        "ends_at": text_of(ends_at),
        "busy_until": text_of(ends_at + timedelta(minutes=treatment.buffer_minutes)),
        "spacing_days": treatment.min_days,
        "hold_until": text_of(hold_until) if hold_until else None,
        "held_for": held_for,
        "version": 1,
        "schedule_version": 1,
        "created_at": now,
        "changed_at": now,
        "changed_by": str(request.actor),
    }
    if connection.dialect.name == "postgresql":
        kinds, times = array_of(one.kind for one in due), array_of(text_of(one.due_at) for one in due)
        rooms = array_of(place.free_rooms)
        made = _WITH_LOCKS_AND_REMINDERS.all(connection, **row, free_rooms=rooms, kinds=kinds, times=times)
        if not made:
            raise PlaceGone
        ((appointment_id,),) = made
    else:
        ((appointment_id,),) = _INTO_FIRST_ROOM.all(connection, **row, free_rooms=place.free_rooms[0])
        add_reminders(connection, appointment_id, 1, due)
    return NewAppointment(
        id=appointment_id,
        starts_local=request.starts_local,
        starts_at=starts_at,
        ends_at=ends_at,
        hold_until=hold_until,
        **shown,
    )
