"""Signing in and out: a session lives as long as its row does, so that a copied cookie is worth nothing afterwards."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from scheduler.models import BookingDraft, LiveSession
from scheduler.queries.live_sessions import id_hash
from scheduler.usecases.transaction import begin_write, retry_deadlocks

PROLONGED_EVERY = timedelta(days=1)  # a write for each page would cost more than it tells


@retry_deadlocks
def begin_session(
    session: Session,
    *,
    now: datetime,
    life: timedelta,
    phone_account_id: int | None = None,
    staff_user_id: int | None = None,
    instead_of: str | None = None,
) -> str:
    """The id of a new session, 256 random bits for the cookie alone. `instead_of`: the one that it takes over from."""
    begin_write(session)
    if instead_of is not None:
        _delete(session, instead_of)
    session_id = secrets.token_urlsafe(32)
    session.add(
        LiveSession(
            id_hash=id_hash(session_id),
            phone_account_id=phone_account_id,
            staff_user_id=staff_user_id,
            started_at=now,
            ends_at=now + life,
        )
    )
    session.commit()
    return session_id


@retry_deadlocks
def prolong_session(session: Session, session_id: str, *, ends_at: datetime, now: datetime, life: timedelta) -> None:
    """Used, it lives on: noted once a day. `ends_at`: when it would end."""
    if now + life - ends_at < PROLONGED_EVERY:
        return
    begin_write(session)
    session.execute(update(LiveSession).where(LiveSession.id_hash == id_hash(session_id)).values(ends_at=now + life))
    session.commit()


@retry_deadlocks
def end_session(session: Session, session_id: str, *, browser: str | None = None) -> None:
    """For good. The drafts of this `browser` go as well: they hold what somebody said about their health."""
    begin_write(session)
    _delete(session, session_id)
    if browser is not None:
        session.execute(delete(BookingDraft).where(BookingDraft.browser == browser))
    session.commit()


@retry_deadlocks
def end_sessions_of_account(session: Session, *, phone_account_id: int) -> None:
    """Every session of this number, on whatever device."""
    begin_write(session)
    session.execute(delete(LiveSession).where(LiveSession.phone_account_id == phone_account_id))
    session.commit()


def _delete(session: Session, session_id: str) -> None:
    session.execute(delete(LiveSession).where(LiveSession.id_hash == id_hash(session_id)))
