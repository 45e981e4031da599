"""Doing a thing once though it is asked for twice: an API's answer, kept in the transaction that it tells of.

Kept with the change itself, so that neither a crash nor two requests at the same moment can do it twice: the second
finds the row taken, and its own change is rolled back. A refusal is not kept; it changed nothing, and the same
request may succeed later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.models.staff.access import IdempotentAnswer

Remember = Callable[[Session, Any], None]
"""Called by a use case with what it made, flushed, as the last thing before its commit."""


class AnsweredAlready(Exception):
    """Another request with this key has been answered since this one began: answer the same."""


@dataclass(frozen=True, slots=True)
class Key:
    """`fingerprint`: a hash of the request, so that another request cannot be answered by mistake."""

    token_id: int
    key: str
    fingerprint: str


def keep_answer(connection: Connection, key: Key, *, status: int, body: str, now: datetime) -> None:
    """Add the answer, commit nothing. Waits for another transaction that is about to do the same."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    kept = connection.execute(
        insert(IdempotentAnswer)
        .values(
            api_token_id=key.token_id,
            key=key.key,
            fingerprint=key.fingerprint,
            status=status,
            body=body,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(IdempotentAnswer.id)
    ).first()
    if kept is None:
        raise AnsweredAlready
