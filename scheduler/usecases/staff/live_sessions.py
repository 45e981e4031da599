"""Signing in and out: a session lives as long as its row does, so that a copied cookie is worth nothing afterwards."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from scheduler.models import BookingDraft, ComputerSignIn, LiveSession
from scheduler.queries.staff.live_sessions import id_hash
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@retry_deadlocks
def begin_session(
    session: Session,
    *,
    now: datetime,
    life: timedelta,
    staff_user_id: int,
    instead_of: str | None = None,
) -> str:
    """The id of a new session of somebody at the desk, 256 random bits for the cookie alone. `instead_of`: the one that it takes over from."""
    begin_write(session)
    if instead_of is not None:
        _delete(session, instead_of)
    session_id = secrets.token_urlsafe(32)
    session.add(
        LiveSession(
            id_hash=id_hash(session_id),
            staff_user_id=staff_user_id,
            started_at=now,
            ends_at=now + life,
        )
    )
    session.commit()
    return session_id


@retry_deadlocks
def end_session(session: Session, session_id: str, *, browser: str | None = None) -> None:
    """For good. The drafts of this `browser` go as well: they hold what somebody said about their health."""
    begin_write(session)
    _delete(session, session_id)
    if browser is not None:
        session.execute(delete(BookingDraft).where(BookingDraft.browser == browser))
    session.commit()


def end_sessions_of_staff(session: Session, *, staff_id: int) -> None:
    """Every browser is out, and no PIN gets back in. In the caller's transaction."""
    session.execute(delete(LiveSession).where(LiveSession.staff_user_id == staff_id))
    session.execute(delete(ComputerSignIn).where(ComputerSignIn.staff_user_id == staff_id))


def _delete(session: Session, session_id: str) -> None:
    session.execute(delete(LiveSession).where(LiveSession.id_hash == id_hash(session_id)))
