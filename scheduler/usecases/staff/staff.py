"""People who sign in at the desk."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid
from scheduler.domain.staff import passwords
from scheduler.domain.staff.second_step import GRACE
from scheduler.models.staff.access import ROLES, StaffUser
from scheduler.usecases import audit
from scheduler.usecases.rate_limit import NetworkKey, forget_counter, network_keys, rate_key, require_allowed, take_back
from scheduler.usecases.transaction import begin_write

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")

WINDOW = timedelta(minutes=15)

_hasher = PasswordHasher()  # argon2id with the library's costs, which follow RFC 9106


def add_staff(
    session: Session,
    *,
    username: str,
    display_name: str,
    role: str,
    password: str,
    now: datetime,
    names: tuple[str, ...] = (),
    made_by: Actor | None = None,
) -> StaffUser:
    """Refuses (Invalid) an unfit or taken name, an unknown role and a password that is short or easily guessed:
    one made of `names`, the clinic's, for example. `made_by` somebody else, it is to be changed at the first sign-in."""
    begin_write(session)
    errors = _errors(username, display_name, role)
    if problem := passwords.password_problem(password, names=(username, display_name, *names)):
        errors["password"] = problem
    if not errors and session.scalar(select(StaffUser.id).where(StaffUser.username == username)):
        errors["username"] = "There is somebody of this user name already."
    if errors:
        session.rollback()
        raise Invalid(errors)
    staff = StaffUser(
        username=username,
        display_name=display_name.strip(),
        role=role,
        password_hash=hash_password(password),
        created_at=now,
        password_temporary=made_by is not None,
    )
    session.add(staff)
    if made_by is not None:
        audit.note(session, what=audit.STAFF, actor=made_by, now=now, details=f"{username}: added as {role}")
    session.commit()
    return staff


class SignInRefused(Exception):
    """Wrong name or wrong password: which of the two is not told. Or a wrong code of the second step."""


def sign_in(
    session: Session,
    *,
    username: str,
    password: str,
    address: str,
    secret: str,
    now: datetime,
    device: str | None = None,
    refused: frozenset[str] = frozenset(),
) -> StaffUser:
    """Whoever this is; names in `refused` are nobody. Refuses with SignInRefused, and with TooManyTries after ten
    wrong passwords for a name from one address, 50 from the address or 50 for the name, for at most a quarter of an hour.
    Each is counted before it is compared, and the right ones are taken back: a clinic behind one address is not shut out.

    `device` names a browser in which this very name has signed in before. It has a count of its own and heeds none of
    the others: whoever types wrong passwords for a colleague locks out strangers, never the colleague's own computer.
    The password is checked outside any transaction: it takes as long as a hundred bookings.
    """
    username = username.strip().lower()[:60]
    if device is not None:
        counters = {rate_key(secret, "desk", "device", username, device): (10, WINDOW)}
    else:
        counters = {
            **_by_network(network_keys(secret, "desk", "name at address", username, address=address), 10),
            **_by_network(network_keys(secret, "desk", "address", address=address), 50),
            rate_key(secret, "desk", "name", username): (50, WINDOW),
        }
    count_try(session, counters, now=now)
    staff = None
    if username not in refused:
        staff = session.scalar(select(StaffUser).where(StaffUser.username == username, StaffUser.active))
    session.rollback()
    if not password_matches(staff, password):
        raise SignInRefused
    assert staff is not None  # noqa: S101 - nobody's password matches nothing
    return _enter(session, staff, counters, password, now)


def _by_network(keys: Sequence[NetworkKey], limit: int) -> dict[str, tuple[int, timedelta]]:
    return {one.key: (int(limit * one.generosity), WINDOW) for one in keys}


def count_try(session: Session, counters: dict[str, tuple[int, timedelta]], *, now: datetime) -> None:
    """The counts stand whatever comes of the try."""
    begin_write(session)
    try:
        for key, (limit, window) in counters.items():
            require_allowed(session, key=key, limit=limit, window=window, now=now)
    finally:
        session.commit()


def _enter(
    session: Session, staff: StaffUser, counters: dict[str, tuple[int, timedelta]], password: str, now: datetime
) -> StaffUser:
    begin_write(session)
    for key in counters:  # a right password is no try; and it forgives no wrong one, or a known one would help to guess
        take_back(session, key=key)
    forget_counter(session, key=next(iter(counters)))
    staff.last_sign_in_at = now
    if staff.second_step_due_at is None:
        staff.second_step_due_at = now + GRACE
    if _hasher.check_needs_rehash(staff.password_hash):
        staff.password_hash = hash_password(password)
    session.commit()
    return staff


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def password_matches(staff: StaffUser | None, password: str) -> bool:
    """Takes as long for nobody as for somebody."""
    return secret_matches(staff.password_hash if staff is not None else None, password)


def secret_matches(hashed: str | None, typed: str) -> bool:
    """The same for a PIN."""
    try:
        _hasher.verify(hashed or _nobodys_hash(), typed[: passwords.LONGEST])
    except VerificationError:
        return False
    return hashed is not None


@cache
def _nobodys_hash() -> str:
    """Checked for names that don't exist, so that the time taken tells nothing."""
    return _hasher.hash("nobody has this password")


def _errors(username: str, display_name: str, role: str) -> dict[str, str]:
    errors = {}
    if not USERNAME.fullmatch(username):
        errors["username"] = "Use small letters, digits, dots and hyphens, at most 60."
    if not 1 <= len(display_name.strip()) <= 100:
        errors["name"] = "Give a name of 1 to 100 characters."
    if role not in ROLES:
        errors["role"] = "Choose receptionist, practitioner or owner."
    return errors
