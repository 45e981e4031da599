"""Whose record is kept for longer than the clinic has to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, and_, exists, func, or_, select, true

from scheduler.domain.patients.retention import kept_until, years_later
from scheduler.models import (
    Appointment,
    AppointmentNote,
    CorrectionRequest,
    Message,
    Patient,
    PatientMerge,
    RetentionAct,
    RetentionHold,
)


@dataclass(frozen=True, slots=True)
class DueRecord:
    """`last_on`: the day of the last visit or entry. `hold`: why it is kept all the same, or None."""

    patient_id: int
    public_id: str
    name: str
    birth_date: date | None
    last_on: date
    kept_until: date
    hold: str | None
    hold_id: int | None


def due_records(connection: Connection, *, today: date, years: int, only: int | None = None) -> list[DueRecord]:
    """Those whose time is over, the longest first. `only`: one patient, by id.

    The last entry is the latest of: the record's beginning, a visit of whatever status, a note, a text, a correction asked for,
    its answer and what the patient said to that.
    """
    visits = (
        select(Appointment.patient_id, func.max(Appointment.starts_local).label("last_local"))
        .group_by(Appointment.patient_id)
        .subquery()
    )
    blanked = exists().where(RetentionAct.patient_id == Patient.id)
    merged = exists().where(PatientMerge.merged_patient_id == Patient.id)
    before = datetime.combine(years_later(today, -years), datetime.max.time())
    rows = connection.execute(
        select(
            Patient.id,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
            Patient.birth_date,
            Patient.created_at,
            visits.c.last_local,
            RetentionHold.id.label("hold_id"),
            RetentionHold.reason,
        )
        .join(visits, visits.c.patient_id == Patient.id, isouter=True)
        .join(
            RetentionHold,
            and_(RetentionHold.patient_id == Patient.id, RetentionHold.lifted_at.is_(None)),
            isouter=True,
        )
        .where(~blanked, ~merged, or_(visits.c.last_local.is_(None), visits.c.last_local <= before))
        .where(Patient.created_at <= before.replace(tzinfo=UTC))
        .where(Patient.id == only if only is not None else true())
        .order_by(Patient.id)
    ).all()
    later = _later_entries(connection, [row.id for row in rows])
    found = []
    for row in rows:
        entries = [row.created_at.date(), *later.get(row.id, ())]
        if row.last_local is not None:
            entries.append(row.last_local.date())
        until = kept_until(max(entries), row.birth_date, years)
        if until <= today:
            name = f"{row.given_name} {row.family_name}"
            found.append(
                DueRecord(row.id, row.public_id, name, row.birth_date, max(entries), until, row.reason, row.hold_id)
            )
    return sorted(found, key=lambda record: record.kept_until)


def _later_entries(connection: Connection, patient_ids: list[int]) -> dict[int, list[date]]:
    found: dict[int, list[date]] = {}
    for start in range(0, len(patient_ids), 500):
        ids = patient_ids[start : start + 500]
        notes = (
            select(Appointment.patient_id, func.max(AppointmentNote.written_at))
            .join(AppointmentNote, AppointmentNote.appointment_id == Appointment.id)
            .where(Appointment.patient_id.in_(ids))
            .group_by(Appointment.patient_id)
        )
        texts = (
            select(Message.patient_id, func.max(Message.created_at))
            .where(Message.patient_id.in_(ids))
            .group_by(Message.patient_id)
        )
        corrections = (
            select(
                CorrectionRequest.patient_id,
                func.max(
                    func.coalesce(
                        CorrectionRequest.stated_at, CorrectionRequest.answered_at, CorrectionRequest.asked_at
                    )
                ),
            )
            .where(CorrectionRequest.patient_id.in_(ids))
            .group_by(CorrectionRequest.patient_id)
        )
        for patient_id, at in (
            entry for entries in (notes, texts, corrections) for entry in connection.execute(entries)
        ):
            if patient_id is not None:
                found.setdefault(patient_id, []).append(at.date())
    return found
