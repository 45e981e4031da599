"""Whom a row of a file of patients may be about: somebody of another row, or who is here already."""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from scheduler.domain.moving_in.problems import BadValue, Remark
from scheduler.models import Patient, PhoneAccount
from scheduler.usecases.moving_in.importing import name_key


@dataclass(frozen=True, slots=True)
class NewPatient:
    row: int
    number: str
    given_name: str
    family_name: str
    birth_date: date | None
    phone: str | None
    language: str
    cleared: bool
    key: str


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of the file (`row`) or of the database (`patient_id`)."""

    phone: str | None
    row: int = 0
    patient_id: int = 0
    name: str = ""


class KnownPeople:
    """Those of the database who were born on one of these days, and whoever is added."""

    def __init__(self, connection: Connection, birth_dates: AbstractSet[date | None]) -> None:
        self._by_name: defaultdict[tuple[str, date | None], list[Known]] = defaultdict(list)
        self._by_number: defaultdict[tuple[date, str], list[Known]] = defaultdict(list)
        rows = connection.execute(
            select(
                Patient.id, Patient.given_name, Patient.family_name, Patient.birth_date, PhoneAccount.number
            ).outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        )
        for patient_id, given_name, family_name, birth_date, number in rows:
            if birth_date in birth_dates:
                known = Known(number, patient_id=patient_id, name=f"{given_name} {family_name}")
                self._add(known, name_key(given_name, family_name), birth_date)

    def same_as(self, patient: NewPatient, answer: bool | None) -> Known | None:
        """Of the same name and birth date, on the same number or on none. Under another name, but with the same birth
        date and number as somebody who is here: as `answer` says, and BadValue without one."""
        for one in self._by_name[(patient.key, patient.birth_date)]:
            if not (one.phone and patient.phone) or one.phone == patient.phone:
                return one
        here = [one for one in self._of_number(patient) if one.patient_id]
        if not here or answer is False:
            return None
        name, names = f"{patient.given_name} {patient.family_name}", ", ".join(one.name for one in here)
        if answer is None:
            raise BadValue("same_person", name, names)
        if len(here) > 1:
            raise BadValue("same_as_several", name, names)
        return here[0]

    def perhaps(self, patient: NewPatient) -> Remark | None:
        alike = self._by_name[(patient.key, patient.birth_date)]
        if patient.birth_date and alike:
            return Remark(patient.row, "perhaps_same" if alike[0].row else "perhaps_here", other=str(alike[0].row))
        twins = [one for one in self._of_number(patient) if one.row]
        return Remark(patient.row, "twin_row", other=str(twins[0].row)) if twins else None

    def add(self, patient: NewPatient) -> None:
        self._add(Known(patient.phone, row=patient.row), patient.key, patient.birth_date)

    def _add(self, known: Known, key: str, birth_date: date | None) -> None:
        self._by_name[(key, birth_date)].append(known)
        if birth_date and known.phone:
            self._by_number[(birth_date, known.phone)].append(known)

    def _of_number(self, patient: NewPatient) -> list[Known]:
        if patient.birth_date is None or patient.phone is None:
            return []
        return self._by_number.get((patient.birth_date, patient.phone), [])
