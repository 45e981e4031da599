"""Which messages an appointment gets, and when. All on the clinic's wall clock.

A confirmation some minutes after booking, so that quick changes send one text. Reminders a number of days before, at
the visit's own time of day, but never at night: those go out the evening before instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

LEAD_DAYS = (3, 1)
QUIET_FROM = time(21)
QUIET_UNTIL = time(8)
GRACE_MINUTES = 3

CANCELLATION = "cancellation"
"""The kind of the one text about a visit that is not to be."""
AT_NIGHT = ("confirmation", CANCELLATION)
"""Kinds that may go out at night: they answer what somebody has just done, or save somebody the way."""

_EVENING = timedelta(minutes=30)
"""A reminder moved out of the night goes out this long before it: 20:30 for a night from 21:00."""
_ON_THE_WAY = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    kind: str
    due_local: datetime


def plan_reminders(
    *,
    starts_local: datetime,
    now_local: datetime,
    lead_days: tuple[int, ...] = LEAD_DAYS,
    quiet_from: time = QUIET_FROM,
    quiet_until: time = QUIET_UNTIL,
    grace_minutes: int = GRACE_MINUTES,
) -> list[PlannedReminder]:
    """Planned at booking and again at every move, in order of time; only what lies ahead and before the visit.

    The confirmation answers the patient's own action, so it may come at night.
    """
    plan = [PlannedReminder("confirmation", now_local + timedelta(minutes=grace_minutes))]
    for days in lead_days:
        day_before = starts_local - timedelta(days=days)
        night = _night_of(day_before, quiet_from, quiet_until)
        due = night[0] - _EVENING if night else day_before
        plan.append(PlannedReminder(f"days_before_{days}", due))
    ahead = (reminder for reminder in plan if now_local < reminder.due_local < starts_local)
    return sorted(ahead, key=lambda reminder: reminder.due_local)


def plan_cancellation(
    *,
    starts_local: datetime,
    now_local: datetime,
    quiet_from: time = QUIET_FROM,
    quiet_until: time = QUIET_UNTIL,
    grace_minutes: int = GRACE_MINUTES,
) -> PlannedReminder | None:
    """Some minutes after the desk cancels a visit, so that an undo sends nothing; at night the next morning.

    When the patient would be on the way by then, at night after all. None when the visit begins before.
    """
    soon = now_local + timedelta(minutes=grace_minutes)
    due = next_allowed_send(soon, quiet_from=quiet_from, quiet_until=quiet_until)
    if due > starts_local - _ON_THE_WAY:
        due = soon
    return PlannedReminder(CANCELLATION, due) if due < starts_local else None


def next_allowed_send(
    now_local: datetime, *, quiet_from: time = QUIET_FROM, quiet_until: time = QUIET_UNTIL
) -> datetime:
    """Now, or at night the morning: for a reminder found overdue."""
    night = _night_of(now_local, quiet_from, quiet_until)
    return night[1] if night else now_local


def _night_of(moment: datetime, quiet_from: time, quiet_until: time) -> tuple[datetime, datetime] | None:
    """Beginning and end of the night that `moment` lies in. Equal settings mean that there is no night."""
    if quiet_from == quiet_until:
        return None
    for days_ago in (0, 1):
        day = moment.date() - timedelta(days=days_ago)
        begins = datetime.combine(day, quiet_from)
        ends = datetime.combine(day + timedelta(days=quiet_until < quiet_from), quiet_until)
        if begins <= moment < ends:
            return begins, ends
    return None
