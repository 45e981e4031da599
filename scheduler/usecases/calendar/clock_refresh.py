"""Instants derived anew from the clinic's wall clock, after zone rules or the clinic's zone have changed.

The promise to the patient is the time on the wall; the instant behind it is only for sorting and for due times.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import Appointment, Reminder
from scheduler.usecases.booking.locks import lock_before_visits
from scheduler.usecases.moving_in.staging import batches
from scheduler.usecases.texts.reminder_planning import plan_for
from scheduler.usecases.transaction import begin_write, retry_deadlocks

BATCH = 1000
TOOK_ITS_COURSE = ("arrived", "completed", "no_show")
STANDS = ("held", "booked", "confirmed")
BY = Actor("system", "clock refresh")


@dataclass(frozen=True, slots=True)
class MovedInstant:
    """`exists`: False when the wall clock skips or repeats that time now, so that somebody should move the visit.

    `refused`: the new instant would overlap another visit, or is over already; the old one was left.
    """

    public_id: str
    starts_local: datetime
    zone: str
    from_at: datetime
    to_at: datetime
    exists: bool
    refused: bool = False
    takes_place: bool = True


@retry_deadlocks
def refresh_instants(session: Session, *, clinic: ClinicSettings, now: datetime) -> list[MovedInstant]:
    """Recompute every visit: those to come in the clinic's zone, past ones in the zone they were in. In one
    transaction; what did not change is not touched. Answers what moved, in order of time.

    A visit is past when it has begun by its own instant, or somebody has said at the desk what became of it.
    """
    begin_write(session)
    moved = [(appointment, _target(appointment, clinic, now)) for appointment in _stale(session, clinic, now)]
    result = [_move(session, appointment, to, clinic, now) for appointment, to in _in_safe_order(moved)]
    session.commit()
    return sorted(result, key=lambda one: one.starts_local)


@dataclass(frozen=True, slots=True)
class _To:
    zone: str
    starts_at: datetime
    exists: bool


def _stale(session: Session, clinic: ClinicSettings, now: datetime) -> Iterator[Appointment]:
    """Looks through all of them in batches; a million take half a minute. Locked once all are known: until then others go
    on."""
    ids = list(_stale_ids(session, clinic, now))
    lock_before_visits(session.connection(), ids)
    for batch in batches(ids, BATCH):
        locked = select(Appointment).where(Appointment.id.in_(batch)).order_by(Appointment.id)
        yield from session.scalars(locked.with_for_update(key_share=True).execution_options(populate_existing=True))


def _stale_ids(session: Session, clinic: ClinicSettings, now: datetime) -> Iterator[int]:
    last_id = 0
    while True:
        rows = session.execute(
            select(
                Appointment.id, Appointment.zone, Appointment.starts_local, Appointment.starts_at, Appointment.status
            )
            .where(Appointment.id > last_id)
            .order_by(Appointment.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        last_id = rows[-1].id
        for row in rows:
            if _derived(row, clinic, now) != (row.zone, row.starts_at):
                yield row.id


def _derived(visit: Row[*tuple[Any, ...]] | Appointment, clinic: ClinicSettings, now: datetime) -> tuple[str, datetime]:
    zone = visit.zone if visit.starts_at <= now or visit.status in TOOK_ITS_COURSE else clinic.zone
    return zone, clock.to_utc_or_near(visit.starts_local, clock.zone(zone))


def _target(appointment: Appointment, clinic: ClinicSettings, now: datetime) -> _To:
    zone, starts_at = _derived(appointment, clinic, now)
    try:
        exists = clock.to_utc(appointment.starts_local, clock.zone(zone)) == starts_at
    except clock.ClockChangeTime:
        exists = False
    return _To(zone, starts_at, exists)


def _in_safe_order(moved: list[tuple[Appointment, _To]]) -> list[tuple[Appointment, _To]]:
    """Such that no visit is moved onto one that has yet to move: those going later from the last to the first,
    then those going earlier from the first to the last."""
    later = [one for one in moved if one[1].starts_at >= one[0].starts_at]
    earlier = [one for one in moved if one[1].starts_at < one[0].starts_at]
    later.sort(key=lambda one: one[0].starts_at, reverse=True)
    earlier.sort(key=lambda one: one[0].starts_at)
    return later + earlier


def _move(session: Session, appointment: Appointment, to: _To, clinic: ClinicSettings, now: datetime) -> MovedInstant:
    here = appointment.starts_at
    told = MovedInstant(appointment.public_id, appointment.starts_local, to.zone, here, to.starts_at, to.exists)
    told = replace(told, takes_place=appointment.status in STANDS)
    if here > now >= to.starts_at:
        return replace(told, refused=True)
    unsent = _planned_confirmation(session, appointment)
    try:
        with session.begin_nested():
            appointment.zone = to.zone
            appointment.starts_at = to.starts_at
            appointment.ends_at = to.starts_at + timedelta(minutes=appointment.minutes)
            appointment.busy_until = appointment.ends_at + timedelta(minutes=appointment.buffer_minutes)
            appointment.version += 1
            appointment.schedule_version = appointment.version
            appointment.changed_at = now
            appointment.changed_by = str(BY)
            appointment.changed_why = "zone rules"
            session.flush()
    except IntegrityError:
        session.refresh(appointment)
        return replace(told, refused=True)
    if appointment.status in ("booked", "confirmed") and to.starts_at > now:
        plan_for(session, appointment=appointment, clinic=clinic, now=now)
        if not unsent:
            _drop_confirmation(session, appointment)
    return told


def _planned_confirmation(session: Session, appointment: Appointment) -> bool:
    planned = select(Reminder.id).where(*_confirmation(appointment), Reminder.status == "planned")
    return session.scalar(planned) is not None


def _drop_confirmation(session: Session, appointment: Appointment) -> None:
    """The time on the wall is the same: there is nothing to confirm again."""
    session.execute(delete(Reminder).where(*_confirmation(appointment)))


def _confirmation(appointment: Appointment) -> tuple[ColumnElement[bool], ...]:
    return (
        Reminder.appointment_id == appointment.id,
        Reminder.version == appointment.schedule_version,
        Reminder.kind == "confirmation",
    )
