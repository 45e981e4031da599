"""Bearer tokens of the API: shown once, kept as a hash."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid
from scheduler.models.staff.access import ROLES, ApiToken
from scheduler.usecases import audit
from scheduler.usecases.transaction import begin_write

PREFIX = "ims_"  # lets a person, and a scanner for leaked secrets, see what it is
DAYS, MOST_DAYS = 365, 1_095  # how long a token is good for, unless somebody says otherwise and at most


def create_token(
    session: Session, *, name: str, role: str, now: datetime, days: int = DAYS, made_by: Actor | None = None
) -> str:
    """A new token, 256 random bits, good for `days`: the only time that it can be read."""
    begin_write(session)
    errors = {}
    if not name.strip() or len(name) > 80:
        errors["name"] = "Give a name of 1 to 80 characters."
    elif session.scalar(select(ApiToken.id).where(ApiToken.name == name)):
        errors["name"] = "There is a token of this name already."
    if role not in ROLES:
        errors["role"] = "Choose receptionist, practitioner or owner."
    if not 1 <= days <= MOST_DAYS:
        errors["days"] = "Give a number of days from 1 to 1095."
    if errors:
        session.rollback()
        raise Invalid(errors)
    token = PREFIX + secrets.token_urlsafe(32)
    ends_at = now + timedelta(days=days)
    session.add(ApiToken(name=name, role=role, token_hash=token_hash(token), created_at=now, ends_at=ends_at))
    if made_by is not None:
        audit.note(session, what=audit.SETTINGS, actor=made_by, now=now, details=f"token {name}: made as {role}")
    session.commit()
    return token


def token_hash(token: str) -> str:
    """Plain SHA-256: of 256 random bits nothing can be guessed, and it is asked with every request."""
    return hashlib.sha256(token.encode()).hexdigest()
