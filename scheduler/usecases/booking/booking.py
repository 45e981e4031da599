"""Booking, moving and cancelling: every way in (pages, API, desk) calls these, and only these."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import (
    SlotNotOffered,
    SlotTaken,
)
from scheduler.domain.visits.appointment_status import AppointmentStatus, require_change
from scheduler.models import Appointment, Screening
from scheduler.queries.clinic.reference import State
from scheduler.queries.patients import patients
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.holds import take_hold
from scheduler.usecases.booking.new_appointment import Visit, add_appointment
from scheduler.usecases.booking.placing import Place, Request, find_place, lock_room
from scheduler.usecases.booking.refusing import refuse_what_is_known_taken
from scheduler.usecases.idempotency import Remember
from scheduler.usecases.patients.elsewhere import record_elsewhere, take_back_elsewhere
from scheduler.usecases.texts.reminder_planning import plan_cancellation_text, plan_for
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import (
    carry_out,
    carry_out_once,
    change_to,
    gaining,
    locked,
    put,
    require_changeable,
    require_version,
    touch,
)
from scheduler.usecases.visits.ims_counting import recount, require_far_from_what_took_place
from scheduler.usecases.visits.ims_reviews import ask_after_screening


@retry_deadlocks
def book_slot(
    session: Session,
    *,
    clinic: ClinicSettings,
    patient: int | str,
    treatment: str,
    practitioner: str | None,
    starts_local: datetime,
    now: datetime,
    actor: Actor,
    origin: str,
    hold: str | None = None,
    held_for: str | None = None,
    screening: ScreeningAnswers | None = None,
    remember: Remember | None = None,
    known: State | None = None,
    insists: bool = False,
    room: int | None = None,
) -> Visit:
    """Book a visit for a patient, by id or public id. With `hold` (its public id) the slot kept for this visitor becomes the appointment.

    A hold that is over or is for something else is passed over: the slot is booked if it is still free.
    IMS elsewhere, named in the screening, is recorded first and stays recorded: it counts whatever is booked.
    Refuses with SlotTaken, SlotNotOffered, TreatmentTooSoon, NotCleared or PatientBusy, with alternatives.
    A SlotNotOffered about hours or a past day gives way when somebody at the desk was asked and `insists`.
    With `room` (its id) in that room, else RoomTaken.
    """
    request = Request(
        clinic, treatment, practitioner, starts_local, now, actor, patient, known=known, insists=insists, room=room
    )
    if screening is not None and screening.needled_on is not None:
        patient_id = patients.looked_up(session.connection(), patient)
        record_elsewhere(session, clinic=clinic, patient_id=patient_id, day=screening.needled_on, now=now, actor=actor)
    if hold is None:
        refuse_what_is_known_taken(session, request)

    def add(connection: Connection) -> Visit:
        place = find_place(connection, request)
        return add_appointment(connection, place, request, AppointmentStatus.BOOKED, origin=origin)

    def book() -> Visit:
        held: Visit | None = take_hold(session, hold, held_for, request) if hold and held_for else None
        booked = held or add(session.connection())
        if screening is not None:
            if booked.patient_id is not None:
                ask_after_screening(session, booked.patient_id, screening, now=now)
            session.add(screening_of(booked, screening, now))
        session.flush()
        if remember is not None:
            remember(session, booked)
        return booked

    if hold is None and screening is None and remember is None:
        return carry_out_once(session, request, add)
    return carry_out(session, request, book)


@retry_deadlocks
def move_appointment(
    session: Session,
    *,
    clinic: ClinicSettings,
    public_id: str,
    starts_local: datetime,
    practitioner: str | None,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
    insists: bool = False,
    room: int | None = None,
) -> Appointment:
    """Another time, practitioner or room for the same appointment: it keeps its identity and raises its version.

    Without a practitioner: the same one if free then, else anyone. Without a room (its id): any that is free, else
    RoomTaken when another visit is in it. The appointment is no obstacle to itself.
    """
    here = appointments.by_public_id(session, public_id)
    request = Request(
        clinic,
        here.treatment.slug,
        practitioner,
        starts_local,
        now,
        actor,
        here.patient_id,
        leaving_out=here.id,
        insists=insists,
        minutes=here.minutes,
        room=room,
    )
    return carry_out(session, request, lambda: move_within(session, request, here, expected_version))


def move_within(
    session: Session, request: Request, here: Appointment, expected_version: int | None = None
) -> Appointment:
    """The move itself, in a transaction that somebody else commits."""
    same = here.practitioner.slug if here.practitioner else None
    moved = locked(session, here.public_id, gaining=gaining(session, request))
    require_version(moved, expected_version)
    require_changeable(moved, clinic=request.clinic, now=request.now, actor=request.actor)
    request = replace(request, patient=moved.patient_id)  # whose record may have been merged meanwhile
    place = _place_with_same_practitioner_first(session, request, same)
    if (place.starts_at, place.practitioner_id) == (moved.starts_at, moved.practitioner_id):
        if request.room in (None, moved.room_id):
            return moved  # a double click: it is there already
        moved.room_id = lock_room(session.connection(), place)
        touch(moved, now=request.now, actor=request.actor, why=None)
        session.flush()
        return moved  # at the time that was confirmed, with the reminders planned for it
    counted_from = moved.counts_from_local
    put(moved, request, place, lock_room(session.connection(), place, moved.room_id))
    moved.schedule_version = moved.version + 1
    if moved.status == AppointmentStatus.CONFIRMED:
        moved.status = AppointmentStatus.BOOKED  # what was confirmed was the other time
    touch(moved, now=request.now, actor=request.actor, why="moved")
    session.flush()
    require_far_from_what_took_place(session, moved, now=request.now)
    if moved.spacing_group_id is not None:
        around = [counted_from, moved.counts_from_local]
        recount(session, patient_id=moved.patient_id, around=around, now=request.now, actor=request.actor)
    plan_for(session, appointment=moved, clinic=request.clinic, now=request.now)
    return moved


@retry_deadlocks
def cancel_appointment(
    session: Session,
    *,
    clinic: ClinicSettings,
    public_id: str,
    reason: str,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
    remember: Remember | None = None,
    tells_patient: bool = False,
) -> Appointment:
    """Patients until the cut-off; the desk always. Cancelling what is cancelled changes nothing.

    `tells_patient`: by a text, some minutes later; where none can go out, the visit is on the call list then. Patients who
    cancel themselves see the page that says so.
    """
    if not actor.is_patient and appointments.by_public_id(session, public_id).origin == "elsewhere":
        return take_back_elsewhere(
            session,
            public_id=public_id,
            reason=reason,
            now=now,
            actor=actor,
            expected_version=expected_version,
            remember=remember,
        )
    begin_write(session)
    cancelled = locked(session, public_id)
    require_version(cancelled, expected_version)
    if cancelled.status != AppointmentStatus.CANCELLED:
        require_change(AppointmentStatus(cancelled.status), AppointmentStatus.CANCELLED)
        require_changeable(cancelled, clinic=clinic, now=now, actor=actor)
        change_to(cancelled, AppointmentStatus.CANCELLED, now=now, actor=actor, why=reason.strip()[:500] or None)
        session.flush()
        if cancelled.spacing_group_id is not None:
            around = [cancelled.counts_from_local]
            recount(session, patient_id=cancelled.patient_id, around=around, now=now, actor=actor)
        if tells_patient:
            plan_cancellation_text(session, appointment=cancelled, clinic=clinic, now=now)
    if remember is not None:
        remember(session, cancelled)
    session.commit()
    return cancelled


def _place_with_same_practitioner_first(session: Session, request: Request, same: str | None) -> Place:
    if request.practitioner is None and same is not None:
        try:
            return find_place(session.connection(), replace(request, practitioner=same))
        except (SlotTaken, SlotNotOffered):
            pass
    return find_place(session.connection(), request)


def screening_of(appointment: Visit, answers: ScreeningAnswers, now: datetime) -> Screening:
    return Screening(
        appointment_id=appointment.id,
        patient_id=appointment.patient_id,
        answers={question.value: question in answers.yes for question in ScreeningQuestion},
        flagged=answers.flagged,
        needled_elsewhere_on=answers.needled_on,
        answered_at=now,
    )
