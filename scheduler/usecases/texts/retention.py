"""What texts said is kept for as long as the clinic wants; that they were sent, to whom and when, for good."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, or_, select, text, update
from sqlalchemy.orm import Session

from scheduler.gateways.sms import SmsGateway, SmsInDoubt, SmsRefused, SmsUnavailable
from scheduler.models.staff.access import Heartbeat
from scheduler.models.texts.sms import STILL_AT_PROVIDER, Message
from scheduler.usecases.housekeeping import beat
from scheduler.usecases.texts.sending.sms_states import writing

MARK = "bodies blanked"
EVERY = timedelta(hours=20)
BATCH = 500
BATCHES = 4  # of one tick: the first time there may be years of texts
UNDER_WAY = ("accepted", "sent")
GIVEN_UP_AFTER = timedelta(days=1)  # by then no receipt comes, and nobody looks for the text by its words
QUEUED_FOR_AT_MOST = timedelta(days=7)
"""At the provider, which refuses to blank what it has still to send. Much more than the hours that it queues a text."""
AT_PROVIDER_AGAIN = timedelta(days=1)
AT_PROVIDER_AT_ONCE = 20

log = structlog.get_logger("sms")


def blank_old_bodies(engine: Engine, *, days: int, now: datetime) -> int:
    """How many were blanked here. Once a day, some thousand a tick: it reads every old text."""
    with engine.connect() as connection:
        last = connection.scalar(select(Heartbeat.at).where(Heartbeat.name == MARK))
    if last is not None and last > now - EVERY:
        return 0
    blanked = 0
    for _batch in range(BATCHES):
        old = (
            select(Message.id)
            .where(Message.created_at < now - timedelta(days=days), Message.body != "")
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
            break
    return blanked


def blank_at_provider(engine: Engine, gateway: SmsGateway, *, now: datetime) -> int:
    """How many of the texts that are blanked here were blanked at the provider: some a tick, the oldest first.

    Only those that are a day old. Some carriers give no receipt: then a text stays "sent", and is as final as it will be.
    One that the provider has still to send is tried again the next day. One that it no longer has, or will not blank,
    is left.
    """
    with engine.connect() as connection:
        due = connection.execute(
            select(Message.id, Message.sid, Message.status, Message.created_at)
            .where(text(STILL_AT_PROVIDER), Message.gateway == "twilio")
            .where(Message.status.not_in(("queued", "attempting")), Message.created_at < now - GIVEN_UP_AFTER)
            .where(or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now))
            .order_by(Message.id)
            .limit(AT_PROVIDER_AT_ONCE)
        ).all()
    done = 0
    for message_id, sid, status, created_at in due:
        outcome: dict[str, datetime] = {"blanked_at_provider_at": now}
        try:
            gateway.blank(sid=str(sid))
        except SmsRefused as refused:
            if status in UNDER_WAY and created_at > now - QUEUED_FOR_AT_MOST:
                outcome = {"next_attempt_at": now + AT_PROVIDER_AGAIN}
            else:
                log.warning("the provider keeps what a text said", message=message_id, error_code=refused.error_code)
        except (SmsUnavailable, SmsInDoubt):
            break  # blanking twice does no harm
        with writing(engine) as connection:
            connection.execute(update(Message).where(Message.id == message_id).values(outcome))
        done += "blanked_at_provider_at" in outcome
    return done
