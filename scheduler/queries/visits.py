"""A patient's own visits, as far as they bear on a new one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from scheduler.domain.errors import NotFound
from scheduler.domain.timeslot import TimeSlot
from scheduler.domain.treatment_spacing import CountingVisit
from scheduler.models import Appointment, Patient


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """`visits` occupy the patient's time; `counting` are those of the treatment's spacing group."""

    patient_id: int
    cleared: bool
    visits: tuple[TimeSlot, ...]
    counting: tuple[CountingVisit, ...]


class Counting(NamedTuple):
    patient_id: int
    spacing_group_id: int
    counts_from_local: datetime


def counting_of(connection: Connection, patient_ids: Sequence[int], since_local: datetime) -> dict[int, list[Counting]]:
    """Patient's id → the visits that count, from `since_local` on. One SELECT for all of them."""
    rows: Any = connection.execute(
        select(Appointment.patient_id, Appointment.spacing_group_id, Appointment.counts_from_local)
        .where(Appointment.patient_id.in_(patient_ids), Appointment.active)
        .where(Appointment.spacing_group_id.is_not(None), Appointment.counts_from_local > since_local)
    )
    found: dict[int, list[Counting]] = {}
    for row in rows:
        found.setdefault(row.patient_id, []).append(Counting(*row))
    return found


def facts_of(
    connection: Connection,
    patient_id: int,
    *,
    spacing_group_id: int | None,
    min_days: int | None,
    first_day: date,
    last_day: date,
    leaving_out: int | None = None,
) -> PatientFacts:
    """One SELECT: what could forbid this patient a start from `first_day` to `last_day` (both included)."""
    from_local = datetime.combine(first_day, time.min) - timedelta(days=max(min_days or 0, 1))
    to_local = datetime.combine(last_day, time.min) + timedelta(days=1 + max(min_days or 0, 1))
    rows = connection.execute(
        select(
            Patient.cleared_for_ims_at,
            Appointment.id,
            Appointment.origin,
            Appointment.starts_local,
            Appointment.minutes,
            Appointment.spacing_group_id,
            Appointment.counts_from_local,
            Appointment.time_known,
        )
        .select_from(Patient)
        .join(
            Appointment,
            and_(
                Appointment.patient_id == Patient.id,
                Appointment.active,
                or_(
                    Appointment.starts_local.between(from_local, to_local),
                    Appointment.counts_from_local.between(from_local, to_local),
                ),
            ),
            isouter=True,
        )
        .where(Patient.id == patient_id)
    ).all()
    if not rows:
        raise NotFound("patient")
    taken = [row for row in rows if row.id is not None and row.id != leaving_out]
    return PatientFacts(
        patient_id=patient_id,
        cleared=rows[0].cleared_for_ims_at is not None,
        visits=tuple(
            TimeSlot(row.starts_local, row.starts_local + timedelta(minutes=row.minutes))
            for row in taken
            if row.origin != "elsewhere"
        ),
        counting=tuple(
            CountingVisit(row.counts_from_local, elsewhere=row.origin == "elsewhere", time_known=row.time_known)
            for row in taken
            if spacing_group_id is not None and row.spacing_group_id == spacing_group_id
        ),
    )
