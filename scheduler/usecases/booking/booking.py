"""Booking, moving and cancelling: every way in (pages, API, desk) calls these, and only these."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import SlotNotOffered, SlotTaken
from scheduler.domain.booking.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.visits.appointment_status import AppointmentStatus, require_change
from scheduler.models import Appointment, Screening
from scheduler.queries.patients import patients
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.holds import take_hold
from scheduler.usecases.booking.new_appointment import add_appointment
from scheduler.usecases.booking.placing import Place, find_place, lock_room, put
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.idempotency import Remember
from scheduler.usecases.patients.elsewhere import record_elsewhere, take_back_elsewhere
from scheduler.usecases.texts.reminder_planning import plan_cancellation_text, plan_for
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import (
    carry_out,
    change_to,
    gaining,
    locked,
    require_changeable,
    require_version,
    touch,
)
from scheduler.usecases.visits.ims_counting import recount, require_far_from_what_took_place
from scheduler.usecases.visits.ims_reviews import ask_after_screening


@retry_deadlocks
def book_slot(session: Session, request: BookingRequest, *, remember: Remember | None = None) -> Appointment:
    """Book a visit for a patient. With `hold` the slot kept for this visitor becomes the appointment.

    A hold that is over or is for something else is passed over: the slot is booked if it is still free.
    IMS elsewhere, named in the screening, is recorded first and stays recorded: it counts whatever is booked.
    Refuses with SlotTaken, SlotNotOffered, TreatmentTooSoon, NotCleared or PatientBusy, with alternatives; with RoomTaken
    where one room was asked for. A SlotNotOffered about hours or a past day gives way when the desk `insists`.
    """
    if request.screening is not None:
        _record_needling_elsewhere(session, request, request.screening)

    def book() -> Appointment:
        booked = take_hold(session, request) or add_appointment(
            session, find_place(session.connection(), request), request, AppointmentStatus.BOOKED
        )
        if request.screening is not None:
            _add_screening(session, booked, request.screening, request.now)
        if remember is not None:
            remember(session, booked)
        return booked

    return carry_out(session, request, book)


def _record_needling_elsewhere(session: Session, request: BookingRequest, screening: ScreeningAnswers) -> None:
    if screening.needled_on is None or request.patient is None:
        return
    patient_id = patients.looked_up(session.connection(), request.patient)
    record_elsewhere(
        session,
        clinic=request.clinic,
        patient_id=patient_id,
        day=screening.needled_on,
        now=request.now,
        actor=request.actor,
    )


def _add_screening(session: Session, booked: Appointment, answers: ScreeningAnswers, now: datetime) -> None:
    if booked.patient_id is not None:
        ask_after_screening(session, booked.patient_id, answers, now=now)
    session.add(screening_of(booked, answers, now))
    session.flush()


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
    request = BookingRequest(
        clinic=clinic,
        treatment=here.treatment.slug,
        practitioner=practitioner,
        starts_local=starts_local,
        now=now,
        actor=actor,
        origin=here.origin,
        patient=here.patient_id,
        leaving_out=here.id,
        insists=insists,
        minutes=here.minutes,
        room=room,
    )
    return carry_out(session, request, lambda: move_within(session, request, here, expected_version))


def move_within(
    session: Session, request: BookingRequest, here: Appointment, expected_version: int | None = None
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


def _place_with_same_practitioner_first(session: Session, request: BookingRequest, same: str | None) -> Place:
    if request.practitioner is None and same is not None:
        try:
            return find_place(session.connection(), replace(request, practitioner=same))
        except (SlotTaken, SlotNotOffered):
            pass
    return find_place(session.connection(), request)


def screening_of(appointment: Appointment, answers: ScreeningAnswers, now: datetime) -> Screening:
    return Screening(
        appointment_id=appointment.id,
        patient_id=appointment.patient_id,
        answers={question.value: question in answers.yes for question in ScreeningQuestion},
        flagged=answers.flagged,
        needled_elsewhere_on=answers.needled_on,
        answered_at=now,
    )
