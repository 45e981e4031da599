"""Signing in by a code sent to a mobile number. The number is the only thing a patient has to remember."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.code_text import code_text
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong
from scheduler.domain.texts.sms_segments import segments
from scheduler.models.base import public_id
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.staff.access import SignInCode
from scheduler.models.texts.sms import Message, went_out
from scheduler.usecases.rate_limit import forget_counter
from scheduler.usecases.sign_in.code_limits import (
    CodeLimits,
    is_for_this_number,
    require_within_limits,
    resend_key,
    wrong_codes_key,
)
from scheduler.usecases.sign_in.wrong_codes import count_wrong, forget_wrong
from scheduler.usecases.staff.sign_in_audit import SignIn, note_sign_in, number_actor, patient_actor, record_sign_in
from scheduler.usecases.texts.agreements import Said, agree_by_code
from scheduler.usecases.transaction import begin_write, retry_deadlocks

CODE_LIFE = timedelta(minutes=10)
MAX_TRIES = 5


@retry_deadlocks
def request_code(
    session: Session,
    *,
    number: str,
    address: str,
    language: str,
    secret: str,
    clinic: ClinicSettings,
    now: datetime,
    limits: CodeLimits,
    after: str | None = None,
) -> str:
    """Queue a code for `number` (E.164) and return its challenge, to be kept in the visitor's session.

    `after` is what that session held when the form was sent (its last challenge, or its browser's id): a form sent
    twice gets one text and the same challenge. Neither the answer nor its timing tells whether the number is known: it
    is not looked up, or, when codes run out (code_limits.py), a number that is nobody's gets all but the text.
    Refuses by TooManyTries.
    """
    begin_write(session)
    challenge = _next_challenge(secret, after, number) if after else public_id()
    known = select(SignInCode.created_at).where(SignInCode.challenge == challenge)
    code = f"{secrets.randbelow(1_000_000):06}"
    message = _message(session, number, code, language, clinic, now)
    try:
        require_within_limits(session, number=number, address=address, secret=secret, limits=limits, now=now)
        is_sent = is_for_this_number(
            session, number=number, secret=secret, limits=limits, clinic=clinic, parts=message.segments or 1, now=now
        )
    except TooManyTries:
        created_at = session.scalar(known)
        session.commit()  # the counters stand
        if created_at is not None and created_at > now - timedelta(seconds=limits.resend_seconds):
            return challenge
        refused = number_actor(session, number, address)
        record_sign_in(session, outcome=SignIn.REFUSED, actor=refused, step="code request, too often", now=now)
        raise
    if session.scalar(known) is not None:
        challenge = public_id()
    session.add(
        SignInCode(
            challenge=challenge,
            number=number,
            code_hmac=_code_hmac(secret, challenge, code),
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
    )
    session.flush()
    with session.begin_nested() as written:
        session.add(message)
        session.flush()
        if not is_sent:  # written and taken back, which takes as long
            written.rollback()
    with session.begin_nested() as noted:
        whose = patient_actor(None, address)  # not looked up: it is all the same for every number
        note_sign_in(session, outcome=SignIn.REFUSED, actor=whose, step="code request, kept for patients", now=now)
        session.flush()
        if is_sent:
            noted.rollback()
    session.commit()
    return challenge


@retry_deadlocks
def verify_code(
    session: Session,
    *,
    challenge: str,
    code: str,
    secret: str,
    now: datetime,
    language: str = "en",
    agreed: Said | None = None,
    earlier_secrets: Sequence[str] = (),
) -> PhoneAccount:
    """The account of the number that the code was sent to, made when it is new. `agreed`: what the page said that
    whoever types the code agrees to.

    Refuses by CodeWrong, or CodeGone when the code was used, is too old or was tried too often. The try is counted
    before anything is compared, so that guesses sent at once get no more tries than those sent one by one. The last
    wrong one ends the wait for a new code, not the caps: a code that is dead is nothing to wait with.
    """
    begin_write(session)
    tried = session.execute(
        update(SignInCode)
        .where(*_can_be_typed(challenge, now))
        .values(tries=SignInCode.tries + 1)
        .returning(SignInCode.id, SignInCode.number, SignInCode.code_hmac, SignInCode.tries)
    ).one_or_none()
    if tried is None:
        session.rollback()
        raise CodeGone
    right = [_code_hmac(one, challenge, code) for one in (secret, *earlier_secrets)]  # of a code sent before a new key
    if not any([hmac.compare_digest(tried.code_hmac, one) for one in right]):
        tries_left = MAX_TRIES - tried.tries
        if not tries_left:
            forget_counter(session, key=resend_key(secret, tried.number))
        count_wrong(session, key=wrong_codes_key(secret, tried.number), now=now)
        session.commit()
        raise CodeWrong(tries_left) if tries_left else CodeGone
    session.execute(update(SignInCode).where(SignInCode.id == tried.id).values(used_at=now))
    forget_wrong(session, key=wrong_codes_key(secret, tried.number))
    account = _verified_account(session, tried.number, language, now)
    if agreed is not None:
        agree_by_code(session, account, agreed, now=now)
    session.commit()
    return account


def number_of(session: Session, *, challenge: str) -> str | None:
    """Where the code of this challenge was sent, for the page that asks for it."""
    return session.scalar(select(SignInCode.number).where(SignInCode.challenge == challenge))


def can_be_typed(session: Session, *, challenge: str, number: str, now: datetime) -> bool:
    """Whether the code of this challenge was sent to `number` and still lets in."""
    live = select(SignInCode.id).where(SignInCode.number == number, *_can_be_typed(challenge, now))
    return session.scalar(live) is not None


def _can_be_typed(challenge: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        SignInCode.challenge == challenge,
        SignInCode.used_at.is_(None),
        SignInCode.expires_at > now,
        SignInCode.tries < MAX_TRIES,
    )


def _next_challenge(secret: str, after: str, number: str) -> str:
    """128 bits that only this service can work out."""
    return hmac.new(secret.encode(), f"challenge\x1f{after}\x1f{number}".encode(), hashlib.sha256).hexdigest()[:32]


def _message(session: Session, number: str, code: str, language: str, clinic: ClinicSettings, now: datetime) -> Message:
    minutes = int(CODE_LIFE.total_seconds() // 60)
    is_first = session.scalar(select(Message.id).where(went_out(), Message.number == number).limit(1)) is None
    body = code_text(clinic=clinic, code=code, language=language, minutes=minutes, is_first=is_first)
    return Message(
        direction="out",
        kind="code",
        number=number,
        body=body,
        segments=segments(body),
        status="queued",
        created_at=now,
        next_attempt_at=now,
    )


def _code_hmac(secret: str, challenge: str, code: str) -> str:
    """Bound to the challenge: the same code sent twice is stored as two different values."""
    return hmac.new(secret.encode(), f"code\x1f{challenge}\x1f{code}".encode(), hashlib.sha256).hexdigest()


def _verified_account(session: Session, number: str, language: str, now: datetime) -> PhoneAccount:
    """One upsert, because two browsers may type their first codes at once. A code that arrived proves the number
    reachable, and that the provider holds nothing back; an opting out in the patient's own word stays, and so does what
    somebody said of whose number it is: a code proves a telephone, not a person."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    reached = {"verified_at": now, "unreachable_at": None, "unreachable_why": None}
    account_id = session.execute(
        dialect.insert(PhoneAccount)
        .values(number=number, language=language, created_at=now, **reached)
        .on_conflict_do_update(index_elements=[PhoneAccount.number], set_=reached)
        .returning(PhoneAccount.id)
    ).scalar_one()
    account = session.get_one(PhoneAccount, account_id)
    if account.opted_out_by is not None and account.opted_out_by.isdecimal():
        account.opted_out_at = account.opted_out_by = None
    return account
