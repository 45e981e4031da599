"""What texts said is kept for as long as the clinic wants; that they were sent, to whom and when, for good."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.orm import Session

from scheduler.models.access import Heartbeat
from scheduler.models.sms import Message
from scheduler.usecases.housekeeping import beat
from scheduler.usecases.sms_states import writing

MARK = "bodies blanked"
EVERY = timedelta(hours=20)
BATCH = 500


def blank_old_bodies(engine: Engine, *, days: int, now: datetime) -> int:
    """How many were blanked. Once a day: it reads every old text."""
    with engine.connect() as connection:
        last = connection.scalar(select(Heartbeat.at).where(Heartbeat.name == MARK))
    if last is not None and last > now - EVERY:
        return 0
    blanked, last_id = 0, 0
    while True:
        old = (
            select(Message.id)
            .where(Message.id > last_id, Message.created_at < now - timedelta(days=days), Message.body != "")
            .where(Message.status.not_in(("queued", "attempting")))
            .where(or_(Message.status != "in_doubt", Message.next_attempt_at.is_(None)))  # looked for by its words
            .order_by(Message.id)
            .limit(BATCH)
        )
        with writing(engine) as connection:
            ids = connection.scalars(old).all()
            connection.execute(update(Message).where(Message.id.in_(ids)).values(body=""))
        blanked += len(ids)
        if len(ids) < BATCH:
            with Session(engine) as session:
                beat(session, name=MARK, now=now)
            return blanked
        last_id = ids[-1]
