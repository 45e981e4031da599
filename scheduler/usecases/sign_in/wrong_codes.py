"""Wrong codes, one after the other: from the twentieth on each five more cost a longer pause.

`key` names whom they are counted for (rate_limit.rate_key): a number, or a person's second step. What is counted is
kept for a while after the last one, and forgotten with the first right code. The caller holds the lock that orders
the tries, and commits.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.domain.sign_in.growing_pause import pause_after
from scheduler.domain.sign_in.refusals import TooManyWrong
from scheduler.models.staff.access import RateCounter
from scheduler.usecases.rate_limit import count_up, forget_counter

KEPT = timedelta(days=3)
_MOST = 10_000


def require_no_pause(session: Session, *, key: str, now: datetime) -> None:
    """Refuses by TooManyWrong until the pause is over."""
    until = session.scalar(select(RateCounter.ends_at).where(RateCounter.key == _pause(key), RateCounter.ends_at > now))
    if until is not None:
        raise TooManyWrong(until, wrong=wrong_codes(session, key=key, now=now))


def count_wrong(session: Session, *, key: str, now: datetime) -> None:
    """One more; a pause begins when it was one too many."""
    counted, _ends_at = count_up(session, key=key, limit=_MOST, ends_at=now + KEPT, now=now)
    session.execute(update(RateCounter).where(RateCounter.key == key).values(ends_at=now + KEPT))
    pause = pause_after(counted)
    if pause:
        forget_counter(session, key=_pause(key))
        count_up(session, key=_pause(key), limit=1, ends_at=now + pause, now=now)


def wrong_codes(session: Session, *, key: str, now: datetime) -> int:
    """How many since the last right one."""
    counted = select(RateCounter.count).where(RateCounter.key == key, RateCounter.ends_at > now)
    return session.scalar(counted) or 0


def forget_wrong(session: Session, *, key: str) -> None:
    """The right one was typed."""
    forget_counter(session, key=key)
    forget_counter(session, key=_pause(key))


def _pause(key: str) -> str:
    return f"{key[:52]}.pause"  # of the column's 64 letters; a key may itself have an ending
