"""Attempts whose outcome nobody knows: looked for at the provider, and sent again only when surely not there."""

import threading
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, Row, case, exists, insert, or_, select, update
from sqlalchemy.orm import aliased

from scheduler.gateways.sms import FoundMessage, SmsGateway, SmsUnavailable
from scheduler.models.base import public_id
from scheduler.models.texts.replies import ReplyChoice
from scheduler.models.texts.sms import IS_WAITING, Message, Reminder
from scheduler.usecases.texts.replies.unanswered import lay_on_the_desk
from scheduler.usecases.texts.sending import delivery
from scheduler.usecases.texts.sending.backoff import retry_at
from scheduler.usecases.texts.sending.sending import LISTED_AFTER, STALE_AFTER, Clock
from scheduler.usecases.texts.sending.sms_states import CLOCKS_APART, NOT_THERE, life_of, status_when_accepted, writing

ASK_FOR = timedelta(days=1)  # then it stays in doubt, unless a receipt comes
LEASE = timedelta(seconds=60)  # no other worker asks meanwhile
LONGEST_WAIT = timedelta(minutes=20)
"""Nobody leaves an attempt alone for longer (`_ask_later`); more is what a clock that was set back has left."""
LET_FINISH = timedelta(seconds=45)
"""Between taking an attempt for lost and looking for it. The clock may have jumped, the machine slept, or the other worker's
clock be another: then its call is still under way, and ends, or is given up, within this time."""

log = structlog.get_logger("sms")


def take_stale(engine: Engine, *, now: datetime) -> int:
    """Attempts of a worker that has died, or cannot reach the database, are in doubt from now on."""
    is_of_another_time = or_(Message.attempted_at < now - STALE_AFTER, Message.attempted_at > now + CLOCKS_APART)
    stale = (IS_WAITING, Message.status == "attempting", is_of_another_time)
    with engine.connect() as connection:
        if connection.scalar(select(Message.id).where(*stale).limit(1)) is None:
            return 0
    with writing(engine) as connection:
        taken = connection.scalars(
            update(Message)
            .where(*stale)
            .values(status="in_doubt", next_attempt_at=now + LET_FINISH, attempted_at=_not_after(now))
            .returning(Message.reminder_id)
        ).all()
        reminders = [reminder_id for reminder_id in taken if reminder_id is not None]
        connection.execute(
            update(Reminder)
            .where(Reminder.id.in_(reminders), Reminder.status == "attempting")
            .values(status="in_doubt")
        )
    log.warning("attempts without an outcome", count=len(taken))
    return len(taken)


def _not_after(now: datetime) -> ColumnElement[datetime | None]:
    """When it was attempted, by the clock as it is now."""
    return case((Message.attempted_at > now, now), else_=Message.attempted_at)


def settle_some(
    engine: Engine, gateway: SmsGateway, *, clock: Clock, limit: int, stopping: threading.Event | None = None
) -> None:
    """Ask the provider about up to `limit` attempts in doubt; `stopping` ends it early.

    They are leased one by one: a worker that dies here keeps one of them waiting, and several workers share the rest.
    """
    for _ in range(limit):
        if stopping is not None and stopping.is_set():
            return
        attempt = _lease(engine, clock())
        if attempt is None:
            return
        _settle(engine, gateway, attempt, clock)


_in_flight = aliased(Message)
# A text alike that is just being sent would be taken for this one.
_alike_in_flight = exists().where(
    _in_flight.status == "attempting",
    _in_flight.number == Message.number,
    _in_flight.body == Message.body,
)


def _lease(engine: Engine, now: datetime) -> Row[*tuple[Any, ...]] | None:
    """The oldest that is to be asked about now."""
    waiting = (
        select(Message.id)
        .where(
            IS_WAITING,
            Message.status == "in_doubt",
            or_(Message.next_attempt_at <= now, Message.next_attempt_at > now + LONGEST_WAIT),
            ~_alike_in_flight,
        )
        .order_by(Message.created_at)
        .limit(1)
    )
    with engine.connect() as connection:
        if connection.scalar(waiting) is None:
            return None
    with writing(engine) as connection:
        chosen = connection.scalar(waiting.with_for_update(of=Message, skip_locked=True))
        return connection.execute(
            update(Message)
            .where(Message.id == chosen)
            .values(next_attempt_at=now + LEASE, attempted_at=_not_after(now))
            .returning(
                Message.id, Message.attempt_id, Message.number, Message.body, Message.attempted_at, Message.attempts
            )
        ).one_or_none()


def _settle(engine: Engine, gateway: SmsGateway, attempt: Row[*tuple[Any, ...]], clock: Clock) -> None:
    try:
        found = gateway.find(to=attempt.number, body=attempt.body, since=attempt.attempted_at)
    except SmsUnavailable:
        _ask_later(engine, attempt, clock())
        return
    ours = _first_unknown(engine, found)
    now = clock()
    if ours is not None and ours.redacted:  # ours or another: nobody can tell any more
        _ask_later(engine, attempt, now)
    elif ours is not None:
        delivery.record_status(
            engine,
            attempt_id=attempt.attempt_id,
            sid=ours.sid,
            word=status_when_accepted(ours.status),
            error_code=ours.error_code,
            now=now,
        )
    elif now - attempt.attempted_at >= LISTED_AFTER:
        _not_there(engine, attempt, now)
    else:
        _ask_again_at(engine, attempt, attempt.attempted_at + LISTED_AFTER)


def _first_unknown(engine: Engine, found: tuple[FoundMessage, ...]) -> FoundMessage | None:
    """The provider lists every text alike; those that other attempts have got are not this one's."""
    if not found:
        return None
    with engine.connect() as connection:
        known = set(connection.scalars(select(Message.sid).where(Message.sid.in_([one.sid for one in found]))))
    return next((one for one in sorted(found, key=lambda one: one.redacted) if one.sid not in known), None)


def _not_there(engine: Engine, attempt: Row[*tuple[Any, ...]], now: datetime) -> None:
    """Surely not accepted: a reminder is planned again (the claim checks whether it still serves), another text queued anew."""
    with writing(engine) as connection:
        settled = connection.execute(
            update(Message)
            .where(Message.id == attempt.id, Message.status == "in_doubt")
            .values(status="failed", error_code=NOT_THERE, settled_at=now)
            .returning(
                Message.id,
                Message.reminder_id,
                Message.kind,
                Message.body,
                Message.number,
                Message.created_at,
                Message.appointment_id,
                Message.patient_id,
                Message.written_by,
                Message.segments,
            )
        ).one_or_none()
        if settled is None:
            return
        if settled.reminder_id is not None:
            connection.execute(
                update(Reminder)
                .where(Reminder.id == settled.reminder_id, Reminder.status == "in_doubt")
                .values(status="planned", next_attempt_at=now)
            )
        elif now < settled.created_at + life_of(settled.kind):
            _queue_anew(connection, settled, attempt.attempts - 1, now)
        else:
            lay_on_the_desk(connection, [attempt.attempt_id])
        connection.execute(update(Message).where(Message.id == attempt.id, Message.kind == "code").values(body=""))


def _queue_anew(connection: Connection, settled: Row[*tuple[Any, ...]], attempts: int, now: datetime) -> None:
    """A new attempt with an id of its own; its age is that of what it says, and so are the visits that it names. `attempts`:
    before the one that was lost, which is not the provider's fault."""
    fresh_id = connection.scalar(
        insert(Message)
        .values(
            attempt_id=public_id(),
            direction="out",
            kind=settled.kind,
            number=settled.number,
            body=settled.body,
            status="queued",
            attempts=attempts,
            created_at=settled.created_at,
            next_attempt_at=now,
            appointment_id=settled.appointment_id,
            patient_id=settled.patient_id,
            segments=settled.segments,
            written_by=settled.written_by,
        )
        .returning(Message.id)
    )
    connection.execute(update(ReplyChoice).where(ReplyChoice.message_id == settled.id).values(message_id=fresh_id))


def _ask_later(engine: Engine, attempt: Row[*tuple[Any, ...]], now: datetime) -> None:
    asked_for = now - attempt.attempted_at
    if asked_for > ASK_FOR:
        log.error("an attempt stays in doubt", attempt=attempt.attempt_id)
        with writing(engine) as connection:
            _ask_again_on(connection, attempt, None)
            lay_on_the_desk(connection, [attempt.attempt_id])
    else:
        tries = 1 + int(asked_for.total_seconds() // 300)
        _ask_again_at(engine, attempt, retry_at(now, tries=tries, first_seconds=15, longest_seconds=900))


def _ask_again_at(engine: Engine, attempt: Row[*tuple[Any, ...]], at: datetime) -> None:
    with writing(engine) as connection:
        _ask_again_on(connection, attempt, at)


def _ask_again_on(connection: Connection, attempt: Row[*tuple[Any, ...]], at: datetime | None) -> None:
    connection.execute(
        update(Message).where(Message.id == attempt.id, Message.status == "in_doubt").values(next_attempt_at=at)
    )
