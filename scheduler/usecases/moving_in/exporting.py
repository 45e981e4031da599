"""Everything that `import` reads, written: patients, and visits of any state."""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from sqlalchemy import Connection, func, select

from scheduler.domain.moving_in.table import guarded
from scheduler.gateways.phone_numbers import display
from scheduler.models import (
    Appointment,
    Patient,
    PatientMerge,
    PatientNumber,
    PhoneAccount,
    Practitioner,
    Room,
    Treatment,
)

AT_ONCE = 2_000

_NUMBER = func.coalesce(
    select(func.min(PatientNumber.number)).where(PatientNumber.patient_id == Patient.id).scalar_subquery(),
    Patient.public_id,
)
PATIENTS = (
    select(
        _NUMBER,
        Patient.given_name,
        Patient.family_name,
        Patient.birth_date,
        PhoneAccount.number,
        Patient.language,
        Patient.cleared_for_ims_at,
    )
    .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
    .where(Patient.id.not_in(select(PatientMerge.merged_patient_id)))
    .order_by(Patient.id)
)
PATIENT_HEADERS = (
    "Patient number",
    "Given name",
    "Family name",
    "Birth date",
    "Mobile phone",
    "Language",
    "Cleared for IMS",
)
VISITS = (
    select(
        _NUMBER,
        Patient.given_name,
        Patient.family_name,
        Patient.birth_date,
        Appointment.starts_local,
        Appointment.minutes,
        Treatment.name_en,
        Practitioner.slug,
        Room.name,
        Appointment.status,
        Appointment.ims_given,
    )
    .join(Patient, Patient.id == Appointment.patient_id)
    .join(Treatment, Treatment.id == Appointment.treatment_id)
    .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
    .join(Room, Room.id == Appointment.room_id)
    .where(Appointment.status.not_in(("held", "expired")), Appointment.origin != "elsewhere")
    .order_by(Appointment.starts_at, Appointment.id)
)
VISIT_HEADERS = (
    "Patient number",
    "Given name",
    "Family name",
    "Birth date",
    "Start",
    "Minutes",
    "Treatment",
    "Practitioner",
    "Room",
    "Status",
    "IMS given",
)


def export(connection: Connection, what: str) -> Iterator[str]:
    """The CSV file piece by piece, beginning with the mark by which Excel knows UTF-8."""
    if what == "patients":
        return _written(connection, PATIENTS, PATIENT_HEADERS, _patient_cells)
    return _written(connection, VISITS, VISIT_HEADERS, _visit_cells)


def _written(
    connection: Connection,
    statement: Any,
    headers: Sequence[str],
    cells_of: Callable[[Any], Sequence[object]],
) -> Iterator[str]:
    yield "\ufeff" + line(headers)
    rows = connection.execution_options(yield_per=AT_ONCE).execute(statement)
    for some in rows.partitions():
        yield "".join(line(cells_of(row)) for row in some)


def _patient_cells(row: Any) -> Sequence[object]:
    number, given_name, family_name, birth_date, phone, language, cleared_at = row
    shown = display(phone) if phone else ""
    return (
        number,
        given_name,
        family_name,
        birth_date,
        shown,
        language,
        f"{cleared_at:%Y-%m-%d}" if cleared_at else "no",
    )


def _visit_cells(row: Any) -> Sequence[object]:
    *before, starts_local, minutes, treatment, practitioner, room, status, given = row
    starts: datetime = starts_local
    return *before, f"{starts:%Y-%m-%d %H:%M}", minutes, treatment, practitioner, room, status, _YES_NO[given]


_YES_NO = {True: "yes", False: "no", None: ""}


def line(cells: Sequence[object]) -> str:
    out = StringIO()
    csv.writer(out).writerow(["" if cell is None else guarded(str(cell)) for cell in cells])
    return out.getvalue()
