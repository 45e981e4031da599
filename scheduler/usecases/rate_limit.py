"""Counters that slow a guesser down. They live in the database, so they hold across processes and restarts."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.visitor_network import networks_of
from scheduler.models.staff.access import RateCounter


def rate_key(secret: str, *parts: str) -> str:
    """What is counted, for example ("code", "number", "+16135550142"), such that the table tells no number or address."""
    return hmac.new(secret.encode(), "\x1f".join(("rate", *parts)).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class NetworkKey:
    """The key of one of a visitor's networks, and how many times the limit of one visitor that network has."""

    key: str
    generosity: float


def network_keys(secret: str, *parts: str, address: str) -> tuple[NetworkKey, ...]:
    """The same for what is counted by a visitor's address, narrow to wide: the one way in which every limit by address
    counts. Always in this order, so that two visitors of one network cannot wait for each other."""
    return tuple(
        NetworkKey(rate_key(secret, *parts, network.name), network.generosity) for network in networks_of(address)
    )


def allow(session: Session, *, key: str, limit: int, window: timedelta, now: datetime) -> bool:
    """Count once more; False when `key` has been counted more than `limit` times in its window.

    A window begins with the first count after the last one ended. One upsert, in the caller's transaction: the
    caller commits, also when the answer is no.
    """
    return count_up(session, key=key, limit=limit, ends_at=now + window, now=now)[0] <= limit


def require_allowed(session: Session, *, key: str, limit: int, window: timedelta, now: datetime) -> None:
    """The same, raising TooManyTries with the end of the window."""
    count, ends_at = count_up(session, key=key, limit=limit, ends_at=now + window, now=now)
    if count > limit:
        raise TooManyTries(ends_at)


def require_network_allowed(
    session: Session, *, keys: Sequence[NetworkKey], limit: int, window: timedelta, now: datetime
) -> None:
    """The same for each of a visitor's networks; `limit` is that of one visitor. What the narrow one refuses is not
    counted for the wider ones: nobody uses up the share of their neighbours."""
    for one in keys:
        require_allowed(session, key=one.key, limit=int(limit * one.generosity), window=window, now=now)


def require_not_used_up(session: Session, *, keys: Sequence[NetworkKey], limit: int, now: datetime) -> None:
    """TooManyTries once one of a visitor's networks was counted beyond its limit; counts and writes nothing."""
    limits = {one.key: int(limit * one.generosity) for one in keys}
    counted = select(RateCounter).where(RateCounter.key.in_(limits), RateCounter.ends_at > now)
    used_up = [one.ends_at for one in session.scalars(counted) if one.count > limits[one.key]]
    if used_up:
        raise TooManyTries(max(used_up))


def take_back(session: Session, *, key: str, by: int = 1) -> None:
    """Count so much less: what was counted before it could be known that it need not be."""
    session.execute(
        update(RateCounter).where(RateCounter.key == key, RateCounter.count >= by).values(count=RateCounter.count - by)
    )


def forget_counter(session: Session, *, key: str) -> None:
    """Begin anew, for example once the right password was typed."""
    session.execute(delete(RateCounter).where(RateCounter.key == key))


def count_up(
    session: Session, *, key: str, limit: int, ends_at: datetime, now: datetime, by: int = 1, pretend: bool = False
) -> tuple[int, datetime]:
    """The count with `by` more, and when its window ends; a new window ends at `ends_at`. Above `limit` means no, and
    nothing is gained by counting further than one above it. To `pretend` answers, and costs, the same, and counts
    nothing as long as the answer is yes."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    ended = RateCounter.ends_at <= now
    more = 0 if pretend else by
    counting = dialect.insert(RateCounter).values(key=key, ends_at=ends_at, count=by if by > limit else more)
    counted, until = session.execute(
        counting.on_conflict_do_update(
            index_elements=[RateCounter.key],
            set_={
                "count": case(
                    (ended, counting.excluded.count),
                    (RateCounter.count + by <= limit, RateCounter.count + more),
                    else_=limit + 1,
                ),
                "ends_at": case((ended, counting.excluded.ends_at), else_=RateCounter.ends_at),
            },
        ).returning(RateCounter.count, RateCounter.ends_at)
    ).one()
    return counted, until
