"""Appointments, by who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.orm import Session, joinedload

from scheduler.domain.errors import NotFound
from scheduler.models import Appointment, Patient, Practitioner, SpacingGroup, Treatment
from scheduler.queries.patients.known_browsers import Opened

SHOWN = ("booked", "confirmed", "arrived", "completed", "cancelled", "no_show")
WHOLE = (
    joinedload(Appointment.patient),
    joinedload(Appointment.practitioner),
    joinedload(Appointment.treatment),
    joinedload(Appointment.room),
)


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """One appointment with the names that programs use: slugs and public ids. `counts_for`: a spacing group.

    `ims_given`: none while nobody has said.
    """

    id: int
    public_id: str
    patient: str | None
    treatment: str
    practitioner: str | None
    status: str
    starts_local: datetime
    ends_at: datetime
    zone: str
    time_known: bool
    counts_for: str | None
    ims_given: bool | None
    origin: str
    version: int


_ROWS: Any = (
    select(
        Appointment.id,
        Appointment.public_id,
        Patient.public_id,
        Treatment.slug,
        Practitioner.slug,
        Appointment.status,
        Appointment.starts_local,
        Appointment.ends_at,
        Appointment.zone,
        Appointment.time_known,
        SpacingGroup.slug,
        Appointment.ims_given,
        Appointment.origin,
        Appointment.version,
    )
    .join(Treatment, Treatment.id == Appointment.treatment_id)
    .join(Patient, Patient.id == Appointment.patient_id, isouter=True)
    .join(Practitioner, Practitioner.id == Appointment.practitioner_id, isouter=True)
    .join(SpacingGroup, SpacingGroup.id == Appointment.spacing_group_id, isouter=True)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which appointments a list is of; none: any. `from_local` included, `to_local` not.

    With a range, only those that take place (ACTIVE) unless a status is asked for: a day's list is about the day.
    """

    patient_id: int | None = None
    practitioner_id: int | None = None
    status: str | None = None
    from_local: datetime | None = None
    to_local: datetime | None = None


def row(connection: Connection, public_id: str) -> AppointmentRow:
    """NotFound for a slot merely held, too: that is no appointment yet."""
    found = connection.execute(_ROWS.where(Appointment.public_id == public_id, Appointment.status.in_(SHOWN))).first()
    if found is None:
        raise NotFound("appointment")
    return AppointmentRow(*found)


def rows_after(connection: Connection, appointment_id: int, limit: int, asked: Asked) -> list[AppointmentRow]:
    """In the order they were made, from the one after `appointment_id`."""
    wanted = _ROWS.where(Appointment.id > appointment_id, Appointment.status.in_(SHOWN))
    if asked.patient_id is not None:
        wanted = wanted.where(Appointment.patient_id == asked.patient_id)
    if asked.practitioner_id is not None:
        wanted = wanted.where(Appointment.practitioner_id == asked.practitioner_id)
    if asked.status is not None:
        wanted = wanted.where(Appointment.status == asked.status)
    if asked.from_local is not None:
        wanted = wanted.where(Appointment.starts_local >= asked.from_local)
    if asked.to_local is not None:
        wanted = wanted.where(Appointment.starts_local < asked.to_local)
    if asked.status is None and (asked.from_local or asked.to_local):
        wanted = wanted.where(Appointment.active)
    return [AppointmentRow(*found) for found in connection.execute(wanted.order_by(Appointment.id).limit(limit))]


def id_of(connection: Connection, public_id: str) -> int | None:
    found: int | None = connection.scalar(select(Appointment.id).where(Appointment.public_id == public_id))
    return found


def by_public_id(session: Session, public_id: str) -> Appointment:
    """For callers who may see every appointment. NotFound when there is none."""
    return _one(session, select(Appointment).options(*WHOLE).where(Appointment.public_id == public_id))


def opened_one(session: Session, public_id: str, opened: Opened) -> Appointment:
    """NotFound as well when it is not to be seen here."""
    return _one(session, _opened(opened).where(Appointment.public_id == public_id, Appointment.status.in_(SHOWN)))


def locked(session: Session, public_id: str) -> Appointment:
    """The appointment as it is now, its row locked; what comes before it: usecases/booking/locks.py."""
    return _one(
        session,
        select(Appointment)
        .where(Appointment.public_id == public_id)
        .with_for_update(key_share=True, of=Appointment)
        .execution_options(populate_existing=True),
    )


@dataclass(frozen=True, slots=True)
class Parties:
    practitioner_id: int | None
    patient_id: int | None


def parties(connection: Connection, public_id: str) -> Parties:
    """Whose locks come before the appointment's."""
    asked = select(Appointment.practitioner_id, Appointment.patient_id).where(Appointment.public_id == public_id)
    found = connection.execute(asked).one_or_none()
    if found is None:
        raise NotFound("appointment")
    return Parties(*found)


def holds_of(session: Session, held_for: str) -> Sequence[Appointment]:
    """What this visitor keeps at the moment, run out or not."""
    return session.scalars(
        select(Appointment)
        .where(Appointment.status == "held", Appointment.held_for == held_for)
        .order_by(Appointment.practitioner_id)
    ).all()


def coming(session: Session, opened: Opened, now: datetime) -> Sequence[Appointment]:
    """Of all patients who are open here, the soonest first."""
    return session.scalars(
        _opened(opened)
        .where(Appointment.ends_at > now, Appointment.status.in_(("booked", "confirmed", "arrived")))
        .order_by(Appointment.starts_at)
    ).all()


def past(session: Session, opened: Opened, now: datetime, limit: int = 20) -> Sequence[Appointment]:
    """Visits that are over, and cancelled ones, the latest first; IMS received elsewhere is not listed."""
    return session.scalars(
        _opened(opened)
        .where(
            (Appointment.ends_at <= now) | Appointment.status.in_(("completed", "cancelled", "no_show")),
            Appointment.status.in_(SHOWN),
            Appointment.origin != "elsewhere",
        )
        .order_by(Appointment.starts_at.desc())
        .limit(limit)
    ).all()


def _opened(opened: Opened) -> Select[Appointment]:
    return select(Appointment).options(*WHOLE).where(opened.shows())


def _one(session: Session, statement: Select[Appointment]) -> Appointment:
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("appointment")
    return found
