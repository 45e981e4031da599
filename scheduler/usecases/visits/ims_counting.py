"""Which of a patient's IMS visits count, anew after each change of what happened or of what is booked.

A visit that is over and that nobody has marked took place. Of those that took place the later one counts when two are too
near (domain/visits/ims_given.py); what is still to come counts in any case, and is to be moved (queries/visits/ims_given.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.booking.treatment_spacing import CountingVisit, TreatmentTooSoon, earliest_allowed
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.domain.visits.ims_given import Treated, that_count
from scheduler.models import Appointment, PrivateVisit
from scheduler.models.visits.appointment import AppointmentHistory
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import TreatmentInfo
from scheduler.queries.visits.ims_given import took_place
from scheduler.usecases.visits.changing import change_to, touch

STOPPED = "a later IMS visit counts instead"
STOPPED_BEFORE = (STOPPED, "a later IMS visit elsewhere counts instead")  # older history lines say it so
FAR = 12  # so many visits, each too near the next, may hang on each other
COUNTS_AGAIN = "what counted instead counts no longer"


@dataclass(frozen=True, slots=True)
class Recount:
    """What changes besides the visit that is changed itself. `counts`: whether that one does."""

    stopping: list[Appointment]
    again: list[Appointment]
    counts: bool


def recount(
    session: Session,
    *,
    patient_id: int | None,
    around: Iterable[datetime],
    now: datetime,
    actor: Actor,
) -> None:
    """After a change that is flushed: what has to stop counting near these moments stops, what may count again does."""
    if patient_id is None or ims_now(session) is None:
        return
    planned = plan(session, patients=(patient_id,), around=around, now=now)
    stop_counting(session, planned.stopping, now=now, actor=actor)
    count_again(session, planned.again, now=now, actor=actor)


def plan(
    session: Session,
    *,
    patients: Sequence[int],
    around: Iterable[datetime],
    now: datetime,
    changing: Appointment | None = None,
    takes_place: bool = False,
) -> Recount:
    """`patients`: one, or the ids of two that become one. `changing`: a visit that is about to become one at which IMS
    `takes_place`, or does not, and is not looked up."""
    ims, moments = required_ims(session), list(around)
    assert ims.min_days is not None  # noqa: S101 - by constraint
    reach = timedelta(days=FAR * ims.min_days)
    visits = _visits(session, patients, ims, moments, reach + timedelta(days=ims.min_days))
    treated, booked = [], []
    for visit in visits:
        if visit is changing:
            continue
        near = any(abs(visit.counts_from_local - moment) < reach for moment in moments)
        if near and (visit.status == AppointmentStatus.COMPLETED or visit.ends_at <= now):
            treated.append(visit)
        elif visit.spacing_group_id is not None:
            booked.append(visit.counts_from_local)
    of_rule = [Treated(visit.id, visit.counts_from_local, visit.spacing_days or ims.min_days) for visit in treated]
    if changing is not None and takes_place:
        of_rule.append(Treated(changing.id, changing.counts_from_local, ims.min_days))
    count = that_count(of_rule, booked)
    return Recount(
        [visit for visit in treated if visit.spacing_group_id is not None and visit.id not in count],
        [visit for visit in treated if visit.spacing_group_id is None and visit.id in count],
        changing is not None and changing.id in count,
    )


def stop_counting(session: Session, visits: Iterable[Appointment], *, now: datetime, actor: Actor) -> None:
    for visit in visits:
        visit.spacing_group_id = visit.spacing_days = None
        if visit.status == AppointmentStatus.COMPLETED:
            touch(visit, now=now, actor=actor, why=STOPPED)
        else:  # only what has happened may count otherwise than planned
            visit.ims_open = True
            change_to(visit, AppointmentStatus.COMPLETED, now=now, actor=actor, why=STOPPED)
    session.flush()


def count_again(session: Session, visits: Iterable[Appointment], *, now: datetime, actor: Actor) -> None:
    """One that was marked as completed only because it stopped counting is what it was before."""
    ims = required_ims(session)
    for visit in visits:
        before = _status_before_it_stopped(session, visit)
        visit.spacing_group_id, visit.spacing_days = ims.spacing_group_id, ims.min_days
        if before is not None and visit.ims_given is None:
            visit.status, visit.ims_open = before, False
        touch(visit, now=now, actor=actor, why=COUNTS_AGAIN)
        session.flush()


def require_far_from_what_took_place(session: Session, visit: Appointment, *, now: datetime) -> None:
    """Of a visit that has a new time: it may not be where IMS that counts no longer beside it was too near."""
    ims = ims_now(session)
    if ims is None or visit.spacing_group_id != ims.spacing_group_id or visit.patient_id is None:
        return
    days = ims.min_days or 0
    gap = timedelta(days=days)
    for other in _visits(session, (visit.patient_id,), ims, [visit.counts_from_local], gap):
        if other is visit or (other.status != AppointmentStatus.COMPLETED and other.ends_at > now):
            continue
        here = CountingVisit(
            other.counts_from_local,
            elsewhere=other.origin == "elsewhere",
            time_known=other.time_known,
            private=session.get(PrivateVisit, other.id) is not None,
        )
        wanted = visit.counts_from_local
        raise TreatmentTooSoon(
            wanted_local=wanted,
            clash=here,
            earliest=earliest_allowed(wanted, [here], min_days=days, on_clock=clock.on(clock.zone(visit.zone))),
            latest_before=None,
            min_days=days,
        )


def ims_now(session: Session) -> TreatmentInfo | None:
    """The clinic's IMS, none where there is none."""
    return next((t for t in reference.current(session.connection()).treatments if t.needling), None)


def required_ims(session: Session) -> TreatmentInfo:
    return reference.current(session.connection()).needling


def _visits(
    session: Session, patients: Sequence[int], ims: TreatmentInfo, moments: list[datetime], reach: timedelta
) -> list[Appointment]:
    """What counts and what took place, locked; strictly nearer than `reach` to one of the moments."""
    near = Appointment.counts_from_local.between(min(moments) - reach, max(moments) + reach)
    found = session.scalars(
        select(Appointment)
        .where(Appointment.patient_id.in_(patients), Appointment.active, near)
        .where((Appointment.spacing_group_id == ims.spacing_group_id) | took_place())
        .order_by(Appointment.counts_from_local, Appointment.id)
        .with_for_update(key_share=True, of=Appointment)
        .execution_options(autoflush=False)
    )
    return [visit for visit in found if any(abs(visit.counts_from_local - moment) < reach for moment in moments)]


def _status_before_it_stopped(session: Session, visit: Appointment) -> str | None:
    line = session.scalars(
        select(AppointmentHistory)
        .where(AppointmentHistory.appointment_id == visit.id)
        .where(AppointmentHistory.from_status.is_distinct_from(AppointmentHistory.to_status))
        .order_by(AppointmentHistory.id.desc())
        .limit(1)
    ).first()
    return line.from_status if line is not None and line.changed_why in STOPPED_BEFORE else None
