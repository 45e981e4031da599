"""The private link that a reply is answered with: it opens the moving of one visit, for whoever has the telephone."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, insert, select
from sqlalchemy.orm import Session

from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import NotFound
from scheduler.models import Appointment, MoveLink, Patient, PhoneAccount
from scheduler.models.appointment import AppointmentHistory
from scheduler.models.wrong_number import is_marked
from scheduler.queries.appointments import WHOLE

LINK_LIFE = timedelta(hours=48)
SHORTEST_LINK = timedelta(minutes=1)
"""One that works for less is over before it is opened."""
PRESSED_TWICE_WITHIN = timedelta(minutes=1)


def make_link(
    session: Session, appointment: Appointment, *, account_id: int, clinic: ClinicSettings, now: datetime
) -> tuple[str, datetime]:
    """The address, told this number once, and when it stops to work: before patients may no longer change the visit
    themselves.

    In the caller's transaction, which commits.
    """
    until = min(now + LINK_LIFE, clinic.changeable_until(appointment.starts_at))
    address = link_until(
        session.connection(),
        appointment.id,
        appointment.schedule_version,
        account_id=account_id,
        clinic=clinic,
        now=now,
        until=until,
    )
    return address, until


def link_until(
    connection: Connection,
    appointment_id: int,
    schedule_version: int,
    *,
    account_id: int,
    clinic: ClinicSettings,
    now: datetime,
    until: datetime,
) -> str:
    """The address, that works until then, while the visit stands at this version and the number is its patient's."""
    token = secrets.token_urlsafe(16)
    connection.execute(
        insert(MoveLink).values(
            token_hash=_hash(token),
            appointment_id=appointment_id,
            schedule_version=schedule_version,
            phone_account_id=account_id,
            created_at=now,
            expires_at=until,
        )
    )
    return f"{clinic.public_url}/m/{token}"


def visit_behind(session: Session, token: str, *, now: datetime) -> Appointment:
    """NotFound once the link was used, the visit changed otherwise, the link is too old, its telephone is not the
    patient's any more or the patient restricted: all look alike."""
    visit = session.scalar(
        select(Appointment)
        .options(*WHOLE)
        .join(MoveLink, MoveLink.appointment_id == Appointment.id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(PhoneAccount, _is_still_theirs())
        .where(
            MoveLink.token_hash == _hash(token),
            MoveLink.expires_at > now,
            MoveLink.schedule_version == Appointment.schedule_version,
            Appointment.status.in_(("booked", "confirmed")),
            Patient.restricted_at.is_(None),
        )
    )
    if visit is None:
        raise NotFound("move link")
    return visit


def language_behind(session: Session, token: str) -> str | None:
    """Of the patient whom this link was texted to, whether it works or not; None for none of our links."""
    return session.scalar(
        select(Patient.language)
        .join(Appointment, Appointment.patient_id == Patient.id)
        .join(MoveLink, MoveLink.appointment_id == Appointment.id)
        .where(MoveLink.token_hash == _hash(token))
    )


def was_moved_by(session: Session, token: str, starts_local: datetime, *, now: datetime) -> bool:
    """Whether the visit of this link, used up, has just been moved by its patient to where the holder wants it: a button
    pressed twice. Where the desk, or anybody later, has moved it is not to be found out by guessing."""
    found = session.scalar(
        select(Appointment.id)
        .join(MoveLink, MoveLink.appointment_id == Appointment.id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(PhoneAccount, _is_still_theirs())
        .join(
            AppointmentHistory,
            and_(
                AppointmentHistory.appointment_id == Appointment.id,
                AppointmentHistory.version == Appointment.schedule_version,
            ),
        )
        .where(
            MoveLink.token_hash == _hash(token),
            MoveLink.expires_at > now,
            Appointment.starts_local == starts_local,
            AppointmentHistory.changed_at > now - PRESSED_TWICE_WITHIN,
            AppointmentHistory.changed_by.startswith("patient:"),
            Appointment.status.in_(("booked", "confirmed")),
        )
    )
    return found is not None


def _is_still_theirs() -> ColumnElement[bool]:
    """The number that the link was texted to is the patient's, and nobody has said otherwise: a telephone changes hands."""
    return and_(
        PhoneAccount.id == MoveLink.phone_account_id,
        PhoneAccount.id == Patient.phone_account_id,
        PhoneAccount.unreachable_at.is_(None),
        ~is_marked(),
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
