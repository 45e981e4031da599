"""Who may act for a patient today, for whom they may, and what of that is over."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from scheduler.domain.patients.coming_of_age import OF_AGE, born_before_is
from scheduler.models import MayActFor, Patient
from scheduler.models.patients.known_browser import CHILD


@dataclass(frozen=True, slots=True)
class Acting:
    """`acts`: the other acts for the patient who was asked about; else the patient for the other. `ended_by`: nobody when
    the 16th birthday ended it."""

    public_id: str
    given_name: str
    family_name: str
    acts: bool
    kind: str
    granted_at: datetime
    granted_by: str
    how_asked: str
    ended_at: datetime | None
    ended_by: str | None

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"


def acting_of(connection: Connection, patient_id: int, today: date) -> list[Acting]:
    """The oldest first; what a 16th birthday has ended is not among them."""
    return _rows(connection, patient_id, and_(MayActFor.ended_at.is_(None), _lasts(today)))


def ended_acting_of(connection: Connection, patient_id: int, today: date) -> list[Acting]:
    """What is over, the oldest first."""
    return _rows(connection, patient_id, or_(MayActFor.ended_at.is_not(None), ~_lasts(today)))


def _rows(connection: Connection, patient_id: int, which: ColumnElement[bool]) -> list[Acting]:
    acts = MayActFor.patient_id == patient_id
    other = and_(acts, Patient.id == MayActFor.actor_id)
    rows: Any = connection.execute(
        select(
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
            acts,
            MayActFor.kind,
            MayActFor.granted_at,
            MayActFor.granted_by,
            MayActFor.how_asked,
            MayActFor.ended_at,
            MayActFor.ended_by,
        )
        .select_from(MayActFor)
        .join(Patient, or_(other, and_(MayActFor.actor_id == patient_id, Patient.id == MayActFor.patient_id)))
        .where(which)
        .order_by(acts.desc(), MayActFor.id)
    )
    return [Acting(*row) for row in rows]


def _lasts(today: date) -> ColumnElement[bool]:
    child = Patient.__table__.alias("child")
    is_child = (
        select(child.c.id)
        .where(child.c.id == MayActFor.patient_id, child.c.birth_date > born_before_is(OF_AGE, today))
        .correlate(MayActFor)
        .exists()
    )
    return or_(MayActFor.kind != CHILD, and_(MayActFor.kind == CHILD, is_child))
