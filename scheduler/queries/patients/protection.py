"""May this viewer see this patient? The one place that decides it, as SQL and as what is hidden from somebody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, or_, select

from scheduler.models import (
    Appointment,
    LockBox,
    LockBoxOpening,
    LockBoxPerson,
    Patient,
    PatientMerge,
    PhoneAccount,
    StaffUser,
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody at the desk, or a token (without `staff_user_id`): nobody names a program."""

    staff_user_id: int | None
    role: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """Protected patients whom a viewer may not see: their ids, public ids, visits' public ids, and telephone numbers."""

    patient_ids: frozenset[int] = frozenset()
    patients: frozenset[str] = frozenset()
    visits: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        """Differs between viewers from whom different patients are hidden."""
        return ".".join(map(str, sorted(self.patient_ids)))


@dataclass(frozen=True, slots=True)
class Box:
    id: int
    words: str
    placed_at: datetime
    placed_by: str
    named: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    id: int
    patient: str
    given_name: str
    family_name: str
    who: str
    reason: str
    opened_at: datetime
    ends_at: datetime
    seen_at: datetime | None


NOTHING = Hidden()


def closed_boxes(viewer: Viewer, now: datetime) -> Select[int]:
    """Ids of the lock-boxes that are shut to this viewer, who is no owner."""
    person, opening = LockBoxPerson, LockBoxOpening
    named = exists().where(person.lock_box_id == LockBox.id, person.staff_user_id == viewer.staff_user_id)
    opened = exists().where(
        opening.lock_box_id == LockBox.id, opening.staff_user_id == viewer.staff_user_id, opening.ends_at > now
    )
    return select(LockBox.id).where(LockBox.lifted_at.is_(None), ~named, ~opened)


def hidden_patients(viewer: Viewer, now: datetime) -> Select[int]:
    """Ids of the patients: of a shut box, and records merged with one, whichever way round."""
    shut = select(LockBox.patient_id).where(LockBox.id.in_(closed_boxes(viewer, now)))
    merged = select(PatientMerge.merged_patient_id).where(PatientMerge.kept_patient_id.in_(shut))
    kept = select(PatientMerge.kept_patient_id).where(PatientMerge.merged_patient_id.in_(shut))
    return select(Patient.id).where(or_(Patient.id.in_(shut), Patient.id.in_(merged), Patient.id.in_(kept)))


def hidden_from(connection: Connection, viewer: Viewer, now: datetime) -> Hidden:
    """One SELECT where no record is protected from them, which is nearly always. Owners see everybody."""
    if viewer.role == "owner" or not connection.scalar(closed_boxes(viewer, now).limit(1)):
        return NOTHING
    rows = connection.execute(
        select(Patient.id, Patient.public_id, PhoneAccount.number)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(Patient.id.in_(hidden_patients(viewer, now)))
    ).all()
    ids = frozenset(row.id for row in rows)
    visits = connection.scalars(select(Appointment.public_id).where(Appointment.patient_id.in_(ids)))
    return Hidden(
        patient_ids=ids,
        patients=frozenset(row.public_id for row in rows),
        visits=frozenset(visits),
        numbers=frozenset(row.number for row in rows if row.number),
    )


def may_see(connection: Connection, viewer: Viewer, patient_id: int, now: datetime) -> bool:
    if viewer.role == "owner":
        return True
    return connection.scalar(hidden_patients(viewer, now).where(Patient.id == patient_id)) is None


def box_of(connection: Connection, patient_id: int) -> Box | None:
    """The one that protects the record now, with the names of the people let in."""
    row: Any = connection.execute(
        select(LockBox.id, LockBox.words, LockBox.placed_at, LockBox.placed_by)
        .where(LockBox.patient_id == patient_id, LockBox.lifted_at.is_(None))
        .order_by(LockBox.id.desc())
    ).first()
    if row is None:
        return None
    names = connection.scalars(
        select(StaffUser.display_name)
        .join(LockBoxPerson, LockBoxPerson.staff_user_id == StaffUser.id)
        .where(LockBoxPerson.lock_box_id == row.id)
        .order_by(StaffUser.display_name)
    )
    return Box(row.id, row.words, row.placed_at, row.placed_by, tuple(names))


def who_can_be_named(connection: Connection) -> list[tuple[int, str]]:
    """Id and name of everybody who signs in and is no owner: owners are let in as it is."""
    rows: Iterable[Any] = connection.execute(
        select(StaffUser.id, StaffUser.display_name)
        .where(StaffUser.active, StaffUser.role != "owner")
        .order_by(StaffUser.display_name)
    )
    return [(staff_id, name) for staff_id, name in rows]


def openings(connection: Connection, *, limit: int = 200) -> list[Opening]:
    """In emergencies, the latest first."""
    rows: Any = connection.execute(
        select(
            LockBoxOpening.id,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
            StaffUser.display_name,
            LockBoxOpening.reason,
            LockBoxOpening.opened_at,
            LockBoxOpening.ends_at,
            LockBoxOpening.seen_at,
        )
        .join(Patient, Patient.id == LockBoxOpening.patient_id)
        .join(StaffUser, StaffUser.id == LockBoxOpening.staff_user_id)
        .order_by(LockBoxOpening.id.desc())
        .limit(limit)
    )
    return [Opening(*row) for row in rows]


def is_any_unseen(connection: Connection) -> bool:
    return connection.scalar(select(LockBoxOpening.id).where(LockBoxOpening.seen_at.is_(None)).limit(1)) is not None
