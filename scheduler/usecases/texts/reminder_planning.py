"""The reminders of a visit, written in the transaction that books or moves it. Sending is later: usecases/texts/sending/reminders.py."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reminder_plan import PlannedReminder, plan_cancellation, plan_reminders
from scheduler.models import Appointment
from scheduler.models.texts.sms import Reminder


def plan_for(session: Session, *, appointment: Appointment, clinic: ClinicSettings, now: datetime) -> None:
    """Add what is to be texted about `appointment` at its current `schedule_version`; commits nothing.

    The appointment is flushed already. Those planned for an earlier version were superseded by trigger when it moved.
    """
    planned = plan_reminders(
        starts_local=appointment.starts_local,
        now_local=clock.to_local(now, clock.zone(appointment.zone)),
        lead_days=clinic.reminder_days,
        grace_minutes=clinic.grace_minutes,
        quiet_from=clinic.quiet_from,
        quiet_until=clinic.quiet_until,
    )
    _add(session, appointment, planned)


def plan_cancellation_text(
    session: Session, *, appointment: Appointment, clinic: ClinicSettings, now: datetime
) -> None:
    """Add the text that says that `appointment` is cancelled; it is so, and flushed, already. Commits nothing.

    Undoing the cancellation raises `schedule_version`, and the trigger drops the text as it does any other.
    """
    planned = plan_cancellation(
        starts_local=appointment.starts_local,
        now_local=clock.to_local(now, clock.zone(appointment.zone)),
        grace_minutes=clinic.grace_minutes,
        quiet_from=clinic.quiet_from,
        quiet_until=clinic.quiet_until,
    )
    _add(session, appointment, [planned] if planned else [])


def _add(session: Session, appointment: Appointment, planned: Iterable[PlannedReminder]) -> None:
    zone = clock.zone(appointment.zone)
    for reminder in planned:
        due_at = clock.to_utc_or_near(reminder.due_local, zone)
        session.add(
            Reminder(
                appointment_id=appointment.id,
                version=appointment.schedule_version,
                kind=reminder.kind,
                due_at=due_at,
                next_attempt_at=due_at,
                attempts=0,
                status="planned",
            )
        )
    session.flush()
