"""Replies that no answer of ours has reached: their senders wait, so somebody at the desk reads them."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, tuple_, update

from scheduler.models.sms import Message

AUTOMATIC = ("reply", "move-link")


def lay_on_the_desk(connection: Connection, attempt_ids: Sequence[str]) -> None:
    """The replies that those of these texts were to answer that are answers: written at the same instant (inbound.py)."""
    if not attempt_ids:
        return
    answers = select(Message.number, Message.created_at).where(
        Message.attempt_id.in_(attempt_ids), Message.kind.in_(AUTOMATIC), Message.direction == "out"
    )
    connection.execute(
        update(Message)
        .where(Message.direction == "in", tuple_(Message.number, Message.created_at).in_(answers))
        .values(for_desk=True)
    )
