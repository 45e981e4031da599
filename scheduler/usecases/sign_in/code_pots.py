"""Pots that sign-in codes are taken from: each a counter with a limit, full again at its end."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.models.staff.access import RateCounter
from scheduler.usecases.rate_limit import count_up, take_back


@dataclass(frozen=True, slots=True)
class Pot:
    """Something that codes are taken from until it is empty: `limit` until `ends_at`."""

    key: str
    limit: int
    ends_at: datetime
    each: int = 1  # what one code takes
    pretend: bool = False  # look as if it were taken


def take(session: Session, pots: list[Pot], now: datetime, *, not_before: datetime | None = None) -> None:
    """From all of them or from none; TooManyTries says when the last of the empty ones is full again."""
    for index, pot in enumerate(pots):
        counted, ends_at = count_up(
            session, key=pot.key, limit=pot.limit, ends_at=pot.ends_at, by=pot.each, pretend=pot.pretend, now=now
        )
        if counted > pot.limit:
            for taken in pots[:index] if not pot.pretend else ():
                take_back(session, key=taken.key, by=taken.each)
            others = used_up_until(session, pots[index + 1 :], now)
            raise TooManyTries(max(again for again in (ends_at, others, not_before) if again is not None))


def used_up_until(session: Session, pots: list[Pot], now: datetime) -> datetime | None:
    """When the last of those that are empty is full again; None when none is. Takes nothing."""
    limits = {pot.key: pot.limit for pot in pots}
    counted = session.execute(
        select(RateCounter.key, RateCounter.count, RateCounter.ends_at).where(
            RateCounter.key.in_(limits), RateCounter.ends_at > now
        )
    )
    return max((ends_at for key, count, ends_at in counted if count > limits[key]), default=None)
