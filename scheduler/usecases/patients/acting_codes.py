"""Whoever is 16 or older lets somebody act for them by their own press: a code, read out, which the other one types."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound, TooManyTries
from scheduler.domain.patients.acting_code import new_code, plain_code
from scheduler.domain.patients.coming_of_age import OF_AGE, is_of
from scheduler.domain.sign_in.refusals import CodeGone
from scheduler.models import ActingCode, Patient
from scheduler.models.texts.wrong_number import is_marked
from scheduler.usecases import audit
from scheduler.usecases.patients.acting import add_acting
from scheduler.usecases.patients.patients import locked
from scheduler.usecases.rate_limit import NetworkKey, rate_key, require_allowed, require_network_allowed, take_back
from scheduler.usecases.transaction import begin_write, retry_deadlocks

CODE_LIFE = timedelta(hours=1)
CODES_A_DAY = 10
WRONG_AN_HOUR = 5
WRONG_AN_HOUR_AND_NETWORK = 20
BY_OWN_CODE = "by a code of their own"
"""How it was asked."""


@retry_deadlocks
def make_acting_code(
    session: Session, *, public_id: str, number: str, secret: str, now: datetime, today: date, actor: Actor
) -> str:
    """The code, to be shown to the patient; only the last one made works. Refuses by TooManyTries, and whoever is younger
    than 16, or whose age is not known, with NotFound."""
    begin_write(session)
    try:
        key = rate_key(secret, "acting-code-made", number)
        require_allowed(session, key=key, limit=CODES_A_DAY, window=timedelta(days=1), now=now)
    except TooManyTries:
        session.commit()  # the counter stands
        raise
    patient = locked(session, public_id)
    if not is_of(OF_AGE, patient.birth_date, today):
        raise NotFound("acting code")
    session.execute(delete(ActingCode).where(ActingCode.patient_id == patient.id, ActingCode.used_at.is_(None)))
    code = new_code()
    session.add(
        ActingCode(
            code_hmac=_hmac(secret, code),
            patient_id=patient.id,
            made_at=now,
            made_by=str(actor)[:80],
            expires_at=now + CODE_LIFE,
        )
    )
    audit.note(session, what=audit.ACTING_CODE, actor=actor, now=now, patient_id=patient.id)
    session.commit()
    return code


@retry_deadlocks
def act_by_code(
    session: Session,
    *,
    typed: str,
    acting: str,
    number: str,
    secret: str,
    network_keys: Sequence[NetworkKey],
    now: datetime,
    today: date,
    actor: Actor,
) -> Patient:
    """From now on `acting` (a public id) acts for the patient who made the code, and who is returned.

    A try is counted before anything is compared; a right one is not a wrong one. Refuses by TooManyTries, with Invalid
    (acting for them is not allowed), and every code that does not work, for whichever reason, with CodeGone.
    """
    begin_write(session)
    key = rate_key(secret, "acting-code", number)
    try:
        require_network_allowed(
            session, keys=network_keys, limit=WRONG_AN_HOUR_AND_NETWORK, window=timedelta(hours=1), now=now
        )
        require_allowed(session, key=key, limit=WRONG_AN_HOUR, window=timedelta(hours=1), now=now)
    except TooManyTries:
        session.commit()  # the counters stand
        raise
    code_hmac = _hmac(secret, plain_code(typed))
    found = session.scalars(select(Patient).join(ActingCode).where(*_works(code_hmac, now))).one_or_none()
    if found is None or found.public_id == acting or not _use(session, code_hmac, (found.public_id, acting), now):
        session.commit()  # the counters stand
        raise CodeGone
    made_by = session.scalars(select(ActingCode.made_by).where(ActingCode.code_hmac == code_hmac)).one()
    add_acting(
        session,
        acting=acting,
        patient=found.public_id,
        how_asked=BY_OWN_CODE,
        now=now,
        today=today,
        actor=actor,
        granted_by=made_by,
    )
    for one in (key, *(network.key for network in network_keys)):
        take_back(session, key=one)
    session.commit()
    return found


def works(session: Session, code: str, *, patient_id: int, secret: str, now: datetime) -> datetime | None:
    """Until when the patient's code can be typed; none when it was used, or is over."""
    return session.scalar(
        select(ActingCode.expires_at)
        .join(Patient)
        .where(*_works(_hmac(secret, code), now), ActingCode.patient_id == patient_id)
    )


def _use(session: Session, code_hmac: str, both: Sequence[str], now: datetime) -> bool:
    """Once, whoever else types it at this moment. The two patients are locked first, in the order of all others."""
    for public_id in sorted(both):
        locked(session, public_id)
    used = update(ActingCode).where(ActingCode.code_hmac == code_hmac, ActingCode.used_at.is_(None)).values(used_at=now)
    return session.scalar(used.returning(ActingCode.id)) is not None


def _works(code_hmac: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Of a code and its patient, who is still the one to let somebody in."""
    return (
        ActingCode.code_hmac == code_hmac,
        ActingCode.used_at.is_(None),
        ActingCode.expires_at > now,
        Patient.restricted_at.is_(None),  # nor merged into another
        ~is_marked(),
    )


def _hmac(secret: str, code: str) -> str:
    return hmac.new(secret.encode(), f"acting-code\x1f{code}".encode(), hashlib.sha256).hexdigest()
