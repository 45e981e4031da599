"""Patients as the telephone asks for them: found by a few letters or digits, and their line beside a booking."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from scheduler.models import Appointment, Patient, PhoneAccount, Treatment

FOUND_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class FoundPatient:
    public_id: str
    given_name: str
    family_name: str
    birth_date: date | None
    number: str | None


@dataclass(frozen=True, slots=True)
class PastAndComing:
    """A patient's last visit, next visit and missed ones; treatments by their id."""

    last: datetime | None
    last_treatment_id: int | None
    next: datetime | None
    next_treatment_id: int | None
    no_shows: int


def search(connection: Connection, text: str) -> list[FoundPatient]:
    """Every word must begin a name, or be a part of the number."""
    words = text.casefold().split()[:5]
    if not words:
        return []
    wanted: Any = select(
        Patient.public_id, Patient.given_name, Patient.family_name, Patient.birth_date, PhoneAccount.number
    ).outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
    for word in words:
        digits = "".join(filter(str.isdigit, word))
        names = [
            func.lower(name).startswith(word, autoescape=True) for name in (Patient.given_name, Patient.family_name)
        ]
        numbers = [PhoneAccount.number.contains(digits, autoescape=True)] if len(digits) > 2 else []
        wanted = wanted.where(or_(*names, *numbers))
    rows = connection.execute(wanted.order_by(Patient.family_name, Patient.given_name).limit(FOUND_AT_MOST))
    return [FoundPatient(*row) for row in rows]


def past_and_coming(connection: Connection, patient_id: int, now_local: datetime) -> PastAndComing:
    """One SELECT of the patient's visits here."""
    rows = connection.execute(
        select(Appointment.starts_local, Appointment.status, Appointment.treatment_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .where(Appointment.patient_id == patient_id, Appointment.origin != "elsewhere")
        .order_by(Appointment.starts_at)
    ).all()
    past = [row for row in rows if row.starts_local <= now_local and row.status in ("arrived", "completed", "booked")]
    coming = [row for row in rows if row.starts_local > now_local and row.status in ("booked", "confirmed", "arrived")]
    return PastAndComing(
        last=past[-1].starts_local if past else None,
        last_treatment_id=past[-1].treatment_id if past else None,
        next=coming[0].starts_local if coming else None,
        next_treatment_id=coming[0].treatment_id if coming else None,
        no_shows=sum(row.status == "no_show" for row in rows),
    )


def alike(
    connection: Connection, *, given_name: str, family_name: str, birth_date: date | None, number: str | None
) -> list[FoundPatient]:
    """Who may be the same person: the same family name with the same birth date or first letter, or on the same number."""
    family, first = func.lower(family_name.strip()), given_name.strip().lower()[:1]
    same_name = func.lower(Patient.family_name) == family
    same_person: list[Any] = [same_name & func.lower(Patient.given_name).startswith(first, autoescape=True)]
    if birth_date is not None:
        same_person.append(same_name & (Patient.birth_date == birth_date))
    if number is not None:
        same_person.append(PhoneAccount.number == number)
    rows = connection.execute(
        select(Patient.public_id, Patient.given_name, Patient.family_name, Patient.birth_date, PhoneAccount.number)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(or_(*same_person))
        .order_by(Patient.family_name, Patient.given_name)
        .limit(FOUND_AT_MOST)
    )
    return [FoundPatient(*row) for row in rows]
