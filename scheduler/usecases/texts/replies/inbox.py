"""The desk's inbox: texts that somebody has to read, and what the desk answers."""

import unicodedata
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.texts.refusals import AnsweredMeanwhile, NotTextable, WroteMeanwhile
from scheduler.domain.texts.sms_segments import segments
from scheduler.models import Message, Patient, PhoneAccount
from scheduler.queries.texts.inbox import LOST
from scheduler.usecases.texts.wrong_numbers import is_stopped_for_all
from scheduler.usecases.transaction import begin_write, retry_deadlocks

LONGEST_ANSWER = 800
SAME_WITHIN = timedelta(minutes=1)


@retry_deadlocks
def mark_read(session: Session, *, number: str, from_id: int, up_to_id: int, now: datetime, actor: Actor) -> None:
    """What came from `number` between the first and the last message on the page; others stay unread."""
    begin_write(session)
    _mark_read(session, number, from_id, up_to_id, now, actor)
    session.commit()


@retry_deadlocks
def answer_text(
    session: Session, *, number: str, body: str, up_to_id: int, now: datetime, actor: Actor, from_id: int = 0
) -> Message:
    """Queue the desk's answer, once for a button pressed twice; what it answers counts as read.

    Refuses by Invalid, by NotTextable when the number has opted out or cannot be reached, and by AnsweredMeanwhile when
    somebody else has answered after `up_to_id`, the newest message that was on the page; by WroteMeanwhile when the
    patient has written after it.
    """
    body = as_sent(body)
    if not body:
        raise Invalid({"body": "Write something first."})
    if len(body) > LONGEST_ANSWER:
        raise Invalid({"body": "This is too long for a text."})
    begin_write(session)
    account = session.scalar(select(PhoneAccount).where(PhoneAccount.number == number))
    _require_textable(session, account)
    before = session.scalar(
        select(Message).where(
            Message.number == number,
            Message.kind == "desk",
            Message.body == body,
            Message.written_by == str(actor),
            Message.created_at > now - SAME_WITHIN,
        )
    )
    if before is None:
        of_others = select(Message.id).where(
            Message.number == number, Message.kind == "desk", Message.id > up_to_id, Message.written_by != str(actor)
        )
        if session.scalar(of_others.limit(1)) is not None:
            raise AnsweredMeanwhile
        came_in = select(Message.id).where(Message.number == number, Message.direction == "in", Message.id > up_to_id)
        if session.scalar(came_in.limit(1)) is not None:
            raise WroteMeanwhile
        before = _message(session, account, number, body, now, actor)
    _mark_read(session, number, from_id, up_to_id, now, actor)
    session.commit()
    return before


def as_sent(typed: str) -> str:
    """Without what costs and says nothing: an accent apart from its letter makes the whole text dear."""
    return unicodedata.normalize("NFC", typed).replace("\r\n", "\n").replace("\0", "").strip()


@retry_deadlocks
def send_again(session: Session, *, number: str, text_id: int, now: datetime, actor: Actor) -> None:
    """Queue the words of a desk's answer that was not sent, once: whoever presses after somebody else changes nothing.

    Refuses by NotFound, and by NotTextable as `answer_text` does.
    """
    begin_write(session)
    lost = session.scalar(
        select(Message).where(
            Message.id == text_id,
            Message.number == number,
            Message.kind == "desk",
            Message.status.in_(LOST),
            Message.body != "",
        )
    )
    if lost is None:
        raise NotFound("text")
    account = session.scalar(select(PhoneAccount).where(PhoneAccount.number == number))
    _require_textable(session, account)
    alike = select(Message.id).where(
        Message.number == number, Message.kind == "desk", Message.body == lost.body, Message.id > lost.id
    )
    if session.scalar(alike.limit(1)) is None:
        _message(session, account, number, lost.body, now, actor)
    session.commit()


def _require_textable(session: Session, account: PhoneAccount | None) -> None:
    if account is None:
        return
    if account.opted_out_at or account.unreachable_at or is_stopped_for_all(session, account):
        raise NotTextable


def _message(
    session: Session, account: PhoneAccount | None, number: str, body: str, now: datetime, actor: Actor
) -> Message:
    patients = _patients(session, account) if account else []
    message = Message(
        direction="out",
        kind="desk",
        number=number,
        body=body,
        status="queued",
        created_at=now,
        next_attempt_at=now,
        segments=segments(body),
        written_by=str(actor),
        patient_id=patients[0] if len(patients) == 1 else None,
    )
    session.add(message)
    return message


def _patients(session: Session, account: PhoneAccount) -> list[int]:
    return list(session.scalars(select(Patient.id).where(Patient.phone_account_id == account.id)))


def _mark_read(session: Session, number: str, from_id: int, up_to_id: int, now: datetime, actor: Actor) -> None:
    session.execute(
        update(Message)
        .where(
            Message.number == number, Message.for_desk, Message.read_at.is_(None), Message.id.between(from_id, up_to_id)
        )
        .values(read_at=now, read_by=str(actor))
    )
