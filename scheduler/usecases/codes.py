"""Claiming the sign-in codes that wait to be sent. They are texts without a reminder, and soon of no use."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, or_, select, update

from scheduler.models.sms import Message
from scheduler.usecases.reminders import Claim
from scheduler.usecases.sending import Outgoing
from scheduler.usecases.sign_in import CODE_LIFE
from scheduler.usecases.sms_states import writing

KEPT_IN_OUTBOX = timedelta(days=1)


def claim_codes(engine: Engine, *, now: datetime, limit: int, gateway: str) -> Claim:
    """Take up to `limit` queued texts and commit the attempt; those older than a code's life expire unsent."""
    due = (
        select(Message.id)
        .where(Message.status == "queued", or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now))
        .order_by(Message.created_at)
        .limit(limit)
    )
    with engine.connect() as connection:  # nearly always nothing waits: once a second, no write lock
        if connection.scalar(due.limit(1)) is None:
            return Claim(0, [])
    with writing(engine) as connection:
        connection.execute(
            update(Message)
            .where(Message.status == "queued", Message.created_at <= now - CODE_LIFE)
            .values(status="expired", body="", settled_at=now)
        )
        ids = connection.scalars(due.with_for_update(skip_locked=True)).all()
        claimed = connection.execute(
            update(Message)
            .where(Message.id.in_(ids))
            .values(status="attempting", attempted_at=now, attempts=Message.attempts + 1, gateway=gateway)
            .returning(Message.attempt_id, Message.number, Message.body, Message.created_at, Message.attempts)
        ).all()
    outgoing = [
        Outgoing(
            attempt_id=row.attempt_id,
            number=row.number,
            body=row.body,
            claimed_at=now,
            until=row.created_at + CODE_LIFE,
            tries=row.attempts,
        )
        for row in sorted(claimed, key=lambda row: row.created_at)
    ]
    return Claim(len(ids), outgoing)


def blank_old_codes(engine: Engine, *, now: datetime) -> None:
    """Codes that the outbox kept to be read."""
    old = (Message.kind == "code", Message.body != "", Message.created_at < now - CODE_LIFE - KEPT_IN_OUTBOX)
    with engine.connect() as connection:
        if connection.scalar(select(Message.id).where(*old).limit(1)) is None:
            return
    with writing(engine) as connection:
        connection.execute(
            update(Message).where(*old, Message.status.not_in(("queued", "attempting", "in_doubt"))).values(body="")
        )
