"""The audit log, read from its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from scheduler.models import AuditLine, Patient, StaffUser


@dataclass(frozen=True, slots=True)
class ShownLine:
    id: int
    at: datetime
    actor: str
    what: str
    details: str
    address: str
    patient: str | None
    given_name: str | None
    family_name: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any. `since` included, `until` not."""

    patient: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def lines(connection: Connection, wanted: Filter, *, before_id: int | None, limit: int) -> list[ShownLine]:
    """The newest first; each filter has an index that ends in the id."""
    asked: Any = (
        select(
            AuditLine.id,
            AuditLine.at,
            AuditLine.actor,
            AuditLine.what,
            AuditLine.details,
            AuditLine.address,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
        )
        .outerjoin(Patient, Patient.id == AuditLine.patient_id)
        .order_by(AuditLine.id.desc())
        .limit(limit)
    )
    if wanted.patient is not None:
        of_patient = select(Patient.id).where(Patient.public_id == wanted.patient).scalar_subquery()
        asked = asked.where(AuditLine.patient_id == of_patient)
    if wanted.actor is not None:
        asked = asked.where(AuditLine.actor == wanted.actor)
    if wanted.since is not None:
        asked = asked.where(AuditLine.at >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(AuditLine.at < wanted.until)
    if before_id is not None:
        asked = asked.where(AuditLine.id < before_id)
    return [ShownLine(*row) for row in connection.execute(asked)]


def staff(connection: Connection) -> list[tuple[str, str]]:
    """User name and name of everybody who is or was staff."""
    rows: Any = connection.execute(select(StaffUser.username, StaffUser.display_name).order_by(StaffUser.display_name))
    return [(username, name) for username, name in rows]
