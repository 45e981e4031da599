"""The second step of signing in: the six digits of an authenticator (TOTP, RFC 6238), or a recovery code."""

import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.domain.sign_in.growing_pause import PATIENCE
from scheduler.domain.typed_numbers import typed_code
from scheduler.models.staff.access import RecoveryCode, StaffUser
from scheduler.usecases import audit
from scheduler.usecases.rate_limit import forget_counter, rate_key
from scheduler.usecases.sign_in.wrong_codes import count_wrong, forget_wrong, require_no_pause, wrong_codes
from scheduler.usecases.staff.sealing import SEALED, CannotOpen, Opened, Seals
from scheduler.usecases.staff.staff import WINDOW, SignInRefused, count_try
from scheduler.usecases.transaction import begin_write, retry_deadlocks

STEP_SECONDS = 30
CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_MOST_TRIES = 10


def new_secret() -> str:
    """160 random bits, as authenticators read them."""
    return pyotp.random_base32()


def enrolment_link(secret: str, *, username: str, clinic_name: str) -> str:
    """otpauth://…, which the QR code says and a telephone opens."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=clinic_name.replace(":", " "))


@retry_deadlocks
def enrol(
    session: Session, *, staff_id: int, secret: str, code: str, seals: Seals, actor: Actor, now: datetime
) -> list[str]:
    """From now on this authenticator is asked for. The recovery codes, which can never be read again.

    Refuses with SignInRefused when `code` shows that the authenticator holds another secret.
    """
    begin_write(session)
    step = _step_of(secret, code, now)
    if step is None:
        raise SignInRefused
    person = _locked(session, staff_id)
    person.totp_secret, person.totp_step = seals.seal(secret, _whose(person)), step
    codes = _renew_codes(session, staff_id)
    _note(session, person, "second step on", actor, now)
    session.commit()
    return codes


@retry_deadlocks
def renew_recovery_codes(session: Session, *, staff_id: int, actor: Actor, now: datetime) -> list[str]:
    """Ten new ones; the old ones are dead."""
    begin_write(session)
    person = _locked(session, staff_id)
    codes = _renew_codes(session, person.id)
    _note(session, person, "new recovery codes", actor, now)
    session.commit()
    return codes


@retry_deadlocks
def turn_off(session: Session, *, staff_id: int, actor: Actor, now: datetime) -> None:
    """Of a demo account: everybody else only changes to another authenticator."""
    begin_write(session)
    person = _locked(session, staff_id)
    person.totp_secret, person.second_step_due_at = None, now
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_user_id == staff_id))
    _note(session, person, "second step off", actor, now)
    session.commit()


def pass_second_step(
    session: Session, *, staff_id: int, password: str, code: str, key: str, seals: Seals, now: datetime
) -> StaffUser:
    """Whoever typed the right `password` (its mark) before. Refuses with SignInRefused, also for a code that was used already, and
    with TooManyTries after ten wrong ones in a quarter of an hour (it takes the password to get that far); after twenty
    the pauses grow until a right one (wrong_codes.py)."""
    counter = rate_key(key, "desk", "second step", str(staff_id))
    count_try(session, {counter: (_MOST_TRIES, WINDOW)}, now=now)
    return _pass(session, staff_id, password, code, counter, seals, now)


@retry_deadlocks
def _pass(
    session: Session, staff_id: int, password: str, code: str, counter: str, seals: Seals, now: datetime
) -> StaffUser:
    begin_write(session)
    person = _locked(session, staff_id)
    require_no_pause(session, key=_wrong(counter), now=now)
    if not person.active or password_mark(person) != password or person.totp_secret is None:
        raise SignInRefused
    opened = _opened(person, seals)
    step = _step_of(opened.text, code, now) if opened is not None else None
    if opened is not None and step is not None and step > person.totp_step:
        person.totp_step = step
        if opened.seal_anew:
            person.totp_secret = seals.seal(opened.text, _whose(person))
    elif _use_recovery_code(session, staff_id, code, now):
        _note(session, person, "recovery code used", Actor("staff", person.username), now)
    else:
        count_wrong(session, key=_wrong(counter), now=now)
        session.commit()
        raise SignInRefused
    _tell_of_wrong_codes(session, person, wrong_codes(session, key=_wrong(counter), now=now), now)
    forget_wrong(session, key=_wrong(counter))
    forget_counter(session, key=counter)
    session.commit()
    return person


def _tell_of_wrong_codes(session: Session, person: StaffUser, wrong: int, now: datetime) -> None:
    """Whoever typed so many knew the password."""
    if wrong >= PATIENCE:
        _note(session, person, f"{wrong} wrong codes before the right one", Actor("staff", person.username), now)


def _wrong(counter: str) -> str:
    return f"{counter[:58]}.wrong"


def check_secrets(session: Session, *, seals: Seals) -> list[str]:
    """At a start: what was kept in clear is sealed. The user names of those whose secret no key opens."""
    unreadable = []
    ids = session.scalars(select(StaffUser.id).where(StaffUser.totp_secret.is_not(None)).order_by(StaffUser.username))
    for staff_id in ids.all():
        person = session.get_one(StaffUser, staff_id)
        if _opened(person, seals) is None:
            unreadable.append(person.username)
        elif not str(person.totp_secret).startswith(SEALED):
            _seal(session, staff_id, seals)
    session.rollback()
    return unreadable


@retry_deadlocks
def _seal(session: Session, staff_id: int, seals: Seals) -> None:
    begin_write(session)
    person = _locked(session, staff_id)
    if person.totp_secret is not None and not person.totp_secret.startswith(SEALED):
        person.totp_secret = seals.seal(person.totp_secret, _whose(person))
    session.commit()


def password_mark(person: StaffUser) -> str:
    """Another with each new password; tells nothing of it."""
    return hashlib.sha256(f"mark {person.password_hash}".encode()).hexdigest()[:16]


def recovery_codes_left(session: Session, staff_id: int) -> int:
    unused = (RecoveryCode.staff_user_id == staff_id, RecoveryCode.used_at.is_(None))
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0


def _opened(person: StaffUser, seals: Seals) -> Opened | None:
    """None when no key opens it: recovery codes still get the person in."""
    try:
        return seals.open(person.totp_secret or "", _whose(person))
    except CannotOpen:
        return None


def _whose(person: StaffUser) -> str:
    return f"second step of {person.id}"


def _locked(session: Session, staff_id: int) -> StaffUser:
    person = session.get(StaffUser, staff_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound("staff")
    return person


def _note(session: Session, person: StaffUser, what: str, actor: Actor, now: datetime) -> None:
    audit.note(session, what=audit.STAFF, actor=actor, now=now, details=f"{person.username}: {what}")


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Which half minute the code is of: this one, or a neighbour, for clocks are never quite the same."""
    digits = typed_code(code)
    current = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode()):
            return step
    return None


def _use_recovery_code(session: Session, staff_id: int, code: str, now: datetime) -> bool:
    used = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.staff_user_id == staff_id, RecoveryCode.code_hash == _hash(code))
        .where(RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(RecoveryCode.id)
    )
    return used.first() is not None


def _renew_codes(session: Session, staff_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_user_id == staff_id))
    codes = ["-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3)) for _ in range(CODES)]
    session.add_all(RecoveryCode(staff_user_id=staff_id, code_hash=_hash(code)) for code in codes)
    return codes


def _hash(code: str) -> str:
    """Plain SHA-256: nothing can be guessed of 59 random bits, ten tries a quarter of an hour."""
    return hashlib.sha256(typed_code(code).lower().encode()).hexdigest()
