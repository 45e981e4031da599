"""How many parts a month may cost. When they are used up only sign-in codes go out."""

from datetime import datetime, time, timedelta

import structlog
from sqlalchemy import Engine, func, select

from scheduler import clock
from scheduler.models.sms import Message

WARN_AT = 0.8
ASKED_EVERY = timedelta(minutes=1)

log = structlog.get_logger("sms")


class SmsBudget:
    """`parts`: a calendar month's, at the clinic; 0: no limit. The sum is read once a minute."""

    def __init__(self, engine: Engine, *, parts: int, zone: str) -> None:
        self._engine, self._parts, self._zone = engine, parts, zone
        self._asked_at: datetime | None = None
        self._used = 0
        self._warned = 0.0

    def is_used_up(self, now: datetime) -> bool:
        if not self._parts:
            return False
        if self._asked_at is None or now - self._asked_at >= ASKED_EVERY:
            self._used, self._asked_at = parts_used(self._engine, zone=self._zone, now=now), now
            self._warn()
        return self._used >= self._parts

    def _warn(self) -> None:
        """Once for each of the two levels, in this process."""
        level = 1.0 if self._used >= self._parts else WARN_AT if self._used >= WARN_AT * self._parts else 0.0
        if level > self._warned:
            log.warning("the month's budget of texts is running out", used=self._used, budget=self._parts)
        self._warned = level


def parts_used(engine: Engine, *, zone: str, now: datetime) -> int:
    """Since the month began at the clinic; of texts that were, or may have been, accepted."""
    place = clock.zone(zone)
    first = clock.to_local(now, place).date().replace(day=1)
    begins_at = clock.to_utc_or_near(datetime.combine(first, time.min), place)
    with engine.connect() as connection:
        used = connection.scalar(
            select(func.sum(Message.segments)).where(
                Message.created_at >= begins_at,
                Message.direction == "out",
                Message.status.not_in(("queued", "expired", "failed")),
            )
        )
    return int(used or 0)
