"""IMS received elsewhere: a fact that counts for the rule like a visit here."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import PatientRestricted
from scheduler.domain.booking.treatment_spacing import CountingVisit, VisitMustMove, earliest_allowed, end_of_day
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, PatientMerge, PrivateVisit
from scheduler.queries.clinic import reference
from scheduler.usecases import audit
from scheduler.usecases.booking.locks import lock_patients
from scheduler.usecases.idempotency import Remember
from scheduler.usecases.patients.told_elsewhere import forget_told
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import locked, require_version, touch
from scheduler.usecases.visits.ims_counting import recount, stop_counting


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
    leaves_booked: bool = False,
) -> Appointment:
    """Record IMS elsewhere on `day`; at an unknown time it counts from the end of that day.

    Refuses with VisitMustMove when a visit still to come would be too near: move or cancel that one first. Or, when it
    `leaves_booked` visits, those must move (queries/visits/must_move.py), and until then they count instead.
    What has happened can't be refused: of two past visits too near to each other the later one counts, which
    forbids every future start that the earlier one forbids. A visit that is over and that nobody has marked took place.
    """
    begin_write(session)
    recorded = record_within(
        session,
        clinic=clinic,
        patient_id=patient_id,
        day=day,
        at=at,
        now=now,
        actor=actor,
        leaves_booked=leaves_booked,
    )
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
    leaves_booked: bool = False,
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
    if not leaves_booked:
        _require_no_visit_to_come(near, counts_from, ims.min_days, now, time_known=at is not None)
    later = [visit for visit in near if visit.counts_from_local > counts_from or _is_to_come(visit, now)]
    if not later:
        stop_counting(session, near, now=now, actor=actor)
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
        ims_given=True,
        version=1,
        schedule_version=1,
        created_at=now,
        changed_at=now,
        changed_by=str(actor),
    )
    session.add(recorded)
    audit.note(session, what=audit.ELSEWHERE, actor=actor, now=now, patient_id=patient_id, details=day.isoformat())
    session.flush()
    recount(session, patient_id=patient_id, around=[counts_from], now=now, actor=actor)
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
        found = next(visit for visit in near if visit.counts_from_local == refusal.wanted_local)
        refusal.is_private = session.get(PrivateVisit, found.id) is not None
        return found, refusal
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
        taken_back.status, taken_back.ims_given = AppointmentStatus.CANCELLED, None
        touch(taken_back, now=now, actor=actor, why=reason.strip()[:500] or "recorded by mistake")
        session.flush()
        around = [taken_back.counts_from_local]
        recount(session, patient_id=taken_back.patient_id, around=around, now=now, actor=actor)
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


def _require_no_visit_to_come(
    near: list[Appointment], counts_from: datetime, min_days: int, now: datetime, *, time_known: bool = False
) -> None:
    """One that is going on may still be stopped."""
    for visit in near:
        if _is_to_come(visit, now):
            here = CountingVisit(counts_from, elsewhere=True, time_known=time_known)
            raise VisitMustMove(
                wanted_local=visit.counts_from_local,
                clash=here,
                earliest=earliest_allowed(
                    visit.counts_from_local, [here], min_days=min_days, on_clock=clock.on(clock.zone(visit.zone))
                ),
                latest_before=None,
                min_days=min_days,
            )


def _is_to_come(visit: Appointment, now: datetime) -> bool:
    return visit.status != AppointmentStatus.COMPLETED and visit.ends_at > now
