"""The reminders of a visit, written in the transaction that books or moves it. Sending is later: usecases/reminders.py."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.reminder_plan import plan_reminders
from scheduler.models.appointment import Appointment
from scheduler.models.sms import Reminder

_INSERT = insert(Reminder)


def plan_for(session: Session, *, appointment: Appointment, clinic: ClinicSettings, now: datetime) -> None:
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
    rows = []
    for reminder in planned:
        due_at = clock.to_utc_or_near(reminder.due_local, zone)
        rows.append(
            {
                "appointment_id": appointment.id,
                "version": appointment.schedule_version,
                "kind": reminder.kind,
                "due_at": due_at,
                "next_attempt_at": due_at,
                "attempts": 0,
                "status": "planned",
            }
        )
    if rows:
        session.connection().execute(_INSERT, rows)
