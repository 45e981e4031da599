"""Spacing groups, as the owner changes them: how many days, and which treatments.

Visits carry the days they were booked under. A change of the days is written into every visit that keeps them; one that the
next visit of its patient follows sooner stays as it was booked, and is shown to the owner (`too_near`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.treatment_spacing import IMS_GROUP, IMS_MIN_DAYS, require_min_days
from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.domain.errors import Invalid
from scheduler.models import Appointment, Patient, SpacingGroup, Treatment
from scheduler.usecases.booking.locks import lock_before_visits
from scheduler.usecases.clinic.row_fields import (
    MOST_LISTED,
    OPEN,
    Typed,
    free_slug,
    read_number,
    read_text,
    require_none_booked,
)

WHY = "spacing days"
LONGEST = 365


@dataclass(frozen=True, slots=True)
class TooNear:
    """An upcoming visit, and the one before it of the same patient, nearer than the group's days."""

    before_local: datetime
    starts_local: datetime
    patient_id: str
    patient: str


def shown(session: Session, row: SpacingGroup) -> dict[str, str]:
    return {"name": row.name, "min_days": str(row.min_days), "treatments": ",".join(map(str, _members(session, row)))}


def apply(session: Session, row: SpacingGroup, typed: Typed, actor: Actor, now: datetime) -> None:
    name, days, chosen = _read(session, row, typed)
    row.name = name
    if row.id is None:
        row.slug, row.min_days, row.needling = free_slug(session, SpacingGroup, name), days, False
        session.add(row)
        session.flush()
    elif days != row.min_days:
        longest, row.min_days = max(row.min_days, days), days
        session.flush()
        _restamp(session.connection(), row, since=_wall(now) - timedelta(days=longest + 1), actor=actor, now=now)
    for treatment in session.scalars(select(Treatment).where(Treatment.spacing_group_id == row.id)).all():
        if treatment not in chosen:
            put_into(session, treatment, None, field="treatments")
    for treatment in chosen:
        put_into(session, treatment, row, field="treatments")


def _read(session: Session, row: SpacingGroup, typed: Typed) -> tuple[str, int, list[Treatment]]:
    errors: dict[str, str] = {}
    name = read_text(typed, "name", 80, errors, "Give a name of 1 to 80 characters.")
    days = read_number(typed, "min_days", 0, LONGEST, errors, "Type a number of days from 0 to 365.")
    if "min_days" not in errors:
        try:
            require_min_days(IMS_GROUP if row.needling else "", days)
        except Invalid as too_few:
            errors |= too_few.errors
    alike = select(SpacingGroup.id).where(SpacingGroup.name == name, SpacingGroup.id != (row.id or 0))
    if name and session.scalar(alike):
        errors["name"] = "There is a spacing group of this name already."
    if errors:
        raise Invalid(errors)
    wanted = set(typed["treatments"].split(","))
    return name, days, [each for each in session.scalars(select(Treatment)) if str(each.id) in wanted]


def put_into(session: Session, treatment: Treatment, group: SpacingGroup | None, *, field: str) -> None:
    """Refuses with Invalid for IMS, which stays where it is, and with StillBooked: visits count for what they were booked as."""
    if treatment.spacing_group_id == (group.id if group else None):
        return
    if treatment.kind == TreatmentKind.IMS:
        raise Invalid({field: "An IMS treatment stays in its group."})
    if group is not None and group.needling:
        raise Invalid({field: "Only treatments of the kind IMS are in this group."})
    if treatment.id is not None:
        require_none_booked(session, Appointment.treatment_id == treatment.id)
    treatment.spacing_group_id = group.id if group else None


def ims_group(session: Session) -> SpacingGroup:
    """The group of needling, made when there is none yet."""
    group = session.scalar(select(SpacingGroup).where(SpacingGroup.needling).order_by(SpacingGroup.id).limit(1))
    if group is None:
        group = SpacingGroup(slug=IMS_GROUP, name="IMS", min_days=IMS_MIN_DAYS, needling=True)
        session.add(group)
        session.flush()
    return group


def too_near(connection: Connection, group: SpacingGroup, *, now: datetime) -> list[TooNear]:
    """Upcoming visits that stay as they were booked, by time; the first fifty."""
    gap = timedelta(days=group.min_days)
    found = [
        TooNear(
            before.counts_from_local,
            after.starts_local,
            after.patient_public_id,
            f"{after.given_name} {after.family_name}",
        )
        for before, after in pairwise(_counting(connection, group, since=_wall(now) - gap - timedelta(days=1)))
        if before.patient_id == after.patient_id
        and after.counts_from_local - before.counts_from_local < gap
        and after.status in OPEN
        and after.starts_at >= now
    ]
    return sorted(found, key=lambda visit: visit.starts_local)[:MOST_LISTED]


def _restamp(connection: Connection, group: SpacingGroup, *, since: datetime, actor: Actor, now: datetime) -> None:
    gap = timedelta(days=group.min_days)
    ids = [
        visit.id
        for visit, after in _with_next(_counting(connection, group, since=since))
        if visit.spacing_days != group.min_days
        and (after is None or after.counts_from_local - visit.counts_from_local >= gap)
    ]
    lock_before_visits(connection, ids)
    for first in range(0, len(ids), 500):
        connection.execute(
            update(Appointment)
            .where(Appointment.id.in_(ids[first : first + 500]))
            .values(
                spacing_days=group.min_days,
                version=Appointment.version + 1,
                changed_at=now,
                changed_by=str(actor),
                changed_why=WHY,
            )
        )


def _counting(connection: Connection, group: SpacingGroup, *, since: datetime) -> Sequence[Any]:
    """By patient and time."""
    return connection.execute(
        select(
            Appointment.id,
            Appointment.patient_id,
            Appointment.status,
            Appointment.starts_at,
            Appointment.starts_local,
            Appointment.counts_from_local,
            Appointment.spacing_days,
            Patient.public_id.label("patient_public_id"),
            Patient.given_name,
            Patient.family_name,
        )
        .outerjoin(Patient, Patient.id == Appointment.patient_id)
        .where(
            Appointment.active,
            Appointment.spacing_group_id == group.id,
            Appointment.counts_from_local >= since,
        )
        .order_by(Appointment.patient_id, Appointment.counts_from_local)
    ).all()


def _with_next(visits: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each with its patient's next one. A hold has no patient yet."""
    for visit, after in zip(visits, [*visits, None][1:], strict=True):
        same = after is not None and visit.patient_id is not None and after.patient_id == visit.patient_id
        yield visit, after if same else None


def _members(session: Session, row: SpacingGroup) -> list[int]:
    return list(
        session.scalars(select(Treatment.id).where(Treatment.spacing_group_id == row.id).order_by(Treatment.id))
    )


def _wall(now: datetime) -> datetime:
    """Near enough to the clinic's: half a day at most, and `since` leaves a day more."""
    return now.replace(tzinfo=None)
