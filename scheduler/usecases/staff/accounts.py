"""Who signs in at the desk, as the owner decides. One owner at least is always left."""

import secrets
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import Practitioner, RecoveryCode, StaffUser
from scheduler.models.staff.access import ROLES
from scheduler.usecases import audit
from scheduler.usecases.clinic.settings import require_unchanged
from scheduler.usecases.staff.live_sessions import end_sessions_of_staff
from scheduler.usecases.staff.staff import add_staff, hash_password
from scheduler.usecases.transaction import begin_write, retry_deadlocks

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def temporary_password() -> str:
    """To be told or handed over; 79 random bits, and good for one sign-in."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def add_colleague(session: Session, *, username: str, display_name: str, role: str, actor: Actor, now: datetime) -> str:
    """The temporary password, which is shown once. Refuses with Invalid."""
    password = temporary_password()
    add_staff(
        session, username=username, display_name=display_name, role=role, password=password, now=now, made_by=actor
    )
    return password


def shown(person: StaffUser) -> dict[str, str]:
    return {
        "display_name": person.display_name,
        "role": person.role,
        "practitioner": str(person.practitioner_id or ""),
        "active": "y" if person.active else "",
    }


@retry_deadlocks
def change_colleague(
    session: Session, *, staff_id: int, typed: dict[str, str], seen: str, actor: Actor, now: datetime
) -> None:
    """Whoever is disabled or gets another role is signed out at once. Refuses with Invalid, NotFound, ChangedMeanwhile."""
    begin_write(session)
    person = _locked(session, staff_id)
    before = shown(person)
    require_unchanged(before, seen)
    errors: dict[str, str] = {}
    if not 1 <= len(typed["display_name"]) <= 100:
        errors["display_name"] = "Give a name of 1 to 100 characters."
    if typed["role"] not in ROLES:
        errors["role"] = "Choose receptionist, practitioner or owner."
    practitioners = {str(each) for each in session.scalars(select(Practitioner.id))}
    if typed["practitioner"] and typed["practitioner"] not in practitioners:
        errors["practitioner"] = "Choose one of the practitioners."
    weaker = before["role"] != typed["role"] or (person.active and not typed["active"])
    if not errors and weaker:
        errors |= _why_not(session, person, typed, actor)
    if errors:
        raise Invalid(errors)
    person.display_name, person.role, person.active = typed["display_name"], typed["role"], bool(typed["active"])
    person.practitioner_id = int(typed["practitioner"]) if typed["practitioner"] else None
    if weaker:
        _sign_out(session, staff_id)
    after = shown(person)
    changed = [f"{name}: {before[name] or '–'} → {after[name] or '–'}" for name in after if after[name] != before[name]]
    if changed:
        _note(session, person, "; ".join(changed), actor, now)
    session.commit()


@retry_deadlocks
def reset_password(session: Session, *, staff_id: int, actor: Actor, now: datetime) -> str:
    """A temporary password, shown once; whoever was signed in with the old one is out."""
    password = temporary_password()
    hashed = hash_password(password)
    begin_write(session)
    person = _locked(session, staff_id)
    person.password_hash, person.password_temporary = hashed, True
    _sign_out(session, staff_id)
    _note(session, person, "password reset", actor, now)
    session.commit()
    return password


@retry_deadlocks
def reset_second_step(session: Session, *, staff_id: int, due_at: datetime, actor: Actor, now: datetime) -> None:
    """For a lost telephone: another one is to be enrolled before `due_at`. Refuses (Invalid) for one's own account."""
    begin_write(session)
    person = _locked(session, staff_id)
    if actor.kind == "staff" and person.username == actor.ident:
        raise Invalid({"": "You cannot do this to your own account. Ask another owner."})
    person.totp_secret, person.second_step_due_at = None, due_at
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_user_id == staff_id))
    _sign_out(session, staff_id)
    _note(session, person, f"second step reset, to set up until {due_at:%Y-%m-%d %H:%M} UTC", actor, now)
    session.commit()


@retry_deadlocks
def let_in(session: Session, *, staff_id: int, until: datetime, actor: Actor, now: datetime) -> None:
    """Without the second step until then: the telephone is at home. Refuses (Invalid) for one's own account."""
    begin_write(session)
    person = _locked(session, staff_id)
    if person.username == actor.ident:
        raise Invalid({"": "You cannot do this to your own account. Ask another owner."})
    person.let_in_until = until
    _note(session, person, f"let in without the second step until {until:%Y-%m-%d %H:%M} UTC", actor, now)
    session.commit()


def _why_not(session: Session, person: StaffUser, typed: dict[str, str], actor: Actor) -> dict[str, str]:
    field = "role" if person.role != typed["role"] else "active"
    # All owners are locked, in one order, so that two of them cannot remove each other in the same moment.
    owners = session.scalars(
        select(StaffUser.id).where(StaffUser.role == "owner", StaffUser.active).order_by(StaffUser.id).with_for_update()
    ).all()
    errors = {}
    if list(owners) == [person.id]:
        errors[field] = "This is the last owner. Make somebody else an owner first."
    elif person.username == actor.ident:
        errors[field] = "You cannot do this to your own account. Ask another owner."
    return errors


def _locked(session: Session, staff_id: int) -> StaffUser:
    person = session.get(StaffUser, staff_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound("staff")
    return person


def _sign_out(session: Session, staff_id: int) -> None:
    end_sessions_of_staff(session, staff_id=staff_id)


def _note(session: Session, person: StaffUser, what: str, actor: Actor, now: datetime) -> None:
    audit.note(session, what=audit.STAFF, actor=actor, now=now, details=f"{person.username}: {what}")
