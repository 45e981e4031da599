"""A slot kept for one visitor for some minutes while they finish."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment
from scheduler.queries.clinic import reference
from scheduler.queries.patients import patients
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.locks import lock_practitioners
from scheduler.usecases.booking.new_appointment import add_appointment
from scheduler.usecases.booking.placing import expire, find_place, require_patient_may, wanted_of
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.rate_limit import NetworkKey, require_network_allowed
from scheduler.usecases.texts.reminder_planning import plan_for
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import carry_out, change_to, gaining, locked

HOLDS_OF_AN_ADDRESS = 20  # in the time a hold lasts: nobody keeps a calendar empty without so much as a phone number


@retry_deadlocks
def hold_slot(
    session: Session,
    *,
    clinic: ClinicSettings,
    treatment: str,
    practitioner: str | None,
    starts_local: datetime,
    now: datetime,
    actor: Actor,
    held_for: str,
    network_keys: Sequence[NetworkKey] = (),
) -> Appointment:
    """Keep a slot for one visitor for `hold_minutes`; an older hold of the same visitor is given back.

    `network_keys` (rate_limit.network_keys of the visitor's address) bound how many one visitor takes: TooManyTries.
    """
    request = BookingRequest(
        clinic=clinic,
        treatment=treatment,
        practitioner=practitioner,
        starts_local=starts_local,
        now=now,
        actor=actor,
        origin="online",
        held_for=held_for,
    )

    def hold() -> Appointment:
        window = timedelta(minutes=clinic.hold_minutes)
        require_network_allowed(session, keys=network_keys, limit=HOLDS_OF_AN_ADDRESS, window=window, now=now)
        _give_back_others(session, request, held_for)
        place = find_place(session.connection(), request)
        return add_appointment(session, place, request, AppointmentStatus.HELD, hold_until=now + window)

    return carry_out(session, request, hold)


def _give_back_others(session: Session, request: BookingRequest, held_for: str) -> None:
    """One that was booked at this very moment, from another tab, stays."""
    older = appointments.holds_of(session, held_for)
    if not older:
        return
    losing = {hold.practitioner_id for hold in older if hold.practitioner_id is not None}
    lock_practitioners(session.connection(), losing | gaining(session, request))
    for hold in [appointments.locked(session, each.public_id) for each in older]:
        if hold.status == AppointmentStatus.HELD:
            change_to(hold, AppointmentStatus.CANCELLED, now=request.now, actor=request.actor, why="chose another time")
    session.flush()


@retry_deadlocks
def release_hold(session: Session, *, public_id: str, now: datetime, actor: Actor, held_for: str) -> None:
    """Give a held slot back. Nothing happens when it is gone already."""
    begin_write(session)
    held = locked(session, public_id)
    if held.status == AppointmentStatus.HELD and held.held_for == held_for:
        change_to(held, AppointmentStatus.CANCELLED, now=now, actor=actor, why="given back")
    session.commit()


def take_hold(session: Session, request: BookingRequest) -> Appointment | None:
    """The visitor's hold, booked with its reminders; none when there is none, it is over, or is not for what is wanted."""
    if request.hold is None or request.held_for is None or request.patient is None:
        return None
    patient_id = patients.looked_up(session.connection(), request.patient)
    held = locked(session, request.hold, gaining=gaining(session, request), patient=patient_id)
    wanted = wanted_of(replace(request, leaving_out=held.id), reference.current(session.connection()))
    if (
        held.status != AppointmentStatus.HELD
        or held.held_for != request.held_for
        or held.hold_until is None
        or held.hold_until <= request.now
        or (held.starts_local, held.treatment_id) != (request.starts_local, wanted.treatment.id)
        or (wanted.practitioner is not None and wanted.practitioner.id != held.practitioner_id)
    ):
        return None
    held.patient_id = require_patient_may(session.connection(), request, wanted)
    held.hold_until = held.held_for = None
    change_to(held, AppointmentStatus.BOOKED, now=request.now, actor=request.actor)
    session.flush()
    plan_for(session, appointment=held, clinic=request.clinic, now=request.now)
    return held


@retry_deadlocks
def expire_holds(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Mark holds that ran out. Only tidies: they block nobody anyhow."""
    begin_write(session)
    connection = session.connection()
    ran_out = connection.scalars(
        select(Appointment.id).where(Appointment.status == "held", Appointment.hold_until <= now).limit(limit)
    ).all()
    expired = expire(connection, ran_out, now) if ran_out else 0
    session.commit()
    return expired
