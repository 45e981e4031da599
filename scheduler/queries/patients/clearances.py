"""Clearance for IMS as it is recorded: when it was given, and the last IMS since."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, ScalarSelect, func, select

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.clearance import Clearance, is_cleared, was_cleared
from scheduler.models import Appointment, Patient, SpacingGroup
from scheduler.queries.visits.ims_given import took_place

_IMS = select(SpacingGroup.id).where(SpacingGroup.needling).scalar_subquery()


def last_ims_before(now_local: Any) -> ScalarSelect[datetime]:
    """Of the Patient of the statement around it: the start of the last IMS that counts, here or elsewhere. One that has
    begun and that nobody has marked took place."""
    return (
        select(func.max(Appointment.starts_local))
        .where(Appointment.patient_id == Patient.id, Appointment.active, Appointment.spacing_group_id == _IMS)
        .where(Appointment.starts_local <= now_local)
        .correlate(Patient)
        .scalar_subquery()
    )


def clearance_of(given_at: datetime | None, last_ims: datetime | None, zone: ZoneInfo) -> Clearance:
    given = clock.to_local(given_at, zone).date() if given_at else None
    return Clearance(given, last_ims.date() if last_ims else None)


def clearances(
    connection: Connection, patient_ids: Collection[int], *, clinic: ClinicSettings, now: datetime
) -> dict[int, Clearance]:
    """Patient's id → their clearance. One SELECT for all of them."""
    zone = clock.zone(clinic.zone)
    last = last_ims_before(clock.to_local(now, zone)).label("last_ims")
    rows = connection.execute(select(Patient.id, Patient.cleared_for_ims_at, last).where(Patient.id.in_(patient_ids)))
    return {row.id: clearance_of(row.cleared_for_ims_at, row.last_ims, zone) for row in rows}


def was_cleared_for(connection: Connection, visit: Appointment, *, clinic: ClinicSettings) -> bool:
    """Whether the visit's patient was cleared for IMS on its day, whatever was decided or given since."""
    earlier = (
        select(func.max(Appointment.starts_local))
        .where(Appointment.patient_id == visit.patient_id, Appointment.active, Appointment.id != visit.id)
        .where((Appointment.spacing_group_id == _IMS) | took_place())
        .where(Appointment.starts_local < visit.starts_local)
        .scalar_subquery()
    )
    given_at, last = connection.execute(
        select(Patient.cleared_for_ims_at, earlier).where(Patient.id == visit.patient_id)
    ).one()
    clearance = clearance_of(given_at, last, clock.zone(clinic.zone))
    return was_cleared(clearance, visit.starts_local.date(), months=clinic.clearance_months)


def cleared_today(
    connection: Connection, patient_ids: Collection[int], *, clinic: ClinicSettings, now: datetime
) -> set[int]:
    """Those whose clearance holds today, by id."""
    today = clock.to_local(now, clock.zone(clinic.zone)).date()
    found = clearances(connection, patient_ids, clinic=clinic, now=now)
    return {who for who, clearance in found.items() if is_cleared(clearance, today, months=clinic.clearance_months)}
