"""What every use case that changes an appointment shares: its transaction, its locks, its version.

A change finds its place under locks (placing.py), lets the domain decide, and commits once. The database has the last
word: what a race slips past the check is refused by a constraint, whose name becomes the same refusal. History
lines, calendar versions and the dropping of stale reminders are the database's own work.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.appointment_status import AppointmentStatus, require_change
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import (
    BookingRefused,
    SlotTaken,
    StatusRefused,
    TooLateToChange,
    VersionConflict,
)
from scheduler.models import Appointment
from scheduler.models.constraints import violated
from scheduler.queries import appointments, patients, reference
from scheduler.usecases.new_appointment import Visit
from scheduler.usecases.placing import (
    Place,
    PlaceGone,
    Request,
    candidates,
    lock_patient,
    lock_practitioners,
    wanted_of,
)
from scheduler.usecases.refusing import refusal_of, with_alternatives
from scheduler.usecases.transaction import begin_write, writing_once

ROOM_GONE = ("room_not_double_booked", "appointment_has_a_place")  # taken, or closed
RACES = 6  # another booking may take the place that we chose between our look and our insert
V = TypeVar("V", bound=Visit | None)
BEFORE_THE_VISIT = (AppointmentStatus.HELD, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)


def carry_out(session: Session, request: Request, work: Callable[[], V]) -> V:
    """Run the work in its write transaction and commit; a constraint's no becomes a refusal with alternatives."""

    def attempt() -> V:
        begin_write(session)
        placed = work()
        session.commit()
        return placed

    return _until_placed(session, request, attempt)


def carry_out_once(session: Session, request: Request, work: Callable[[Connection], V]) -> V:
    """The same for work that writes by one statement."""

    def attempt() -> V:
        with writing_once(session) as connection:
            return work(connection)

    return _until_placed(session, request, attempt)


def _until_placed(session: Session, request: Request, attempt: Callable[[], V]) -> V:
    for _attempt in range(RACES):
        try:
            return attempt()
        except PlaceGone:
            session.rollback()
        except BookingRefused as refused:
            session.rollback()
            raise with_alternatives(session, refused, request) from None
        except IntegrityError as error:
            session.rollback()
            constraint = violated(error)
            if constraint in ROOM_GONE or (
                constraint == "practitioner_not_double_booked" and request.practitioner is None
            ):
                continue  # another room, or another of "anyone", may be free
            refusal = refusal_of(session, constraint, request)
            if refusal is None:
                raise
            raise with_alternatives(session, refusal, request) from None
    raise with_alternatives(session, SlotTaken(), request)


def put(appointment: Appointment, request: Request, place: Place, room_id: int) -> None:
    treatment = place.treatment
    appointment.practitioner_id = place.practitioner_id
    appointment.room_id = room_id
    appointment.starts_local = appointment.counts_from_local = request.starts_local
    appointment.zone = request.clinic.zone
    appointment.minutes = treatment.minutes
    appointment.buffer_minutes = treatment.buffer_minutes
    appointment.starts_at = place.starts_at
    appointment.ends_at = place.starts_at + timedelta(minutes=treatment.minutes)
    appointment.busy_until = appointment.ends_at + timedelta(minutes=treatment.buffer_minutes)


def lock_all(session: Session, request: Request, visits: Sequence[Appointment]) -> list[Appointment]:
    """Lock in the one order: every practitioner who may gain or lose a visit, the patient, then the visits."""
    if visits:
        wanted = wanted_of(request, current := reference.current(session.connection()))
        gaining = {practitioner.id for practitioner in candidates(wanted, current)}
        losing = {visit.practitioner_id for visit in visits if visit.practitioner_id is not None}
        lock_practitioners(session.connection(), gaining | losing)
    if request.patient is not None:
        lock_patient(session.connection(), patients.looked_up(session.connection(), request.patient))
    return [appointments.locked(session, visit.public_id) for visit in visits]


def locked(session: Session, public_id: str) -> Appointment:
    """One appointment locked in the right order; its practitioner is looked up before and checked after."""
    here = appointments.by_public_id(session, public_id)
    if here.practitioner_id is not None:
        lock_practitioners(session.connection(), {here.practitioner_id})
    if here.patient_id is not None:
        lock_patient(session.connection(), here.patient_id)
    return appointments.locked(session, public_id)


def change_to(
    appointment: Appointment, status: AppointmentStatus, *, now: datetime, actor: Actor, why: str | None = None
) -> None:
    """The only place that gives an appointment another status."""
    appointment.status = require_change(AppointmentStatus(appointment.status), status)
    touch(appointment, now=now, actor=actor, why=why)


def touch(appointment: Appointment, *, now: datetime, actor: Actor, why: str | None) -> None:
    appointment.version += 1
    appointment.changed_at = now
    appointment.changed_by = str(actor)
    appointment.changed_why = why


def require_changeable(appointment: Appointment, *, clinic: ClinicSettings, now: datetime, actor: Actor) -> None:
    status = AppointmentStatus(appointment.status)
    if status not in BEFORE_THE_VISIT:
        raise StatusRefused(from_status=status, to_status=AppointmentStatus.BOOKED)
    deadline = clinic.changeable_until(appointment.starts_at)
    if actor.keeps_to_offer and now > deadline:
        raise TooLateToChange(clock.to_local(deadline, clock.zone(clinic.zone)))


def require_version(appointment: Appointment, expected_version: int | None) -> None:
    """Of a locked appointment: of two changes made to one version the second is refused."""
    if expected_version is not None and appointment.version != expected_version:
        raise VersionConflict(appointment.version)
