"""The demo's reminders: those past with the text that went out, those to come planned as booking plans them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from scheduler.demo.diary import DemoVisit
from scheduler.demo.house import given_name
from scheduler.demo.people import DemoPatient
from scheduler.demo.records import Records, unguessable
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reminder_plan import PlannedReminder, plan_reminders
from scheduler.domain.texts.sms_segments import segments
from scheduler.models import Message, PhoneAccount, Reminder
from scheduler.usecases.texts.visit_texts import visit_text

EMPTY: dict[str, Any] = {"error_code": None, "reminder_id": None, "appointment_id": None, "segments": None}
SENT = timedelta(seconds=8)  # after a text was due


@dataclass(frozen=True, slots=True)
class DemoReminder:
    visit: DemoVisit
    planned: PlannedReminder
    status: str
    reason: str | None
    settled_local: datetime | None
    error_code: str | None = None


def write_texts(session: Session, records: Records) -> None:
    gone, replies = _troubled_numbers(session, records)
    reminders = [
        reminder
        for visit in records.written
        if not visit.elsewhere
        for reminder in _reminders(visit, records, gone=records.invented[visit.patient].number in gone)
    ]
    session.connection().execute(insert(Reminder), [_reminder_row(reminder, records) for reminder in reminders])
    written = select(Reminder.appointment_id, Reminder.kind, Reminder.id)
    ids = {(appointment, kind): key for appointment, kind, key in session.connection().execute(written)}
    messages = replies + [
        _message_row(one, ids[records.written[one.visit], one.planned.kind], records)
        for one in reminders
        if one.status in ("sent", "failed")
    ]
    messages.sort(key=lambda row: row["created_at"])  # their ids rise with time, as in real life
    session.connection().execute(insert(Message), messages)


def _reminders(visit: DemoVisit, records: Records, *, gone: bool) -> Iterator[DemoReminder]:
    clinic = records.clinic
    number = records.invented[visit.patient].number
    for planned in plan_reminders(
        starts_local=visit.starts_local,
        now_local=visit.booked_local,
        lead_days=clinic.reminder_days,
        grace_minutes=clinic.grace_minutes,
        quiet_from=clinic.quiet_from,
        quiet_until=clinic.quiet_until,
    ):
        due, cancelled = planned.due_local, visit.cancelled_local
        if cancelled is not None and due > cancelled:
            yield DemoReminder(visit, planned, "superseded", "cancelled", cancelled)
        elif due > records.now_local:
            yield DemoReminder(visit, planned, "planned", None, None)
        elif number is None:
            yield DemoReminder(visit, planned, "suppressed", "no number", due)
        elif gone and due > records.now_local - timedelta(days=2):
            yield DemoReminder(visit, planned, "failed", "bad-number", due + SENT, "30005")
        else:
            yield DemoReminder(visit, planned, "sent", None, due + SENT)


def _reminder_row(reminder: DemoReminder, records: Records) -> dict[str, Any]:
    due_at = records.instant(reminder.planned.due_local)
    settled = reminder.settled_local
    return {
        "appointment_id": records.written[reminder.visit],
        "version": 1,
        "kind": reminder.planned.kind,
        "due_at": due_at,
        "next_attempt_at": due_at,
        "attempts": int(reminder.status in ("sent", "failed")),
        "status": reminder.status,
        "reason": reminder.reason,
        "settled_at": None if settled is None else records.instant(settled),
    }


def _message_row(reminder: DemoReminder, reminder_id: int, records: Records) -> dict[str, Any]:
    visit = reminder.visit
    who = records.invented[visit.patient]
    due_at = records.instant(reminder.planned.due_local)
    attempt_id = unguessable(records.random)
    failed = reminder.status == "failed"
    body = _body(reminder.planned.kind, visit.starts_local, visit.practitioner, who.language, records.clinic)
    return {
        **_message(who, due_at, attempt_id),
        "kind": reminder.planned.kind,
        "body": body,
        "segments": _parts(body),
        "status": "failed" if failed else "delivered",
        "error_code": reminder.error_code,
        "opt_word": None,
        "reminder_id": reminder_id,
        "appointment_id": records.written[visit],
        "patient_id": records.patients[visit.patient].id,
    }


def _body(kind: str, starts_local: datetime, practitioner: str, language: str, clinic: ClinicSettings) -> str:
    """On the day before it is too late for patients to move the visit."""
    changeable = kind != "days_before_1"
    return _words(kind.rpartition("_")[0] or kind, changeable, starts_local, given_name(practitioner), language, clinic)


@lru_cache(maxsize=4)
def _words(
    kind: str, changeable: bool, starts_local: datetime, practitioner: str, language: str, clinic: ClinicSettings
) -> str:
    return visit_text(
        kind,
        clinic=clinic,
        starts_local=starts_local,
        practitioner=practitioner,
        language=language,
        moved=False,
        changeable=changeable,
    )


_parts = lru_cache(maxsize=4)(segments)


def _message(who: DemoPatient, at: datetime, attempt_id: str) -> dict[str, Any]:
    return {
        "attempt_id": attempt_id,
        "direction": "out",
        "number": who.number,
        "gateway": "outbox",
        "sid": f"outbox-{attempt_id}",
        "attempts": 1,
        "created_at": at,
        "attempted_at": at,
        "settled_at": at + SENT,
    }


def _troubled_numbers(session: Session, records: Records) -> tuple[set[str], list[dict[str, Any]]]:
    """Two numbers that no longer exist; and what two others wrote: one wants no texts, one says thank you."""
    coming = [
        records.invented[visit.patient]
        for visit in records.written
        if timedelta(0) < visit.starts_local - records.now_local < timedelta(days=2)
        and visit.fate == "kept"
        and visit.patient > 10
        and records.invented[visit.patient].number
    ]
    if len(coming) < 4:
        return set(), []
    gone, stopped, wrote = coming[:2], coming[2], coming[3]
    for who in gone:
        account = _account(session, records, who)
        account.unreachable_at, account.unreachable_why = records.now - timedelta(hours=20), "30005"
    account = _account(session, records, stopped)
    account.opted_out_at, account.opted_out_by = records.now - timedelta(days=1), "STOP"
    session.flush()
    words = {"fr": "Merci, à bientôt!", "en": "Thank you, see you then!"}
    replies = []
    for who, body, opt_word in ((stopped, "Stop", "stop"), (wrote, words[wrote.language], None)):
        row = _message(who, records.now - timedelta(days=1), unguessable(records.random))
        row |= {"direction": "in", "kind": "inbound", "status": "received", "body": body, "opt_word": opt_word}
        replies.append({**EMPTY, **row, "patient_id": records.patients[who.key].id})
    return {who.number for who in gone if who.number}, replies


def _account(session: Session, records: Records, who: DemoPatient) -> PhoneAccount:
    return session.get_one(PhoneAccount, records.patients[who.key].phone_account_id)
