"""What the provider says became of a text: in its status callbacks, or when it is asked about one in doubt."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, case, delete, func, insert, select, update

from scheduler.gateways.sms import RefusalReason, SmsRefused, SmsUnavailable, failure_of
from scheduler.models.base import public_id
from scheduler.models.texts.replies import ReplyChoice
from scheduler.models.texts.sms import NO_RECEIPT, Message, Reminder
from scheduler.usecases.texts.replies.unanswered import lay_on_the_desk
from scheduler.usecases.texts.sending import refused_numbers
from scheduler.usecases.texts.sending.backoff import retry_at
from scheduler.usecases.texts.sending.sms_states import NOT_THERE, RANK, body_after_sending, our_status, writing

DELIVERY_TRIES = 3  # of a telephone that was off
DELIVERY_RETRY_SECONDS = 1800
SECOND = "second-text"
"""Message.error_code of a text that the provider accepted besides the one we know of."""

log = structlog.get_logger("sms")


def record_status(
    engine: Engine, *, attempt_id: str, sid: str, word: str, error_code: int | None, now: datetime
) -> bool:
    """Record the provider's `word` for this attempt; settles one in doubt. False when the attempt is unknown.

    Any number of times and in any order: only what ranks higher than what is known changes something.
    """
    status = our_status(word)
    with writing(engine) as connection:
        if status is None:
            return connection.scalar(select(Message.id).where(Message.attempt_id == attempt_id)) is not None
        return record_on(connection, attempt_id, sid, status, error_code=error_code, now=now)


def record_on(
    connection: Connection, attempt_id: str, sid: str, status: str, *, error_code: int | None, now: datetime
) -> bool:
    """The same within a transaction; `status` is one of ours."""
    message = connection.execute(
        select(
            Message.id,
            Message.status,
            Message.sid,
            Message.error_code,
            Message.number,
            Message.created_at,
            Message.attempted_at,
            Message.reminder_id,
            Message.attempt_id,
            Message.kind,
            Message.body,
            Message.gateway,
            Message.appointment_id,
            Message.patient_id,
            Message.segments,
        )
        .where(Message.attempt_id == attempt_id, Message.direction == "out")
        .with_for_update()
    ).one_or_none()
    if message is None:
        return False
    if message.sid is not None and message.sid != sid:
        _note_second(connection, message, sid, status, error_code, now)
        return True
    # Without a sid nothing was heard yet, also when the attempt has been given up.
    first_news = message.sid is None
    if not first_news and RANK[status] <= RANK.get(message.status, 0):
        return True
    _free_sid(connection, sid, message.id, now)
    connection.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(
            status=status,
            sid=sid,
            error_code=_error_words(message.error_code, error_code),
            settled_at=now,
            body=body_after_sending(),
        )
    )
    if status in ("undelivered", "failed"):
        _not_delivered(connection, message, error_code, now)
        return True
    if status == "delivered" and message.reminder_id is not None:  # after all, though nobody believed it any more
        connection.execute(
            update(Reminder)
            .where(Reminder.id == message.reminder_id, Reminder.reason == NO_RECEIPT)
            .values(reason=None)
        )
    if first_news and message.reminder_id is None:
        if message.error_code == NOT_THERE:
            _drop_second(connection, message)
    elif first_news:
        connection.execute(
            update(Reminder)
            .where(Reminder.id == message.reminder_id, Reminder.status.in_(("attempting", "in_doubt", "planned")))
            .values(status="sent", settled_at=now)
        )
    return True


def _drop_second(connection: Connection, message: Row[*tuple[Any, ...]]) -> None:
    """The text that was queued anew, when this one seemed never to have come (in_doubt.py); if it is not under way yet."""
    second_id = connection.scalar(
        select(Message.id)
        .where(
            Message.number == message.number,
            Message.created_at == message.created_at,
            Message.kind == message.kind,
            Message.direction == "out",
            Message.status == "queued",
            Message.id > message.id,
        )
        .order_by(Message.id.desc())  # others of the same moment were there before
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if second_id is not None:
        connection.execute(update(ReplyChoice).where(ReplyChoice.message_id == second_id).values(message_id=message.id))
        connection.execute(delete(Message).where(Message.id == second_id))


def _note_second(
    connection: Connection,
    message: Row[*tuple[Any, ...]],
    sid: str,
    status: str,
    error_code: int | None,
    now: datetime,
) -> None:
    """Two texts were accepted for one attempt: the ledger says so, with a line for the second one."""
    code = _error_words(SECOND, error_code)
    known = connection.execute(
        update(Message).where(Message.sid == sid).values(status=status, error_code=code, settled_at=now)
    )
    if known.rowcount:
        return
    log.error("two texts were accepted for one attempt", attempt=message.attempt_id)
    connection.execute(
        insert(Message).values(
            attempt_id=public_id(),
            direction="out",
            kind=message.kind,
            number=message.number,
            body=message.body,
            status=status,
            gateway=message.gateway,
            sid=sid,
            error_code=code,
            created_at=now,
            settled_at=now,
            appointment_id=message.appointment_id,
            patient_id=message.patient_id,
            segments=message.segments,
        )
    )


def _error_words(before: str | None, error_code: int | None) -> str | None:
    if error_code is not None:
        return str(error_code)
    return SECOND if before == SECOND else None


def _free_sid(connection: Connection, sid: str, message_id: int, now: datetime) -> None:
    """Two texts alike, both in doubt: the sid may have been given to the other one. That one is in doubt again.

    A code blanked since can no longer be looked for; its owner has asked for another one long ago.
    """
    mistaken = connection.execute(
        update(Message)
        .where(Message.sid == sid, Message.id != message_id, Message.direction == "out")
        .values(
            sid=None,
            status=case((Message.body == "", "failed"), else_="in_doubt"),
            next_attempt_at=now,
            settled_at=None,
        )
        .returning(Message.reminder_id)
    ).scalars()
    connection.execute(update(Reminder).where(Reminder.id.in_(list(mistaken))).values(status="in_doubt"))


def _not_delivered(
    connection: Connection,
    message: Row[*tuple[Any, ...]],
    error_code: int | None,
    now: datetime,
) -> None:
    failure = failure_of(error_code)
    if isinstance(failure, SmsRefused):
        refused_numbers.remember(
            connection, number=message.number, refusal=failure, tried_at=message.attempted_at, now=now
        )
    if message.reminder_id is None:
        lay_on_the_desk(connection, [message.attempt_id])
        return
    newest = select(func.max(Message.id)).where(Message.reminder_id == message.reminder_id).scalar_subquery()
    reminder_id = connection.scalar(
        select(Reminder.id).where(
            Reminder.id == message.reminder_id,
            Reminder.status.in_(("attempting", "in_doubt", "sent")),
            newest == message.id,  # news of an older try says nothing about the one under way
        )
    )
    if reminder_id is None:
        return
    # Not Reminder.attempts: what the provider did not take never reached the telephone.
    tries = connection.execute(
        select(func.count()).where(Message.reminder_id == reminder_id, Message.sid.is_not(None))
    ).scalar_one()
    is_ours_to_mend = isinstance(failure, SmsUnavailable) and failure.ours_to_mend
    if is_ours_to_mend:  # waiting does not help, and the next one fails alike: people telephone
        log.error("the provider does not take our settings", code=error_code)
    if isinstance(failure, SmsRefused) or is_ours_to_mend or tries >= DELIVERY_TRIES:
        reason = _why(failure)
        values: dict[str, object] = {"status": "failed", "reason": reason, "settled_at": now}
    else:
        again_at = retry_at(
            now,
            tries=1,
            first_seconds=DELIVERY_RETRY_SECONDS,
            longest_seconds=DELIVERY_RETRY_SECONDS,
        )
        values = {"status": "planned", "next_attempt_at": again_at, "settled_at": None}
    connection.execute(update(Reminder).where(Reminder.id == reminder_id).values(**values))


def _why(failure: SmsRefused | SmsUnavailable) -> str:
    if isinstance(failure, SmsRefused):
        return str(failure.reason)
    return str(RefusalReason.UNDELIVERABLE) if failure.ours_to_mend else "unreachable"
