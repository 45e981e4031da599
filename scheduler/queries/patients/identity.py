"""What the desk has to settle about who is who: new numbers asked for, and patients without a birth date."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import aliased

from scheduler.models import BirthDateAsked, NumberRequest, Patient, PhoneAccount

MOST = 100


@dataclass(frozen=True, slots=True)
class Somebody:
    public_id: str
    given_name: str
    family_name: str


@dataclass(frozen=True, slots=True)
class AskedNumber:
    """`candidates`: those of the old number who were born that day."""

    id: int
    new_number: str
    old_number: str
    birth_date: date
    asked_at: datetime
    candidates: tuple[Somebody, ...]


@dataclass(frozen=True, slots=True)
class Undated:
    """`asked_at`: when somebody on their number last tried to show who they are."""

    public_id: str
    given_name: str
    family_name: str
    number: str | None
    asked_at: datetime | None


def numbers_asked_for(connection: Connection) -> list[AskedNumber]:
    """The oldest first. One SELECT."""
    new, old = aliased(PhoneAccount), aliased(PhoneAccount)
    rows: Any = connection.execute(
        select(
            NumberRequest.id,
            new.number,
            NumberRequest.old_number,
            NumberRequest.birth_date,
            NumberRequest.asked_at,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
        )
        .join(new, new.id == NumberRequest.phone_account_id)
        .outerjoin(old, old.number == NumberRequest.old_number)
        .outerjoin(
            Patient,
            (Patient.phone_account_id == old.id) & (Patient.birth_date == NumberRequest.birth_date),
        )
        .where(NumberRequest.settled_at.is_(None))
        .order_by(NumberRequest.id, Patient.id)
        .limit(MOST)
    )
    found: dict[int, AskedNumber] = {}
    for request_id, number, old_number, born, asked_at, public_id, given, family in rows:
        known = found.get(request_id)
        somebody = (Somebody(public_id, given, family),) if public_id else ()
        found[request_id] = AskedNumber(
            request_id, number, old_number, born, asked_at, (*(known.candidates if known else ()), *somebody)
        )
    return list(found.values())


def without_birth_date(connection: Connection) -> list[Undated]:
    """Those whom somebody tried to open first, the latest of them on top."""
    rows: Any = connection.execute(
        select(Patient.public_id, Patient.given_name, Patient.family_name, PhoneAccount.number, BirthDateAsked.asked_at)
        .join(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .outerjoin(BirthDateAsked, BirthDateAsked.patient_id == Patient.id)
        .where(Patient.birth_date.is_(None))
        .order_by(BirthDateAsked.asked_at.is_(None), BirthDateAsked.asked_at.desc(), Patient.family_name, Patient.id)
        .limit(MOST)
    )
    return [Undated(*row) for row in rows]
