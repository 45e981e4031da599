"""Holding, booking, moving and cancelling: every way in calls these, and only these.

Each takes the write transaction, finds its place under locks (placing.py), lets the domain decide, and commits once.
The database has the last word: what a race slips past the check is refused by a constraint, whose name becomes the
same refusal. History lines, calendar versions and the dropping of stale reminders are the database's own work.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.appointment_status import ACTIVE, AppointmentStatus, require_change
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import (
    BookingRefused,
    SlotNotOffered,
    SlotTaken,
    StatusRefused,
    TooLateToChange,
    VersionConflict,
)
from scheduler.domain.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.models import Appointment, Screening
from scheduler.models.constraints import violated
from scheduler.queries import appointments, reference
from scheduler.queries.reference import TreatmentInfo
from scheduler.usecases.elsewhere import record_elsewhere
from scheduler.usecases.once import Remember
from scheduler.usecases.placing import (
    Place,
    Request,
    candidates,
    expire,
    find_place,
    lock_patient,
    lock_practitioners,
    refusal_of,
    require_patient_may,
    wanted_of,
    with_alternatives,
)
from scheduler.usecases.reminder_planning import plan_for
from scheduler.usecases.transaction import begin_write, retry_deadlocks

ROOM_RACES = 6  # another booking may take the chosen room between our look and our insert
BEFORE_THE_VISIT = (AppointmentStatus.HELD, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)


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
) -> Appointment:
    """Keep a slot for one visitor for `hold_minutes`; an older hold of the same visitor is given back."""
    request = Request(clinic, treatment, practitioner, starts_local, now, actor)

    def hold() -> Appointment:
        older = appointments.holds_of(session, held_for)
        _lock_all(session, request, older)
        for hold in older:
            _change(hold, AppointmentStatus.CANCELLED, now=now, actor=actor, why="chose another time")
        session.flush()
        held = _at(find_place(session, request), request, AppointmentStatus.HELD, origin="online")
        held.held_for = held_for
        held.hold_until = now + timedelta(minutes=clinic.hold_minutes)
        session.add(held)
        return held

    return _placed(session, request, hold)


@retry_deadlocks
def release_hold(session: Session, *, public_id: str, now: datetime, actor: Actor, held_for: str) -> None:
    """Give a held slot back. Nothing happens when it is gone already."""
    begin_write(session)
    held = _locked(session, public_id)
    if held.status == AppointmentStatus.HELD and held.held_for == held_for:
        _change(held, AppointmentStatus.CANCELLED, now=now, actor=actor, why="given back")
    session.commit()


@retry_deadlocks
def book_slot(
    session: Session,
    *,
    clinic: ClinicSettings,
    patient_id: int,
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
) -> Appointment:
    """Book a visit. With `hold` (its public id) the slot kept for this visitor becomes the appointment.

    A hold that is over or is for something else is passed over: the slot is booked if it is still free.
    IMS elsewhere, named in the screening, is recorded first and stays recorded: it counts whatever is booked.
    Refuses with SlotTaken, SlotNotOffered, TreatmentTooSoon, NotCleared or PatientBusy, with alternatives.
    """
    request = Request(clinic, treatment, practitioner, starts_local, now, actor, patient_id)
    if screening is not None and screening.needled_on is not None:
        record_elsewhere(session, clinic=clinic, patient_id=patient_id, day=screening.needled_on, now=now, actor=actor)

    def book() -> Appointment:
        booked = _take_hold(session, hold, held_for, request) if hold and held_for else None
        if booked is None:
            booked = _at(find_place(session, request), request, AppointmentStatus.BOOKED, origin=origin)
            session.add(booked)
        session.flush()
        if screening is not None:
            session.add(_screening(booked, patient_id, screening, now))
        plan_for(session, appointment=booked, clinic=clinic, now=now)
        if remember is not None:
            remember(session, booked)
        return booked

    return _placed(session, request, book)


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
) -> Appointment:
    """Another time or practitioner for the same appointment: it keeps its identity and raises its version.

    Without a practitioner: the same one if free then, else anyone. The appointment is no obstacle to itself.
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
        needs_clearance=False,  # asked when it was booked
    )
    same = here.practitioner.slug if here.practitioner else None

    def move() -> Appointment:
        moved = _lock_all(session, request, [here])[0]
        _require_changeable(moved, clinic=clinic, now=now, actor=actor, expected_version=expected_version)
        place = _place_with_same_practitioner_first(session, request, same)
        if (place.starts_at, place.practitioner_id) == (moved.starts_at, moved.practitioner_id):
            return moved  # a double click: it is there already
        _put(moved, request, place)
        moved.schedule_version = moved.version + 1
        if moved.status == AppointmentStatus.CONFIRMED:
            moved.status = AppointmentStatus.BOOKED  # what was confirmed was the other time
        _touch(moved, now=now, actor=actor, why="moved")
        session.flush()
        plan_for(session, appointment=moved, clinic=clinic, now=now)
        return moved

    return _placed(session, request, move)


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
) -> Appointment:
    """Patients until the cut-off; the desk always. Cancelling what is cancelled changes nothing."""
    begin_write(session)
    cancelled = _locked(session, public_id)
    if cancelled.status != AppointmentStatus.CANCELLED:
        require_change(AppointmentStatus(cancelled.status), AppointmentStatus.CANCELLED)
        _require_changeable(cancelled, clinic=clinic, now=now, actor=actor, expected_version=expected_version)
        _change(cancelled, AppointmentStatus.CANCELLED, now=now, actor=actor, why=reason.strip()[:500] or None)
    session.flush()
    if remember is not None:
        remember(session, cancelled)
    session.commit()
    return cancelled


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

    Undoing a cancellation or no-show refuses as a booking would when something took its place.
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
        needs_clearance=False,
    )

    def change() -> Appointment:
        changed = _locked(session, public_id)
        _require_version(changed, expected_version)
        revived = AppointmentStatus(changed.status) not in ACTIVE and status in BEFORE_THE_VISIT
        _count(session, changed, status, ims_given)
        if revived:
            changed.schedule_version = changed.version + 1  # its reminders were dropped and are planned anew
        _change(changed, status, now=now, actor=actor)
        session.flush()
        if revived:
            plan_for(session, appointment=changed, clinic=clinic, now=now)
        return changed

    return _placed(session, request, change)


@retry_deadlocks
def expire_holds(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Mark holds that ran out. Only tidies: they block nobody anyhow."""
    begin_write(session)
    ran_out = session.scalars(
        select(Appointment)
        .where(Appointment.status == "held", Appointment.hold_until <= now)
        .order_by(Appointment.practitioner_id, Appointment.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    for hold in ran_out:
        expire(hold, now)
        session.flush()
    session.commit()
    return len(ran_out)


def _placed(session: Session, request: Request, work: Callable[[], Appointment]) -> Appointment:
    """Run the work in its write transaction and commit; a constraint's no becomes a refusal with alternatives."""
    for _attempt in range(ROOM_RACES):
        begin_write(session)
        try:
            placed = work()
            session.flush()
            session.commit()
            return placed
        except BookingRefused as refused:
            session.rollback()
            raise with_alternatives(session, refused, request) from None
        except IntegrityError as error:
            session.rollback()
            constraint = violated(error)
            if constraint == "room_not_double_booked":
                continue  # the room went to somebody else; another may be free
            refusal = refusal_of(session, constraint, request)
            if refusal is None:
                raise
            raise with_alternatives(session, refusal, request) from None
    raise with_alternatives(session, SlotTaken(), request)


def _at(place: Place, request: Request, status: AppointmentStatus, *, origin: str) -> Appointment:
    treatment = place.treatment
    appointment = Appointment(
        patient_id=request.patient_id,
        treatment_id=treatment.id,
        status=status,
        origin=origin,
        spacing_group_id=treatment.spacing_group_id,
        spacing_days=treatment.min_days,
        version=1,
        schedule_version=1,
        created_at=request.now,
        changed_at=request.now,
        changed_by=str(request.actor),
    )
    _put(appointment, request, place)
    return appointment


def _put(appointment: Appointment, request: Request, place: Place) -> None:
    treatment = place.treatment
    appointment.practitioner_id = place.practitioner_id
    appointment.room_id = place.room_id
    appointment.starts_local = appointment.counts_from_local = request.starts_local
    appointment.zone = request.clinic.zone
    appointment.minutes = treatment.minutes
    appointment.buffer_minutes = treatment.buffer_minutes
    appointment.starts_at = place.starts_at
    appointment.ends_at = place.starts_at + timedelta(minutes=treatment.minutes)
    appointment.busy_until = appointment.ends_at + timedelta(minutes=treatment.buffer_minutes)


def _take_hold(session: Session, hold: str, held_for: str, request: Request) -> Appointment | None:
    """The visitor's hold, booked; none when it is over or is not for what is wanted."""
    held = _locked(session, hold)
    wanted = wanted_of(replace(request, leaving_out=held.id), reference.current(session.connection()))
    if (
        held.status != AppointmentStatus.HELD
        or held.held_for != held_for
        or held.hold_until is None
        or held.hold_until <= request.now
        or (held.starts_local, held.treatment_id) != (request.starts_local, wanted.treatment.id)
        or (wanted.practitioner is not None and wanted.practitioner.id != held.practitioner_id)
    ):
        return None
    require_patient_may(session, request, wanted)
    held.patient_id = request.patient_id
    held.hold_until = held.held_for = None
    _change(held, AppointmentStatus.BOOKED, now=request.now, actor=request.actor)
    return held


def _place_with_same_practitioner_first(session: Session, request: Request, same: str | None) -> Place:
    if request.practitioner is None and same is not None:
        try:
            return find_place(session, replace(request, practitioner=same))
        except (SlotTaken, SlotNotOffered):
            pass
    return find_place(session, request)


def _lock_all(session: Session, request: Request, visits: Sequence[Appointment]) -> list[Appointment]:
    """Lock in the one order: every practitioner who may gain or lose a visit, the patient, then the visits."""
    if visits:
        wanted = wanted_of(request, current := reference.current(session.connection()))
        gaining = {practitioner.id for practitioner in candidates(wanted, current)}
        losing = {visit.practitioner_id for visit in visits if visit.practitioner_id is not None}
        lock_practitioners(session, gaining | losing)
    if request.patient_id is not None:
        lock_patient(session, request.patient_id)
    return [appointments.locked(session, visit.public_id) for visit in visits]


def _locked(session: Session, public_id: str) -> Appointment:
    """One appointment locked in the right order; its practitioner is looked up before and checked after."""
    here = appointments.by_public_id(session, public_id)
    if here.practitioner_id is not None:
        lock_practitioners(session, {here.practitioner_id})
    if here.patient_id is not None:
        lock_patient(session, here.patient_id)
    return appointments.locked(session, public_id)


def _change(
    appointment: Appointment, status: AppointmentStatus, *, now: datetime, actor: Actor, why: str | None = None
) -> None:
    """The only place that gives an appointment another status."""
    appointment.status = require_change(AppointmentStatus(appointment.status), status)
    _touch(appointment, now=now, actor=actor, why=why)


def _touch(appointment: Appointment, *, now: datetime, actor: Actor, why: str | None) -> None:
    appointment.version += 1
    appointment.changed_at = now
    appointment.changed_by = str(actor)
    appointment.changed_why = why


def _count(session: Session, visit: Appointment, status: AppointmentStatus, ims_given: bool | None) -> None:
    """What counts is what happened: at completion IMS may turn out given in another kind of visit, or not given."""
    current = reference.current(session.connection())
    planned = current.treatment_by_id(visit.treatment_id)
    group, days = planned.spacing_group_id, planned.min_days
    if status == AppointmentStatus.COMPLETED and ims_given is not None:
        if not ims_given and planned.needling:
            group = days = None
        elif ims_given:
            needling = _needling(session)
            group, days = needling.spacing_group_id, needling.min_days
    if visit.spacing_group_id != group:
        visit.spacing_group_id, visit.spacing_days = group, days


def _needling(session: Session) -> TreatmentInfo:
    return reference.current(session.connection()).needling


def _require_changeable(
    appointment: Appointment, *, clinic: ClinicSettings, now: datetime, actor: Actor, expected_version: int | None
) -> None:
    _require_version(appointment, expected_version)
    status = AppointmentStatus(appointment.status)
    if status not in BEFORE_THE_VISIT:
        raise StatusRefused(from_status=status, to_status=AppointmentStatus.BOOKED)
    deadline = clinic.changeable_until(appointment.starts_at)
    if actor.keeps_to_offer and now > deadline:
        raise TooLateToChange(clock.to_local(deadline, clock.zone(clinic.zone)))


def _require_version(appointment: Appointment, expected_version: int | None) -> None:
    if expected_version is not None and appointment.version != expected_version:
        raise VersionConflict(appointment.version)


def _screening(appointment: Appointment, patient_id: int, answers: ScreeningAnswers, now: datetime) -> Screening:
    return Screening(
        appointment_id=appointment.id,
        patient_id=patient_id,
        answers={question.value: question in answers.yes for question in ScreeningQuestion},
        flagged=answers.flagged,
        needled_elsewhere_on=answers.needled_on,
        answered_at=now,
    )
