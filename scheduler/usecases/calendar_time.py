"""When practitioners are there, and when the clinic is shut. Nothing here touches a visit: those that are left where
nobody is there are listed (queries/displaced.py), and somebody moves or cancels each, or asks the patient to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import Appointment, Closure, Practitioner, TimeOff, WorkingHours
from scheduler.usecases.audit import SETTINGS, note
from scheduler.usecases.must_move import begin_between, let_stand
from scheduler.usecases.transaction import begin_write, retry_deadlocks

A_DAY = timedelta(days=1)
LONGEST_NIGHT = timedelta(hours=12)
"""Longer hours past midnight are a slip: "9:00 to 5:00" with an am for a pm would offer patients the small hours."""
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class NewClosure:
    starts_local: datetime
    ends_local: datetime
    name: str


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
    _require_a_shift(opens, closes)
    if valid_from and valid_until and valid_until < valid_from:
        raise Invalid({"valid_until": "The last day is before the first one."})
    begin_write(session)
    person = _practitioner(session, practitioner)
    added = [
        WorkingHours(
            practitioner_id=person.id,
            weekday=weekday,
            opens=opens,
            closes=closes,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        for weekday in sorted(weekdays)
    ]
    _require_apart(session, person, added)
    session.add_all(added)
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
    """Other hours on a single day: the usual ones stand back as time off, what lies outside of them is added."""
    _require_a_shift(opens, closes)
    begin_write(session)
    person = _practitioner(session, practitioner)
    wanted = _stretch(day, opens, closes)
    usual = [
        _stretch(day, hours.opens, hours.closes)
        for hours in _hours_of(session, person)
        if hours.weekday == day.weekday() and _holds_on(hours, day)
    ]
    for begins, ends in _without(usual, [wanted]):
        session.add(TimeOff(practitioner_id=person.id, starts_local=begins, ends_local=ends, reason=""))
    for begins, ends in _without([wanted], usual):
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


@retry_deadlocks
def add_time_off(
    session: Session,
    *,
    practitioner: str,
    starts_local: datetime,
    ends_local: datetime,
    reason: str,
    now: datetime,
    actor: Actor,
) -> None:
    _require_order(starts_local, ends_local)
    begin_write(session)
    person = _practitioner(session, practitioner)
    session.add(
        TimeOff(
            practitioner_id=person.id,
            starts_local=starts_local,
            ends_local=ends_local,
            reason=reason[:LONGEST_REASON],
        )
    )
    note(session, what=SETTINGS, actor=actor, now=now, details=f"time off of {practitioner} {starts_local}")
    session.commit()


@retry_deadlocks
def add_closures(session: Session, *, closures: Sequence[NewClosure], now: datetime, actor: Actor) -> int:
    """Those not there already; how many that were."""
    for closure in closures:
        _require_order(closure.starts_local, closure.ends_local)
    begin_write(session)
    here = {
        (row.starts_local, row.ends_local) for row in session.execute(select(Closure.starts_local, Closure.ends_local))
    }
    fresh = [closure for closure in closures if (closure.starts_local, closure.ends_local) not in here]
    for closure in fresh:
        session.add(
            Closure(
                starts_local=closure.starts_local, ends_local=closure.ends_local, name=closure.name[:LONGEST_REASON]
            )
        )
        note(session, what=SETTINGS, actor=actor, now=now, details=f"closure {closure.starts_local}")
    session.commit()
    return len(fresh)


@retry_deadlocks
def remove_time_off(session: Session, *, time_off_id: int, now: datetime, actor: Actor) -> None:
    _remove(session, TimeOff, time_off_id, now, actor)


@retry_deadlocks
def remove_closure(session: Session, *, closure_id: int, now: datetime, actor: Actor) -> None:
    _remove(session, Closure, closure_id, now, actor)


def _let_stand(session: Session, practitioner_id: int, now: datetime) -> None:
    """Their visits at whose time they are there again, by hours not flushed yet."""
    session.flush()
    let_stand(session, Appointment.practitioner_id == practitioner_id, now=now)


Stretch = tuple[datetime, datetime]


def _practitioner(session: Session, slug: str) -> Practitioner:
    person = session.scalars(select(Practitioner).where(Practitioner.slug == slug)).one_or_none()
    if person is None:
        raise NotFound("practitioner")
    return person


def _hours_of(session: Session, person: Practitioner) -> list[WorkingHours]:
    return list(session.scalars(select(WorkingHours).where(WorkingHours.practitioner_id == person.id)))


def _require_apart(session: Session, person: Practitioner, added: list[WorkingHours]) -> None:
    everything = [*_hours_of(session, person), *added]
    for place, new in enumerate(everything):
        for other in everything[:place]:
            if new in added and _clash(new, other):
                raise Invalid({"opens": "These hours overlap others. End those first."})


def _clash(new: WorkingHours, other: WorkingHours) -> bool:
    if (new.valid_until or date.max) < (other.valid_from or date.min):
        return False
    if (other.valid_until or date.max) < (new.valid_from or date.min):
        return False
    some_monday = date(2001, 1, 1)
    ours, theirs = (
        [
            (opens + week, closes + week)
            for week in (timedelta(days=-7), timedelta(), timedelta(days=7))
            for opens, closes in [_stretch(some_monday + timedelta(days=hours.weekday), hours.opens, hours.closes)]
        ]
        for hours in (new, other)
    )
    return any(begins < closes and opens < ends for begins, ends in ours for opens, closes in theirs)


def _holds_on(hours: WorkingHours, day: date) -> bool:
    return (hours.valid_from or date.min) <= day <= (hours.valid_until or date.max)


def _stretch(day: date, opens: time, closes: time) -> Stretch:
    ends = datetime.combine(day, closes)
    return datetime.combine(day, opens), ends if closes > opens else ends + A_DAY


def _without(stretches: Sequence[Stretch], taken: Sequence[Stretch]) -> list[Stretch]:
    """What is left of the stretches."""
    left = list(stretches)
    for begins, ends in taken:
        left = [
            part
            for opens, closes in left
            for part in ((opens, min(closes, begins)), (max(opens, ends), closes))
            if part[0] < part[1]
        ]
    return left


def _require_a_shift(opens: time, closes: time) -> None:
    if opens == closes:
        raise Invalid({"closes": "Begin and end are the same."})
    begins, ends = _stretch(date.min, opens, closes)
    if time.min < closes < opens and ends - begins > LONGEST_NIGHT:
        raise Invalid({"closes": "These hours would last far past midnight. Check morning and afternoon."})


def _require_order(starts_local: datetime, ends_local: datetime) -> None:
    if ends_local <= starts_local:
        raise Invalid({"ends": "The end is before the beginning."})


def _remove(session: Session, model: type[TimeOff] | type[Closure], key: int, now: datetime, actor: Actor) -> None:
    begin_write(session)
    found = session.get(model, key)
    if not isinstance(found, TimeOff | Closure):
        raise NotFound(model.__tablename__)
    session.delete(found)
    session.flush()
    let_stand(session, begin_between(found.starts_local, found.ends_local), now=now)
    note(session, what=SETTINGS, actor=actor, now=now, details=f"{model.__tablename__} {key} taken back")
    session.commit()
