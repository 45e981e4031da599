"""Whether IMS was given: what is still to be answered, what is flagged, and which booked visits must move for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true
from sqlalchemy.orm import aliased

from scheduler.models import Appointment, AppointmentHistory, ImsAnswer, Patient, Practitioner, SpacingGroup, Treatment
from scheduler.queries.visits.private_visits import is_private

SHOWN_FOR = timedelta(days=28)
MOST = 200


@dataclass(frozen=True, slots=True)
class GivenVisit:
    """A completed visit; `before_local`: when IMS was given the last time before it."""

    public_id: str
    version: int
    starts_local: datetime
    patient: str
    practitioner: str | None
    treatment_en: str
    treatment_fr: str
    counts_from_local: datetime
    concerns: str
    before_local: datetime | None

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en

    def days_after(self, min_days: int) -> int | None:
        if self.before_local is None or self.counts_from_local - self.before_local >= timedelta(days=min_days):
            return None
        return (self.counts_from_local.date() - self.before_local.date()).days


def took_place(visit: Any = Appointment) -> ColumnElement[bool]:
    """IMS was given at this visit, here or elsewhere; an IMS visit of which nobody said otherwise is taken as one."""
    is_ims = visit.treatment_id.in_(select(Treatment.id).where(Treatment.needling))
    return and_(visit.status == "completed", or_(visit.ims_given.is_(True), and_(visit.ims_given.is_(None), is_ims)))


def last_answer(connection: Connection, appointment_id: int) -> tuple[str, datetime] | None:
    """Who said last whether IMS was given, and when; none when nobody has, or before answers were kept."""
    line = AppointmentHistory
    found = connection.execute(
        select(line.changed_by, line.changed_at)
        .join(ImsAnswer, and_(ImsAnswer.appointment_id == line.appointment_id, ImsAnswer.version == line.version))
        .where(line.appointment_id == appointment_id, ImsAnswer.given.is_not(None))
        .order_by(ImsAnswer.id.desc())
        .limit(1)
    ).first()
    return (found.changed_by, found.changed_at) if found is not None else None


def given_before(connection: Connection, visit: Appointment) -> datetime | None:
    """When IMS was given to this patient the last time before this visit."""
    found: datetime | None = connection.scalar(
        select(func.max(Appointment.counts_from_local)).where(
            Appointment.patient_id == visit.patient_id,
            Appointment.counts_from_local < visit.counts_from_local,
            took_place(),
        )
    )
    return found


def still_open(connection: Connection, practitioner_id: int | None) -> list[GivenVisit]:
    """Completed visits of this practitioner, or of all, whose answer is to come; the oldest first."""
    wanted = _visits().where(Appointment.ims_open).order_by(Appointment.starts_at).limit(MOST)
    return _of(connection, wanted, practitioner_id)


def odd(connection: Connection, practitioner_id: int | None, now: datetime, min_days: int) -> list[GivenVisit]:
    """Given too soon after the last time, to somebody not cleared, or by somebody who may not needle; the newest first."""
    since = now - SHOWN_FOR
    wanted = _visits().where(Appointment.ims_given.is_(True), Appointment.origin != "elsewhere")
    wanted = wanted.where(Appointment.starts_at > since).order_by(Appointment.starts_at.desc())
    found = _of(connection, wanted, practitioner_id)
    return [visit for visit in found if visit.concerns or visit.days_after(min_days) is not None][:MOST]


def _of(connection: Connection, wanted: Any, practitioner_id: int | None) -> list[GivenVisit]:
    if practitioner_id is not None:
        wanted = wanted.where(Appointment.practitioner_id == practitioner_id)
    return [GivenVisit(*row) for row in connection.execute(wanted)]


def _visits() -> Any:
    earlier = aliased(Appointment)
    before = (
        select(func.max(earlier.counts_from_local))
        .where(earlier.patient_id == Appointment.patient_id, took_place(earlier))
        .where(earlier.counts_from_local < Appointment.counts_from_local)
        .correlate(Appointment)
        .scalar_subquery()
    )
    return (
        select(
            Appointment.public_id,
            Appointment.version,
            Appointment.starts_local,
            (Patient.family_name + ", " + Patient.given_name),
            (Practitioner.given_name + " " + Practitioner.family_name),
            Treatment.name_en,
            Treatment.name_fr,
            Appointment.counts_from_local,
            Appointment.ims_concerns,
            before,
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .outerjoin(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .where(Appointment.status == "completed")
    )


def too_near_to_come(connection: Connection, now: datetime) -> dict[int, datetime]:
    """Id of each booked visit to come that must move, because IMS was given too near before it → when it was given."""
    return _too_near(connection, now.replace(tzinfo=None), Appointment.starts_at > now)


def too_near_of(connection: Connection, visits: Collection[int], first_local: datetime) -> dict[int, datetime]:
    """The same of these visits, by id, of which the first is at `first_local`."""
    return _too_near(connection, first_local, Appointment.id.in_(visits)) if visits else {}


def _too_near(connection: Connection, first_local: datetime, which: ColumnElement[bool]) -> dict[int, datetime]:
    days = connection.scalar(select(func.max(SpacingGroup.min_days)).where(SpacingGroup.needling)) or 0
    given, since = aliased(Appointment), first_local - timedelta(days=days + 1)
    rows = connection.execute(
        select(Appointment.id, Appointment.counts_from_local, SpacingGroup.min_days, given.counts_from_local)
        .join(given, given.patient_id == Appointment.patient_id)
        .join(SpacingGroup, SpacingGroup.id == Appointment.spacing_group_id)
        .where(given.active, given.starts_local > since, took_place(given))
        .where(SpacingGroup.needling, Appointment.active, Appointment.status.in_(("booked", "confirmed")))
        .where(which, given.starts_local < Appointment.starts_local)
        .order_by(given.counts_from_local)
    )
    return {key: before for key, moment, gap, before in rows if abs(moment - before) < timedelta(days=gap)}


def open_near(
    connection: Connection, patient_id: int, starts_local: datetime, min_days: int, *, to_a_patient: bool = False
) -> list[GivenVisit]:
    """Completed visits so near that IMS could not follow if it was given there, which nobody has said yet. Shown
    `to_a_patient`, who may be a parent: without those that are kept from one."""
    gap = timedelta(days=min_days)
    near = and_(
        Appointment.patient_id == patient_id,
        Appointment.ims_open,
        Appointment.counts_from_local > starts_local - gap,
        Appointment.counts_from_local < starts_local + gap,
    )
    shown = _visits().where(near, ~Treatment.needling, ~is_private() if to_a_patient else true())
    return _of(connection, shown.order_by(Appointment.starts_at), None)


def booked_near(connection: Connection, given: Appointment, now: datetime, min_days: int) -> list[str]:
    """Public ids of the patient's booked IMS visits to come that are too near to this one, and must move."""
    gap = timedelta(days=min_days)
    near = connection.scalars(
        select(Appointment.public_id)
        .join(SpacingGroup, and_(SpacingGroup.id == Appointment.spacing_group_id, SpacingGroup.needling))
        .where(Appointment.patient_id == given.patient_id, Appointment.status.in_(("booked", "confirmed")))
        .where(Appointment.starts_at > now, Appointment.id != given.id)
        .where(Appointment.counts_from_local > given.counts_from_local - gap)
        .where(Appointment.counts_from_local < given.counts_from_local + gap)
        .order_by(Appointment.starts_at)
    )
    return list(near)


def unanswered_near(connection: Connection, patient: str, starts_local: datetime, min_days: int) -> list[str]:
    """`open_near` of a patient's public id, and no more of the visits than their public ids."""
    gap = timedelta(days=min_days)
    near = connection.scalars(
        select(Appointment.public_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .where(Patient.public_id == patient, Appointment.ims_open, ~Treatment.needling)
        .where(Appointment.counts_from_local > starts_local - gap, Appointment.counts_from_local < starts_local + gap)
        .order_by(Appointment.starts_at)
    )
    return list(near)


def number_open(connection: Connection, practitioner_id: int | None) -> int:
    """How many completed visits of this practitioner, or of all, wait for an answer."""
    wanted = select(func.count()).select_from(Appointment).where(Appointment.ims_open)
    if practitioner_id is not None:
        wanted = wanted.where(Appointment.practitioner_id == practitioner_id)
    return connection.scalar(wanted) or 0
