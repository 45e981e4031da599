"""Requests to correct records."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from scheduler.models import CorrectionRequest, Patient

ANSWERED_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Correction:
    id: int
    public_id: str
    patient: str
    what_is_wrong: str
    should_say: str
    asked_at: datetime
    asked_by: str
    answer: str | None
    answer_words: str
    answered_at: datetime | None
    answered_by: str | None
    statement: str
    stated_at: datetime | None
    stated_by: str | None


_ROWS: Any = select(
    CorrectionRequest.id,
    Patient.public_id,
    Patient.given_name + " " + Patient.family_name,
    CorrectionRequest.what_is_wrong,
    CorrectionRequest.should_say,
    CorrectionRequest.asked_at,
    CorrectionRequest.asked_by,
    CorrectionRequest.answer,
    CorrectionRequest.answer_words,
    CorrectionRequest.answered_at,
    CorrectionRequest.answered_by,
    CorrectionRequest.statement,
    CorrectionRequest.stated_at,
    CorrectionRequest.stated_by,
).join(Patient, Patient.id == CorrectionRequest.patient_id)


def waiting(connection: Connection) -> list[Correction]:
    """Those to be answered, the oldest first."""
    rows = _ROWS.where(CorrectionRequest.answer.is_(None)).order_by(CorrectionRequest.asked_at, CorrectionRequest.id)
    return [Correction(*row) for row in connection.execute(rows)]


def answered(connection: Connection) -> list[Correction]:
    """The latest answers first."""
    rows = _ROWS.where(CorrectionRequest.answer.is_not(None)).order_by(CorrectionRequest.answered_at.desc())
    return [Correction(*row) for row in connection.execute(rows.limit(ANSWERED_SHOWN))]


def one(connection: Connection, request_id: int, patient_id: int | None = None) -> Correction | None:
    """None when there is no such request, or it is not this patient's."""
    rows = _ROWS.where(CorrectionRequest.id == request_id)
    if patient_id is not None:
        rows = rows.where(CorrectionRequest.patient_id == patient_id)
    row = connection.execute(rows).first()
    return Correction(*row) if row else None


def of_patient(connection: Connection, patient_id: int) -> list[Correction]:
    """The latest first; those of records merged into this one moved here with them."""
    rows = _ROWS.where(CorrectionRequest.patient_id == patient_id).order_by(CorrectionRequest.id.desc())
    return [Correction(*row) for row in connection.execute(rows)]


def number_waiting(connection: Connection) -> int:
    open_ones = select(func.count()).select_from(CorrectionRequest).where(CorrectionRequest.answer.is_(None))
    return connection.scalar(open_ones) or 0
