"""The reminders of a visit, written in the transaction that books or moves it. Sending is later: usecases/texts/sending/reminders.py."""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reminder_plan import plan_cancellation, plan_reminders
from scheduler.models import Appointment
from scheduler.models.texts.sms import Reminder
from scheduler.queries.driver_statements import Plain, text_of


class DueReminder(NamedTuple):
    kind: str
    due_at: datetime


def due_reminders(starts_local: datetime, zone: str, *, clinic: ClinicSettings, now: datetime) -> list[DueReminder]:
    """What is to be texted about a visit at `starts_local` in `zone`, as instants."""
    place = clock.zone(zone)
    planned = plan_reminders(
        starts_local=starts_local,
        now_local=clock.to_local(now, place),
        lead_days=clinic.reminder_days,
        grace_minutes=clinic.grace_minutes,
        quiet_from=clinic.quiet_from,
        quiet_until=clinic.quiet_until,
    )
    return [DueReminder(reminder.kind, clock.to_utc_or_near(reminder.due_local, place)) for reminder in planned]


def plan_for(session: Session, *, appointment: Appointment, clinic: ClinicSettings, now: datetime) -> None:
    """Add what is to be texted about `appointment` at its current `schedule_version`; commits nothing.

    The appointment is flushed already. Those planned for an earlier version were superseded by trigger when it moved.
    """
    due = due_reminders(appointment.starts_local, appointment.zone, clinic=clinic, now=now)
    add_reminders(session.connection(), appointment.id, appointment.schedule_version, due)


def plan_cancellation_text(
    session: Session, *, appointment: Appointment, clinic: ClinicSettings, now: datetime
) -> None:
    """Add the text that says that `appointment` is cancelled; it is so, and flushed, already. Commits nothing.

    Undoing the cancellation raises `schedule_version`, and the trigger drops the text as it does any other.
    """
    place = clock.zone(appointment.zone)
    planned = plan_cancellation(
        starts_local=appointment.starts_local,
        now_local=clock.to_local(now, place),
        grace_minutes=clinic.grace_minutes,
        quiet_from=clinic.quiet_from,
        quiet_until=clinic.quiet_until,
    )
    if planned is not None:
        due = DueReminder(planned.kind, clock.to_utc_or_near(planned.due_local, place))
        add_reminders(session.connection(), appointment.id, appointment.schedule_version, [due])


def add_reminders(connection: Connection, appointment_id: int, version: int, due: list[DueReminder]) -> None:
    """All of a visit's reminders in one statement."""
    if not due:
        return
    values: dict[str, Any] = {"appointment_id": appointment_id, "version": version}
    for number, reminder in enumerate(due):
        values[f"kind_{number}"] = reminder.kind
        values[f"due_at_{number}"] = text_of(reminder.due_at)
    _insert(len(due)).run(connection, **values)


@lru_cache
def _insert(count: int) -> Plain:
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
