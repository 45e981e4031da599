"""Claiming the texts without a reminder that wait to be sent: sign-in codes, answers to replies, what the desk wrote.

Each is soon of no use. Codes come first: somebody sits before a page and waits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, and_, exists, or_, select, update

from scheduler.models.patients.patient import Patient, PhoneAccount
from scheduler.models.staff.access import SignInCode
from scheduler.models.texts.sms import IS_WAITING, Message
from scheduler.models.texts.wrong_number import is_marked
from scheduler.models.visits.appointment import AppointmentHistory
from scheduler.usecases.sign_in.sign_in import CODE_LIFE
from scheduler.usecases.texts.replies.unanswered import ANSWERS_TO_REPLIES, lay_on_the_desk
from scheduler.usecases.texts.sending.reminders import Claim
from scheduler.usecases.texts.sending.sending import Outgoing
from scheduler.usecases.texts.sending.sms_states import (
    CLOCKS_APART,
    body_when_expired,
    is_past_its_life,
    life_of,
    writing,
)
from scheduler.usecases.visits.links import TEXTED_LINK

HELD_UP = timedelta(seconds=30)
KEPT_IN_OUTBOX = timedelta(days=1)
LOOKED_AT = timedelta(days=3)
CLOSED = "number-closed"
"""Message.error_code of what was not sent because its number gets no texts any more."""
_WAITING = ("queued", "attempting", "in_doubt")
# An answer says when a visit is, with whom, or that it is cancelled.
_visit_has_changed_since = exists().where(
    AppointmentHistory.appointment_id == Message.appointment_id,
    AppointmentHistory.changed_at > Message.created_at,
    or_(
        AppointmentHistory.from_starts_local != AppointmentHistory.to_starts_local,
        AppointmentHistory.from_practitioner_id != AppointmentHistory.to_practitioner_id,
        and_(
            AppointmentHistory.from_status != AppointmentHistory.to_status,
            AppointmentHistory.to_status != "confirmed",
        ),
    ),
)


def claim_codes(engine: Engine, *, now: datetime, limit: int, gateway: str, only: str | None = None) -> Claim:
    """Take up to `limit` queued texts, `only` of one kind or of all, and commit the attempt; those past their life
    expire unsent."""
    if not anything_waiting(engine, now=now, only=only):  # nearly always: once a second, no write lock
        return Claim(0, [])
    with writing(engine) as connection:
        expire_old(connection, now)
        _drop_those_to_closed_numbers(connection, now)
        due = _waiting(now, only).order_by(Message.kind != "code", Message.created_at).limit(limit)
        ids = connection.scalars(due.with_for_update(skip_locked=True)).all()
        claimed = connection.execute(
            update(Message)
            .where(Message.id.in_(ids))
            .values(
                status="attempting",
                attempted_at=now,
                attempts=Message.attempts + 1,
                gateway=gateway,
                error_code=None,
            )
            .returning(
                Message.attempt_id, Message.kind, Message.number, Message.body, Message.created_at, Message.attempts
            )
        ).all()
        _let_work_as_said(connection, [row for row in claimed if row.kind == "code"], now)
    outgoing = [
        Outgoing(
            attempt_id=row.attempt_id,
            number=row.number,
            body=row.body,
            claimed_at=now,
            until=row.created_at + life_of(row.kind),
            tries=row.attempts,
            is_code=row.kind == "code",
        )
        for row in sorted(claimed, key=lambda row: (row.kind != "code", row.created_at))
    ]
    return Claim(len(ids), outgoing)


def _let_work_as_said(connection: Connection, claimed: Sequence[Row[*tuple[Any, ...]]], now: datetime) -> None:
    """A text that an outage held up says for how long its code works, counted from when it is read."""
    for row in claimed:
        if row.created_at < now - HELD_UP:
            connection.execute(
                update(SignInCode)
                .where(
                    SignInCode.number == row.number,
                    SignInCode.created_at == row.created_at,
                    SignInCode.used_at.is_(None),
                )
                .values(expires_at=now + CODE_LIFE)
            )


def expire_old(connection: Connection, now: datetime) -> None:
    """Too old, or about a visit as it was before. What the desk wrote keeps its words: somebody may want to send them
    again."""
    expired = connection.scalars(
        update(Message)
        .where(IS_WAITING, Message.status == "queued", or_(is_past_its_life(now), _visit_has_changed_since))
        .values(status="expired", body=body_when_expired(), settled_at=now)
        .returning(Message.attempt_id)
    ).all()
    lay_on_the_desk(connection, expired)


def _drop_those_to_closed_numbers(connection: Connection, now: datetime) -> None:
    """Opted out, or found unreachable, since they were written; and answers to a number that is not, or may not be,
    their patient's since, or whose patient gets no texts any more. Not codes: somebody asks for those at a page."""
    closed = exists().where(
        PhoneAccount.number == Message.number,
        or_(PhoneAccount.opted_out_at.is_not(None), PhoneAccount.unreachable_at.is_not(None)),
    )
    theirs = exists().where(
        Patient.id == Message.patient_id,
        Patient.restricted_at.is_(None),
        PhoneAccount.id == Patient.phone_account_id,
        PhoneAccount.number == Message.number,
        ~is_marked(),
    )
    told_of_another = and_(Message.kind.in_(ANSWERS_TO_REPLIES), Message.patient_id.is_not(None), ~theirs)
    dropped = connection.scalars(
        update(Message)
        .where(IS_WAITING, Message.status == "queued", Message.kind != "code", or_(closed, told_of_another))
        .values(status="failed", error_code=CLOSED, body=body_when_expired(), settled_at=now)
        .returning(Message.attempt_id)
    ).all()
    lay_on_the_desk(connection, dropped)


def anything_waiting(engine: Engine, *, now: datetime, only: str | None = None) -> bool:
    with engine.connect() as connection:
        return connection.scalar(_waiting(now, only).limit(1)) is not None


def blank_old_codes(engine: Engine, *, now: datetime) -> None:
    """Codes that the outbox kept to be read, and the private part of links once they are out. Every minute, so that only
    the last days are looked at; what nobody blanked meanwhile is blanked with all other texts (usecases/texts/retention.py)."""
    old = (
        Message.kind == "code",
        Message.body != "",
        Message.created_at < now - CODE_LIFE - KEPT_IN_OUTBOX,
        Message.created_at > now - LOOKED_AT,
    )
    links = (
        or_(Message.reminder_id.is_not(None), Message.kind == "move-link"),
        Message.body != "",
        Message.created_at > now - LOOKED_AT,
        Message.body.contains("/m/", autoescape=True),
        Message.status.not_in(_WAITING),
        or_(Message.gateway != "outbox", Message.created_at < now - KEPT_IN_OUTBOX),
    )
    with engine.connect() as connection:
        codes = connection.scalar(select(Message.id).where(*old).limit(1))
        shown = connection.execute(select(Message.id, Message.body).where(*links).limit(500)).all()
    if codes is None and not shown:
        return
    with writing(engine) as connection:
        connection.execute(update(Message).where(*old, Message.status.not_in(_WAITING)).values(body=""))
        for message_id, body in shown:
            hidden = update(Message).where(Message.id == message_id, Message.status.not_in(_WAITING))
            connection.execute(hidden.values(body=TEXTED_LINK.sub("/m…", body)))


def _waiting(now: datetime, only: str | None) -> Select[int]:
    waiting = select(Message.id).where(
        IS_WAITING,
        Message.status == "queued",
        or_(
            Message.next_attempt_at.is_(None),
            Message.next_attempt_at <= now,
            Message.created_at > now + CLOCKS_APART,  # the clock was set back: it waits already
        ),
    )
    return waiting if only is None else waiting.where(Message.kind == only)
