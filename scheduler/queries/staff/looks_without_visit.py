"""Records that somebody opened though no visit of that patient was near."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from scheduler.models import Appointment, AuditLine, Patient

OPENED = ("patient.viewed", "patient.exported", "patient.printed")
NEAR = timedelta(days=14)
MOST = 20_000  # openings looked at


@dataclass(frozen=True, slots=True)
class Opening:
    at: datetime
    actor: str
    what: str
    patient: str
    given_name: str
    family_name: str


@dataclass(frozen=True, slots=True)
class Openings:
    """`opened`: all of them, by account. `far`: those without a visit near, the latest first. `full`: there were more."""

    opened: dict[str, int]
    far: list[Opening]
    full: bool


def openings(connection: Connection, *, since: datetime, until: datetime, actor: str | None) -> Openings:
    """Near is a visit of whatever status that takes place, or was booked, within two weeks of the look. Two SELECTs."""
    span = (AuditLine.at >= since, AuditLine.at < until, AuditLine.what.in_(OPENED), AuditLine.patient_id.is_not(None))
    whose = (AuditLine.actor == actor,) if actor is not None else ()
    rows: Any = connection.execute(
        select(
            AuditLine.at,
            AuditLine.actor,
            AuditLine.what,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
            AuditLine.patient_id,
        )
        .join(Patient, Patient.id == AuditLine.patient_id)
        .where(*span, *whose)
        .order_by(AuditLine.id.desc())
        .limit(MOST)
    ).all()
    patients = select(AuditLine.patient_id).where(*span, *whose)
    moments: dict[int, list[datetime]] = defaultdict(list)
    visits: Any = connection.execute(
        select(Appointment.patient_id, Appointment.starts_at, Appointment.created_at).where(
            Appointment.patient_id.in_(patients), Appointment.origin != "elsewhere"
        )
    )
    for patient_id, *times in visits:
        moments[patient_id].extend(times)
    opened: dict[str, int] = defaultdict(int)
    far = []
    for *shown, patient_id in rows:
        opening = Opening(*shown)
        opened[opening.actor] += 1
        if not any(abs(opening.at - moment) <= NEAR for moment in moments[patient_id]):
            far.append(opening)
    return Openings(dict(opened), far, len(rows) == MOST)
