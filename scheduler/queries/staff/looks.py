"""Whom somebody was shown on a list."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from scheduler.models import Look, Patient


@dataclass(frozen=True, slots=True)
class LookFilter:
    """None: any."""

    patient: str | None = None
    actor: str | None = None
    day: date | None = None
    list_name: str | None = None


@dataclass(frozen=True, slots=True)
class ListLooks:
    """One person at one list on one day; `at`: the first of the `patients`."""

    day: date
    actor: str
    list_name: str
    at: datetime
    patients: int


@dataclass(frozen=True, slots=True)
class ShownLook:
    actor: str
    list_name: str
    at: datetime
    address: str
    patient: str
    given_name: str
    family_name: str


def lists(connection: Connection, wanted: LookFilter, *, limit: int) -> list[ListLooks]:
    """The latest days first."""
    first_at = func.min(Look.at)
    asked = select(Look.day, Look.actor, Look.list_name, first_at, func.count()).group_by(
        Look.day, Look.actor, Look.list_name
    )
    ordered = _narrowed(asked, wanted).order_by(Look.day.desc(), first_at.desc(), Look.actor, Look.list_name)
    return [ListLooks(*row) for row in connection.execute(ordered.limit(limit))]


def looks(connection: Connection, wanted: LookFilter, *, limit: int) -> list[ShownLook]:
    """One line for each patient, the latest first."""
    asked = select(
        Look.actor,
        Look.list_name,
        Look.at,
        Look.address,
        Patient.public_id,
        Patient.given_name,
        Patient.family_name,
    ).join(Patient, Patient.id == Look.patient_id)
    ordered = _narrowed(asked, wanted).order_by(Look.day.desc(), Look.at.desc(), Look.actor, Look.patient_id)
    return [ShownLook(*row) for row in connection.execute(ordered.limit(limit))]


def _narrowed(narrowed: Any, wanted: LookFilter) -> Any:
    if wanted.patient is not None:
        of_patient = select(Patient.id).where(Patient.public_id == wanted.patient).scalar_subquery()
        narrowed = narrowed.where(Look.patient_id == of_patient)
    if wanted.actor is not None:
        narrowed = narrowed.where(Look.actor == wanted.actor)
    if wanted.day is not None:
        narrowed = narrowed.where(Look.day == wanted.day)
    if wanted.list_name is not None:
        narrowed = narrowed.where(Look.list_name == wanted.list_name)
    return narrowed
