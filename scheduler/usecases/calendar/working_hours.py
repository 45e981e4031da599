"""When practitioners are there, week by week. Nothing here touches a visit: those that are left where nobody is there are
listed (queries/visits/must_move.py), and somebody moves or cancels each, or asks the patient to (must_move.py).
"""

from collections.abc import Collection
from datetime import date, datetime, time

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.availability import WeeklyHours
from scheduler.domain.calendar.working_hours import (
    Stretch,
    require_a_shift,
    require_apart,
    stretch,
    stretches_of,
    without,
)
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import Appointment, TimeOff, WorkingHours
from scheduler.queries.calendar.working_time import weekly_hours
from scheduler.queries.clinic import reference
from scheduler.usecases.audit import SETTINGS, note
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.must_move import let_stand


@retry_deadlocks
def add_hours(
    session: Session,
    *,
    practitioner: str,
    weekdays: Collection[int],
    opens: time,
    closes: time,
    valid_from: date | None,
    valid_until: date | None,
    now: datetime,
    actor: Actor,
) -> None:
    """`closes` at or before `opens` is on the next day; 00:00 is midnight. Refuses with Invalid what overlaps."""
    if not weekdays:
        raise Invalid({"weekdays": "Choose at least one day of the week."})
    require_a_shift(opens, closes)
    if valid_from and valid_until and valid_until < valid_from:
        raise Invalid({"valid_until": "The last day is before the first one."})
    begin_write(session)
    connection = session.connection()
    person = reference.current(connection).practitioner(practitioner)
    added = [WeeklyHours(person.id, weekday, opens, closes, valid_from, valid_until) for weekday in sorted(weekdays)]
    require_apart(added, weekly_hours(connection, {person.id}))
    session.add_all(WorkingHours(**hours._asdict()) for hours in added)
    _let_stand(session, person.id, now)
    note(session, what=SETTINGS, actor=actor, now=now, details=f"hours of {practitioner} added")
    session.commit()


@retry_deadlocks
def end_hours(session: Session, *, hours_id: int, last_day: date, now: datetime, actor: Actor) -> None:
    """`last_day` is the last one on which they hold; what would never hold is taken out."""
    begin_write(session)
    hours = session.get(WorkingHours, hours_id)
    if hours is None:
        raise NotFound("hours")
    first = hours.valid_from
    if first is not None and last_day < first:
        session.delete(hours)
    else:
        hours.valid_until = last_day
    _let_stand(session, hours.practitioner_id, now)
    note(session, what=SETTINGS, actor=actor, now=now, details=f"hours {hours_id} end {last_day}")
    session.commit()


@retry_deadlocks
def set_one_day(
    session: Session, *, practitioner: str, day: date, opens: time, closes: time, now: datetime, actor: Actor
) -> None:
    """Other hours on a single day: the usual ones stand back as time off, what lies outside of them is added.

    Set anew, or set back, they take the place of those set before.
    """
    require_a_shift(opens, closes)
    begin_write(session)
    connection = session.connection()
    person = reference.current(connection).practitioner(practitioner)
    session.execute(
        delete(WorkingHours).where(
            WorkingHours.practitioner_id == person.id, WorkingHours.valid_from == day, WorkingHours.valid_until == day
        )
    )
    wanted, usual = stretch(day, opens, closes), stretches_of(weekly_hours(connection, {person.id}), day)
    _forget_time_off(session, person.id, usual)
    for begins, ends in without(usual, [wanted]):
        session.add(TimeOff(practitioner_id=person.id, starts_local=begins, ends_local=ends, reason=""))
    for begins, ends in without([wanted], usual):
        session.add(
            WorkingHours(
                practitioner_id=person.id,
                weekday=day.weekday(),
                opens=begins.time(),
                closes=ends.time(),
                valid_from=day,
                valid_until=day,
            )
        )
    _let_stand(session, person.id, now)
    note(session, what=SETTINGS, actor=actor, now=now, details=f"hours of {practitioner} on {day}")
    session.commit()


def _forget_time_off(session: Session, practitioner_id: int, usual: list[Stretch]) -> None:
    """What other hours set before cut off the usual ones. With a reason it is somebody's own."""
    for begins, ends in usual:
        session.execute(
            delete(TimeOff).where(
                TimeOff.practitioner_id == practitioner_id,
                TimeOff.reason == "",
                TimeOff.starts_local >= begins,
                TimeOff.ends_local <= ends,
                or_(TimeOff.starts_local == begins, TimeOff.ends_local == ends),
            )
        )


def _let_stand(session: Session, practitioner_id: int, now: datetime) -> None:
    """Their visits at whose time they are there again, by hours not flushed yet."""
    session.flush()
    let_stand(session, Appointment.practitioner_id == practitioner_id, now=now)
