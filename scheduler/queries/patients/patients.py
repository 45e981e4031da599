"""Patients, by who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session, joinedload

from scheduler.domain.errors import NotFound
from scheduler.models import Patient, PhoneAccount, Practitioner
from scheduler.models.texts.wrong_number import is_marked
from scheduler.queries.driver_statements import Plain, Plainly


@dataclass(frozen=True, slots=True)
class PatientRow:
    """`number` of the phone account, E.164. `cleared_by`: the slug of the practitioner whose decision it was."""

    id: int
    public_id: str
    given_name: str
    family_name: str
    birth_date: date | None
    number: str | None
    language: str
    cleared_by: str | None
    clearance_entered_by: str | None
    feed_token: str


_ROWS: Any = select(
    Patient.id,
    Patient.public_id,
    Patient.given_name,
    Patient.family_name,
    Patient.birth_date,
    PhoneAccount.number,
    Patient.language,
    Practitioner.slug,
    Patient.cleared_by,
    Patient.feed_token,
)
_ROWS = _ROWS.join(PhoneAccount, PhoneAccount.id == Patient.phone_account_id, isouter=True).join(
    Practitioner, Practitioner.id == Patient.clearing_practitioner_id, isouter=True
)


def by_public_id(session: Session, public_id: str) -> Patient:
    """For callers who may see every patient. NotFound when there is none."""
    found = session.scalar(
        select(Patient).options(joinedload(Patient.phone_account)).where(Patient.public_id == public_id)
    )
    if found is None:
        raise NotFound("patient")
    return found


def of_account(session: Session, account_id: int) -> Sequence[Patient]:
    """The family on one number, without those whose number it is not."""
    return session.scalars(
        select(Patient).where(Patient.phone_account_id == account_id, ~is_marked()).order_by(Patient.id)
    ).all()


def registered_here(session: Session, public_id: str, account_id: int) -> list[Patient]:
    """The one patient, while the number is theirs."""
    return [patient for patient in of_account(session, account_id) if patient.public_id == public_id]


def row(connection: Connection, public_id: str) -> PatientRow:
    """One patient without the session. NotFound when there is none."""
    found = connection.execute(_ROWS.where(Patient.public_id == public_id)).first()
    if found is None:
        raise NotFound("patient")
    return PatientRow(*found)


def rows_after(connection: Connection, patient_id: int, limit: int, *, number: str | None = None) -> list[PatientRow]:
    """In the order they were registered, from the one after `patient_id`; with `number` the family on it."""
    wanted = _ROWS.where(Patient.id > patient_id).order_by(Patient.id).limit(limit)
    if number is not None:
        wanted = wanted.where(PhoneAccount.number == number)
    return [PatientRow(*found) for found in connection.execute(wanted)]


_OF_PUBLIC_ID = Patient.public_id == bindparam("public_id")
_ID = Plain(select(Patient.id).where(_OF_PUBLIC_ID))


def id_of(connection: Plainly, public_id: str) -> int | None:
    found = _ID.first(connection, public_id=public_id)
    return found[0] if found else None


def looked_up(connection: Connection, patient: int | str) -> int:
    """The id of a patient given by id or by public id. NotFound when there is none."""
    found = patient if isinstance(patient, int) else id_of(connection, patient)
    if found is None:
        raise NotFound("patient")
    return found
