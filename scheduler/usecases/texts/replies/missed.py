"""Replies whose webhook reached nobody (the service or its database was away): the provider tells a reply once and keeps
it, so its list of texts received is read every few minutes.

However many there are, the oldest come first and a page at a time, and how far it has been read is kept after each: who is
interrupted goes on from there. What was taken before is known by its sid.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.gateways.sms import SmsGateway, SmsReceived, SmsUnavailable
from scheduler.models.staff.access import Heartbeat
from scheduler.models.texts.sms import Message
from scheduler.usecases.housekeeping import beat
from scheduler.usecases.texts.replies.inbound import SENDER, IncomingText, receive

MARK = "replies asked"
EVERY = timedelta(minutes=5)
UNDER_WAY = timedelta(minutes=2)
"""So new a text may have its webhook still coming: Twilio waits fifteen seconds for an answer, and repeats it if asked to."""
OVERLAP = UNDER_WAY + timedelta(minutes=15)
"""Looked at again, for the provider's clock is another one, and its list may lag."""
FURTHEST = timedelta(days=7)

log = structlog.get_logger("sms")


def take_missed(engine: Engine, gateway: SmsGateway, *, clinic: ClinicSettings, now: datetime) -> int:
    """How many were taken. The first look ever takes none: what was texted before the service came is not for it."""
    with engine.connect() as connection:
        last = connection.scalar(select(Heartbeat.at).where(Heartbeat.name == MARK))
    if last is not None and now - EVERY < last <= now:
        return 0
    since = None if last is None else max(min(last, now) - OVERLAP, now - FURTHEST)
    taken = 0
    with Session(engine) as session:
        try:
            for texts in () if since is None else gateway.received_since(since):
                missed = _unknown(engine, [text for text in texts if text.received_at <= now - UNDER_WAY])
                for text in missed:
                    _take(session, text, clinic, now)
                taken += len(missed)
                if texts:
                    beat(session, name=MARK, now=min(texts[-1].received_at, now))
            beat(session, name=MARK, now=now)
        except SmsUnavailable:
            log.warning("the texts received cannot be read")
    if taken:
        log.warning("replies taken that no webhook had brought", replies=taken)
    return taken


def _take(session: Session, text: SmsReceived, clinic: ClinicSettings, now: datetime) -> None:
    """One that cannot be kept must not keep out those after it."""
    try:
        found = IncomingText(
            sid=text.sid,
            number=text.number,
            body=text.body,
            attachments=text.attachments,
            said_at=text.received_at,
        )
        receive(session, found, clinic=clinic, now=now)
    except (DataError, ValueError):
        session.rollback()
        log.exception("a text received cannot be kept", sid=text.sid)


def _unknown(engine: Engine, texts: list[SmsReceived]) -> list[SmsReceived]:
    with engine.connect() as connection:
        known = set(connection.scalars(select(Message.sid).where(Message.sid.in_([text.sid for text in texts]))))
    return [text for text in texts if text.sid not in known and SENDER.fullmatch(text.number)]
