"""Every outcome of a sign-in, of staff, patients and programs, as a line of the audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.sign_in.visitor_network import network_of
from scheduler.models import AuditLine
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.staff.access import ApiToken, StaffUser
from scheduler.usecases.transaction import begin_write, retry_deadlocks

UNKNOWN = "unknown"


class SignIn(StrEnum):
    """The key in the audit log. REFUSED: a code that was not sent, a program's token that was not taken."""

    RIGHT = "sign_in.right"
    WRONG = "sign_in.wrong"
    LOCKED = "sign_in.locked"
    REFUSED = "sign_in.refused"
    OUT = "sign_in.signed_out"


NOTED_AGAIN_AFTER = {SignIn.LOCKED: timedelta(minutes=15), SignIn.REFUSED: timedelta(minutes=15)}
PROGRAMS_NOTED_AGAIN_AFTER = timedelta(hours=1)
STRANGERS_AN_HOUR = 100
"""So many lines about programs that nobody knows, from wherever they come."""
_LOOKED_THROUGH = 200


@retry_deadlocks
def record_sign_in(session: Session, *, outcome: SignIn, actor: Actor, step: str, now: datetime) -> None:
    """In a transaction of its own, for an outcome that changed nothing else."""
    begin_write(session)
    note_sign_in(session, outcome=outcome, actor=actor, step=step, now=now)
    session.commit()


def note_sign_in(
    session: Session, *, outcome: SignIn, actor: Actor, step: str, now: datetime, patient_id: int | None = None
) -> None:
    """Add the line to the transaction under way; commits nothing. `step`: "password", "second step", "code" and so on,
    and after a comma why, as the owner's page words it (web/desk/staff/audit.py).

    What was typed as a name and is nobody's is not kept: people type their password there. Of somebody who is locked
    out or refused and goes on trying, one line a quarter of an hour is enough: a stranger must not fill the log.
    """
    who = str(_known(session, actor))[:80]
    address = network_of(actor.address)[:45]
    again_after = NOTED_AGAIN_AFTER.get(outcome)
    if again_after is not None and _is_noted(session, outcome, who, address, step, now - again_after):
        return
    session.add(AuditLine(at=now, actor=who, what=outcome.value, patient_id=patient_id, details=step, address=address))


@retry_deadlocks
def record_refused_program(session: Session, *, token_hash: str, address: str, now: datetime) -> None:
    """A bearer token that was not taken: one line an hour, token and address. Writes nothing in between."""
    name = session.scalar(select(ApiToken.name).where(ApiToken.token_hash == token_hash))
    who = str(Actor("token", UNKNOWN if name is None else name))[:80]
    since, network = now - PROGRAMS_NOTED_AGAIN_AFTER, network_of(address)[:45]
    step = "token" if name is None else "token, ended"
    too_many = name is None and _noted_since(session, SignIn.REFUSED, who, since) >= STRANGERS_AN_HOUR
    if too_many or _is_noted(session, SignIn.REFUSED, who, network, step, since):
        session.rollback()
        return
    session.rollback()
    begin_write(session)
    session.add(AuditLine(at=now, actor=who, what=SignIn.REFUSED.value, details=step, address=network))
    session.commit()


@dataclass(frozen=True, slots=True)
class WrongTries:
    """`addresses`: where they came from, the last first."""

    count: int
    last_at: datetime
    addresses: tuple[str, ...]


def wrong_tries_since(session: Session, actor: Actor) -> WrongTries | None:
    """Since this account was last signed in to; to be asked before the sign-in of now is noted. None: there were none."""
    own = AuditLine.actor == str(actor)[:80]
    last = select(AuditLine.id).where(own, AuditLine.what == SignIn.RIGHT).order_by(AuditLine.id.desc()).limit(1)
    wrong = AuditLine.what.in_((SignIn.WRONG, SignIn.LOCKED))
    lines = session.execute(
        select(AuditLine.at, AuditLine.address)
        .where(own, wrong, AuditLine.id > (session.scalar(last) or 0))
        .order_by(AuditLine.id.desc())
    ).all()
    if not lines:
        return None
    return WrongTries(len(lines), lines[0].at, tuple(dict.fromkeys(line.address for line in lines)))


def staff_actor(username: str, address: str) -> Actor:
    """Whoever typed this name at the desk's door."""
    return Actor("staff", username.strip().lower()[:60], address)


def patient_actor(account_id: int | None, address: str) -> Actor:
    """Whoever typed a code for the number of this account; None: a number that we don't know yet."""
    return Actor("patient", UNKNOWN if account_id is None else str(account_id), address)


def number_actor(session: Session, number: str | None, address: str) -> Actor:
    """The same, by the number."""
    known = session.scalar(select(PhoneAccount.id).where(PhoneAccount.number == number))
    return patient_actor(known, address)


def _known(session: Session, actor: Actor) -> Actor:
    if actor.kind != "staff":
        return actor
    found = session.scalar(select(StaffUser.id).where(StaffUser.username == actor.ident))
    return actor if found is not None else Actor("staff", UNKNOWN, actor.address)


def _is_noted(session: Session, outcome: SignIn, who: str, address: str, step: str, since: datetime) -> bool:
    """Looks through the last lines of this one alone: the log is long."""
    last = select(AuditLine).where(AuditLine.actor == who).order_by(AuditLine.id.desc()).limit(_LOOKED_THROUGH)
    line = last.subquery().c
    noted = select(line.id).where(
        line.at > since, line.what == outcome.value, line.address == address, line.details == step
    )
    return session.scalar(noted.limit(1)) is not None


def _noted_since(session: Session, outcome: SignIn, who: str, since: datetime) -> int:
    last = select(AuditLine.at, AuditLine.what).where(AuditLine.actor == who).order_by(AuditLine.id.desc())
    return sum(at > since and what == outcome for at, what in session.execute(last.limit(_LOOKED_THROUGH)))
