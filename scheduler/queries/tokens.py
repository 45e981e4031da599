"""Bearer tokens by their secret, and what was answered under an idempotency key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select

from scheduler.models.access import ApiToken, IdempotentAnswer


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


_VALID = (ApiToken.token_hash == bindparam("hash"), ApiToken.revoked_at.is_(None))
_TOKEN = select(ApiToken.id, ApiToken.name, ApiToken.role, ApiToken.last_used_at).where(*_VALID)
_TOKEN_AND_ANSWER = (
    _TOKEN.add_columns(IdempotentAnswer.fingerprint, IdempotentAnswer.status, IdempotentAnswer.body)
    .select_from(ApiToken)
    .join(
        IdempotentAnswer,
        and_(IdempotentAnswer.api_token_id == ApiToken.id, IdempotentAnswer.key == bindparam("key")),
        isouter=True,
    )
)
_ANSWER: Any = select(IdempotentAnswer.fingerprint, IdempotentAnswer.status, IdempotentAnswer.body).where(
    IdempotentAnswer.api_token_id == bindparam("token_id"), IdempotentAnswer.key == bindparam("key")
)


def by_hash(connection: Connection, token_hash: str) -> TokenInfo | None:
    """None when there is no such token, or when it was revoked."""
    row = connection.execute(_TOKEN, {"hash": token_hash}).first()
    return TokenInfo(*row) if row else None


def by_hash_with_answer(
    connection: Connection, token_hash: str, key: str
) -> tuple[TokenInfo | None, EarlierAnswer | None]:
    """The token and what was answered to it under `key`, in one SELECT."""
    row = connection.execute(_TOKEN_AND_ANSWER, {"hash": token_hash, "key": key}).first()
    if row is None:
        return None, None
    return TokenInfo(*row[:4]), EarlierAnswer(*row[4:]) if row[4] else None


def answer_of(connection: Connection, token_id: int, key: str) -> EarlierAnswer | None:
    row = connection.execute(_ANSWER, {"token_id": token_id, "key": key}).first()
    return EarlierAnswer(*row) if row else None
