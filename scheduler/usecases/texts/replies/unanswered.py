"""Replies that no answer of ours has reached: their senders wait, so somebody at the desk reads them."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import aliased

from scheduler.models.texts.sms import Message

ANSWERS_TO_REPLIES = ("reply", "move-link")


def lay_on_the_desk(connection: Connection, attempt_ids: Sequence[str]) -> None:
    """The replies that those of these texts were to answer that are answers: the last that had come when they were written."""
    if not attempt_ids:
        return
    reply = aliased(Message)
    answered = (
        select(reply.id)
        .where(reply.number == Message.number, reply.direction == "in", reply.created_at <= Message.created_at)
        .order_by(reply.created_at.desc(), reply.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    replies = connection.scalars(
        select(answered).where(
            Message.attempt_id.in_(attempt_ids), Message.kind.in_(ANSWERS_TO_REPLIES), Message.direction == "out"
        )
    ).all()
    connection.execute(update(Message).where(Message.id.in_(replies)).values(for_desk=True))
