"""A patient's own visits, as far as they bear on a new one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Integer, String, and_, bindparam, cast, func, or_, select
from sqlalchemy.orm import aliased

from scheduler import clock
from scheduler.domain.booking.refusals import PatientBusy
from scheduler.domain.booking.treatment_spacing import CountingVisit
from scheduler.domain.errors import NotFound
from scheduler.domain.patients.clearance import Clearance
from scheduler.domain.timeslot import TimeSlot
from scheduler.models import Appointment, Patient
from scheduler.queries.driver_statements import Plain, Plainly, text_of
from scheduler.queries.patients.clearances import clearance_of, ims_days_before
from scheduler.queries.visits.private_visits import is_private


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """`visits` occupy the patient's time, of which `private` are not shown to a parent; `counting` are those of the
    treatment's spacing group."""

    patient_id: int
    clearance: Clearance
    visits: tuple[TimeSlot, ...]
    counting: tuple[CountingVisit, ...]
    restricted: bool = False
    private: tuple[TimeSlot, ...] = ()

    def require_free(self, visit: TimeSlot) -> None:
        """Refuses with PatientBusy."""
        in_the_way = [other for other in self.visits if visit.overlaps(other)]
        if in_the_way:
            raise PatientBusy(is_private=all(other in self.private for other in in_the_way))


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


_IN_REACH = [
    column.between(bindparam("from_local"), bindparam("to_local"))
    for column in (Appointment.starts_local, Appointment.counts_from_local)
]
_ALIKE = aliased(Patient)
_BY_PUBLIC_ID = select(_ALIKE.id).where(_ALIKE.public_id == bindparam("public_id")).scalar_subquery()
_FACTS = (
    select(
        Patient.id,
        Patient.cleared_for_ims_at.cast(String),
        ims_days_before(bindparam("now_local")),
        Patient.restricted_at.is_not(None),
        Appointment.id,
        Appointment.origin,
        Appointment.starts_local.cast(String),
        Appointment.minutes,
        Appointment.spacing_group_id,
        Appointment.counts_from_local.cast(String),
        Appointment.time_known,
        Appointment.ims_given,
        is_private(),
    )
    .select_from(Patient)
    .join(Appointment, and_(Appointment.patient_id == Patient.id, Appointment.active, or_(*_IN_REACH)), isouter=True)
    .where(Patient.id == func.coalesce(cast(bindparam("patient_id"), Integer), _BY_PUBLIC_ID))
)
_READ = Plain(_FACTS)


def facts_of(
    connection: Plainly,
    patient: int | str,
    *,
    spacing_group_id: int | None,
    min_days: int | None,
    first_day: date,
    last_day: date,
    now: datetime,
    zone: ZoneInfo,
    needling: bool = False,
    leaving_out: int | None = None,
) -> PatientFacts:
    """One SELECT: what could forbid this patient a start from `first_day` to `last_day` (both included).

    `patient`: id or public id. NotFound when there is none. `needling`: IMS that was given forbids its days also while
    another visit, which must move, counts instead.
    """
    reach = timedelta(days=max(min_days or 0, 1))
    asked = {
        "patient_id": patient if isinstance(patient, int) else None,
        "public_id": patient if isinstance(patient, str) else None,
        "now_local": text_of(clock.to_local(now, zone)),
        "from_local": text_of(datetime.combine(first_day, time.min) - reach),
        "to_local": text_of(datetime.combine(last_day, time.min) + timedelta(days=1) + reach),
    }
    rows = _READ.all(connection, **asked)
    if not rows:
        raise NotFound("patient")
    visits, counting, private = [], [], []
    for *_patient, appointment_id, origin, starts, minutes, group_id, counts_from, time_known, given, hidden in rows:
        if appointment_id is None or appointment_id == leaving_out:
            continue
        elsewhere = origin == "elsewhere"
        if not elsewhere:
            starts_local = datetime.fromisoformat(starts)
            visits.append(TimeSlot(starts_local, starts_local + timedelta(minutes=minutes)))
            private += visits[-1:] if hidden else []
        if spacing_group_id is not None and (group_id == spacing_group_id or (needling and given)):
            moment = datetime.fromisoformat(counts_from)
            counting.append(CountingVisit(moment, elsewhere, bool(time_known), bool(hidden)))
    patient_id, cleared_at, ims_days, restricted = rows[0][:4]
    given_at = datetime.fromisoformat(cleared_at[:16]).replace(tzinfo=UTC) if cleared_at else None
    clearance = clearance_of(given_at, ims_days, zone)
    return PatientFacts(patient_id, clearance, tuple(visits), tuple(counting), bool(restricted), tuple(private))
