"""News of texts that does not come by the usual way: receipts that came too early, and receipts that never came."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, and_, case, delete, exists, or_, select, update

from scheduler.gateways.sms import SmsGateway, SmsUnavailable
from scheduler.models.texts.sms import IS_UNDER_WAY, NO_RECEIPT, EarlyReceipt, Message, Reminder
from scheduler.usecases.texts.sending import delivery
from scheduler.usecases.texts.sending.sending import Clock
from scheduler.usecases.texts.sending.sms_states import our_status, writing

FINAL_WITHIN = timedelta(hours=4)
"""By then Twilio has a text delivered or gives it up; a receipt that has not come is lost, or the carrier gives none."""
NEWS_WITHIN = timedelta(minutes=15)
"""A text of which nothing at all has come by then is asked about: its receipts were lost, with the database away perhaps,
for Twilio does not send again what was answered with an error."""
EARLY_KEPT = timedelta(days=2)
LEASE = timedelta(minutes=2)
"""Whoever asks about a text has it to himself for so long; one that dies meanwhile is followed by another."""
ASK_AGAIN_AFTER, ASK_FOR = timedelta(minutes=15), timedelta(days=1)

log = structlog.get_logger("sms")


def record_receipt(
    engine: Engine, *, attempt_id: str | None, sid: str, word: str, error_code: int | None, now: datetime
) -> None:
    """One status callback. What names no text of ours, yet, is kept and matched later (`match_early`).

    `attempt_id` none: it came to the address that a Messaging Service calls for every text.
    """
    with writing(engine) as connection:
        if not _record(connection, attempt_id, sid, word, error_code, now):
            connection.execute(
                EarlyReceipt.__table__.insert().values(  # type: ignore[attr-defined]
                    attempt_id=attempt_id, sid=sid, word=word[:20], error_code=error_code, received_at=now
                )
            )


def match_early(engine: Engine, *, now: datetime, limit: int = 500) -> int:
    """Record the receipts whose text is known by now; forget those that never found one. How many were matched."""
    text_is_known = exists().where(
        Message.direction == "out",
        or_(Message.attempt_id == EarlyReceipt.attempt_id, Message.sid == EarlyReceipt.sid),
    )
    with engine.connect() as connection:
        # Only those: another application's texts, under the same Messaging Service, must not stand in the way of ours.
        known = connection.execute(
            select(EarlyReceipt).where(text_is_known).order_by(EarlyReceipt.id).limit(limit)
        ).all()
        old = EarlyReceipt.received_at < now - EARLY_KEPT
        anything_old = connection.scalar(select(EarlyReceipt.id).where(old).limit(1)) is not None
    for receipt in known:
        with writing(engine) as connection:
            _record(connection, receipt.attempt_id, receipt.sid, receipt.word, receipt.error_code, now)
            connection.execute(delete(EarlyReceipt).where(EarlyReceipt.id == receipt.id))
    if anything_old:
        with writing(engine) as connection:
            forgotten = connection.execute(delete(EarlyReceipt).where(old)).rowcount
        log.warning("receipts of unknown texts", count=forgotten)
    return len(known)


def ask_about_silent(engine: Engine, gateway: SmsGateway, *, clock: Clock, limit: int) -> int:
    """Texts accepted hours ago without a final state: the provider is asked once, and what it does not know either is
    for the call list. Those without any news are asked about before, ever more rarely. How many were asked about."""
    silent = _take_silent(engine, clock(), limit)
    for message in silent:
        try:
            found = gateway.status_of(sid=message.sid)
        except SmsUnavailable:
            if clock() - message.settled_at < FINAL_WITHIN + ASK_FOR:
                _ask_again(engine, message.id, clock() + ASK_AGAIN_AFTER)
                continue
            found = None
        if found is not None:
            delivery.record_status(
                engine,
                attempt_id=message.attempt_id,
                sid=message.sid,
                word=found.status,
                error_code=found.error_code,
                now=clock(),
            )
        waited = clock() - message.settled_at
        if waited > FINAL_WITHIN:
            _mark_asked(engine, message.id, clock())
        else:
            _ask_again(engine, message.id, clock() + waited)
    return len(silent)


def _take_silent(engine: Engine, now: datetime, limit: int) -> list[Row[*tuple[Any, ...]]]:
    silent = (
        select(Message.id)
        .where(
            IS_UNDER_WAY,
            Message.asked_at.is_(None),
            Message.settled_at < now - NEWS_WITHIN,
            or_(Message.status == "accepted", Message.settled_at < now - FINAL_WITHIN),
            Message.sid.is_not(None),
            or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now),
        )
        .order_by(Message.settled_at)
        .limit(limit)
    )
    with engine.connect() as connection:
        if connection.scalar(silent.limit(1)) is None:
            return []
    with writing(engine) as connection:
        ids = connection.scalars(silent.with_for_update(skip_locked=True)).all()
        return list(
            connection.execute(
                update(Message)
                .where(Message.id.in_(ids))
                .values(next_attempt_at=now + LEASE)
                .returning(Message.id, Message.attempt_id, Message.sid, Message.settled_at)
            )
        )


def _ask_again(engine: Engine, message_id: int, at: datetime) -> None:
    """The provider could not be asked, or has nothing final to say yet."""
    with writing(engine) as connection:
        connection.execute(update(Message).where(Message.id == message_id).values(next_attempt_at=at))


def _mark_asked(engine: Engine, message_id: int, now: datetime) -> None:
    """In the transaction that lays it on the call list, when asking has brought nothing final."""
    with writing(engine) as connection:
        connection.execute(update(Message).where(Message.id == message_id).values(asked_at=now))
        reminder_id = connection.scalar(
            select(Message.reminder_id).where(Message.id == message_id, Message.status.in_(("accepted", "sent")))
        )
        if reminder_id is not None:
            connection.execute(
                update(Reminder).where(Reminder.id == reminder_id, Reminder.status == "sent").values(reason=NO_RECEIPT)
            )


def _record(
    connection: Connection, attempt_id: str | None, sid: str, word: str, error_code: int | None, now: datetime
) -> bool:
    """False when no text of ours is known by this attempt, or by this sid.

    An attempt of which nothing is known comes first: the callback names it, while its sid may have been given to a text
    alike by mistake.
    """
    names = [Message.sid == sid] if attempt_id is None else [Message.attempt_id == attempt_id, Message.sid == sid]
    known = connection.execute(
        select(Message.attempt_id, Message.sid)
        .where(or_(*names), Message.direction == "out")
        .order_by(
            case((and_(Message.attempt_id == attempt_id, Message.sid.is_(None)), 0), (Message.sid == sid, 1), else_=2)
        )
        .limit(1)
    ).one_or_none()
    if known is None:
        return False
    status = our_status(word)
    if status is not None:
        delivery.record_on(connection, known.attempt_id, sid, status, error_code=error_code, now=now)
    return True
