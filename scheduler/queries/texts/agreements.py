"""What was said about texts to a number, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from scheduler.models import Patient, PatientMerge, PhoneAccount, TextAgreement
from scheduler.queries.patients.page import PatientRecord


@dataclass(frozen=True, slots=True)
class Agreement:
    """`number`: which one it was said of."""

    agrees: bool
    said_at: datetime
    words: str
    language: str
    how: str
    said_by: str
    number: str


_LINES: Any = select(
    TextAgreement.agrees,
    TextAgreement.said_at,
    TextAgreement.words,
    TextAgreement.language,
    TextAgreement.how,
    TextAgreement.said_by,
    PhoneAccount.number,
).join(PhoneAccount, PhoneAccount.id == TextAgreement.phone_account_id)


def latest(connection: Connection, account_id: int | None) -> Agreement | None:
    """What holds of the number; none when nothing was recorded."""
    if account_id is None:
        return None
    last = _LINES.where(TextAgreement.phone_account_id == account_id).order_by(TextAgreement.id.desc()).limit(1)
    row = connection.execute(last).first()
    return Agreement(*row) if row else None


def agree_now(connection: Connection, patient_ids: Sequence[int]) -> dict[int, bool]:
    """Patient → whether texts to their number are agreed to; those of whom nothing is recorded are left out."""
    accounts = select(Patient.phone_account_id).where(Patient.id.in_(patient_ids))
    last = select(func.max(TextAgreement.id)).where(TextAgreement.phone_account_id.in_(accounts))
    rows: Any = connection.execute(
        select(Patient.id, TextAgreement.agrees)
        .join(TextAgreement, TextAgreement.phone_account_id == Patient.phone_account_id)
        .where(Patient.id.in_(patient_ids), TextAgreement.id.in_(last.group_by(TextAgreement.phone_account_id)))
    )
    return dict(rows.all())


def of_patient(connection: Connection, patient: PatientRecord) -> list[Agreement]:
    """Of the number of today, and what was said about the patient at others before; the latest first."""
    merged = select(PatientMerge.merged_patient_id).where(PatientMerge.kept_patient_id == patient.id)
    theirs = or_(
        TextAgreement.phone_account_id == patient.account_id,
        TextAgreement.patient_id == patient.id,
        TextAgreement.patient_id.in_(merged),
    )
    return [Agreement(*row) for row in connection.execute(_LINES.where(theirs).order_by(TextAgreement.id.desc()))]
