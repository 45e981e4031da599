"""When a bearer token was last used, and its end."""

from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.models.staff.access import ApiToken
from scheduler.queries.staff.tokens import TokenInfo
from scheduler.usecases import audit
from scheduler.usecases.transaction import begin_write, retry_deadlocks

NOTED_EVERY = timedelta(minutes=1)  # "last used" is for the owner's eye, and a write for each request would cost more


@retry_deadlocks
def note_use(session: Session, token: TokenInfo, *, now: datetime) -> None:
    """At most once a minute for each token; costs nothing in between."""
    if token.last_used_at is not None and now - token.last_used_at < NOTED_EVERY:
        return
    begin_write(session)
    session.connection().execute(
        update(ApiToken)
        .where(ApiToken.id == token.id)
        .where(or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - NOTED_EVERY))
        .values(last_used_at=now)
    )
    session.commit()


@retry_deadlocks
def revoke_token(session: Session, *, name: str, now: datetime, revoked_by: Actor | None = None) -> None:
    """It is dead at once. Its name stays taken: history lines name it. NotFound when there is none."""
    begin_write(session)
    revoked = session.connection().execute(
        update(ApiToken).where(ApiToken.name == name, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    )
    if not revoked.rowcount:
        raise NotFound("token")
    if revoked_by is not None:
        audit.note(session, what=audit.SETTINGS, actor=revoked_by, now=now, details=f"token {name}: revoked")
    session.commit()
