"""The private link in every text about a visit: it opens that one visit, for whoever has the telephone.

It ends with the visit (begun, cancelled), with a move (the text about the new time has a link of its own), when the
number changes, is unreachable or is marked wrong, when the record is merged into another, and when the patient is
restricted. STOP does not end it: it ends texts, not the visit, and whoever wants no texts may still want to move it.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, insert, select
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import NotFound
from scheduler.models import Appointment, Patient, PhoneAccount, VisitLink
from scheduler.models.texts.wrong_number import is_marked
from scheduler.models.visits.appointment import AppointmentHistory
from scheduler.queries.visits.appointments import WHOLE
from scheduler.queries.visits.private_visits import born_by, is_kept_off
from scheduler.usecases.rate_limit import NetworkKey, require_network_allowed, require_not_used_up
from scheduler.usecases.transaction import begin_write, retry_deadlocks

TOKEN_LETTERS = 17
"""Of 62 each: 101 bits. Letters of a text cost money; more would make no guess less likely to matter. None is a mark, which
a telephone may take for the end of the sentence and leave out of the address."""
_ALPHABET = string.ascii_letters + string.digits
TEXTED_LINK = re.compile(r"/m/[A-Za-z0-9_-]{16,}")
LINK_LIFE = timedelta(hours=48)
"""Of the one that a reply of M asks for: it is wanted now."""
SHORTEST_LINK = timedelta(minutes=1)
"""One that works for less is over before it is opened."""
PRESSED_TWICE_WITHIN = timedelta(minutes=1)
MADE_UP_LINKS, WINDOW = 30, timedelta(hours=1)
"""So many addresses that never were a link of ours may one visitor try; ours, working or over, are not counted."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """Drawn, and of no use until its row is written (`add_links`), in the transaction that writes its text."""

    address: str
    row: dict[str, object]


def draw_link(
    *,
    appointment_id: int,
    schedule_version: int,
    patient_id: int,
    account_id: int,
    clinic: ClinicSettings,
    now: datetime,
    until: datetime,
) -> NewLink:
    """It works until then, while the visit stands at this version and the number is its patient's."""
    token = "".join(secrets.choice(_ALPHABET) for _letter in range(TOKEN_LETTERS))
    row: dict[str, object] = {
        "token_hash": _hash(token),
        "appointment_id": appointment_id,
        "schedule_version": schedule_version,
        "patient_id": patient_id,
        "phone_account_id": account_id,
        "created_at": now,
        "expires_at": until,
    }
    return NewLink(f"{clinic.public_url}/m/{token}", row)


def add_links(connection: Connection, links: Iterable[NewLink]) -> None:
    """In the caller's transaction, which commits."""
    rows = [link.row for link in links]
    if rows:
        connection.execute(insert(VisitLink), rows)


def make_link(
    session: Session, appointment: Appointment, *, account_id: int, clinic: ClinicSettings, now: datetime
) -> tuple[str, datetime]:
    """The address that answers M, told this number once, and when it stops to work: before patients may no longer change
    the visit themselves.

    In the caller's transaction, which commits.
    """
    until = min(now + LINK_LIFE, clinic.changeable_until(appointment.starts_at))
    assert appointment.patient_id is not None  # noqa: S101 - no text goes out about a hold
    link = draw_link(
        appointment_id=appointment.id,
        schedule_version=appointment.schedule_version,
        patient_id=appointment.patient_id,
        account_id=account_id,
        clinic=clinic,
        now=now,
        until=until,
    )
    add_links(session.connection(), [link])
    return link.address, until


def visit_behind(session: Session, token: str, *, now: datetime) -> Appointment:
    """NotFound once the link is over, for whichever reason: all look alike."""
    visit = session.scalar(
        select(Appointment)
        .options(*WHOLE)
        .join(VisitLink, VisitLink.appointment_id == Appointment.id)
        .join(Patient, _is_still_of())
        .join(PhoneAccount, _is_still_theirs())
        .where(
            VisitLink.token_hash == _hash(token),
            VisitLink.expires_at > now,
            VisitLink.schedule_version == Appointment.schedule_version,
            Appointment.status.in_(("booked", "confirmed")),
            Appointment.starts_at > now,
            Patient.restricted_at.is_(None),
            ~is_kept_off(born_by(now)),
        )
    )
    if visit is None:
        raise NotFound("visit link")
    return visit


def language_behind(session: Session, token: str) -> str | None:
    """Of the patient whom this link was texted to, whether it works or not; None for none of our links."""
    return session.scalar(
        select(Patient.language)
        .join(VisitLink, VisitLink.patient_id == Patient.id)
        .where(VisitLink.token_hash == _hash(token))
    )


def require_may_look(session: Session, *, keys: Sequence[NetworkKey], now: datetime) -> None:
    """TooManyTries for a network that has made up too many links, whatever it asks for now. Writes nothing."""
    require_not_used_up(session, keys=keys, limit=MADE_UP_LINKS, now=now)


@retry_deadlocks
def count_made_up(session: Session, *, keys: Sequence[NetworkKey], now: datetime) -> None:
    """What somebody asked for was never a link of ours."""
    begin_write(session)
    try:
        require_network_allowed(session, keys=keys, limit=MADE_UP_LINKS, window=WINDOW, now=now)
    finally:
        session.commit()


def was_moved_by(session: Session, token: str, starts_local: datetime, *, now: datetime) -> bool:
    """Whether the visit of this link, used up, has just been moved by its patient to where the holder wants it: a button
    pressed twice. Where the desk, or anybody later, has moved it is not to be found out by guessing."""
    return _has_just_become(
        session,
        token,
        now,
        AppointmentHistory.version == Appointment.schedule_version,
        Appointment.starts_local == starts_local,
        Appointment.status.in_(("booked", "confirmed")),
    )


def was_cancelled_by(session: Session, token: str, *, now: datetime) -> bool:
    """The same of one that was just cancelled."""
    return _has_just_become(
        session,
        token,
        now,
        AppointmentHistory.version == Appointment.version,
        AppointmentHistory.to_status == "cancelled",
        Appointment.status == "cancelled",
    )


def _has_just_become(session: Session, token: str, now: datetime, *so: ColumnElement[bool]) -> bool:
    found = session.scalar(
        select(Appointment.id)
        .join(VisitLink, VisitLink.appointment_id == Appointment.id)
        .join(Patient, _is_still_of())
        .join(PhoneAccount, _is_still_theirs())
        .join(AppointmentHistory, AppointmentHistory.appointment_id == Appointment.id)
        .where(
            VisitLink.token_hash == _hash(token),
            VisitLink.expires_at > now,
            AppointmentHistory.changed_at > now - PRESSED_TWICE_WITHIN,
            AppointmentHistory.changed_by.startswith("patient:"),
            *so,
        )
        .limit(1)
    )
    return found is not None


def _is_still_of() -> ColumnElement[bool]:
    """A merge gives the visit to another record."""
    return and_(Patient.id == Appointment.patient_id, Patient.id == VisitLink.patient_id)


def _is_still_theirs() -> ColumnElement[bool]:
    """The number that the link was texted to is the patient's, and nobody has said otherwise: a telephone changes hands."""
    return and_(
        PhoneAccount.id == VisitLink.phone_account_id,
        PhoneAccount.id == Patient.phone_account_id,
        PhoneAccount.unreachable_at.is_(None),
        ~is_marked(),
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
