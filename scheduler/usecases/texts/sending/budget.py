"""How many parts a month may cost. When they are used up only sign-in codes go out, which have a budget of their own
(code_limits.py): whoever asks for codes by machine must not stop the reminders.

What waits then is marked: reminders for the call list, answers of the desk for the inbox. With the next month's parts
it goes out after all, as far as it still serves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import structlog
from sqlalchemy import Engine, func, or_, select, update

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import segments
from scheduler.models.texts.sms import IS_WAITING, WAITS_FOR_BUDGET, Message, Reminder
from scheduler.usecases.texts.sending.sending import Outgoing
from scheduler.usecases.texts.sending.sms_states import is_past_its_life, writing
from scheduler.usecases.texts.sending.unplanned import expire_old

WARN_AT = 0.8
ASKED_EVERY = timedelta(minutes=1)
NEAR_THE_END, ASKED_THEN_EVERY = 500, timedelta(seconds=1)
"""Of the last parts, what other workers claim counts almost at once."""
MOST_PARTS = 4  # of a text with a link in words of the owner's own, in UCS-2

log = structlog.get_logger("sms")


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Of this month; `parts` 0: no limit."""

    used: int
    parts: int

    @property
    def runs_out(self) -> bool:
        return bool(self.parts) and self.used >= WARN_AT * self.parts

    @property
    def is_used_up(self) -> bool:
        return bool(self.parts) and self.used >= self.parts

    def at_most(self, wanted: int) -> int:
        """So many texts of `wanted` are still paid for, whatever the parts of each; the last may go over it."""
        left = self.parts - self.used
        return min(wanted, max(left // MOST_PARTS, left > 0)) if self.parts else wanted


class SmsBudget:
    """Of a calendar month at the clinic. The sum is read once a minute, of the last parts once a second; what this process
    claims counts at once.

    So other workers may go over it by what they claim within a second.
    """

    def __init__(self, engine: Engine, clinic: Callable[[], ClinicSettings]) -> None:
        self._engine, self._clinic = engine, clinic
        self._asked_at: datetime | None = None
        self._used = 0
        self._warned = 0

    def is_used_up(self, now: datetime) -> bool:
        return self.state(now).is_used_up

    def state(self, now: datetime) -> BudgetState:
        clinic = self._clinic()
        ends_soon = 0 < clinic.sms_parts_monthly - self._used <= NEAR_THE_END
        every = ASKED_THEN_EVERY if ends_soon else ASKED_EVERY
        if clinic.sms_parts_monthly and (self._asked_at is None or abs(now - self._asked_at) >= every):
            self._used, self._asked_at = parts_used(self._engine, zone=clinic.zone, now=now), now
        state = BudgetState(self._used, clinic.sms_parts_monthly)
        self._warn(state)
        return state

    def count(self, claimed: Sequence[Outgoing]) -> None:
        """What has just been claimed, until the sum is read again."""
        self._used += sum(segments(outgoing.body) for outgoing in claimed if not outgoing.is_code)

    def _warn(self, state: BudgetState) -> None:
        """Once for each of the two levels, in this process."""
        level = state.runs_out + state.is_used_up
        if level > self._warned:
            log.warning("the month's budget of texts is running out", used=state.used, budget=state.parts)
        self._warned = level


def mark_waiting(engine: Engine, *, now: datetime) -> None:
    """What is due and not sent because the budget is used up."""
    reminders = (Reminder.status == "planned", Reminder.next_attempt_at <= now, Reminder.reason.is_(None))
    texts = (
        IS_WAITING,
        Message.status == "queued",
        Message.kind != "code",
        or_(Message.error_code.is_(None), Message.error_code != WAITS_FOR_BUDGET),
    )
    too_old = (IS_WAITING, Message.status == "queued", is_past_its_life(now))
    with engine.connect() as connection:
        found = [
            connection.scalar(select(table.id).where(*which).limit(1))
            for table, which in ((Reminder, reminders), (Message, texts), (Message, too_old))
        ]
    if found == [None, None, None]:
        return
    with writing(engine) as connection:
        expire_old(connection, now)
        connection.execute(update(Reminder).where(*reminders).values(reason=WAITS_FOR_BUDGET))
        connection.execute(update(Message).where(*texts).values(error_code=WAITS_FOR_BUDGET))


def parts_used(engine: Engine, *, zone: str, now: datetime) -> int:
    """Since the month began at the clinic; of texts that were, or may have been, accepted, without sign-in codes."""
    place = clock.zone(zone)
    first = clock.to_local(now, place).date().replace(day=1)
    begins_at = clock.to_utc_or_near(datetime.combine(first, time.min), place)
    with engine.connect() as connection:
        used = connection.scalar(
            select(func.sum(Message.segments)).where(
                Message.created_at >= begins_at,
                Message.direction == "out",
                Message.kind != "code",
                Message.status.not_in(("queued", "expired", "failed")),
            )
        )
    return int(used or 0)
