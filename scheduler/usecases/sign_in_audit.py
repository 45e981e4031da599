"""Every outcome of a sign-in, of staff and of patients, as a line of the audit log."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.visitor_network import network_of
from scheduler.models import AuditLine
from scheduler.models.access import StaffUser
from scheduler.usecases.transaction import begin_write, retry_deadlocks

UNKNOWN = "unknown"
LOCKED_AGAIN_AFTER = timedelta(minutes=15)


class SignIn(StrEnum):
    """The key in the audit log."""

    RIGHT = "sign_in.right"
    WRONG = "sign_in.wrong"
    LOCKED = "sign_in.locked"
    OUT = "sign_in.signed_out"


@retry_deadlocks
def record_sign_in(session: Session, *, outcome: SignIn, actor: Actor, step: str, now: datetime) -> None:
    """In a transaction of its own, for an outcome that changed nothing else."""
    begin_write(session)
    note_sign_in(session, outcome=outcome, actor=actor, step=step, now=now)
    session.commit()


def note_sign_in(session: Session, *, outcome: SignIn, actor: Actor, step: str, now: datetime) -> None:
    """Add the line to the transaction under way; commits nothing. `step`: "password", "second step", "code" and so on.

    What was typed as a name and is nobody's is not kept: people type their password there. Of somebody who is locked
    out and goes on trying, one line a quarter of an hour is enough: a stranger must not fill the log.
    """
    who = str(_known(session, actor))[:80]
    address = network_of(actor.address)[:45]
    if outcome is SignIn.LOCKED and _is_noted(session, who, address, now):
        return
    session.add(AuditLine(at=now, actor=who, what=outcome.value, patient_id=None, details=step, address=address))


def staff_actor(username: str, address: str) -> Actor:
    """Whoever typed this name at the desk's door."""
    return Actor("staff", username.strip().lower()[:60], address)


def patient_actor(account_id: int | None, address: str) -> Actor:
    """Whoever typed a code for the number of this account; None: a number that we don't know yet."""
    return Actor("patient", UNKNOWN if account_id is None else str(account_id), address)


def _known(session: Session, actor: Actor) -> Actor:
    if actor.kind != "staff":
        return actor
    found = session.scalar(select(StaffUser.id).where(StaffUser.username == actor.ident))
    return actor if found is not None else Actor("staff", UNKNOWN, actor.address)


def _is_noted(session: Session, who: str, address: str, now: datetime) -> bool:
    noted = select(AuditLine.id).where(
        AuditLine.at > now - LOCKED_AGAIN_AFTER,
        AuditLine.actor == who,
        AuditLine.what == SignIn.LOCKED.value,
        AuditLine.address == address,
    )
    return session.scalar(noted.limit(1)) is not None
