"""Bearer tokens by their secret, and what was answered under an idempotency key.

With them comes the calendar's state, which saves most addresses a SELECT of their own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Text, and_, bindparam, cast, select

from scheduler.models.base import Instant
from scheduler.models.staff.access import ApiToken, IdempotentAnswer
from scheduler.queries.clinic.reference import STATE_COLUMNS, State
from scheduler.queries.driver_statements import Plain, instant_of, text_of


@dataclass(frozen=True, slots=True)
class TokenInfo:
    id: int
    name: str
    role: str
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """`fingerprint` says which request it answered."""

    fingerprint: str
    status: int
    body: str


_VALID = (
    ApiToken.token_hash == bindparam("hash"),
    ApiToken.revoked_at.is_(None),
    ApiToken.ends_at > bindparam("now", type_=Instant()),
)
_COLUMNS = (ApiToken.id, ApiToken.name, ApiToken.role, cast(ApiToken.last_used_at, Text), *STATE_COLUMNS)
_ANSWER = (IdempotentAnswer.fingerprint, IdempotentAnswer.status, IdempotentAnswer.body)
_OF_TOKEN = and_(IdempotentAnswer.api_token_id == ApiToken.id, IdempotentAnswer.key == bindparam("key"))
_BY_HASH = Plain(select(*_COLUMNS).where(*_VALID))
_BY_HASH_WITH_ANSWER = Plain(
    select(*_COLUMNS, *_ANSWER).join_from(ApiToken, IdempotentAnswer, _OF_TOKEN, isouter=True).where(*_VALID)
)


def by_hash(engine: Engine, token_hash: str, *, now: datetime) -> tuple[TokenInfo, State] | None:
    """None when there is no such token, or when it was revoked or has ended."""
    row = _BY_HASH.first_alone(engine, hash=token_hash, now=text_of(now))
    return _token(*row) if row else None


def by_hash_with_answer(
    engine: Engine, token_hash: str, key: str, *, now: datetime
) -> tuple[tuple[TokenInfo, State] | None, EarlierAnswer | None]:
    """The same and what was answered to the token under `key`, in one SELECT."""
    row = _BY_HASH_WITH_ANSWER.first_alone(engine, key=key, hash=token_hash, now=text_of(now))
    if row is None:
        return None, None
    return _token(*row[:6]), EarlierAnswer(*row[6:]) if row[6] else None


def answer_of(connection: Connection, token_id: int, key: str) -> EarlierAnswer | None:
    row: Any = connection.execute(
        select(*_ANSWER).where(IdempotentAnswer.api_token_id == token_id, IdempotentAnswer.key == key)
    ).first()
    return EarlierAnswer(*row) if row else None


def _token(
    token_id: int, name: str, role: str, last_used_at: str | None, reference_version: int, calendar_version: int | None
) -> tuple[TokenInfo, State]:
    token = TokenInfo(token_id, name, role, instant_of(last_used_at) if last_used_at else None)
    return token, State(reference_version, calendar_version or 0)
