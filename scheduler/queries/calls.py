"""Visits of the next days whose patient no text will remind: they are telephoned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, exists, or_, select

from scheduler.models import Appointment, Patient, PhoneAccount, Practitioner, Reminder, ReminderCall, Treatment
from scheduler.models.sms import NO_RECEIPT, WAITS_FOR_BUDGET

Reason = Literal["no number", "opted out", "unreachable", "failed", "in doubt", "budget"]
UNSENT = ("opted out", "number unreachable", "no number")  # reasons of suppressed reminders


@dataclass(frozen=True, slots=True)
class Call:
    """`reason`: why no text arrived. `called_at`: it has been ticked off."""

    public_id: str
    schedule_version: int
    starts_local: datetime
    patient_id: str
    given_name: str
    family_name: str
    language: str
    number: str | None
    treatment_en: str
    treatment_fr: str
    practitioner: str
    reason: Reason
    called_at: datetime | None
    called_by: str | None

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en


def due(connection: Connection, *, from_at: datetime, to_at: datetime) -> list[Call]:
    """By time of the visit. Two SELECTs."""
    rows: Sequence[Any] = connection.execute(
        select(
            Appointment.id,
            Appointment.public_id,
            Appointment.schedule_version,
            Appointment.starts_local,
            Patient.public_id.label("patient_id"),
            Patient.given_name,
            Patient.family_name,
            Patient.language,
            PhoneAccount.number,
            PhoneAccount.opted_out_at,
            PhoneAccount.unreachable_at,
            Treatment.name_en,
            Treatment.name_fr,
            (Practitioner.given_name + " " + Practitioner.family_name).label("practitioner"),
            ReminderCall.called_at,
            ReminderCall.called_by,
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .outerjoin(
            ReminderCall,
            and_(
                ReminderCall.appointment_id == Appointment.id,
                ReminderCall.schedule_version == Appointment.schedule_version,
            ),
        )
        .where(Appointment.active, Appointment.status.in_(("booked", "confirmed")))
        .where(Appointment.starts_at >= from_at, Appointment.starts_at < to_at)
        .where(
            or_(
                PhoneAccount.id.is_(None),
                PhoneAccount.opted_out_at.is_not(None),
                PhoneAccount.unreachable_at.is_not(None),
                exists().where(_of_visit(), _unsent()),
            )
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).all()
    last_texts = _last_texts(connection, [row.id for row in rows])
    return [call for row in rows if (call := _call(row, last_texts.get(row.id))) is not None]


def _call(row: Any, last_text: Any) -> Call | None:
    """None when a later text arrived after all."""
    reason = _reason(row, last_text)
    if reason is None:
        return None
    return Call(
        row.public_id,
        row.schedule_version,
        row.starts_local,
        row.patient_id,
        row.given_name,
        row.family_name,
        row.language,
        row.number,
        row.name_en,
        row.name_fr,
        row.practitioner,
        reason,
        row.called_at,
        row.called_by,
    )


def _of_visit() -> Any:
    return and_(Reminder.appointment_id == Appointment.id, Reminder.version == Appointment.schedule_version)


def _unsent() -> Any:
    return or_(
        Reminder.status.in_(("failed", "in_doubt")),
        and_(Reminder.status == "sent", Reminder.reason == NO_RECEIPT),
        and_(Reminder.status == "planned", Reminder.reason == WAITS_FOR_BUDGET),
        and_(Reminder.status == "suppressed", Reminder.reason.in_(UNSENT)),
    )


def _last_texts(connection: Connection, appointment_ids: list[int]) -> dict[int, Any]:
    """Appointment's id → what became of the last of its texts that was due."""
    if not appointment_ids:
        return {}
    rows = connection.execute(
        select(Reminder.appointment_id, Reminder.status, Reminder.reason)
        .join(Appointment, Appointment.id == Reminder.appointment_id)
        .where(Reminder.appointment_id.in_(appointment_ids), Reminder.version == Appointment.schedule_version)
        .where(or_(_unsent(), Reminder.status == "sent"))
        .order_by(Reminder.due_at)
    )
    return {row.appointment_id: row for row in rows}


def _reason(row: Any, last: Any) -> Reason | None:
    if row.number is None:
        return "no number"
    if row.opted_out_at is not None:
        return "opted out"
    if row.unreachable_at is not None:
        return "unreachable"
    if last is None or (last.status == "sent" and last.reason != NO_RECEIPT):
        return None
    if last.status == "planned":
        return "budget"
    if last.status in ("in_doubt", "sent"):
        return "in doubt"
    return "failed"
