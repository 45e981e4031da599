"""What somebody of the staff does with their own account."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound, TooManyTries
from scheduler.domain.staff import passwords, pins
from scheduler.models import StaffUser
from scheduler.usecases import audit
from scheduler.usecases.rate_limit import forget_counter, rate_key
from scheduler.usecases.staff.live_sessions import end_sessions_of_staff
from scheduler.usecases.staff.sign_in_audit import SignIn, note_sign_in, record_sign_in
from scheduler.usecases.staff.staff import WINDOW, count_try, hash_password, password_matches
from scheduler.usecases.transaction import begin_write, retry_deadlocks

_MOST_TRIES = 10
AGAIN = "password again"


def require_password(
    session: Session, *, staff_id: int, password: str, key: str, actor: Actor, now: datetime, field: str = "password"
) -> StaffUser:
    """Before something weighty: is it still the same person at the keyboard? Refuses (Invalid, TooManyTries)."""
    counter = rate_key(key, "desk", "own password", str(staff_id))
    try:
        count_try(session, {counter: (_MOST_TRIES, WINDOW)}, now=now)
    except TooManyTries:
        record_sign_in(session, outcome=SignIn.LOCKED, actor=actor, step=AGAIN, now=now)
        raise
    person = session.get(StaffUser, staff_id)
    session.rollback()
    if not password_matches(person, password):
        record_sign_in(session, outcome=SignIn.WRONG, actor=actor, step=AGAIN, now=now)
        raise Invalid({field: "This is not your password."})
    assert person is not None  # noqa: S101 - nobody's password matches nothing
    begin_write(session)
    forget_counter(session, key=counter)
    session.commit()
    return person


def change_password(
    session: Session,
    *,
    staff_id: int,
    current: str,
    new: str,
    key: str,
    actor: Actor,
    now: datetime,
    names: tuple[str, ...] = (),
) -> StaffUser:
    """The new one holds at once, and every other browser is signed out. Refuses (Invalid, TooManyTries)."""
    person = require_password(
        session, staff_id=staff_id, password=current, key=key, actor=actor, now=now, field="current"
    )
    if problem := passwords.password_problem(new, names=(person.username, person.display_name, *names)):
        raise Invalid({"new": problem})
    if new == current:
        raise Invalid({"new": "This is the password that you have now. Choose another."})
    return _set_password(session, staff_id, hash_password(new), actor, now)


@retry_deadlocks
def _set_password(session: Session, staff_id: int, hashed: str, actor: Actor, now: datetime) -> StaffUser:
    begin_write(session)
    person = session.get(StaffUser, staff_id, with_for_update=True)
    if person is None:
        raise NotFound("staff")
    person.password_hash, person.password_temporary = hashed, False
    end_sessions_of_staff(session, staff_id=staff_id)
    audit.note(session, what=audit.STAFF, actor=actor, now=now, details=f"{person.username}: password changed")
    session.commit()
    return person


def change_pin(
    session: Session, *, staff_id: int, current: str, pin: str, key: str, actor: Actor, now: datetime
) -> None:
    """For the clinic's own computers; an empty one takes the PIN away. Refuses (Invalid, TooManyTries)."""
    require_password(session, staff_id=staff_id, password=current, key=key, actor=actor, now=now, field="current")
    if pin and (problem := pins.pin_problem(pin)):
        raise Invalid({"pin": problem})
    _set_pin(session, staff_id, hash_password(pin) if pin else None, actor, now)


def has_pin(session: Session, staff_id: int) -> bool:
    return session.scalar(select(StaffUser.pin_hash.is_not(None)).where(StaffUser.id == staff_id)) or False


@retry_deadlocks
def _set_pin(session: Session, staff_id: int, hashed: str | None, actor: Actor, now: datetime) -> None:
    begin_write(session)
    person = session.get(StaffUser, staff_id, with_for_update=True)
    if person is None:
        raise NotFound("staff")
    person.pin_hash = hashed
    what = "PIN changed" if hashed else "PIN taken away"
    audit.note(session, what=audit.STAFF, actor=actor, now=now, details=f"{person.username}: {what}")
    session.commit()


@retry_deadlocks
def sign_out_everywhere(session: Session, *, staff_id: int, actor: Actor, now: datetime) -> None:
    """Every browser in which this person is signed in is out with its next request."""
    begin_write(session)
    end_sessions_of_staff(session, staff_id=staff_id)
    note_sign_in(session, outcome=SignIn.OUT, actor=actor, step="everywhere", now=now)
    session.commit()
