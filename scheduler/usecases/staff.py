"""People who sign in at the desk."""

import re
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import Invalid
from scheduler.models.access import ROLES, StaffUser
from scheduler.usecases.transaction import begin_write

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
PASSWORD_MIN, PASSWORD_MAX = 10, 200

_hasher = PasswordHasher()  # argon2id with the library's costs, which follow RFC 9106


def add_staff(
    session: Session, *, username: str, display_name: str, role: str, password: str, now: datetime
) -> StaffUser:
    """Refuses (Invalid) an unfit or taken name, an unknown role and a password under 10 characters."""
    begin_write(session)
    errors = _errors(username, display_name, role, password)
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
    )
    session.add(staff)
    session.commit()
    return staff


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def password_matches(staff: StaffUser | None, password: str) -> bool:
    """Takes as long for nobody as for somebody."""
    try:
        _hasher.verify(staff.password_hash if staff is not None else _nobodys_hash(), password[:PASSWORD_MAX])
    except VerificationError:
        return False
    return staff is not None


@cache
def _nobodys_hash() -> str:
    """Checked for names that don't exist, so that the time taken tells nothing."""
    return _hasher.hash("nobody has this password")


def _errors(username: str, display_name: str, role: str, password: str) -> dict[str, str]:
    errors = {}
    if not USERNAME.fullmatch(username):
        errors["username"] = "Use small letters, digits, dots and hyphens, at most 60."
    if not 1 <= len(display_name.strip()) <= 100:
        errors["name"] = "Give a name of 1 to 100 characters."
    if role not in ROLES:
        errors["role"] = "Choose receptionist, practitioner or owner."
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        errors["password"] = "Use 10 to 200 characters."  # noqa: S105 - words, no password
    return errors
