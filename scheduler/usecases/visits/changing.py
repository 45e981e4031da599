"""What every use case that changes an appointment shares: its transaction, its locks, its version.

A change finds its place under locks (placing.py), lets the domain decide, and commits once. The database has the last
word: what a race slips past the check is refused by a constraint, whose name becomes the same refusal. History
lines, calendar versions and the dropping of stale reminders are the database's own work.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import BookingRefused, SlotTaken
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused, require_change
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.models import Appointment
from scheduler.models.constraints import violated
from scheduler.queries.clinic import reference
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.locks import lock_patients
from scheduler.usecases.booking.placing import HoldsInTheWay, PlaceGone, candidates, expire, wanted_of
from scheduler.usecases.booking.refusing import refusal_of, with_alternatives
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.transaction import LookedTooEarly, begin_write

ROOM_GONE = ("room_not_double_booked", "appointment_has_a_place")  # taken, or closed
RACES = 6  # another booking may take the place that we chose between our look and our insert
# Before any lock: otherwise whoever waits finds that the visit has changed hands meanwhile, and has to queue once more.
_TAKE_TURN = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("visit"))))
V = TypeVar("V", bound=Appointment | None)
BEFORE_THE_VISIT = (AppointmentStatus.HELD, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)


def carry_out(session: Session, request: BookingRequest, work: Callable[[], V]) -> V:
    """Run the work in its write transaction and commit; a constraint's no becomes a refusal with alternatives."""
    for _attempt in range(RACES):
        try:
            begin_write(session)
            placed = work()
            session.commit()
        except PlaceGone:
            session.rollback()
        except HoldsInTheWay as in_the_way:
            expire_alone(session, in_the_way, request)
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
        else:
            return placed
    raise with_alternatives(session, SlotTaken(), request)


def expire_alone(session: Session, in_the_way: HoldsInTheWay, request: BookingRequest) -> None:
    """In a transaction of its own, in place of the one under way."""
    session.rollback()
    begin_write(session)
    expire(session.connection(), in_the_way.holds, request.now)
    session.commit()


def gaining(session: Session, request: BookingRequest) -> set[int]:
    """Every practitioner who may get the visit."""
    current = reference.current(session.connection())
    return {practitioner.id for practitioner in candidates(wanted_of(request, current), current)}


def locked(
    session: Session, public_id: str, *, gaining: Collection[int] = (), patient: int | None = None
) -> Appointment:
    """One visit as it is now, for whoever changes it, and all that is locked before it (locks.py).

    `gaining`: practitioners who may get it; `patient`: who may. To be called before anything else is locked.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return appointments.locked(session, public_id)
    connection.execute(_TAKE_TURN, {"visit": public_id})
    here = appointments.parties(connection, public_id)
    practitioners = {each for each in (here.practitioner_id, *gaining) if each is not None}
    lock_patients(connection, {each for each in (here.patient_id, patient) if each is not None}, practitioners)
    visit = appointments.locked(session, public_id)
    if (visit.practitioner_id, visit.patient_id) != (here.practitioner_id, here.patient_id):
        raise LookedTooEarly
    return visit


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
