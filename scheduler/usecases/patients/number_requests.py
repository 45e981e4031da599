"""A patient has a new number: they say so after a code typed there, and the desk decides with one press."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.models import NumberRequest, Patient, PhoneAccount
from scheduler.usecases import audit
from scheduler.usecases.feeds.addresses import end_calendar_addresses
from scheduler.usecases.rate_limit import rate_key, require_allowed
from scheduler.usecases.sign_in.known_browsers import end_known
from scheduler.usecases.transaction import begin_write, retry_deadlocks

REQUESTS_A_DAY = 3


@retry_deadlocks
def ask_for_new_number(
    session: Session, *, account_id: int, old_number: str, birth_date: date, secret: str, now: datetime
) -> None:
    """Whether it is anybody's is not looked up: the answer cannot tell. One form sent twice asks once. Refuses by
    TooManyTries."""
    begin_write(session)
    same = select(NumberRequest.id).where(
        NumberRequest.phone_account_id == account_id,
        NumberRequest.old_number == old_number,
        NumberRequest.birth_date == birth_date,
        NumberRequest.settled_at.is_(None),
    )
    if session.scalar(same.limit(1)) is None:
        key = rate_key(secret, "new-number", str(account_id))
        require_allowed(session, key=key, limit=REQUESTS_A_DAY, window=timedelta(days=1), now=now)
        session.add(
            NumberRequest(phone_account_id=account_id, old_number=old_number, birth_date=birth_date, asked_at=now)
        )
    session.commit()


@retry_deadlocks
def give_new_number(session: Session, *, request_id: int, patient_id: str, now: datetime, actor: Actor) -> Patient:
    """The request is right: from now on the patient has the new number, and what knew them by the old one ends.

    NotFound when somebody settled it before, or the old number is no longer this patient's.
    """
    begin_write(session)
    asked = _open(session, request_id)
    patient = session.scalar(
        select(Patient)
        .join(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(Patient.public_id == patient_id, PhoneAccount.number == asked.old_number)
        .with_for_update(key_share=True, of=Patient)
    )
    if patient is None or patient.birth_date != asked.birth_date:
        raise NotFound("patient")
    patient.phone_account_id = asked.phone_account_id
    end_calendar_addresses([patient])  # of whoever subscribed by the old number
    patient.version += 1
    end_known(session, patient_id=patient.id, why="number changed", now=now)
    asked.settled_at, asked.settled_by, asked.patient_id = now, str(actor), patient.id
    audit.note(
        session, what=audit.CHANGED, actor=actor, now=now, patient_id=patient.id, details="phone_account, as asked"
    )
    session.commit()
    return patient


@retry_deadlocks
def refuse_new_number(session: Session, *, request_id: int, now: datetime, actor: Actor) -> None:
    begin_write(session)
    asked = _open(session, request_id)
    asked.settled_at, asked.settled_by = now, str(actor)
    session.commit()


def _open(session: Session, request_id: int) -> NumberRequest:
    asked = session.scalar(
        select(NumberRequest)
        .where(NumberRequest.id == request_id, NumberRequest.settled_at.is_(None))
        .with_for_update(key_share=True)
    )
    if asked is None:
        raise NotFound("request")
    return asked
