"""Who is behind a session's id, while it lives. One SELECT, the one that reads the person anyway."""

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import LiveSession, PhoneAccount, StaffUser


def id_hash(session_id: str) -> str:
    """Plain SHA-256: of 256 random bits nothing can be guessed."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def account_of(session: Session, session_id: str, *, now: datetime) -> tuple[PhoneAccount, datetime] | None:
    """The patient's account and when its session ends; None once it was signed out, here or everywhere."""
    found = session.execute(
        select(PhoneAccount, LiveSession.ends_at)
        .join(LiveSession, LiveSession.phone_account_id == PhoneAccount.id)
        .where(LiveSession.id_hash == id_hash(session_id), LiveSession.ends_at > now)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def staff_of(session: Session, session_id: str, *, now: datetime) -> StaffUser | None:
    """None once the session was ended or the person deactivated."""
    return session.scalar(
        select(StaffUser)
        .join(LiveSession, LiveSession.staff_user_id == StaffUser.id)
        .where(LiveSession.id_hash == id_hash(session_id), LiveSession.ends_at > now, StaffUser.active)
    )
