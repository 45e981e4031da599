"""The reminders of a visit, written in the transaction that books or moves it. Sending is later: usecases/reminders.py."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.reminder_plan import plan_reminders
from scheduler.models.sms import Reminder
from scheduler.queries.plain import Plain, text_of
from scheduler.usecases.new_appointment import Visit


def plan_for(session: Session, *, appointment: Visit, clinic: ClinicSettings, now: datetime) -> None:
    """Add what is to be texted about `appointment` at its current `schedule_version`; commits nothing.

    The appointment is flushed already. Those planned for an earlier version were superseded by trigger when it moved.
    """
    zone = clock.zone(appointment.zone)
    planned = plan_reminders(
        starts_local=appointment.starts_local,
        now_local=clock.to_local(now, zone),
        lead_days=clinic.reminder_days,
        grace_minutes=clinic.grace_minutes,
        quiet_from=clinic.quiet_from,
        quiet_until=clinic.quiet_until,
    )
    if not planned:
        return
    values: dict[str, Any] = {"appointment_id": appointment.id, "version": appointment.schedule_version}
    for number, reminder in enumerate(planned):
        values[f"kind_{number}"] = reminder.kind
        values[f"due_at_{number}"] = text_of(clock.to_utc_or_near(reminder.due_local, zone))
    _insert(len(planned)).run(session.connection(), **values)


@lru_cache
def _insert(count: int) -> Plain:
    """All of a visit's reminders in one statement."""
    rows = [
        {
            "appointment_id": bindparam("appointment_id"),
            "version": bindparam("version"),
            "kind": bindparam(f"kind_{number}"),
            "due_at": bindparam(f"due_at_{number}"),
            "next_attempt_at": bindparam(f"due_at_{number}"),
            "attempts": 0,
            "status": "planned",
        }
        for number in range(count)
    ]
    return Plain(insert(Reminder).values(rows))
