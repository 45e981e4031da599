"""Forms sent after the sender was signed out for being away, kept until they sign in again."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.models import KeptForm
from scheduler.usecases.transaction import begin_write, retry_deadlocks

KEPT = timedelta(minutes=30)
MOST_FIELDS, LONGEST = 100, 20_000  # fields, and characters altogether
LONGEST_ADDRESS = 500


@retry_deadlocks
def keep(
    session: Session, *, staff_id: int, page: str, path: str, fields: list[list[str]], now: datetime
) -> str | None:
    """The token by which the same browser finds it; None for what is too large to be typed."""
    if not fields or len(fields) > MOST_FIELDS or max(len(page), len(path)) > LONGEST_ADDRESS:
        return None
    if sum(len(name) + len(value) for name, value in fields) > LONGEST:
        return None
    token = secrets.token_urlsafe(20)
    begin_write(session)
    session.add(KeptForm(token=token, staff_user_id=staff_id, page=page, path=path, fields=fields, kept_at=now))
    session.commit()
    return token


def kept(session: Session, *, staff_id: int, token: str, now: datetime) -> KeptForm | None:
    """Its sender's alone."""
    return session.scalar(
        select(KeptForm).where(
            KeptForm.token == token, KeptForm.staff_user_id == staff_id, KeptForm.kept_at > now - KEPT
        )
    )


@retry_deadlocks
def discard(session: Session, *, token: str) -> None:
    begin_write(session)
    session.execute(delete(KeptForm).where(KeptForm.token == token))
    session.commit()
