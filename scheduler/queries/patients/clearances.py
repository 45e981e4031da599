"""Clearance for IMS as it is recorded: when it was given, and on which days IMS took place."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, ScalarSelect, String, cast, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.clearance import Clearance, is_cleared, was_cleared
from scheduler.models import Appointment, Patient, SpacingGroup
from scheduler.queries.visits.ims_given import took_place

_IMS = select(SpacingGroup.id).where(SpacingGroup.needling).scalar_subquery()


def ims_days_before(now_local: Any) -> ScalarSelect[str]:
    """Of the Patient of the statement around it: the starts of all IMS that counts, here or elsewhere, as text with commas
    between. IMS that has begun and that nobody has marked took place."""
    return (
        select(_starts_as_text())
        .where(Appointment.patient_id == Patient.id, Appointment.active, Appointment.spacing_group_id == _IMS)
        .where(Appointment.starts_local <= now_local)
        .correlate(Patient)
        .scalar_subquery()
    )


def clearance_of(given_at: datetime | None, ims_days: str | None, zone: ZoneInfo) -> Clearance:
    """`ims_days` as `ims_days_before` gives them."""
    given = clock.to_local(given_at, zone).date() if given_at else None
    return Clearance(given, tuple(date.fromisoformat(starts[:10]) for starts in (ims_days or "").split(",") if starts))


class _joined(FunctionElement[str]):
    """Texts with commas between. SQLAlchemy's own `aggregate_strings` cannot be compiled before its values are known."""

    type = String()
    inherit_cache = True


@compiles(_joined)
def _with_string_agg(element: _joined, compiler: Any, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, ',')"


@compiles(_joined, "sqlite")
def _with_group_concat(element: _joined, compiler: Any, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)}, ',')"


def _starts_as_text() -> Any:
    return _joined(cast(Appointment.starts_local, String))


def clearances(
    connection: Connection, patient_ids: Collection[int], *, clinic: ClinicSettings, now: datetime
) -> dict[int, Clearance]:
    """Patient's id → their clearance. One SELECT for all of them."""
    zone = clock.zone(clinic.zone)
    ims = ims_days_before(clock.to_local(now, zone)).label("ims_days")
    rows = connection.execute(select(Patient.id, Patient.cleared_for_ims_at, ims).where(Patient.id.in_(patient_ids)))
    return {row.id: clearance_of(row.cleared_for_ims_at, row.ims_days, zone) for row in rows}


def was_cleared_for(connection: Connection, visit: Appointment, *, clinic: ClinicSettings) -> bool:
    """Whether the visit's patient was cleared for IMS on its day, whatever was decided or given since."""
    earlier = (
        select(_starts_as_text())
        .where(Appointment.patient_id == visit.patient_id, Appointment.active, Appointment.id != visit.id)
        .where((Appointment.spacing_group_id == _IMS) | took_place())
        .where(Appointment.starts_local < visit.starts_local)
        .scalar_subquery()
    )
    given_at, ims_days = connection.execute(
        select(Patient.cleared_for_ims_at, earlier).where(Patient.id == visit.patient_id)
    ).one()
    clearance = clearance_of(given_at, ims_days, clock.zone(clinic.zone))
    return was_cleared(clearance, visit.starts_local.date(), months=clinic.clearance_months)


def cleared_today(
    connection: Connection, patient_ids: Collection[int], *, clinic: ClinicSettings, now: datetime
) -> set[int]:
    """Those whose clearance holds today, by id."""
    today = clock.to_local(now, clock.zone(clinic.zone)).date()
    found = clearances(connection, patient_ids, clinic=clinic, now=now)
    return {who for who, clearance in found.items() if is_cleared(clearance, today, months=clinic.clearance_months)}
