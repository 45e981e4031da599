"""When a practitioner is away, and when the clinic is shut. Nothing here touches a visit: those that are left where nobody
is there are listed (queries/visits/must_move.py), and somebody moves or cancels each, or asks the patient to (must_move.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import Closure, TimeOff
from scheduler.queries.clinic import reference
from scheduler.usecases.audit import SETTINGS, note
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.must_move import begin_between, let_stand

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class NewClosure:
    starts_local: datetime
    ends_local: datetime
    name: str


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
    person = reference.current(session.connection()).practitioner(practitioner)
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
