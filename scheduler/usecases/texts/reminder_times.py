"""When reminders may go out: never at night, but for what answers somebody who is awake."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reminder_plan import AT_NIGHT, next_allowed_send
from scheduler.models.texts.sms import Reminder

FRESH = timedelta(minutes=30)
"""At night only what is this fresh goes out, of the kinds that may."""


def is_night(clinic: ClinicSettings, now: datetime) -> bool:
    """Nobody is texted of our own accord."""
    now_local = clock.to_local(now, clock.zone(clinic.zone))
    return next_allowed_send(now_local, quiet_from=clinic.quiet_from, quiet_until=clinic.quiet_until) > now_local


def due_now(clinic: ClinicSettings, now: datetime, *, ahead: timedelta = timedelta()) -> ColumnElement[bool]:
    """Which reminders may be claimed; or `ahead` of that, if the night allows them now."""
    is_due = and_(Reminder.status == "planned", Reminder.next_attempt_at <= now + ahead)
    if is_night(clinic, now):
        return and_(is_due, Reminder.kind.in_(AT_NIGHT), Reminder.due_at > now - FRESH)
    return is_due


def goes_out_from(
    kind: str, *, due_at: datetime, next_attempt_at: datetime, clinic: ClinicSettings, now: datetime
) -> datetime:
    """From when on a planned reminder may be claimed; now, when it may already."""
    earliest = max(next_attempt_at, now)
    if kind in AT_NIGHT and earliest - due_at < FRESH:
        return earliest
    zone = clock.zone(clinic.zone)
    found = clock.to_local(earliest, zone)
    by_day = next_allowed_send(found, quiet_from=clinic.quiet_from, quiet_until=clinic.quiet_until)
    return earliest if by_day == found else clock.to_utc_or_near(by_day, zone)
