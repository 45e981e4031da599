"""IMS received elsewhere: a fact that counts for the rule like a visit here."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ScalarSelect, Select, or_, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.appointment_status import AppointmentStatus
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import Invalid, PatientRestricted, TreatmentTooSoon, VisitMustMove
from scheduler.domain.treatment_spacing import CountingVisit, earliest_allowed, end_of_day
from scheduler.models import Appointment, PatientMerge
from scheduler.models.appointment import AppointmentHistory
from scheduler.queries import reference
from scheduler.usecases import audit
from scheduler.usecases.changing import change_to, locked, require_version, touch
from scheduler.usecases.locks import lock_patients
from scheduler.usecases.once import Remember
from scheduler.usecases.told_elsewhere import forget_told
from scheduler.usecases.transaction import begin_write, retry_deadlocks

STOPPED = "a later IMS visit elsewhere counts instead"


@retry_deadlocks
def record_elsewhere(
    session: Session,
    *,
    clinic: ClinicSettings,
    patient_id: int,
    day: date,
    now: datetime,
    actor: Actor,
    at: time | None = None,
    remember: Remember | None = None,
) -> Appointment:
    """Record IMS elsewhere on `day`; at an unknown time it counts from the end of that day.

    Refuses with VisitMustMove when a visit still to come would be too near: move or cancel that one first.
    What has happened can't be refused: of two past visits too near to each other the later one counts, which
    forbids every future start that the earlier one forbids. A visit that is over and that nobody has marked took place.
    """
    begin_write(session)
    recorded = record_within(session, clinic=clinic, patient_id=patient_id, day=day, at=at, now=now, actor=actor)
    if remember is not None:
        remember(session, recorded)
    session.commit()
    return recorded


def record_within(
    session: Session,
    *,
    clinic: ClinicSettings,
    patient_id: int,
    day: date,
    at: time | None,
    now: datetime,
    actor: Actor,
) -> Appointment:
    """The same in the transaction of another use case, which commits."""
    zone = clock.zone(clinic.zone)
    if day > clock.to_local(now, zone).date():
        raise Invalid({"needled_on": "This day is still to come. Give the day you last had IMS or dry needling."})
    if at is not None:
        _require_one_moment(day, at, zone)
    lock_patients(session.connection(), {patient_id})
    if session.scalar(select(PatientMerge.id).where(PatientMerge.merged_patient_id == patient_id)) is not None:
        raise PatientRestricted
    ims = reference.current(session.connection()).needling
    assert ims.min_days is not None  # noqa: S101 - by constraint
    starts_local = datetime.combine(day, at or time.min)
    counts_from = starts_local if at else end_of_day(day)
    near = _counting_near(session, patient_id, ims.spacing_group_id, counts_from, ims.min_days)
    again = next((v for v in near if v.origin == "elsewhere" and v.counts_from_local == counts_from), None)
    if again is not None:
        return again
    _require_no_visit_to_come(near, counts_from, ims.min_days, now)
    later = [visit for visit in near if visit.counts_from_local > counts_from]
    for earlier in near:
        if not later:
            _stop_counting(earlier, now, actor)
    session.flush()
    starts_at = clock.to_utc_or_near(starts_local, zone)
    ends_at = starts_at + timedelta(minutes=ims.minutes)
    recorded = Appointment(
        patient_id=patient_id,
        treatment_id=ims.id,
        origin="elsewhere",
        status="completed",
        starts_local=starts_local,
        zone=clinic.zone,
        minutes=ims.minutes,
        buffer_minutes=0,
        starts_at=starts_at,
        ends_at=ends_at,
        busy_until=ends_at,
        spacing_group_id=None if later else ims.spacing_group_id,
        spacing_days=None if later else ims.min_days,
        counts_from_local=counts_from,
        time_known=at is not None,
        version=1,
        schedule_version=1,
        created_at=now,
        changed_at=now,
        changed_by=str(actor),
    )
    session.add(recorded)
    audit.note(session, what=audit.ELSEWHERE, actor=actor, now=now, patient_id=patient_id, details=day.isoformat())
    session.flush()
    return recorded


def visit_in_the_way(
    session: Session, *, patient_id: int, day: date, now: datetime
) -> tuple[Appointment, VisitMustMove] | None:
    """The booked visit that is to be moved or cancelled before IMS elsewhere on `day` can be recorded. Only looks."""
    ims = reference.current(session.connection()).needling
    counts_from, min_days = end_of_day(day), ims.min_days or 0
    near = list(session.scalars(_near(patient_id, ims.spacing_group_id, counts_from, min_days)))
    try:
        _require_no_visit_to_come(near, counts_from, min_days, now)
    except VisitMustMove as refusal:
        return next(visit for visit in near if visit.counts_from_local == refusal.wanted_local), refusal
    return None


@retry_deadlocks
def take_back_elsewhere(
    session: Session,
    *,
    public_id: str,
    reason: str,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
    remember: Remember | None = None,
) -> Appointment:
    """IMS elsewhere that was recorded by mistake: it counts no longer, and what it had stopped from counting does again.

    The record stays, cancelled; visits to come are flagged with it no longer. Refuses by the rule itself when a visit booked meanwhile relies on the mistake.
    """
    begin_write(session)
    taken_back = locked(session, public_id)
    require_version(taken_back, expected_version)
    if taken_back.status != AppointmentStatus.CANCELLED:
        taken_back.status = AppointmentStatus.CANCELLED
        touch(taken_back, now=now, actor=actor, why=reason.strip()[:500] or "recorded by mistake")
        session.flush()
        count_again(session, taken_back, taken_back.counts_from_local, now=now, actor=actor)
        forget_told(session, patient_id=taken_back.patient_id or 0, day=taken_back.starts_local.date(), now=now)
        _note_taken_back(session, taken_back, now, actor)
    if remember is not None:
        remember(session, taken_back)
    session.commit()
    return taken_back


def _note_taken_back(session: Session, visit: Appointment, now: datetime, actor: Actor) -> None:
    day = visit.starts_local.date().isoformat()
    what = audit.ELSEWHERE_TAKEN_BACK
    audit.note(session, what=what, actor=actor, now=now, patient_id=visit.patient_id, details=day)


def count_again(session: Session, freed: Appointment, counted_from: datetime, *, now: datetime, actor: Actor) -> None:
    """What did not count because `freed` did, which counts from `counted_from` no longer: called off, missed or moved.

    Refuses with TreatmentTooSoon when it was moved to where it would be too near to what counts again.
    """
    ims = reference.current(session.connection()).needling
    assert ims.min_days is not None  # noqa: S101 - by constraint
    for stopped in session.scalars(
        _around(freed.patient_id or 0, counted_from, ims.min_days)
        .where(Appointment.status == AppointmentStatus.COMPLETED, Appointment.spacing_group_id.is_(None))
        .where(or_(_why_it_does_not_count() == STOPPED, Appointment.origin == "elsewhere"))
        .order_by(Appointment.counts_from_local.desc())
        .with_for_update(key_share=True)
    ).all():
        counts_from = stopped.counts_from_local
        near = _counting_near(session, freed.patient_id or 0, ims.spacing_group_id, counts_from, ims.min_days)
        if any(visit is not freed for visit in near):
            continue
        if near:
            here = CountingVisit(counts_from, elsewhere=stopped.origin == "elsewhere", time_known=stopped.time_known)
            wanted, days = freed.counts_from_local, ims.min_days
            raise TreatmentTooSoon(
                wanted_local=wanted,
                clash=here,
                earliest=earliest_allowed(wanted, [here], min_days=days),
                latest_before=None,
                min_days=days,
            )
        stopped.spacing_group_id, stopped.spacing_days = ims.spacing_group_id, ims.min_days
        touch(stopped, now=now, actor=actor, why="what counted instead counts no longer")
        session.flush()


def _why_it_does_not_count() -> ScalarSelect[str | None]:
    """Appointment.changed_why is that of its last change, which may be a note."""
    return (
        select(AppointmentHistory.changed_why)
        .where(
            AppointmentHistory.appointment_id == Appointment.id,
            AppointmentHistory.from_spacing_group_id.is_distinct_from(AppointmentHistory.to_spacing_group_id),
        )
        .order_by(AppointmentHistory.id.desc())
        .limit(1)
        .correlate(Appointment)
        .scalar_subquery()
    )


def _require_one_moment(day: date, at: time, zone: ZoneInfo) -> None:
    if at.second or at.microsecond:
        raise Invalid({"time": "Give hours and minutes only."})
    try:
        clock.to_utc(datetime.combine(day, at), zone)
    except clock.ClockChangeTime:
        raise Invalid({"time": "The clocks changed then: that time does not exist, or exists twice."}) from None


def _counting_near(
    session: Session, patient_id: int, group_id: int | None, counts_from: datetime, min_days: int
) -> list[Appointment]:
    return list(
        session.scalars(_near(patient_id, group_id, counts_from, min_days).with_for_update(key_share=True)),
    )


def _near(patient_id: int, group_id: int | None, counts_from: datetime, min_days: int) -> Select[Appointment]:
    around = _around(patient_id, counts_from, min_days)
    return around.where(Appointment.spacing_group_id == group_id).order_by(Appointment.counts_from_local)


def _around(patient_id: int, moment: datetime, min_days: int) -> Select[Appointment]:
    gap = timedelta(days=min_days)
    return (
        select(Appointment)
        .where(Appointment.patient_id == patient_id, Appointment.active)
        .where(Appointment.counts_from_local > moment - gap)
        .where(Appointment.counts_from_local < moment + gap)
    )


def _require_no_visit_to_come(near: list[Appointment], counts_from: datetime, min_days: int, now: datetime) -> None:
    """One that is going on may still be stopped."""
    for visit in near:
        if visit.status != AppointmentStatus.COMPLETED and visit.ends_at > now:
            here = CountingVisit(counts_from, elsewhere=True, time_known=False)
            raise VisitMustMove(
                wanted_local=visit.counts_from_local,
                clash=here,
                earliest=earliest_allowed(visit.counts_from_local, [here], min_days=min_days),
                latest_before=None,
                min_days=min_days,
            )


def _stop_counting(visit: Appointment, now: datetime, actor: Actor) -> None:
    visit.spacing_group_id = visit.spacing_days = None
    if visit.status == AppointmentStatus.COMPLETED:
        touch(visit, now=now, actor=actor, why=STOPPED)
    else:  # only what has happened may count otherwise than planned
        change_to(visit, AppointmentStatus.COMPLETED, now=now, actor=actor, why=STOPPED)
