"""The clinic's own computers: registered by an owner; locked, and opened again by a PIN."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import ClinicComputer, ComputerSignIn, StaffUser
from scheduler.queries.staff.clinic_computers import COMES_BACK, MOST_WRONG
from scheduler.queries.staff.live_sessions import id_hash
from scheduler.usecases import audit
from scheduler.usecases.staff.sign_in_audit import SignIn, WrongTries, note_sign_in, record_sign_in, wrong_tries_since
from scheduler.usecases.staff.staff import secret_matches
from scheduler.usecases.transaction import begin_write, retry_deadlocks

GOOD_FOR = timedelta(days=90)
STEP = "PIN"


@retry_deadlocks
def register(session: Session, *, name: str, actor: Actor, now: datetime) -> str:
    """The token for this browser's cookie, 256 random bits. Refuses with Invalid."""
    if not 1 <= len(name) <= 60:
        raise Invalid({"name": "Give a name of 1 to 60 characters."})
    token = secrets.token_urlsafe(32)
    begin_write(session)
    session.add(
        ClinicComputer(
            name=name,
            token_hash=id_hash(token),
            registered_at=now,
            registered_by=str(actor),
            ends_at=now + GOOD_FOR,
        )
    )
    audit.note(session, what=audit.SETTINGS, actor=actor, now=now, details=f"clinic computer {name}: registered")
    session.commit()
    return token


@retry_deadlocks
def revoke(session: Session, *, computer_id: int, actor: Actor, now: datetime) -> None:
    """A PIN no longer opens that computer. NotFound when there is none."""
    begin_write(session)
    computer = session.get(ClinicComputer, computer_id, with_for_update=True)
    if computer is None or computer.revoked_at is not None:
        raise NotFound("clinic computer")
    computer.revoked_at = now
    session.execute(delete(ComputerSignIn).where(ComputerSignIn.clinic_computer_id == computer_id))
    audit.note(session, what=audit.SETTINGS, actor=actor, now=now, details=f"clinic computer {computer.name}: revoked")
    session.commit()


@retry_deadlocks
def note_full_sign_in(session: Session, *, computer_id: int, staff_id: int, now: datetime) -> None:
    """Password and second step were given there: for half a day the PIN is enough."""
    begin_write(session)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"given_at": now, "wrong_pins": 0}
    session.execute(
        dialect.insert(ComputerSignIn)
        .values(clinic_computer_id=computer_id, staff_user_id=staff_id, **values)
        .on_conflict_do_update(
            index_elements=[ComputerSignIn.clinic_computer_id, ComputerSignIn.staff_user_id], set_=values
        )
    )
    session.commit()


@retry_deadlocks
def note_place(session: Session, *, computer_id: int, staff_id: int, page: str | None, kept_form: str | None) -> None:
    """What this person comes back to. A form kept before stays until it is looked at."""
    begin_write(session)
    values = {"page": page} | ({"kept_form": kept_form} if kept_form else {})
    session.execute(update(ComputerSignIn).where(*_of(computer_id, staff_id)).values(**values))
    session.commit()


@retry_deadlocks
def forget(session: Session, *, computer_id: int, staff_id: int) -> None:
    """Signed out: the next sign-in is a whole one."""
    begin_write(session)
    session.execute(delete(ComputerSignIn).where(*_of(computer_id, staff_id)))
    session.commit()


@dataclass(frozen=True, slots=True)
class CameBack:
    """`given_at`: when password and second step were given."""

    staff: StaffUser
    given_at: datetime
    page: str | None
    kept_form: str | None
    wrong: WrongTries | None


class WrongPin(Exception):
    """`left`: tries; after the last one only the password helps. 0 also for whoever may not come back here at all."""

    def __init__(self, left: int) -> None:
        self.left = left


def pass_pin(session: Session, *, computer_id: int, staff_id: int, pin: str, address: str, now: datetime) -> CameBack:
    """Refuses with WrongPin. A try is counted before the PIN is compared, so that two at once are two tries."""
    tried = _count_try(session, computer_id, staff_id, now)
    person = session.get(StaffUser, staff_id)
    actor = Actor("staff", person.username if person else "", address)
    if tried is None:
        session.rollback()
        record_sign_in(session, outcome=SignIn.LOCKED, actor=actor, step=STEP, now=now)
        raise WrongPin(0)
    pin_hash = person.pin_hash if person is not None and person.active else None
    session.rollback()
    if not secret_matches(pin_hash, pin):
        outcome = SignIn.WRONG if tried < MOST_WRONG else SignIn.LOCKED
        record_sign_in(session, outcome=outcome, actor=actor, step=STEP, now=now)
        raise WrongPin(MOST_WRONG - tried)
    return _come_back(session, computer_id, staff_id, str(pin_hash), actor, now)


@retry_deadlocks
def _count_try(session: Session, computer_id: int, staff_id: int, now: datetime) -> int | None:
    """How many there were, this one included; None when there may be no more."""
    begin_write(session)
    works = select(ClinicComputer.id).where(
        ClinicComputer.id == computer_id, ClinicComputer.revoked_at.is_(None), ClinicComputer.ends_at > now
    )
    counted = session.scalar(
        update(ComputerSignIn)
        .where(*_of(computer_id, staff_id), ComputerSignIn.given_at > now - COMES_BACK)
        .where(ComputerSignIn.wrong_pins < MOST_WRONG, ComputerSignIn.clinic_computer_id.in_(works))
        .values(wrong_pins=ComputerSignIn.wrong_pins + 1)
        .returning(ComputerSignIn.wrong_pins)
    )
    session.commit()
    return counted


@retry_deadlocks
def _come_back(
    session: Session, computer_id: int, staff_id: int, pin_hash: str, actor: Actor, now: datetime
) -> CameBack:
    begin_write(session)
    person = session.get(StaffUser, staff_id, with_for_update=True, populate_existing=True)
    row = session.scalar(select(ComputerSignIn).where(*_of(computer_id, staff_id)).with_for_update())
    if person is None or row is None or not person.active or person.pin_hash != pin_hash:
        session.rollback()  # something changed while the PIN was compared
        record_sign_in(session, outcome=SignIn.LOCKED, actor=actor, step=STEP, now=now)
        raise WrongPin(0)
    wrong = wrong_tries_since(session, actor)
    back = CameBack(person, row.given_at, row.page, row.kept_form, wrong)
    row.wrong_pins, row.page, row.kept_form = 0, None, None
    person.last_sign_in_at = now
    note_sign_in(session, outcome=SignIn.RIGHT, actor=actor, step=STEP, now=now)
    session.commit()
    return back


def _of(computer_id: int, staff_id: int):  # type: ignore[no-untyped-def]  # two comparisons
    return ComputerSignIn.clinic_computer_id == computer_id, ComputerSignIn.staff_user_id == staff_id
