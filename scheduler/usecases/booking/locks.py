"""Locks of rows, on PostgreSQL, always taken in one order; SQLite has its one write transaction.

The order: practitioners by id, patient, visit, room. Triggers write to the practitioner and the patient of every visit
that changes, and a change of one visit may make another of that patient count again or no longer. So whoever changes a
visit holds, from the start, every practitioner whom its patient is with. Who these are is read before the locks and
looked at again after them: LookedTooEarly has the use case begin anew (transaction.py).
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from scheduler.models import Appointment, Patient, Practitioner, Room
from scheduler.usecases.moving_in.staging import batches
from scheduler.usecases.transaction import LookedTooEarly

BATCH = 500

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LOCK_PRACTITIONERS = (
    select(Practitioner.id).where(Practitioner.id.in_(_IDS)).order_by(Practitioner.id).with_for_update(key_share=True)
)
_LOCK_PATIENTS = select(Patient.id).where(Patient.id.in_(_IDS)).order_by(Patient.id).with_for_update(key_share=True)
_LOCK_ROOMS = select(Room.id).where(Room.id.in_(_IDS)).order_by(Room.id).with_for_update(key_share=True)
_WITH_WHOM = (
    select(Appointment.practitioner_id)
    .where(Appointment.patient_id.in_(_IDS), Appointment.practitioner_id.is_not(None))
    .distinct()
)
_OF_WHOM = (
    select(Appointment.patient_id).where(Appointment.id.in_(_IDS), Appointment.patient_id.is_not(None)).distinct()
)


def lock_practitioners(connection: Connection, ids: Collection[int]) -> None:
    if connection.dialect.name == "postgresql" and ids:
        connection.execute(_LOCK_PRACTITIONERS, {"ids": sorted(ids)}).all()


def lock_patients(connection: Connection, ids: Collection[int], practitioners: Collection[int] = ()) -> None:
    """The patients, and before them these practitioners and all whom the patients are with."""
    if connection.dialect.name != "postgresql":
        return
    held = set(practitioners) | (_with_whom(connection, ids) if ids else set())
    lock_practitioners(connection, held)
    if not ids:
        return
    connection.execute(_LOCK_PATIENTS, {"ids": sorted(ids)}).all()
    if not _with_whom(connection, ids) <= held:
        raise LookedTooEarly


def lock_patient(connection: Connection, patient_id: int) -> None:
    """For a new visit: no other visit of the patient changes with it. Its practitioner is locked already."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK_PATIENTS, {"ids": [patient_id]}).all()


def lock_all_practitioners(connection: Connection) -> None:
    lock_practitioners(connection, connection.scalars(select(Practitioner.id)).all())


def lock_before_visits(connection: Connection, ids: Collection[int]) -> None:
    """For what changes many visits at once: every practitioner, and the patients of these visits."""
    if connection.dialect.name != "postgresql":
        return
    lock_all_practitioners(connection)
    of_whom: set[int] = set()
    for batch in batches(ids, BATCH):
        of_whom.update(connection.scalars(_OF_WHOM, {"ids": batch}))
    for batch in batches(sorted(of_whom), BATCH):
        connection.execute(_LOCK_PATIENTS, {"ids": batch}).all()


def lock_rooms(connection: Connection, ids: Collection[int]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK_ROOMS, {"ids": sorted(ids)}).all()


def _with_whom(connection: Connection, patients: Collection[int]) -> set[int]:
    return set(connection.scalars(_WITH_WHOM, {"ids": list(patients)}))
